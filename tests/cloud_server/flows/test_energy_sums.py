"""Sums of energy by day and month: kept in the transaction of the intervals, equal to them whatever comes."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from cloud_server.core.energy_sums import by_month
from cloud_server.flows import receive_batch
from cloud_server.flows.box_hardware import decide_quarantine
from cloud_server.flows.keep_energy import keep_energy
from cloud_server.flows.report_basis import spans_of
from cloud_server.flows.reprocess import reprocess
from cloud_server.store.database import run_sql
from cloud_server.store.energy_rows import EnergyRows
from protocol.units import DAY_MS
from tests.cloud_server.site_rig import SiteRig, open_rig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import box_id, meter_id

METERS = [meter_id(1, shop) for shop in (1, 2, 3)]
HALF_HOUR_MS = 1_800_000


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[SiteRig]:
    with open_rig(tmp_path) as made:
        made.plan(boxes=1)
        yield made


def use(rig: SiteRig, box: SpeakingBox, half_hours: int, wh: int = 250) -> None:
    """Half hours of all three meters, a batch each, taken in by one request."""
    for number in range(half_hours):
        rig.clock.now_ms += HALF_HOUR_MS
        for place, meter in enumerate(METERS):
            box.use(meter, wh * place + number)
        box.seal()
    rig.settle(box)


def kept_and_summed(rig: SiteRig) -> int:
    """Every sum that is kept is that of the rows; how many Wh all days have."""
    whole = 0
    with rig.engine.read() as database:
        rows = EnergyRows(database, rig.site)
        for meter in METERS:
            _, summed = rows.summed(meter, rig.centre.zone)
            assert rows.kept(meter) == (summed, by_month(summed))
            whole += sum(found.energy_wh for found in summed.values())
    return whole


def test_what_the_ingest_keeps_is_the_sum_of_the_rows(rig: SiteRig) -> None:
    box = rig.enrol(1)
    rig.settle(box)
    use(rig, box, 60)
    use(rig, box, 1)
    assert kept_and_summed(rig) == 60 * 750 + 3 * sum(range(60)) + 750
    assert rig.breaches() == []


def test_what_is_parked_counts_when_it_is_posted(rig: SiteRig, monkeypatch: pytest.MonkeyPatch) -> None:
    box = rig.enrol(1)
    rig.settle(box)
    with monkeypatch.context() as old_program:
        old_program.setattr(receive_batch, "content_fault", lambda *_: "record 0: not understood")
        use(rig, box, 3)
    assert kept_and_summed(rig) == 0
    reprocess(rig.centre)
    assert kept_and_summed(rig) == 3 * 750 + 9


def test_another_epoch_and_late_intervals_count_once(rig: SiteRig) -> None:
    box = rig.enrol(1)
    rig.settle(box)
    use(rig, box, 2)
    for _ in range(2):
        rig.exchange(box)
    late = box.use(METERS[1], 5_000)
    box.seal()
    rig.clock.now_ms += 40 * DAY_MS
    rig.settle(box)
    decide_quarantine(rig.centre, box_id(1), "present", "chen", "the store was exchanged")
    rig.exchange(box)
    use(rig, box, 2)
    assert late.parts
    assert kept_and_summed(rig) == 2 * (2 * 750 + 3) + 5_000
    assert rig.breaches() == []


def test_a_batch_that_fails_leaves_no_sum(rig: SiteRig, monkeypatch: pytest.MonkeyPatch) -> None:
    box = rig.enrol(1)
    rig.settle(box)
    with monkeypatch.context() as broken:
        broken.setattr(EnergyRows, "_write_added", lambda _self: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            use(rig, box, 1)
    assert kept_and_summed(rig) == 0
    rig.settle(box)
    assert kept_and_summed(rig) == 750


def test_an_older_database_and_another_zone_are_added_up_anew(rig: SiteRig) -> None:
    box = rig.enrol(1)
    rig.settle(box)
    use(rig, box, 50)
    with rig.engine.write() as database:
        for statement in ("energy_day", "energy_month", "about WHERE name = 'energy_zone'"):
            run_sql(database, f"DELETE FROM {statement}")
    assert any("never added up" in breach for breach in rig.breaches())
    assert keep_energy(rig.store, rig.centre.site.zone) == 150
    assert keep_energy(rig.store, rig.centre.site.zone) is None
    assert kept_and_summed(rig) == 50 * 750 + 3 * sum(range(50))
    assert keep_energy(rig.store, "America/New_York") == 150
    with rig.engine.read() as database:
        days = {row[0] for row in run_sql(database, "SELECT DISTINCT period FROM energy_day")}
    assert days != {rig.centre.day_of(rig.clock.now_ms)}
    assert rig.breaches() == [], "held against the days of the zone that they were built for"


@pytest.mark.parametrize(
    ("first", "last", "spans"),
    [
        ("2026-11-05", "2026-11-20", [("2026-11-05", "2026-11-20")]),
        ("2026-11-01", "2026-11-30", [("2026-11", "2026-11")]),
        ("2026-11-05", "2026-12-10", [("2026-11-05", "2026-12-10")]),
        ("2025-11-22", "2026-11-22",
         [("2025-11-22", "2025-11-30"), ("2025-12", "2026-10"), ("2026-11-01", "2026-11-22")]),
        ("2026-02-01", "2026-03-01", [("2026-02", "2026-02"), ("2026-03-01", "2026-03-01")]),
        ("2026-01-31", "2026-02-28", [("2026-01-31", "2026-01-31"), ("2026-02", "2026-02")]),
    ],
)  # fmt: skip
def test_whole_months_are_read_as_months(first: str, last: str, spans: list[tuple[str, str]]) -> None:
    found = spans_of(date.fromisoformat(first), date.fromisoformat(last))
    assert [(span.first, span.last) for span in found] == spans
    assert [span.by_month for span in found] == [len(span[0]) == 7 for span in spans]
