"""Plan files on disk, in TOML, JSON or a workbook: takes in the tariff and profile texts that they name, keeps ids.

Beside `street.toml` lies `street.ids.json` with the id of each label. It belongs to the plan: without it the same
labels would get new ids, and the centre would see another site.
"""

import json
import secrets
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from protocol.box_config import text_hash
from protocol.ids import make_id
from protocol.plan_labels import IdBook, Mistake, give_ids, read_plan
from protocol.reason import Reason
from protocol.site_plan import SitePlan
from provisioning.files import SETTINGS_MODE, write_file
from provisioning.workbook import files as workbook

_TEXT_LISTS: Final = ("tariffs", "profiles")
"""Parts of a plan whose entries carry a text, or name the file that it stands in."""
UNREADABLE: Final = Reason("cannot be read: %(fault)s")
"""Said at the terminal alone."""


class PlanFault(Exception):
    """The file cannot be read at all."""


class PlanFile:
    """A plan file as it was read: the plan or its mistakes, and the ids that its labels have."""

    def __init__(self, path: Path) -> None:
        """Read and check a plan. Raises PlanFault for a file that is none of the three, or not there."""
        self.path = path
        self.ids_path = path.with_suffix(".ids.json")
        self._known = _read_ids(self.ids_path)
        self.plan: SitePlan | None = None
        labelled, mistakes = _read(path)
        with_texts = _take_in_texts(labelled, path.parent, mistakes)
        if path.suffix in workbook.SUFFIXES and mistakes:
            self.ids, self.mistakes = self._known, mistakes
            return
        with_ids, self.ids = give_ids(with_texts, self._known, new_id)
        self.plan, found = read_plan(with_ids, self.ids)
        self.mistakes = mistakes + found

    @property
    def new_labels(self) -> int:
        """How many labels have an id that is not kept yet."""
        return sum(len(labels) for labels in self.ids.values()) - sum(len(labels) for labels in self._known.values())

    def keep_ids(self) -> None:
        """Write the ids beside the plan; to be done before they are sent anywhere."""
        if self.new_labels:
            write_file(self.ids_path, msgspec.json.format(msgspec.json.encode(self.ids)) + b"\n", SETTINGS_MODE)
            self._known = self.ids


def new_id() -> str:
    """A new id, from the machine's clock and randomness."""
    return make_id(time.time_ns() // 1_000_000, secrets.token_bytes(10))


def _read(path: Path) -> tuple[Any, list[Mistake]]:
    """The plan with labels, and what a workbook says that cannot be taken."""
    if path.suffix in workbook.SUFFIXES:
        try:
            return workbook.labels_of(path)
        except workbook.WorkbookFault as fault:
            raise PlanFault(str(fault)) from None
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise PlanFault(f"{path}: cannot be read: {fault}") from None
    try:
        return (json.loads(text) if path.suffix == ".json" else tomllib.loads(text)), []
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as fault:
        raise PlanFault(f"{path}: {fault}") from None


def _read_ids(path: Path) -> IdBook:
    if not path.exists():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=IdBook)
    except msgspec.MsgspecError as fault:
        raise PlanFault(f"{path}: the ids of the plan are damaged ({fault}); bring them back from a copy") from None


def _take_in_texts(plan: Any, folder: Path, mistakes: list[Mistake]) -> Any:
    """The plan with `text` and `hash` in place of `file` in its tariffs and profiles."""
    if not isinstance(plan, Mapping):
        return plan
    taken = dict(plan)
    for part in _TEXT_LISTS:
        if isinstance(plan.get(part), list):
            taken[part] = [
                _take_in_text(entry, folder, f"{part}[{number}]", mistakes)
                for number, entry in enumerate(plan[part], start=1)
            ]
    return taken


def _take_in_text(entry: Any, folder: Path, place: str, mistakes: list[Mistake]) -> Any:
    if not isinstance(entry, Mapping):
        return entry
    taken = dict(entry)
    name = taken.get("file")
    if isinstance(name, str):
        del taken["file"]
        try:
            taken["text"] = (folder / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as fault:
            mistakes.append(Mistake(f"{place}.file", repr(name), UNREADABLE(fault=fault)))
            taken["text"] = ""
    if isinstance(taken.get("text"), str):
        taken.setdefault("hash", text_hash(taken["text"]))
    return taken
