"""`provision init` by its command line: what it makes, that it can be repeated, and what it refuses."""

import json
import ssl
import stat
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from protocol.envelope import check_signature, read_line
from protocol.messages import Keys
from protocol.payload import read_payload
from protocol.signing import public_key_from_text
from provisioning import keys
from provisioning.cli import main
from provisioning.keys import read_root, read_secret_key

Run = Callable[..., tuple[int, dict[str, Any]]]
URL = "https://centre.example:18443"


@pytest.fixture(autouse=True)
def _cheap_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "SCRYPT_COST", 2**4)


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run init on one folder with JSON output; further words as given."""

    def run_init(*words: str, secret: tuple[str, ...] = ("--no-passphrase",)) -> tuple[int, dict[str, Any]]:
        base = ["init", "--dir", str(tmp_path / "site"), "--site", "Riverside", "--url", URL, "--yes", "--json"]
        code = main([*base, *secret, *words])
        return code, json.loads(capsys.readouterr().out)

    return run_init


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_everything_is_made_once(run: Run, tmp_path: Path) -> None:
    code, said = run()
    assert code == 0
    assert len(said["made"]) == 10
    before = files(tmp_path)
    code, said = run()
    assert (code, said["made"], len(said["there"])) == (0, [], 10)
    assert files(tmp_path) == before


def test_root_signs_the_centres_keys(run: Run, tmp_path: Path) -> None:
    run()
    folder = tmp_path / "site"
    root = public_key_from_text((folder / "keys" / "root.pub").read_text().strip())
    line = read_line((folder / "keys" / "keys.line").read_bytes().rstrip(b"\n"))
    assert check_signature(line, {root.keyid: root}) == root
    content = read_payload(line.payload, Keys)
    settings = tomllib.loads((folder / "centre.toml").read_text())
    assert content.site == settings["site"]["id"]
    assert content.key_generation == 1
    assert content.command_keys == [read_secret_key(folder / "keys" / "command.key").public.text]
    assert content.answer_keys == [read_secret_key(folder / "keys" / "answer.key").public.text]
    assert content.command_keys != content.answer_keys


def test_secrets_are_their_owners_alone(run: Run, tmp_path: Path) -> None:
    run()
    folder = tmp_path / "site"
    for name in ("keys/command.key", "keys/answer.key", "keys/ca.key", "tls/centre.key", "root/root.key"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o400, name
    for name in (".", "keys", "tls", "root", "state", "journal"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o700, name


@pytest.mark.parametrize("host", ["centre.example", "localhost", "127.0.0.1"])
def test_certificate_serves_its_names_to_who_trusts_the_ca(run: Run, tmp_path: Path, host: str) -> None:
    run()
    handshake(tmp_path / "site", tmp_path / "site" / "keys" / "ca.pem", host)


def test_certificate_serves_no_other_name_and_no_other_trust(run: Run, tmp_path: Path) -> None:
    run()
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        handshake(tmp_path / "site", tmp_path / "site" / "keys" / "ca.pem", "other.example")
    main(["init", "--dir", str(tmp_path / "b"), "--site", "B", "--url", URL, "--yes", "--json", "--no-passphrase"])
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tmp_path / "site", tmp_path / "b" / "keys" / "ca.pem", "centre.example")


def handshake(site: Path, ca_file: Path, host: str) -> None:
    """A TLS 1.3 handshake in memory, with the strictest checks that OpenSSL has."""
    client_trust = ssl.create_default_context(cafile=str(ca_file))
    client_trust.verify_flags |= ssl.VERIFY_X509_STRICT
    client_trust.minimum_version = ssl.TLSVersion.TLSv1_3
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(site / "tls" / "centre.pem", site / "tls" / "centre.key")
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_trust.wrap_bio(down, up, server_hostname=host)
    server = served.wrap_bio(up, down, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client.version() == "TLSv1.3"


def test_openssl_finds_the_chain_good(run: Run, tmp_path: Path) -> None:
    run()
    folder = tmp_path / "site"
    ca_file, own = str(folder / "keys" / "ca.pem"), str(folder / "tls" / "centre.pem")
    words = ["openssl", "verify", "-x509_strict", "-CAfile", ca_file, own]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stdout.strip().endswith(": OK"), done.stdout + done.stderr


def test_an_interrupted_run_goes_on(run: Run, tmp_path: Path) -> None:
    run()
    folder = tmp_path / "site"
    (folder / "keys" / "keys.line").unlink()
    (folder / "tls" / "centre.pem").unlink()
    before = files(folder)
    code, said = run()
    assert code == 0
    assert {Path(path).name for path in said["made"]} == {"keys.line", "centre.pem"}
    after = files(folder)
    assert {name: after[name] for name in before} == before


def test_the_root_may_be_in_its_safe(run: Run, tmp_path: Path) -> None:
    run()
    (tmp_path / "site" / "root" / "root.key").rename(tmp_path / "safe.key")
    assert run()[0] == 0
    (tmp_path / "site" / "keys" / "keys.line").unlink()
    code, said = run()
    assert code == 1
    assert "root.key" in said["error"]


def test_another_sites_root_is_refused(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run()
    main(["init", "--dir", str(tmp_path / "b"), "--site", "B", "--url", URL, "--yes", "--json", "--no-passphrase"])
    (tmp_path / "site" / "keys" / "keys.line").unlink()
    (tmp_path / "site" / "root" / "root.key").unlink()
    (tmp_path / "b" / "root" / "root.key").rename(tmp_path / "site" / "root" / "root.key")
    capsys.readouterr()
    code, said = run()
    assert code == 1
    assert "the root of another site" in said["error"]


def test_what_is_lost_is_named(run: Run, tmp_path: Path) -> None:
    run()
    (tmp_path / "site" / "keys" / "command.key").unlink()
    before = files(tmp_path)
    code, said = run()
    assert code == 1
    assert "command.key" in said["error"]
    assert files(tmp_path) == before


def test_with_a_passphrase(run: Run, tmp_path: Path) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text("vier rote ziegel dach\n")
    code, _ = run(secret=("--passphrase-file", str(secret)))
    assert code == 0
    read_root(tmp_path / "site" / "root" / "root.key", "vier rote ziegel dach")


def test_without_a_word_on_the_passphrase_nothing_is_made(run: Run, tmp_path: Path) -> None:
    code, said = run(secret=())
    assert code == 2
    assert "--passphrase-file" in said["error"]
    assert files(tmp_path) == {}


def test_dry_run_makes_nothing(run: Run, tmp_path: Path) -> None:
    code, said = run("--dry-run")
    assert (code, said["made"], len(said["missing"])) == (0, [], 10)
    assert list(tmp_path.iterdir()) == []


def test_all_wrong_options_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["init", "--dir", str(tmp_path), "--site", "", "--url", "http://centre/path", "--zone", "Asia/Shangai"]
    code = main([*words, "--currency", "yuan", "--listen", "18443", "--json", "--no-passphrase"])
    said = json.loads(capsys.readouterr().out)
    assert code == 2
    text = "\n".join(said["errors"])
    for part in ("--site: ''", "'http://centre/path'", "'Asia/Shangai'", "'yuan'", "'18443'", "right would be"):
        assert part in text
    assert len(said["errors"]) == 6


def test_a_root_without_passphrase_is_said_loudly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", "--dir", str(tmp_path), "--site", "A", "--url", URL, "--yes", "--no-passphrase"])
    shown = capsys.readouterr().out
    assert "!! THE ROOT KEY HAS NO PASSPHRASE" in shown
    assert "to make   site root key" in shown
