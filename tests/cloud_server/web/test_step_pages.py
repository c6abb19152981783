"""Steps that go on by themselves, at the screen over real books: credit and meters between boxes, another tenant,
meters for an account, a box that will not return."""

from cloud_server.flows.office import open_office
from protocol.site_plan import SitePlan
from tests.cloud_server.console_rig import ConsoleRig
from tests.cloud_server.flows.test_moves_and_meters import FIRST, SECOND, go_on, two_boxes
from tests.cloud_server.street import YUAN, account_id, box_id, meter_id, point_id
from tests.cloud_server.web.conftest import PASSWORD, Browser
from tests.cloud_server.web.test_settings_pages import fields

ACCOUNT = f"/customers/{account_id(1, 1)}"
SECOND_PERSON = {"second_name": "supervisor", "second_password": PASSWORD}


def plan_of(console: ConsoleRig) -> SitePlan:
    with console.rig.store.read() as unit:
        plan = unit.fleet.plan()
    assert plan is not None
    return plan


def take(browser: Browser, path: str, **values: str) -> None:
    """Open a step's form, change fields, send it."""
    browser.get(path)
    browser.post(path, **(fields(browser) | values))


def test_credit_is_moved_from_one_box_to_another(console: ConsoleRig) -> None:
    boxes, office = two_boxes(console.rig)
    cashier = console.browser("cashier")
    assert f"{ACCOUNT}/move" in cashier.get(ACCOUNT)
    told = {"from_wallet": FIRST, "to_wallet": SECOND, "reason": "隔壁铺位用完"}
    take(cashier, f"{ACCOUNT}/move", amount="1000", **told)
    assert cashier.status == 422
    take(cashier, f"{ACCOUNT}/move", amount="25.00", **(told | {"to_wallet": FIRST}))
    assert "This is not one of the choices." in cashier.text
    take(cashier, f"{ACCOUNT}/move", amount="25.00", **told)
    assert "is granted on the other by itself" in cashier.text
    go_on(console.rig, office, *boxes)
    assert (boxes[0].book[FIRST], boxes[1].book[SECOND]) == (35 * YUAN, 65 * YUAN)
    assert not console.rig.breaches()


def test_a_tenant_follows_another_in_one_guided_way(console: ConsoleRig) -> None:
    boxes, office = two_boxes(console.rig)
    supervisor = console.browser("supervisor")
    path = f"{ACCOUNT}/tenant"
    take(supervisor, path, customer_name="新店主", number="B03-1", phones="1\n2\n3\n4")
    assert supervisor.status == 422
    taken = next(one.number for one in plan_of(console).accounts if one.account == account_id(1, 2))
    take(supervisor, path, customer_name="新店主", number=taken)
    assert "has to be one of its own" in supervisor.text
    take(supervisor, path, customer_name="新店主", number="B03-1", phones="13800000000")
    assert "The change of tenant has begun" in supervisor.text
    assert "新店主 · B03-1" in supervisor.text
    assert "opens by itself when all money is back." in supervisor.text
    go_on(console.rig, office, *boxes)
    supervisor.get(ACCOUNT)
    assert "Its account is open" in supervisor.text
    listed = supervisor.get("/tasks")
    assert "A closing can be settled" in listed
    assert 'href="/closings/' in listed
    supervisor.get(ACCOUNT)
    closing = "/closings/" + supervisor.text.split('href="/closings/')[1].split('"')[0]
    opened = "/customers/" + supervisor.text.split('<a class="button" href="/customers/')[-1].split('"')[0]
    take(supervisor, closing, how="refund", method="cash", reason="搬走")
    assert supervisor.path == "/refunds", supervisor.text
    supervisor.get(opened)
    assert "新店主" in supervisor.text
    assert not console.rig.breaches()


def test_a_closing_is_given_up_while_no_box_was_told(console: ConsoleRig) -> None:
    console.rig.plan()
    supervisor = console.browser("supervisor")
    supervisor.get(ACCOUNT)
    supervisor.post(f"{ACCOUNT}/close", key=supervisor.hidden("key"), reason="搬走")
    cancel = "/closings/" + supervisor.text.split('action="/closings/')[1].split('"')[0]
    supervisor.post(cancel, key="cancel-1")
    assert "the account is in use again" in supervisor.text
    supervisor.post(cancel.replace("/cancel", "/sideways"), key="x")
    assert supervisor.status == 404


