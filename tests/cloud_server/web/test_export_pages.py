"""Large workbooks behind the page: begun with its filter, watched, fetched by whoever asked and by nobody else."""

import time
from collections.abc import Callable
from io import BytesIO

import pytest
from python_calamine import CalamineWorkbook

from cloud_server.core.roles import Role
from cloud_server.web.pages import reports
from tests.cloud_server.web.conftest import Browser


def await_ready(browser: Browser, path: str) -> None:
    for _ in range(100):
        browser.get(path)
        if 'data-export-state="ready"' in browser.text:
            return
        time.sleep(0.02)
    raise AssertionError(browser.text)


def test_a_large_report_is_made_behind_the_page(
    browser_of: Callable[[Role], Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor, other = browser_of("supervisor"), browser_of("accountant")
    monkeypatch.setattr(reports, "ROWS_AT_ONCE", 3)
    monkeypatch.setattr(reports, "ROWS_FIRST", 2)
    supervisor.get("/reports/sales?from=2026-11-01&to=2026-11-05")
    assert "Only the first 2 rows are shown here" in supervisor.text
    assert "download>Excel" not in supervisor.text
    supervisor.post("/exports", kind="sales", query=supervisor.hidden("query"))
    path = supervisor.path
    assert path.startswith("/exports/")
    await_ready(supervisor, path)
    assert "5 / 5" in supervisor.text
    answer = supervisor.client.get(f"{path}/file")
    rows = CalamineWorkbook.from_filelike(BytesIO(answer.content)).get_sheet_by_index(0).to_python()
    assert any("2026-11-01 to 2026-11-05" in str(row[0]) for row in rows), "the filter of the page"
    other.get(path)
    assert other.status == 404
    other.get(f"{path}/file")
    assert other.status == 404


def test_a_report_that_one_may_not_see_is_not_made(browser_of: Callable[[Role], Browser]) -> None:
    technician = browser_of("technician")
    technician.get("/reports")
    technician.post("/exports", kind="trial", query="")
    assert technician.status == 403
    technician.post("/exports", kind="nothing", query="")
    assert technician.status == 404
