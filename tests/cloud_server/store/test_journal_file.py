"""The journal file: flushed lines, its length, torn ends, and faults that say where."""

import os
from pathlib import Path

import pytest

from cloud_server.ports import JournalFault
from cloud_server.store.journal_file import FILE_NAME, JournalFile


def test_lines_are_appended_and_the_length_told(tmp_path: Path) -> None:
    journal = JournalFile(tmp_path / "disk" / "journal")
    assert journal.length() is None
    assert journal.append([b"one", b"two"]) == 8
    assert journal.append([b"three"]) == 14 == journal.length()
    journal.close()
    again = JournalFile(tmp_path / "disk" / "journal")
    assert again.append([b"four"]) == 19
    assert again.path.read_bytes() == b"one\ntwo\nthree\nfour\n"
    assert again.path.stat().st_mode & 0o777 == 0o600


def test_a_torn_line_is_ended_first(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"whole\nto")
    assert JournalFile(tmp_path).append([b"next"]) == len(b"whole\nto\nnext\n")


def test_a_flush_is_asked_for_every_append(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []
    real = os.fsync

    def counted(descriptor: int) -> None:
        flushed.append(descriptor)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", counted)
    journal = JournalFile(tmp_path)
    journal.append([b"one"])
    journal.append([b"two"])
    assert len(flushed) == 3  # the folder once, for the new name; the file twice


def test_a_fault_names_the_file_and_the_next_append_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = JournalFile(tmp_path)
    journal.append([b"one"])

    def fails(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fails)
        with pytest.raises(JournalFault, match=rf"{FILE_NAME}: Input/output error"):
            journal.append([b"two"])
    assert journal.append([b"two"]) == journal.length()
    assert journal.path.read_bytes().splitlines()[-1] == b"two"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(JournalFault):
        JournalFile(tmp_path / "file" / "journal").append([b"one"])
