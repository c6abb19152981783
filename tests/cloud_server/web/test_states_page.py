"""How boxes and centre stand, at the screen: what is wanted beside what is held; the banner of a stopped journal."""

import pytest

from cloud_server.flows.keep_journal import JournalKeeper
from cloud_server.flows.sign_lines import issue_command
from protocol.commands import Upgrade
from protocol.records import Alarm, Subject
from tests.cloud_server.console_rig import ConsoleRig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import box_id
from tests.cloud_server.web.test_refund_pages import ACCOUNT, sell, sold


def test_what_is_wanted_stands_beside_what_is_held(console: ConsoleRig) -> None:
    box, cashier = sold(console)
    assert "1 / 1" in cashier.get("/states")
    console.rig.clock.advance(600_000)
    sell(cashier, "50")
    assert f'href="/courier/{box_id(1)}">1</a>' in cashier.get("/states")
    assert "Lost" in cashier.text
    console.rig.settle(box)
    assert f'href="/courier/{box_id(1)}"' not in cashier.get("/states")


def test_a_stopped_journal_is_said_on_every_page(console: ConsoleRig, monkeypatch: pytest.MonkeyPatch) -> None:
    _, cashier = sold(console)
    assert "Nothing can be sold" not in cashier.get("/desk")
    monkeypatch.setattr(JournalKeeper, "fault", property(lambda _: "disk full"))
    for path in ("/", "/desk", "/sales", "/alarms", "/reports"):
        assert "Nothing can be sold" in cashier.get(path), path
    cashier.get(f"/desk/{ACCOUNT}")
    cashier.post(f"/desk/{ACCOUNT}", key=cashier.hidden("key"), amount="10", method="cash", step="sell")
    assert cashier.status == 503
    assert "disk full" in cashier.text
    assert "stopped" in cashier.get("/states")


def order(console: ConsoleRig, version: str) -> None:
    with console.rig.centre.store.write() as unit:
        row = unit.fleet.box(box_id(1))
        assert row is not None
        body = Upgrade(version=version, bundle_hash="c" * 64, not_before_ms=0)
        issue_command(console.rig.centre, unit, row, body, "test")
    console.rig.centre.journal.append_unmarked()


def answer(console: ConsoleRig, box: SpeakingBox) -> None:
    """The box takes what there is for it, and tells what it did."""
    console.rig.settle(box)
    box.seal()
    console.rig.settle(box)


def failed(box: SpeakingBox) -> Alarm:
    return Alarm(at_ms=box.now_ms, alarm="upgrade_failed", subject=Subject(box=box.box), state="raised")


def test_an_order_to_upgrade_stands_there_until_the_box_runs_it_or_a_newer_one(console: ConsoleRig) -> None:
    box, cashier = sold(console)
    box.agent = "edge-agent 1.0.0"
    console.rig.settle(box)
    order(console, "0.9.0")
    assert "ordered" not in cashier.get("/states"), "the box runs a newer one"
    order(console, "99.0.0")
    assert "ordered 99.0.0" in cashier.get("/states")
    assert "The box has not fetched the order yet." in cashier.text
    answer(console, box)
    assert "The box has the order; it fetches the file and tries it." in cashier.get("/states")
    box.pending.append(failed(box))
    answer(console, box)
    assert "The box tried it and goes on with its own." in cashier.get("/states")
    assert "The ordered program does not run" in cashier.get("/alarms")
    box.refuse = {box.command_head.seq + 1}
    order(console, "99.0.1")
    answer(console, box)
    assert "ordered 99.0.1" in cashier.get("/states")
    assert "the box refused the order:" in cashier.text
    box.agent = "edge-agent 99.1.0"
    console.rig.settle(box)
    assert "ordered" not in cashier.get("/states")
    assert "edge-agent 99.1.0" in cashier.text
