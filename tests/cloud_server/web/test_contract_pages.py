"""Contracts at the screen over real books: adjusted, closed and settled, a meter replaced; and who else says yes."""

from tests.cloud_server.console_rig import ConsoleRig
from tests.cloud_server.street import YUAN, account_id, box_id, point_id, wallet_id
from tests.cloud_server.web.conftest import PASSWORD
from tests.cloud_server.web.test_refund_pages import sold

ACCOUNT = f"/customers/{account_id(1, 2)}"


def test_credit_is_adjusted_and_much_of_it_takes_two(console: ConsoleRig) -> None:
    box, _ = sold(console)
    supervisor, accountant = console.browser("supervisor"), console.browser("accountant")
    accountant.get(f"{ACCOUNT}/adjust")
    accountant.post(f"{ACCOUNT}/adjust", key=accountant.hidden("key"), amount="", reason="")
    assert accountant.status == 422
    accountant.post(f"{ACCOUNT}/adjust", key=accountant.hidden("key"), amount="12.00", reason="错误倍率")
    assert "Adjusted: the box is being told." in accountant.text
    console.rig.settle(box)
    assert box.book[wallet_id(1, 2)] == 112 * YUAN
    accountant.get(f"{ACCOUNT}/adjust")
    accountant.post(f"{ACCOUNT}/adjust", key=accountant.hidden("key"), amount="-500.00", reason="错误倍率")
    assert accountant.path == "/tasks", "it waits for a supervisor"
    assert "500.00" in accountant.text
    request = supervisor.get("/tasks").split('action="/tasks/')[1].split("/")[0]
    supervisor.post(f"/tasks/{request}/approve", key="approve-adjustment")
    assert "Confirmed and carried out." in supervisor.text
    assert not console.rig.breaches()


def test_an_account_is_closed_and_what_is_left_is_refunded(console: ConsoleRig) -> None:
    box, cashier = sold(console)
    supervisor = console.browser("supervisor")
    supervisor.get(ACCOUNT)
    supervisor.post(f"{ACCOUNT}/close", key=supervisor.hidden("key"), reason="搬走")
    console.rig.settle(box)
    supervisor.get(ACCOUNT)
    assert "All money is back: it can be settled" in supervisor.text
    path = "/closings/" + supervisor.text.split('href="/closings/')[1].split('"')[0]
    supervisor.get(path)
    assert "¥100.00" in supervisor.text
    supervisor.post(path, key=supervisor.hidden("key"), how="refund", method="cash", reason="搬走")
    assert supervisor.path == "/refunds", supervisor.text
    assert "100.00" in cashier.get("/refunds")
    assert not console.rig.breaches()


def test_a_meter_is_replaced_and_its_wallet_goes_on(console: ConsoleRig) -> None:
    sold(console)
    technician = console.browser("technician")
    path = f"/points/{point_id(1, 2)}/replace"
    assert path in technician.get(f"/points/{point_id(1, 2)}")
    technician.get(path)
    told = {"serial": "SN900", "reason": "烧毁", "old_kwh": "12.5", "new_kwh": "0"}
    technician.post(path, key=technician.hidden("key"), **(told | {"old_kwh": "abc"}))
    assert technician.status == 422
    before = commands_signed(console)
    technician.post(path, key=technician.hidden("key"), **told)
    assert technician.path == f"/points/{point_id(1, 2)}", technician.text
    assert "Replace the meter" in technician.text
    assert commands_signed(console) == before + 1


def commands_signed(console: ConsoleRig) -> int:
    """The number of the newest command for the box."""
    with console.rig.store.read() as unit:
        box = unit.fleet.box(box_id(1))
    assert box is not None
    return box.command_head.seq


def test_whoever_may_not_is_told(console: ConsoleRig) -> None:
    console.rig.plan()
    cashier = console.browser("cashier")
    for path in (f"{ACCOUNT}/adjust", f"/points/{point_id(1, 2)}/replace", "/closings/" + "0" * 32):
        cashier.get(path)
        assert cashier.status == 403
    assert PASSWORD not in cashier.text
