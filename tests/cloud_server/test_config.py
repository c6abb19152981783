"""The centre's configuration: every mistake at once, each with its key, its value and what would be right."""

import os
from pathlib import Path

import pytest

from cloud_server.authority import KeyFolder, KeysFault
from cloud_server.cli import main
from cloud_server.config import read_config
from cloud_server.config_reader import ConfigFault
from protocol.envelope import seal
from protocol.messages import Limits
from protocol.payload import write_payload
from provisioning.keys import read_root
from tests.cloud_server.site_rig import make_folder


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    make_folder(tmp_path)
    return tmp_path / "site" / "centre.toml"


def change(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def test_a_good_file(settings: Path) -> None:
    config = read_config(settings)
    assert (config.host, config.port) == ("127.0.0.1", 18_443)
    assert config.database == settings.parent / "state" / "centre.db"
    assert config.site.code == config.site.site[-4:].upper()
    assert config.limits_line is None


def test_paths_are_relative_to_the_file(settings: Path) -> None:
    change(settings, (f"sqlite:///{settings.parent}/state/centre.db", "sqlite:///state/other.db"))
    assert read_config(settings).database == settings.parent / "state" / "other.db"


def test_five_mistakes_are_named_together(settings: Path) -> None:
    change(
        settings,
        ("Asia/Shanghai", "Asia/Shangri-La"),
        ("CNY", "yuan"),
        ('listen = "127.0.0.1:18443"', 'listen = "127.0.0.1:http"\ncolour = "red"'),
        ("https://", "http://"),
        ("tls/centre.pem", "tls/nowhere.pem"),
    )
    with pytest.raises(ConfigFault) as fault:
        read_config(settings)
    found = fault.value.mistakes
    assert len(found) == 6
    for key, value, right in (
        ("site.zone", "Asia/Shangri-La", "Asia/Shanghai"),
        ("site.currency", "yuan", "CNY"),
        ("listen", "127.0.0.1:http", "127.0.0.1:18443"),
        ("colour", "red", "unknown key"),
        ("public_url", "http://127.0.0.1:18443", "https://"),
        ("tls.certificate", "nowhere.pem", "no such file"),
    ):
        assert any(key in text and value in text and right in text for text in found), key


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "state_dir is missing; right would be a folder"),
        ("listen = 5", "listen = 5: a text is needed here: an address and a port"),
        ("site = 3", "site = 3: must be a table"),
        ("x = [", "is no TOML"),
        ('format = 2\n[site]\nid = "zz"', "format = 2"),
        ('[site]\nid = "zz"', "32 lowercase hex digits"),
        ('database = "postgres://x"', "sqlite:///"),
    ],
)
def test_files_that_are_far_off(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "centre.toml"
    path.write_text(text)
    with pytest.raises(ConfigFault) as fault:
        read_config(path)
    assert any(words in mistake for mistake in fault.value.mistakes)


def load_keys(settings: Path) -> KeyFolder:
    config = read_config(settings)
    return KeyFolder(config.keys_dir, config.keys_line, config.limits_line, config.root_public, config.site.site)


def test_keys_that_others_can_read_are_refused(settings: Path) -> None:
    load_keys(settings)
    for name in ("command.key", "answer.key"):
        (settings.parent / "keys" / name).chmod(0o440)
    with pytest.raises(KeysFault) as fault:
        load_keys(settings)
    assert [mistake.rpartition(": ")[2] for mistake in fault.value.mistakes] == [
        "mode 0440 lets others read it; chmod 0400"
    ] * 2


def test_keys_of_another_user_are_refused(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = settings.parent / "keys" / "command.key"
    if os.geteuid() == 0:
        os.chown(path, 4_711, -1)
    owner = path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: 4_712)
    with pytest.raises(KeysFault) as fault:
        load_keys(settings)
    assert f"{path}: belongs to user {owner}; right would be user 4712, who runs the centre" in fault.value.mistakes


def test_keys_that_the_root_did_not_name_are_refused(settings: Path, tmp_path: Path) -> None:
    make_folder(tmp_path / "other")
    keys = settings.parent / "keys"
    other = tmp_path / "other" / "site" / "keys"
    (keys / "answer.key").unlink()
    (keys / "answer.key").write_bytes((other / "answer.key").read_bytes())
    (keys / "answer.key").chmod(0o400)
    with pytest.raises(KeysFault, match=r"does not name the public half of answer\.key"):
        load_keys(settings)
    (keys / "keys.line").chmod(0o600)
    (keys / "keys.line").write_bytes((other / "keys.line").read_bytes())
    with pytest.raises(KeysFault, match="no signature of a trusted key"):
        load_keys(settings)


def test_limits_go_to_the_boxes_that_keep_older_ones(settings: Path) -> None:
    site = read_config(settings).site.site
    root = read_root(settings.parent.parent / "root" / "root.key", None)
    limits = Limits(
        site=site,
        box="a" * 32,
        limits_generation=3,
        greatest_grant_micro=1,
        greatest_price_micro=1,
        protected_always=[],
    )
    line = seal("limits", write_payload(limits), root)
    (settings.parent / "keys" / "limits.line").write_bytes(line.raw)
    change(settings, ("root_public", 'limits_line = "keys/limits.line"\nroot_public'))
    keys = load_keys(settings)
    assert keys.limits_for("a" * 32, 2) == line
    assert keys.limits_for("a" * 32, 3) is None, "the box keeps them already"
    assert keys.limits_for("b" * 32, 0) is None, "another box's"


def test_the_terminal_says_what_is_wrong(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(settings, ("CNY", "yuan"))
    assert main(["setup", "--config", str(settings)]) == 2
    assert "site.currency = 'yuan'" in capsys.readouterr().err
    change(settings, ("yuan", "CNY"))
    assert main(["check", "--config", str(settings)]) == 2
    assert "run `cloud-server setup`" in capsys.readouterr().err
    assert main(["setup", "--config", str(settings)]) == 0
    assert "/setup/" in capsys.readouterr().out
    assert main(["check", "--config", str(settings), "--json"]) == 0
    assert '"faults": []' in capsys.readouterr().out
    assert main(["verify", "--config", str(settings)]) == 0
    assert "1 postings sum to zero: holds" in capsys.readouterr().out
    assert main(["token", "--config", str(settings), "--name", "gw", "--scopes", "read,fly"]) == 2
    assert main(["token", "--config", str(settings), "--name", "gw", "--scopes", "read,sell"]) == 0
    assert capsys.readouterr().out.startswith("tbx_")
    assert main(["claim", "--config", str(settings), "--box", "9" * 32]) == 2
    assert "does not exist" in capsys.readouterr().err
