"""Workbooks behind the page lie on disk, and what is forgotten is gone from there."""

import gc
import time
from pathlib import Path
from typing import IO

from cloud_server.core.report_table import Column
from cloud_server.web.cells import Cells
from cloud_server.web.export_jobs import KEPT_MOST, KEPT_MS, ExportJob, ExportJobs
from cloud_server.web.show import Show
from cloud_server.web.words import Words


def job(name: str, at_ms: int = 0) -> ExportJob:
    return ExportJob(job=name, owner="chen", title="energy", file_name="energy.xlsx", asked_at_ms=at_ms)


def write(_job: ExportJob, file: IO[bytes]) -> None:
    file.write(b"rows")


def ready(jobs: ExportJobs, name: str) -> Path:
    """The file of a job, once it is there."""
    for _ in range(1_000):
        found = jobs.job(name, "chen")
        assert found is not None
        if found.state == "ready":
            assert found.file is not None
            return found.file
        time.sleep(0.01)
    raise AssertionError(name)


def test_an_hour_later_and_beyond_the_most_files_are_gone() -> None:
    jobs = ExportJobs()
    jobs.start(job("old"), write)
    old = ready(jobs, "old")
    assert old.read_bytes() == b"rows"
    files = []
    for number in range(KEPT_MOST + 1):
        jobs.start(job(f"{number}", KEPT_MS + 1), write)
        files.append(ready(jobs, f"{number}"))
    assert jobs.job("old", "chen") is None
    assert jobs.job("0", "chen") is None
    assert [file.exists() for file in (old, *files)] == [False, False, *[True] * KEPT_MOST]


def test_a_job_that_fails_leaves_no_file_and_the_next_is_made() -> None:
    def fail(_job: ExportJob, file: IO[bytes]) -> None:
        file.write(b"half")
        raise LookupError("no such report")

    jobs, failed = ExportJobs(), job("failed")
    jobs.start(failed, fail)
    jobs.start(job("next"), write)
    ready(jobs, "next")
    assert failed.state == "failed"
    assert failed.file is not None
    assert not failed.file.exists()


def test_the_folder_goes_with_the_program() -> None:
    jobs = ExportJobs()
    jobs.start(job("one"), write)
    folder = ready(jobs, "one").parent
    del jobs
    gc.collect()
    assert not folder.exists()


def test_names_in_a_table_are_text_and_never_markup() -> None:
    show = Show(str, "Asia/Shanghai", "CNY", 0)
    cells = Cells(show, Words(str), str)
    columns = (Column("shop", "text"), Column("balance", "money"), Column("at", "moment"))
    rows = [("<b>A&B</b>", -1_234_560_000, 0), (None, None, None)]
    assert cells.body(columns, rows) == (
        '<tr><td>&lt;b&gt;A&amp;B&lt;/b&gt;</td><td class="figure">\u22121,234.56</td>'
        '<td class="tabular">1970-01-01 08:00:00</td></tr>\n'
        '<tr><td></td><td class="figure"></td><td class="tabular"></td></tr>\n'
    )
