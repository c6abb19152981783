"""Tills over days, at the screen and as Excel: every shift, sums that add up, one's own where one may not see all."""

from io import BytesIO

import python_calamine

from tests.cloud_server.console_rig import ConsoleRig
from tests.cloud_server.web.test_refund_pages import sell, sold
from tests.cloud_server.web.test_till_pages import count


def test_shifts_of_days_with_their_sums(console: ConsoleRig) -> None:
    _, cashier = sold(console)
    supervisor = console.browser("supervisor")
    count(cashier, "99.50")
    sell(cashier, "30")
    sell(supervisor, "20")
    count(cashier, "30")
    count(supervisor, "20")
    assert "/till/days" in supervisor.get("/till")
    supervisor.get("/till/days")
    assert supervisor.text.count('<a href="/till/shifts/') == 3
    assert "149.50" in supervisor.text
    assert "\u22120.50" in supervisor.text
    supervisor.get("/till/days?operator=cashier")
    assert supervisor.text.count('<a href="/till/shifts/') == 2

    cashier.get("/till/days?operator=supervisor")
    assert cashier.text.count('<a href="/till/shifts/') == 2, "one's own, whoever is named"

    answer = supervisor.client.get("/till/days.xlsx")
    with python_calamine.CalamineWorkbook.from_filelike(BytesIO(answer.content)) as book:
        grid = book.get_sheet_by_index(0).to_python()
    head = next(at for at, row in enumerate(grid) if row[0] == "Day")
    differs = [row[grid[head].index("Differs")] for row in grid[head + 1 :]]
    assert (sorted(differs[:-1]), differs[-1]) == ([-0.5, 0, 0], -0.5)
    assert grid[-1][grid[head].index("Cash")] == 149.5

    supervisor.get("/till/days?from=2026-02-01&to=2026-01-01")
    assert supervisor.status == 422
    supervisor.get("/till/days?from=2025-01-01&to=2026-01-01")
    assert "at most 100 days" in supervisor.text
    supervisor.get("/till/days?from=2020-01-01&to=2020-01-05")
    assert "No till was closed in these days." in supervisor.text
