"""A stick by itself: read and written once, whatever lies on it, however it is pulled out. The owner is played."""

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from edge_agent.agent.stick import SUMMARY, StickWatch
from edge_agent.agent.stick_files import StickFolder, open_stick, sticks_below
from protocol.courier import FILE_BYTES_MAX, name_from_box, name_to_box
from tests.edge_agent.core.street import BOX

OURS = name_to_box(BOX, 1, 1)


@dataclass
class Played:
    """An owner that takes every line and has one batch to carry away."""

    taken: list[str] = field(default_factory=list)
    batches: list[str] = field(default_factory=lambda: ["a batch"])
    busy: bool = False

    def ask(self, op: str, arguments: Mapping[str, object]) -> Mapping[str, Any]:
        if self.busy:
            raise TimeoutError
        if op == "courier_import":
            self.taken.append(str(arguments["text"]))
            return {"lines": [{"line": 1, "type": "command", "seq": 7, "outcome": "taken", "result": "done"}]}
        after = arguments["after"]
        if after is not None or not self.batches:
            return {"lines": []}
        return {"name": name_from_box(BOX, 1, 1, len(self.batches)), "lines": self.batches, "last": [1, 1]}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder that is named in box.toml and holds a stick's folder of its own."""
    (tmp_path / "stick" / "tallybox").mkdir(parents=True)
    return tmp_path / "stick"


@pytest.fixture
def owner() -> Played:
    return Played()


@pytest.fixture
def watch(root: Path, owner: Played) -> StickWatch:
    return StickWatch(BOX, (root,), owner.ask)


def looks(watch: StickWatch, count: int = 3) -> None:
    for _ in range(count):
        watch.look()


def names(root: Path) -> set[str]:
    return {path.name for path in (root / "tallybox").iterdir()}


def test_what_is_for_this_box_is_taken_once_and_results_are_left(root: Path, owner: Played, watch: StickWatch) -> None:
    (root / "tallybox" / OURS).write_text("lines\n")
    (root / "tallybox" / name_to_box("f" * 32, 1, 1)).write_text("another's\n")
    (root / "tallybox" / "notes.txt").write_text("shopping list\n")
    looks(watch, 8)
    assert owner.taken == ["lines\n"]
    assert "line 1: command 7: taken done" in (root / "tallybox" / f"{OURS}.result.txt").read_text()
    assert (root / "tallybox" / name_from_box(BOX, 1, 1, 1)).read_text() == "a batch\n"
    summary = (root / "tallybox" / SUMMARY.format(box=BOX)).read_text()
    assert OURS in summary
    assert "written, 1 batches" in summary
    assert not [name for name in names(root) if name.endswith(".part")]


def test_a_file_that_is_still_being_copied_waits_until_it_stands_still(
    root: Path, owner: Played, watch: StickWatch
) -> None:
    watch.look()
    (root / "tallybox" / OURS).write_text("li")
    watch.look()
    (root / "tallybox" / OURS).write_text("lines\n")
    watch.look()
    assert owner.taken == []
    looks(watch)
    assert owner.taken == ["lines\n"]


def test_a_stick_that_comes_again_is_read_again_and_its_old_files_of_ours_go(
    root: Path, owner: Played, watch: StickWatch, tmp_path: Path
) -> None:
    looks(watch)
    first = name_from_box(BOX, 1, 1, 1)
    assert first in names(root)
    owner.batches = ["a batch", "another"]
    root.rename(tmp_path / "pocket")
    looks(watch)
    (tmp_path / "pocket").rename(root)
    looks(watch)
    assert first not in names(root)
    assert (root / "tallybox" / name_from_box(BOX, 1, 1, 2)).read_text() == "a batch\nanother\n"


def test_links_pipes_and_folders_lead_nowhere(root: Path, owner: Played, watch: StickWatch, tmp_path: Path) -> None:
    """Nothing outside the stick is read through it, and nothing outside it is written."""
    secret = tmp_path / "secret"
    secret.write_text("a key")
    folder = root / "tallybox"
    (folder / OURS).symlink_to(secret)
    (folder / name_to_box(BOX, 2, 2)).mkdir()
    os.mkfifo(folder / name_to_box(BOX, 3, 3))
    (folder / name_from_box(BOX, 1, 1, 1)).symlink_to(secret)
    (folder / f"{name_from_box(BOX, 1, 1, 1)}.part").symlink_to(secret)
    (folder / SUMMARY.format(box=BOX)).symlink_to(secret)
    looks(watch)
    assert owner.taken == []
    assert secret.read_text() == "a key"
    assert not (folder / SUMMARY.format(box=BOX)).is_symlink(), "put in place of the link, not through it"


def test_a_stick_whose_folder_is_a_link_is_none(tmp_path: Path, owner: Played) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / OURS).write_text("lines\n")
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "tallybox").symlink_to(tmp_path / "elsewhere")
    looks(StickWatch(BOX, (tmp_path / "media",), owner.ask))
    assert owner.taken == []
    with open_stick(tmp_path / "media") as found:
        assert found is None


def test_a_file_without_end_is_not_read(root: Path, owner: Played, watch: StickWatch) -> None:
    with (root / "tallybox" / OURS).open("wb") as file:
        file.truncate(FILE_BYTES_MAX + 1)
    looks(watch)
    assert owner.taken == []
    assert "not taken" in (root / "tallybox" / f"{OURS}.result.txt").read_text()


def test_a_busy_agent_says_so(root: Path, owner: Played, watch: StickWatch) -> None:
    (root / "tallybox" / OURS).write_text("lines\n")
    owner.busy = True
    looks(watch)
    assert "busy" in (root / "tallybox" / SUMMARY.format(box=BOX)).read_text()


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EROFS])
def test_a_stick_that_takes_nothing_is_read_all_the_same(
    root: Path, owner: Played, watch: StickWatch, fault: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: StickFolder, name: str, body: bytes) -> None:
        raise OSError(fault, os.strerror(fault), name)

    monkeypatch.setattr(StickFolder, "write", refuse)
    (root / "tallybox" / OURS).write_text("lines\n")
    looks(watch, 6)
    assert owner.taken == ["lines\n"]
    assert names(root) == {OURS}


def test_one_that_is_pulled_out_in_the_middle_leaves_no_half_file_and_is_tried_when_it_comes_again(
    root: Path, owner: Played, watch: StickWatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = os.fsync

    def pulled(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", pulled)
    looks(watch, 6)
    assert names(root) == set()
    monkeypatch.setattr(os, "fsync", whole)
    root.rename(tmp_path / "pocket")
    watch.look()
    (tmp_path / "pocket").rename(root)
    looks(watch)
    assert name_from_box(BOX, 1, 1, 1) in names(root)


def test_only_what_is_mounted_there_counts_below_a_folder(tmp_path: Path) -> None:
    """A folder that was left behind where sticks are mounted is no stick."""
    (tmp_path / "usb" / "tallybox").mkdir(parents=True)
    assert sticks_below((tmp_path,)) == []
    assert sticks_below((Path("/"),)) != [], "what is mounted below is found"


def test_looks_at_unchanged_mounts_make_no_new_paths() -> None:
    """A look each two seconds for a year: paths that come and go make the table of interned strings grow."""
    first, second = sticks_below((Path("/"),)), sticks_below((Path("/"),))
    assert [id(point) for point in first] == [id(point) for point in second]
