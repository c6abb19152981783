"""Large workbooks made behind the page: one at a time, each with its progress, kept for an hour for whoever asked."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Literal, overload

from cloud_server.exports.workbook import Cell
from protocol.units import Ms

KEPT_MS: Final = 3_600_000
"""A workbook lies ready for an hour; the report can be made again at any time."""
KEPT_MOST: Final = 20
"""Workbooks of all people together: each is a few megabytes."""
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
    body: bytes = b""

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

    def start(self, job: ExportJob, make: Callable[[ExportJob], bytes]) -> None:
        """Begin to make a workbook as soon as those before it are made."""
        with self._lock:
            self._jobs[job.job] = job
            for name in [name for name, old in self._jobs.items() if job.asked_at_ms - old.asked_at_ms > KEPT_MS]:
                del self._jobs[name]
            while len(self._jobs) > KEPT_MOST:
                self._jobs.popitem(last=False)
        self._worker.submit(self._make, job, make)

    def job(self, job: str, owner: str) -> ExportJob | None:
        """A job of this person's own."""
        with self._lock:
            found = self._jobs.get(job)
        return found if found is not None and found.owner == owner else None

    def _make(self, job: ExportJob, make: Callable[[ExportJob], bytes]) -> None:
        job.state = "working"
        try:
            job.body = make(job)
        except Exception:
            job.state = "failed"
            raise
        job.state = "ready"
