"""A stick that is plugged in: what the centre wrote on it is taken in, what the box has is written on it, by itself.

One thread looks every two seconds. What a file may do is decided by the owner thread, exactly as for
`edge-agent courier import`; here are only files. A stick is done once, and again when it was out, or its files changed.
"""

import errno
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from edge_agent.agent.stick_files import Seen, StickFolder, open_stick, sticks_below
from edge_agent.flows.courier import RESULT_ENDING, words_of
from protocol.courier import FILE_BYTES_MAX, box_of_name, box_that_wrote
from protocol.ids import Id

EVERY_S: Final = 2.0
"""How soon a stick is noticed; a file that did not change between two looks is whole."""
SUMMARY: Final = "result-box-{box}.txt"

log = logging.getLogger(__name__)

Ask = Callable[[str, Mapping[str, object]], Mapping[str, Any]]
"""Ask the owner thread, as through the local socket. Raises TimeoutError where it does not answer."""


@dataclass(slots=True)
class StickWatch:
    """Minds the sticks below some folders, for one box."""

    box: Id
    folders: tuple[Path, ...]
    ask: Ask
    take_bundle: Callable[[StickFolder, str], str | None] = lambda _folder, _name: None
    """Given a file that is neither ours nor lines: what came of it in words, or None where it is nothing of ours."""
    _done: dict[Path, tuple[Seen, ...]] = field(default_factory=dict)
    """By stick: its files as they were left."""
    _seen: dict[Path, tuple[Seen, ...]] = field(default_factory=dict)
    """By stick: its files at the last look."""
    _faults: dict[Path, str | None] = field(default_factory=dict)
    """By stick: what it failed of, told once."""
    _ending: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look; nothing where there is no folder to look at."""
        if self.folders:
            self._thread = threading.Thread(target=self._run, name="stick", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Look no more. A stick that is being written is left as it is: each of its files is whole or not there."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(1.0)

    def allow_bundles(self, take_bundle: Callable[[StickFolder, str], str | None]) -> None:
        """From now on bundles are taken too: what is plugged in already is looked at once more."""
        self.take_bundle = take_bundle
        self._done.clear()

    def _run(self) -> None:
        while not self._ending.wait(EVERY_S):
            self.look()

    def look(self) -> None:
        """One look at all sticks; what goes wrong with one concerns no other."""
        there = sticks_below(self.folders)
        for gone in set(self._seen) - set(there):
            self._seen.pop(gone)
            self._done.pop(gone, None)
            self._faults.pop(gone, None)
        for root in there:
            try:
                with open_stick(root) as stick:
                    if stick is not None:
                        self._look_at(root, stick)
            except OSError as fault:
                # Not tried again before it was out or looks different: a broken one would fill the log.
                self._done[root] = self._seen.setdefault(root, ())
                if self._faults.get(root) != fault.strerror:
                    log.warning("stick_fault", extra={"fields": {"stick": root.name, "reason": fault.strerror}})
                self._faults[root] = fault.strerror

    def _look_at(self, root: Path, stick: StickFolder) -> None:
        files = tuple(stick.files())
        before = self._seen.get(root)
        self._seen[root] = files
        if files != before or files == self._done.get(root):
            return
        told = self._read(stick, files)
        told += self._write(stick)
        self._leave(stick, SUMMARY.format(box=self.box), told)
        self._seen[root] = self._done[root] = tuple(stick.files())
        log.info("stick_done", extra={"fields": {"stick": root.name, "files": len(files)}})

    def _read(self, stick: StickFolder, files: tuple[Seen, ...]) -> list[str]:
        """Take in what is named for this box, oldest first."""
        told = []
        for seen in files:
            if box_of_name(seen.name) == self.box:
                words = self._take(stick, seen.name)
                self._leave(stick, f"{seen.name}{RESULT_ENDING}", words)
                told += [f"{seen.name}:", *(f"  {text}" for text in words)]
            elif box_that_wrote(seen.name) is None:
                came = self.take_bundle(stick, seen.name)
                if came is not None:
                    self._leave(stick, f"{seen.name}{RESULT_ENDING}", [came])
                    told.append(f"{seen.name}: {came}")
        return told

    def _take(self, stick: StickFolder, name: str) -> list[str]:
        body = stick.read(name, FILE_BYTES_MAX)
        if body is None:
            return [f"not taken: more than {FILE_BYTES_MAX} bytes; a courier file is shorter"]
        try:
            answer = self.ask("courier_import", {"text": body.decode("ascii", "replace")})
        except TimeoutError:
            return ["not taken: the agent was busy; plug the stick in once more"]
        return [str(answer["error"])] if "error" in answer else [words_of(line) for line in answer["lines"]]

    def _write(self, stick: StickFolder) -> list[str]:
        """Write what the centre has not acknowledged; what an earlier visit left of it is taken away."""
        told, names = [], set()
        after: object = None
        try:
            while "error" not in (piece := self.ask("courier_export", {"after": after})) and piece["lines"]:
                stick.write(piece["name"], "".join(f"{line}\n" for line in piece["lines"]).encode("ascii"))
                names.add(piece["name"])
                after = piece["last"]
                told.append(f"{piece['name']}: written, {len(piece['lines'])} batches")
            if "error" in piece:
                told.append(f"not all was written: {piece['error']}")
            for seen in stick.files():
                if box_that_wrote(seen.name) == self.box and seen.name not in names:
                    stick.remove(seen.name)
        except TimeoutError:
            told.append("not all was written: the agent was busy; plug the stick in once more")
        except OSError as fault:
            if fault.errno not in _STILL_THERE:
                raise
            told.append(f"not all was written: {fault.strerror}")
        return told or ["nothing to carry away: the centre has acknowledged all that is sealed"]

    def _leave(self, stick: StickFolder, name: str, words: list[str]) -> None:
        """A result for whoever carries the stick back; where none can be written, the log has it."""
        try:
            stick.write(name, "".join(f"{text}\n" for text in words).encode())
        except OSError as fault:
            log.warning("stick_without_result", extra={"fields": {"file": name, "reason": fault.strerror}})
            if fault.errno not in _STILL_THERE:
                raise


_STILL_THERE: Final = frozenset({errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.EDQUOT, errno.EFBIG})
"""The stick is there and takes nothing. Every other fault says that it was pulled out or is broken."""
