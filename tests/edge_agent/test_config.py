"""box.toml and claim: every mistake at once, with file, key, value and what would be right."""

import hashlib
import ssl
from pathlib import Path

import pytest

from edge_agent.config import BadConfig, BusPort, PortKind, read_box_file, read_claim
from protocol.signing import signing_key

GOOD = """
state_dir = "state"
claim = "claim.toml"
[bus.A1-1]
serial = "/dev/ttyS1"
[bus.A1-2]
tcp = "192.0.2.7:4001"
[bus.A1-3]
modbus_tcp = "192.0.2.7:502"
[limits]
greatest_grant_micro = 5000000
[sync]
wait_s = 20
"""
CA_DER = b"a certificate, as far as this file looks into it"
CA_PEM = ssl.DER_cert_to_PEM_cert(CA_DER)
ROOT = signing_key(b"r" * 32).public.text


def box_toml(folder: Path, text: str) -> Path:
    path = folder / "box.toml"
    path.write_text(text, encoding="utf-8")
    return path


def claim_toml(folder: Path, **changes: str) -> Path:
    fields = {
        "format": "1",
        "site": f'"{"1" * 32}"',
        "box": f'"{"2" * 32}"',
        "box_name": '"A1"',
        "centre": '"https://127.0.0.1:18443"',
        "ca_sha256": f'"{hashlib.sha256(CA_DER).hexdigest()}"',
        "root_key": f'"{ROOT}"',
        "token": f'"{"3" * 32}"',
        "expires_at_ms": "1",
        "ca_pem": f'"""{CA_PEM}"""',
    } | changes
    path = folder / "claim.toml"
    path.write_text("\n".join(f"{key} = {value}" for key, value in fields.items() if value), encoding="utf-8")
    return path


def test_a_good_file_is_read_and_its_paths_are_those_beside_it(tmp_path: Path) -> None:
    found = read_box_file(box_toml(tmp_path, GOOD))
    assert found.state_dir == tmp_path / "state"
    assert found.claim == tmp_path / "claim.toml"
    assert found.buses == {
        "A1-1": BusPort(PortKind.SERIAL, "/dev/ttyS1"),
        "A1-2": BusPort(PortKind.TCP, "192.0.2.7:4001"),
        "A1-3": BusPort(PortKind.MODBUS_TCP, "192.0.2.7:502"),
    }
    assert found.limits.greatest_grant_micro == 5_000_000
    assert found.wait_s == 20


def test_five_mistakes_are_named_all_five(tmp_path: Path) -> None:
    path = box_toml(
        tmp_path,
        """
stat_dir = "state"
[bus.A1-1]
serial = "ttyS1"
[bus.A1-2]
tcp = "192.0.2.7:99999"
[limits]
greatest_grant_micro = "plenty"
[sync]
wait_s = 60
""",
    )
    with pytest.raises(BadConfig) as caught:
        read_box_file(path)
    told = "\n".join(caught.value.mistakes)
    for key, value, right in (
        ("state_dir", "is missing", "/var/lib/tallybox"),
        ("stat_dir", "'state'", "perhaps 'state_dir' is meant"),
        ("[bus.A1-1] serial", "'ttyS1'", "an absolute path"),
        ("[bus.A1-2] tcp", "'192.0.2.7:99999'", "1 to 65535"),
        ("[limits] greatest_grant_micro", "'plenty'", "a whole number"),
        ("[sync] wait_s", "60", "from 0 to 25"),
    ):
        line = next(line for line in caught.value.mistakes if f" {key} " in line)
        assert line.startswith(f"{path}: ")
        assert value in line, told
        assert right in line, told
    assert len(caught.value.mistakes) == 6


@pytest.mark.parametrize(
    ("bus", "key"),
    [
        ("[bus.B]", "serial"),
        ('[bus.B]\nserial = "/dev/x"\ntcp = "h:1"', "tcp"),
        ('[bus.B]\ntcp = "host"', "tcp"),
        ('[bus.B]\nmodbus_tcp = ":1"', "modbus_tcp"),
        ('[bus.B]\nserial = "/dev/x"\nbaud = 9600', "baud"),
        ('[bus.B]\nserial = "/dev/x"\n[bus.C]\nserial = "/dev/x"', "serial"),
        ("[bus.B]\nserial = true", "serial"),
    ],
)
def test_a_bus_has_exactly_one_port_of_its_own(tmp_path: Path, bus: str, key: str) -> None:
    with pytest.raises(BadConfig) as caught:
        read_box_file(box_toml(tmp_path, f'state_dir = "s"\n{bus}\n'))
    (mistake,) = caught.value.mistakes
    assert f"] {key} " in mistake


@pytest.mark.parametrize("text", ["state_dir = ", "a = 1\n\x00", 'state_dir = "a"\nstate_dir = "b"'])
def test_what_is_no_toml_is_said_with_its_place(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadConfig, match=r"box\.toml: no TOML: .*\(at "):
        read_box_file(box_toml(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"nowhere\.toml: No such file"):
        read_box_file(tmp_path / "nowhere.toml")


def test_a_good_claim_is_read(tmp_path: Path) -> None:
    claim = read_claim(claim_toml(tmp_path))
    assert (claim.site, claim.box, claim.box_name) == ("1" * 32, "2" * 32, "A1")
    assert claim.ca_pem.strip() == CA_PEM.strip()


@pytest.mark.parametrize(
    ("key", "value", "right"),
    [
        ("format", "2", "a newer edge-agent"),
        ("site", '"x"', "32 lowercase hex digits"),
        ("centre", '"http://127.0.0.1"', "https://"),
        ("centre", '"https://"', "https://"),
        ("centre", '"https://h:port"', "https://"),
        ("ca_sha256", f'"{"0" * 64}"', "the file was changed"),
        ("ca_pem", '"no pem"', "one certificate in PEM"),
        ("root_key", '"AAAA"', "32 bytes in base64"),
        ("root_key", f'"{"A" * 43}="', "small order"),
        ("token", "", "is missing"),
        ("expires_at_ms", '"soon"', "UTC milliseconds"),
    ],
)
def test_a_mistake_in_a_claim_is_named(tmp_path: Path, key: str, value: str, right: str) -> None:
    with pytest.raises(BadConfig) as caught:
        read_claim(claim_toml(tmp_path, **{key: value}))
    (mistake,) = caught.value.mistakes
    assert f"claim.toml: {key} " in mistake
    assert right in mistake


def test_the_token_is_never_shown(tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as caught:
        read_claim(claim_toml(tmp_path, token='"secret-token"'))
    assert "secret-token" not in str(caught.value)