def test_meters_that_nobody_pays_for_are_added_to_an_account(console: ConsoleRig) -> None:
    boxes, office = two_boxes(console.rig)
    supervisor, cashier = console.browser("supervisor"), console.browser("cashier")
    second = f"/customers/{account_id(1, 2)}"
    assert "Every shop's meter has an account." in cashier.get(f"{ACCOUNT}/meters")
    supervisor.get(second)
    supervisor.post(f"{second}/close", key=supervisor.hidden("key"), reason="搬走")
    go_on(console.rig, office, *boxes)
    cashier.get("/customers/new")
    assert f'name="meter-{meter_id(1, 2)}"' in cashier.text, "the meter of a closed account is free again"
    path, told = f"{ACCOUNT}/meters", {f"meter-{meter_id(1, 2)}": "yes"}
    cashier.get(path)
    cashier.post(path, **(fields(cashier) | told), step="preview")
    assert "A new configuration is signed for: A1." in cashier.text
    cashier.post(path, **fields(cashier), step="take")
    assert "The meters are added." in cashier.text, cashier.text
    wallet = next(one for one in plan_of(console).wallets if one.wallet == FIRST)
    assert wallet.meters == [meter_id(1, 1), meter_id(1, 2)]
    assert not console.rig.breaches()


def test_a_meter_is_moved_to_another_box_with_its_credit(console: ConsoleRig) -> None:
    boxes, office = two_boxes(console.rig)
    technician = console.browser("technician")
    path = f"/points/{point_id(1, 1)}/move"
    assert path in technician.get(f"/points/{point_id(1, 1)}")
    device = plan_of(console).boxes[1].devices[0].device
    take(technician, path, device=device, unit="300", reason="并箱")
    assert technician.status == 422
    take(technician, path, device=device, unit="77", reason="并箱", to_wallet=SECOND)
    assert technician.path == f"/points/{point_id(1, 1)}", technician.text
    go_on(console.rig, office, *boxes)
    assert meter_id(1, 1) in {meter.meter for meter in plan_of(console).boxes[1].meters}
    assert boxes[1].book[SECOND] == 100 * YUAN
    assert not console.rig.breaches()


def test_a_box_that_will_not_return_is_retired_by_two(console: ConsoleRig) -> None:
    two_boxes(console.rig)
    provisioner = console.browser("provisioner")
    path = f"/boxes/{box_id(1)}/retire"
    assert path in provisioner.get("/states")
    typed = {f"kwh-{meter_id(1, 1)}": "ten"}
    take(provisioner, path, reason="烧毁", **typed)
    assert provisioner.status == 422
    take(provisioner, path, reason="烧毁", **SECOND_PERSON)
    assert "The box is retired" in provisioner.text, provisioner.text
    with console.rig.store.read() as unit:
        box = unit.fleet.box(box_id(1))
    assert box is not None
    assert box.state.value == "retired"
    assert console.rig.ledger(f"wallet/{FIRST}") == {}
    assert not console.rig.breaches()


def test_a_retirement_waits_for_its_second_person(console: ConsoleRig) -> None:
    two_boxes(console.rig)
    provisioner = console.browser("provisioner")
    take(provisioner, f"/boxes/{box_id(1)}/retire", reason="被盗")
    assert open_office(console.rig.centre).second.waiting(10)[0].about == box_id(1)


def test_whoever_may_not_is_told(console: ConsoleRig) -> None:
    console.rig.plan()
    cashier, auditor = console.browser("cashier"), console.browser("auditor")
    for browser, path in (
        (cashier, f"{ACCOUNT}/tenant"),
        (cashier, f"/points/{point_id(1, 1)}/move"),
        (cashier, f"/boxes/{box_id(1)}/retire"),
        (auditor, f"{ACCOUNT}/move"),
        (auditor, f"{ACCOUNT}/meters"),
    ):
        browser.get(path)
        assert browser.status == 403, path
    for path in ("/customers/" + "0" * 32 + "/move", "/customers/" + "0" * 32 + "/meters"):
        cashier.get(path)
        assert cashier.status == 404
