"""A database in which something has happened in every guarded table, made once."""

import shutil
from pathlib import Path

import pytest

from cloud_server.core.alarm_views import AlarmFilter
from cloud_server.flows import synchronise
from cloud_server.flows.reverse_sale import Reversals
from cloud_server.flows.watch_fleet import watch_fleet
from cloud_server.ports.money import ReversalOrder
from protocol.chain import Head
from tests.cloud_server.site_rig import CASHIER, open_rig
from tests.cloud_server.street import YUAN, meter_id


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
        box.batch_head = Head(0, "e" * 64)
        synchronise.exchange(rig.centre, [box.seal([]), box.sync_line()])
        rig.clock.advance(3_600_000)
        watch_fleet(rig.centre)
        with rig.store.write() as unit:
            alarms = unit.alarm_book.alarms(AlarmFilter(), None, 10)
            assert (
                unit.alarm_book.add_notes([alarm.alarm_id for alarm in alarms], rig.clock.now_ms, "zhang", "seen") > 0
            )
        assert isinstance(rig.config.database, Path)
        return rig.config.database


@pytest.fixture
def lived_in(lived_in_file: Path, tmp_path: Path) -> Path:
    """A copy of its own for each test."""
    copy = tmp_path / "lived-in.db"
    shutil.copy(lived_in_file, copy)
    return copy
