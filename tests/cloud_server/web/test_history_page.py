"""A box whose older batches nobody has: the recovery page says so, one person asks, another confirms."""

from cloud_server.flows import synchronise
from cloud_server.flows.office import open_office
from cloud_server.flows.restore_centre import raise_term
from cloud_server.ports.ledger import CheckStep
from protocol.messages import BatchHead
from tests.cloud_server.console_rig import ConsoleRig
from tests.cloud_server.flows.test_from_journal import SUPERVISOR
from tests.cloud_server.street import box_id, meter_id
from tests.cloud_server.web.conftest import PASSWORD, Browser
from tests.cloud_server.web.test_refund_pages import sold

FORM = f"/boxes/{box_id(1)}/history"


def proven(browser: Browser) -> str:
    """The form, behind a fresh proof of who asks."""
    page = browser.get(FORM)
    if browser.path == "/proof":
        browser.post("/proof", next=FORM, password=PASSWORD)
        page = browser.text
    return page


def test_two_people_accept_at_the_screen_what_only_the_box_tells(console: ConsoleRig) -> None:
    box, _ = sold(console)
    raise_term(console.rig.centre, [])
    box.use(meter_id(1, 2), 5_000)
    gone = box.seal()
    box.use(meter_id(1, 2), 700)
    left = box.seal()
    rest = BatchHead(epoch=1, seq=box.batch_head.seq - 1, hash=gone.hash)
    synchronise.exchange(console.rig.centre, [left, box.sync_line(goes_on_from=rest)])
    provisioner = console.browser("provisioner", "zh-CN")
    assert FORM in provisioner.get("/recovery")
    page = proven(provisioner)
    for text in (f"批次 {rest.seq} 至 {rest.seq}", "−4.00", "96.00", "期初"):
        assert text in page, text
    provisioner.post(FORM, key=provisioner.hidden("key"), seen="0", reason="中心丢失")
    assert provisioner.status == 409
    assert "重新查看" in provisioner.text
    provisioner.post(FORM, key=provisioner.hidden("key"), seen=str(rest.seq), reason="中心与备份均已丢失")
    assert provisioner.path == "/tasks"
    supervisor = console.browser("supervisor")
    assert "Accept that batches of a box are gone" in supervisor.get("/tasks")
    (waiting,) = open_office(console.rig.centre).second.waiting(10)
    step = CheckStep(key="yes", request=waiting.request, note="")
    assert open_office(console.rig.centre).second.approve(step, SUPERVISOR).answer["state"] == "accepted"
    page = provisioner.get("/recovery")
    assert FORM not in page
    assert "4.00" in page
    assert provisioner.get(FORM) == provisioner.text
    assert provisioner.status == 404
    console.rig.settle(box)
    assert not console.rig.breaches()
