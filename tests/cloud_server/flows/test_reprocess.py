"""What was parked is posted in order by a program that was mended; until then refunds on that box wait."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud_server.flows import receive_batch
from cloud_server.flows.box_hardware import decide_quarantine
from cloud_server.flows.reprocess import reprocess
from cloud_server.ports.database import PostgresAddress
from tests.cloud_server.flows.test_reports import make
from tests.cloud_server.site_rig import SiteRig, open_rig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import YUAN, box_id, meter_id, wallet_id

WALLET = f"wallet/{wallet_id(1, 2)}"


@pytest.fixture
def rig(tmp_path: Path, database: PostgresAddress | None) -> Iterator[SiteRig]:
    with open_rig(tmp_path, database=database) as made:
        made.plan()
        yield made


@pytest.fixture
def box(rig: SiteRig, monkeypatch: pytest.MonkeyPatch) -> SpeakingBox:
    """Three batches, of which the program at the time did not understand the first."""
    box = rig.enrol(1)
    rig.sell("100")
    rig.settle(box)
    with monkeypatch.context() as old_program:
        old_program.setattr(receive_batch, "content_fault", lambda *_: "record 0: not understood")
        for energy_wh in (1_000, 2_000, 3_000):
            rig.clock.now_ms += 1_800_000
            box.use(meter_id(1, 2), energy_wh)
            box.seal()
            rig.settle(box)
    return box


def alarms(rig: SiteRig) -> list[tuple[str, int]]:
    with rig.store.read() as unit:
        return unit.alarms.standing_alarms("batch_parked")


def waits_by_report(rig: SiteRig) -> bool:
    """Whether an energy report says that batches wait for a person."""
    return "parked" in {lack.why for lack in make(rig, "energy").lacks}


def test_all_is_posted_in_order_with_the_mended_program(rig: SiteRig, box: SpeakingBox) -> None:
    assert (box.acked_seq, rig.ledger(WALLET)) == (box.batch_head.seq, {WALLET: 100 * YUAN})
    assert (len(alarms(rig)), waits_by_report(rig)) == (1, True)
    rig.sell("10")
    rig.exchange(box)
    assert box.command_head.seq == 2, "commands still go down"
    (done,) = reprocess(rig.centre)
    assert (done.posted, done.fault) == (3, None)
    assert rig.ledger(WALLET) == {WALLET: 100 * YUAN - 6 * 800_000}
    assert (alarms(rig), waits_by_report(rig)) == ([], False)
    rig.settle(box)
    assert rig.ledger(WALLET) == {WALLET: 110 * YUAN - 6 * 800_000}
    assert rig.breaches() == []
    assert reprocess(rig.centre) == []


def test_a_program_that_is_still_wrong_stops_where_it_was(
    rig: SiteRig, box: SpeakingBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as still_old:
        still_old.setattr(receive_batch, "content_fault", lambda *_: "record 0: still not understood")
        (done,) = reprocess(rig.centre)
    assert (done.posted, done.stopped_at, done.fault) == (0, 2, "record 0: still not understood")
    assert len(alarms(rig)) == 1
    assert rig.breaches() == []


def test_a_new_epoch_leaves_what_was_parked_as_evidence(rig: SiteRig, box: SpeakingBox) -> None:
    decide_quarantine(rig.centre, box_id(1), "present", "chen", "the store was exchanged")
    rig.exchange(box)
    assert box.registers[meter_id(1, 2)] == 0, "from the last posted batch"
    # Its energy is charged by the registers: nothing waits any more, and no report says so for ever.
    assert not waits_by_report(rig)
    assert reprocess(rig.centre) == []
    box.use(meter_id(1, 2), 6_000)
    box.seal()
    rig.settle(box)
    assert rig.ledger(WALLET) == {WALLET: 100 * YUAN - 6 * 800_000}
    assert alarms(rig) == []
    assert rig.breaches() == []
