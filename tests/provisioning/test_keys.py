"""Root and centre keys as files: what protects them, and what each damage says."""

import json
import stat
from pathlib import Path

import pytest

from provisioning import keys
from provisioning.keys import KeyFault, make_key, read_root, read_secret_key, write_root, write_secret_key

PASSPHRASE = "vier rote ziegel dach"


@pytest.fixture(autouse=True)
def _cheap_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second and 128 MiB for each guess is what a thief gets, not a test."""
    monkeypatch.setattr(keys, "SCRYPT_COST", 2**4)


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_root_reads_back(tmp_path: Path, passphrase: str | None) -> None:
    key, path = make_key(), tmp_path / "root.key"
    write_root(path, key, passphrase)
    assert read_root(path, passphrase).seed() == key.seed()
    assert (json.loads(path.read_text())["salt"] is not None) == (passphrase is not None)
    assert stat.S_IMODE(path.stat().st_mode) == 0o400


def test_enciphered_root_shows_nothing_of_its_seed(tmp_path: Path) -> None:
    key, path = make_key(), tmp_path / "root.key"
    write_root(path, key, PASSPHRASE)
    content = json.loads(path.read_text())
    assert content["public_key"] == key.public.text
    assert keys._text(key.seed()) not in path.read_text()


@pytest.mark.parametrize(
    ("passphrase", "says"),
    [(None, "its passphrase is needed"), ("vier rote ziegel dacj", "the passphrase does not fit")],
)
def test_wrong_passphrase(tmp_path: Path, passphrase: str | None, says: str) -> None:
    path = tmp_path / "root.key"
    write_root(path, make_key(), PASSPHRASE)
    with pytest.raises(KeyFault, match=says):
        read_root(path, passphrase)


def test_short_passphrase_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(KeyFault, match="11 characters; at least 12"):
        write_root(tmp_path / "root.key", make_key(), "elfzeichen1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("field", ["secret", "salt", "nonce"])
def test_one_changed_character_is_damage(tmp_path: Path, field: str) -> None:
    path, damaged = tmp_path / "root.key", tmp_path / "damaged.key"
    write_root(path, make_key(), PASSPHRASE)
    content = json.loads(path.read_text())
    content[field] = ("B" if content[field][0] == "A" else "A") + content[field][1:]
    damaged.write_text(json.dumps(content))
    with pytest.raises(KeyFault, match=r"damaged\.key"):
        read_root(damaged, PASSPHRASE)


def test_exchanged_public_key_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    write_root(path, make_key(), None)
    content = json.loads(path.read_text()) | {"public_key": make_key().public.text}
    other = tmp_path / "other.key"
    other.write_text(json.dumps(content))
    with pytest.raises(KeyFault, match="does not belong to its public key"):
        read_root(other, None)


@pytest.mark.parametrize("text", ["", "{}", '{"format": 2, "public_key": "", "secret": ""}'])
def test_what_is_no_root_key(tmp_path: Path, text: str) -> None:
    path = tmp_path / "root.key"
    path.write_text(text)
    with pytest.raises(KeyFault, match=r"root\.key"):
        read_root(path, None)


def test_centre_key_reads_back(tmp_path: Path) -> None:
    key, path = make_key(), tmp_path / "command.key"
    write_secret_key(path, key)
    assert read_secret_key(path).seed() == key.seed()
    assert stat.S_IMODE(path.stat().st_mode) == 0o400


def test_a_file_is_never_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "command.key"
    write_secret_key(path, make_key())
    before = path.read_bytes()

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("provisioning.files.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_secret_key(path, make_key())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
