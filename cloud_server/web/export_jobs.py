"""Large workbooks made behind the page: one at a time, each with its progress, kept for an hour for whoever asked.

They lie in a folder of their own outside memory, which goes with the program.
"""

import shutil
import tempfile
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Literal, overload

from cloud_server.exports.workbook import Cell
from protocol.units import Ms

KEPT_MS: Final = 3_600_000
"""A workbook lies ready for an hour; the report can be made again at any time."""
KEPT_MOST: Final = 20
"""Workbooks of all people together: each is a few megabytes on disk."""
JobState = Literal["waiting", "working", "ready", "failed"]


@dataclass(slots=True)
class ExportJob:
    """One workbook in the making. `done_rows` moves while it is written."""

    job: str
    owner: str
    title: str
    file_name: str
    asked_at_ms: Ms
    state: JobState = "waiting"
    done_rows: int = 0
    rows: int = 0
    file: Path | None = None
    """Where it lies when it is ready."""

    def count(self, rows: Sequence[Sequence[Cell]]) -> "CountedRows":
        """Rows that are counted as they are written."""
        self.rows += len(rows)
        return CountedRows(rows, self)


class CountedRows(Sequence[Sequence[Cell]]):
    """Rows of a sheet; reading them moves the job's progress."""

    def __init__(self, rows: Sequence[Sequence[Cell]], job: ExportJob) -> None:
        self._rows = rows
        self._job = job

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Sequence[Cell]: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Sequence[Cell]]: ...

    def __getitem__(self, index: int | slice) -> Sequence[Cell] | Sequence[Sequence[Cell]]:
        return self._rows[index]

    def __iter__(self) -> Iterator[Sequence[Cell]]:
        for row in self._rows:
            self._job.done_rows += 1
            yield row


class ExportJobs:
    """Makes workbooks one at a time, so that a month's end does not slow the desk."""

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="export")
        self._jobs: OrderedDict[str, ExportJob] = OrderedDict()
        self._lock = threading.Lock()
        self._folder: Path | None = None

    def start(self, job: ExportJob, make: Callable[[ExportJob, IO[bytes]], None]) -> None:
        """Begin to make a workbook as soon as those before it are made."""
        with self._lock:
            self._jobs[job.job] = job
            old = [name for name, kept in self._jobs.items() if job.asked_at_ms - kept.asked_at_ms > KEPT_MS]
            surplus = len(self._jobs) - len(old) - KEPT_MOST
            young = [name for name in self._jobs if name not in old]
            for name in (*old, *young[: max(surplus, 0)]):
                _throw_away(self._jobs.pop(name))
        self._worker.submit(self._make, job, make)

    def job(self, job: str, owner: str) -> ExportJob | None:
        """A job of this person's own."""
        with self._lock:
            found = self._jobs.get(job)
        return found if found is not None and found.owner == owner else None

    def _make(self, job: ExportJob, make: Callable[[ExportJob, IO[bytes]], None]) -> None:
        job.state = "working"
        try:
            with tempfile.NamedTemporaryFile(dir=self._place(), suffix=".xlsx", delete=False) as file:
                job.file = Path(file.name)
                make(job, file)
        except Exception:
            job.state = "failed"
            _throw_away(job)
            raise
        job.state = "ready"
        with self._lock:
            if job.job not in self._jobs:
                _throw_away(job)

    def _place(self) -> Path:
        """The folder, made when it is first wanted; for nobody else's eyes."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="tallybox-exports-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder


def _throw_away(job: ExportJob) -> None:
    if job.file is not None:
        job.file.unlink(missing_ok=True)
