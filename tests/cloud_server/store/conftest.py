"""A database in which something has happened in every guarded table, made once."""

import shutil
from pathlib import Path

import pytest

from cloud_server.core.alarm_views import AlarmFilter
from cloud_server.core.settlement import Payment
from cloud_server.flows import synchronise
from cloud_server.flows.close_day import SEALED_AFTER_MS
from cloud_server.flows.gateway import settle_day
from cloud_server.flows.office import open_office
from cloud_server.flows.reverse_sale import Reversals
from cloud_server.flows.watch_fleet import watch_fleet
from cloud_server.ports.hardware_orders import ReplaceOrder, RetireOrder
from cloud_server.ports.ledger import AdjustmentOrder, CheckStep, ClosingOrder, SettleOrder, TypedRegister
from cloud_server.ports.money import ReversalOrder
from cloud_server.ports.tills import DayOrder
from protocol.box_config import ProfileText
from protocol.chain import Head
from tests.cloud_server.flows.test_refund_credit import SUPERVISOR
from tests.cloud_server.site_rig import CASHIER, SiteRig, open_rig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import YUAN, account_id, box_id, meter_id


@pytest.fixture(scope="session")
def lived_in_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guarded")
    with open_rig(folder) as rig:
        rig.plan(opening_micro=YUAN)
        box = rig.enrol(1)
        rig.sell("10.00")
        rig.settle(box)
        wrong = ReversalOrder(key="undo", sale=rig.sell("3.00"), reason="typed wrong")
        Reversals(rig.centre).reverse(wrong, CASHIER)
        rig.settle(box)
        box.use(meter_id(1, 1), 500)
        box.seal()
        rig.settle(box)
        _keep_office(rig, box)
        _retire_other(rig)
        box.batch_head = Head(0, "e" * 64)
        synchronise.exchange(rig.centre, [box.seal([]), box.sync_line()])
        rig.clock.advance(3_600_000)
        watch_fleet(rig.centre)
        with rig.store.write() as unit:
            unit.profiles.keep([ProfileText(profile="nameless", version=1, text="{}", hash="f" * 64)], 1, "zhang")
            alarms = unit.alarm_book.alarms(AlarmFilter(), None, 10)
            assert (
                unit.alarm_book.add_notes([alarm.alarm_id for alarm in alarms], rig.clock.now_ms, "zhang", "seen") > 0
            )
        assert isinstance(rig.config.database, Path)
        return rig.config.database


def _keep_office(rig: SiteRig, box: SpeakingBox) -> None:
    """An adjustment, a closed day that is sealed, an account settled, a meter on its way to another shop."""
    office = open_office(rig.centre)
    adjusted = AdjustmentOrder(key="adjust", account=account_id(1, 2), amount="-1.00", reason="wrong ratio")
    office.adjustments.adjust(adjusted, CASHIER)
    rig.settle(box)
    closing = office.closings.close(ClosingOrder(key="closing", account=account_id(1, 3), reason="leaves"), CASHIER)
    rig.settle(box)
    settled = SettleOrder(key="settled", closing=closing.closing or "", how="refund")
    office.settlements.settle(settled, CASHIER)
    exchanged = ReplaceOrder(
        key="exchange", meter=meter_id(1, 1), old_raw_wh=10_000, serial="N-7", new_raw_wh=3, reason="broken", name="M9"
    )
    office.meters.replace_meter(exchanged, CASHIER)
    for _ in range(3):
        rig.settle(box)
        office.work()
    office.days.close_day(DayOrder(key="day"), CASHIER)
    rig.clock.advance(SEALED_AFTER_MS)
    office.days.seal_due_days()
    settle_day(rig.centre, CASHIER, "wechat", "2026-11-22", [Payment("theirs-alone", YUAN, "WX1")], "0" * 64)


def _retire_other(rig: SiteRig) -> None:
    """A box that does not return, settled by what two people read off its meters."""
    rig.settle(rig.enrol(2))
    office = open_office(rig.centre)
    typed = tuple(TypedRegister(meter=meter_id(2, shop), raw_wh=20_000) for shop in (1, 2, 3))
    asked = office.boxes.retire(RetireOrder(key="retire", box=box_id(2), reason="flood", typed=typed), CASHIER)
    office.second.approve(CheckStep(key="retire-yes", request=asked.request or ""), SUPERVISOR)


@pytest.fixture
def lived_in(lived_in_file: Path, tmp_path: Path) -> Path:
    """A copy of its own for each test."""
    copy = tmp_path / "lived-in.db"
    shutil.copy(lived_in_file, copy)
    return copy
