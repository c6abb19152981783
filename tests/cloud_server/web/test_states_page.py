"""How boxes and centre stand, at the screen: what is wanted beside what is held; the banner of a stopped journal."""

import pytest

from cloud_server.flows.keep_journal import JournalKeeper
from tests.cloud_server.console_rig import ConsoleRig
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
