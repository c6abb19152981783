"""The till of the day at the screen over real books: opened, counted, closed; the day behind it; and who says yes."""

import pytest

from cloud_server.flows.refund_credit import Refunds
from cloud_server.ports.money import RefundOrder, Waits
from tests.cloud_server.console_rig import ConsoleRig
from tests.cloud_server.site_rig import CASHIER
from tests.cloud_server.street import YUAN, account_id
from tests.cloud_server.web.conftest import PASSWORD, Browser
from tests.cloud_server.web.test_refund_pages import sell, sold


def keys(browser: Browser, action: str) -> str:
    """The key of the form that is sent to an address."""
    return browser.text.split(f'action="{action}"')[1].split('name="key" value="')[1].split('"')[0]


def count(browser: Browser, cash: str, **more: str) -> None:
    browser.get("/till")
    browser.post("/till/close", key=keys(browser, "/till/close"), **{"counted-cash": cash}, **more)


def test_a_till_is_opened_filled_counted_and_closed(console: ConsoleRig) -> None:
    _, cashier = sold(console)
    cashier.get("/till")
    assert "not opened" in cashier.text
    cashier.post("/till/open", key=keys(cashier, "/till/open"), float="200")
    assert "The till is open." in cashier.text
    sell(cashier, "50")
    assert "350.00" in cashier.get("/till")
    count(cashier, "350")
    assert cashier.path.startswith("/till/shifts/")
    assert "Shift of cashier" in cashier.text
    assert console.rig.ledger("till/cashier/cash") == {}
    cashier.get("/till")
    assert "Closed today" in cashier.text
    assert cashier.text.count("/till/shifts/") == 1
    assert not console.rig.breaches()


def test_what_is_missing_is_told_and_much_of_it_takes_two(console: ConsoleRig) -> None:
    _, cashier = sold(console)
    count(cashier, "")
    assert cashier.status == 422
    count(cashier, "99.50")
    assert cashier.path.startswith("/till/shifts/")
    assert "\u22120.50" in cashier.text
    sell(cashier, "500")
    count(cashier, "100")
    assert cashier.status == 409
    assert "A second person" in cashier.text
    count(cashier, "100", second_name="supervisor", second_password=PASSWORD)
    assert cashier.path.startswith("/till/shifts/")
    assert "Confirmed by" in cashier.text
    assert console.rig.ledger("till_difference") == {"till_difference": -(400 * YUAN + YUAN // 2)}


def test_a_cashier_sees_their_own_till_and_a_supervisor_all(console: ConsoleRig) -> None:
    _, cashier = sold(console)
    assert "All tills" not in cashier.get("/till?operator=supervisor")
    assert "supervisor</span>" not in cashier.text
    supervisor = console.browser("supervisor")
    assert 'href="/till?operator=cashier"' in supervisor.get("/till")
    assert "100.00" in supervisor.get("/till?operator=cashier")
    accountant = console.browser("accountant")
    assert "All tills" in accountant.get("/till")
    assert "Counted: close the till" not in accountant.text


def test_a_closed_day_is_booked_on_no_more(console: ConsoleRig) -> None:
    _, cashier = sold(console)
    supervisor = console.browser("supervisor")
    cashier.get("/till")
    cashier.post("/till/open", key=keys(cashier, "/till/open"), float="0")
    supervisor.get("/till")
    supervisor.post("/till/day", key=keys(supervisor, "/till/day"))
    assert supervisor.status == 409
    assert "Tills are still open" in supervisor.text
    supervisor.post("/till/day", key=keys(supervisor, "/till/day"), anyway="yes")
    assert "is closed: nothing is booked under it any more" in supervisor.text
    today = console.rig.centre.day_of(console.rig.clock.now_ms)
    supervisor.post("/till/day", key=keys(supervisor, "/till/day"), day=today)
    assert "This day is closed already." in supervisor.text
    sell(cashier, "20")
    assert not console.rig.breaches()


def test_a_step_waits_for_its_second_person(console: ConsoleRig) -> None:
    _, cashier = sold(console, "3000")
    order = RefundOrder(
        key="waits", account=account_id(1, 2), amount="2000.00", method="cash", reason="搬走", wait=True
    )
    with pytest.raises(Waits):
        Refunds(console.rig.centre).ask(order, CASHIER)
    assert "a supervisor answers" in cashier.get("/tasks")
    assert "2,000.00" in cashier.text
    assert "张记12" in cashier.text
    supervisor = console.browser("supervisor")
    supervisor.get("/tasks")
    request = supervisor.text.split('action="/tasks/')[1].split("/")[0]
    cashier.post(f"/tasks/{request}/approve", key="no")
    assert cashier.status == 403
    supervisor.post(f"/tasks/{request}/approve", key=keys(supervisor, f"/tasks/{request}/approve"))
    assert "Confirmed and carried out." in supervisor.text
    assert "Nothing waits for a second person." in supervisor.text
    assert "张记12" in supervisor.text, "the refund itself is on its way now"
