"""The backup file: whole or refused, whatever is changed in it, and nothing of it readable without the passphrase."""

import sqlite3
from pathlib import Path

import pytest

from cloud_server.backup import DATABASE_NAME, BackupFault, make_backup, open_backup, read_passphrase

PASSPHRASE = "correct horse battery"


@pytest.fixture
def backup(original: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    copy = tmp_path / "one.backup"
    copy.write_bytes(original.read_bytes())
    copy.chmod(0o600)
    return copy


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: a key from a passphrase takes its time."""
    tmp_path = tmp_path_factory.mktemp("backup")
    database = tmp_path / "centre.db"
    with sqlite3.connect(database) as made:
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("CREATE TABLE t (v TEXT)")
        made.executemany("INSERT INTO t VALUES (?)", [("secret word " * 50,)] * 5_000)
    writer = sqlite3.connect(database)
    writer.execute("INSERT INTO t VALUES ('not committed')")
    key = tmp_path / "command.key"
    key.write_text("key material")
    to = tmp_path / "away" / "one.backup"
    made_file = make_backup(to, PASSPHRASE, database, [("keys/command.key", key)])
    writer.close()
    assert made_file.size_bytes == to.stat().st_size > 2_000_000
    return to


def test_it_comes_back_as_it_was_committed(backup: Path, tmp_path: Path) -> None:
    into = tmp_path / "back"
    into.mkdir()
    assert set(open_backup(backup, PASSPHRASE, into)) == {DATABASE_NAME, "keys/command.key"}
    assert (into / "keys" / "command.key").read_text() == "key material"
    with sqlite3.connect(into / DATABASE_NAME) as found:
        assert found.execute("SELECT count(*) FROM t").fetchone() == (5_000,)
    assert b"secret word" not in backup.read_bytes()


def test_it_is_nobody_elses_and_leaves_nothing_beside_it(original: Path) -> None:
    assert original.stat().st_mode & 0o077 == 0
    assert [path.name for path in original.parent.iterdir()] == ["one.backup"]


def cut(body: bytes) -> bytes:
    return body[:-1]


def longer(body: bytes) -> bytes:
    return body + b"x"


def flipped_early(body: bytes) -> bytes:
    return body[:500] + bytes([body[500] ^ 1]) + body[501:]


def flipped_late(body: bytes) -> bytes:
    return body[:-40] + bytes([body[-40] ^ 1]) + body[-39:]


def weaker(body: bytes) -> bytes:
    return body.replace(b'"n": 65536', b'"n": 32768', 1)


def greedy(body: bytes) -> bytes:
    return body.replace(b'"n": 65536', b'"n": 99999999999', 1)


def without_a_piece(body: bytes) -> bytes:
    """The first piece taken out: each is bound to its number."""
    head = body.index(b"\n") + 1
    length = int.from_bytes(body[head : head + 4], "big")
    return body[:head] + body[head + 5 + length :]


@pytest.mark.parametrize("change", [cut, longer, flipped_early, flipped_late, weaker, greedy, without_a_piece])
def test_a_changed_file_is_refused(backup: Path, tmp_path: Path, change: object) -> None:
    assert callable(change)
    backup.write_bytes(change(backup.read_bytes()))
    into = tmp_path / "back"
    into.mkdir()
    with pytest.raises(BackupFault):
        open_backup(backup, PASSPHRASE, into)


def test_a_wrong_passphrase_and_another_file_are_refused_in_words(backup: Path, tmp_path: Path) -> None:
    into = tmp_path / "back"
    into.mkdir()
    with pytest.raises(BackupFault, match="the passphrase is wrong"):
        open_backup(backup, "wrong horse battery", into)
    other = tmp_path / "other"
    other.write_text("hello\n")
    with pytest.raises(BackupFault, match="does not begin as a backup does"):
        open_backup(other, PASSPHRASE, into)


def test_a_passphrase_file_is_nobody_elses(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_text("a long passphrase\n")
    file.chmod(0o644)
    with pytest.raises(BackupFault, match="others can read it"):
        read_passphrase(file)
    file.chmod(0o400)
    assert read_passphrase(file) == "a long passphrase"
    short = tmp_path / "short"
    short.write_text("short")
    short.chmod(0o400)
    with pytest.raises(BackupFault, match="at least 12"):
        read_passphrase(short)
