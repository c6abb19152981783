"""A month's end with a box that was away over midnight: before it returns reports say what is missing, after it they
are whole, and what was booked late is named; a closed month does not change."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cloud_server.core.report_table import Report, ReportKind, ReportQuery
from cloud_server.flows import report_late
from cloud_server.flows.close_day import Days
from cloud_server.flows.read_alarms import AlarmOffice
from cloud_server.flows.read_reports import ReportOffice
from tests.cloud_server.flows.test_reports import column, table
from tests.cloud_server.site_rig import SiteRig, open_rig
from tests.cloud_server.street import YUAN, meter_id
from tests.fakes.centre_clock import FakeClock

HALF_HOUR_MS = 1_800_000
EVENING_MS = int(datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp() * 1000)
"""Eight in the evening of the last of November, in Shanghai."""
NOVEMBER, DECEMBER = ("2026-11-01", "2026-11-30"), ("2026-12-01", "2026-12-31")
USE_WH = 1_001
PRICE_MICRO_PER_WH = 800
SHOPS = 2


class Month:
    """A street whose clock stands at the evening of the last day; box 2 loses its fibre at ten."""

    def __init__(self, rig: SiteRig) -> None:
        self.rig = rig
        rig.plan(shops=SHOPS)
        self.near, self.away = rig.enrol(1), rig.enrol(2)
        for number in (1, 2):
            rig.sell("200.00", box=number)
        for box in (self.near, self.away):
            rig.settle(box)

    def half_hours(self, count: int, *, fibre: bool) -> None:
        """Both boxes measure and seal; the second is heard only where its fibre is whole."""
        for _ in range(count):
            self.rig.clock.advance(HALF_HOUR_MS)
            for number, box in ((1, self.near), (2, self.away)):
                box.use(meter_id(number, 2), USE_WH)
                box.now_ms = self.rig.clock.now_ms
                box.seal()
                if fibre or box is self.near:
                    self.rig.exchange(box)

    def returns(self) -> None:
        """The second box brings everything."""
        self.rig.settle(self.away)

    def report(self, kind: ReportKind, days: tuple[str, str], step: str = "month") -> Report:
        query = ReportQuery(kind=kind, from_day=days[0], to_day=days[1], step=step)  # type: ignore[arg-type]  # a word of the table
        found = ReportOffice(self.rig.centre, AlarmOffice(self.rig.centre)).report(query)
        assert found is not None
        return found

    def energy_wh(self, days: tuple[str, str]) -> int:
        rows = column(table(self.report("energy", days), "by_point"), "energy")
        return sum(row for row in rows if isinstance(row, int))

    def facts(self, days: tuple[str, str]) -> dict[str, int]:
        return {fact.key: fact.value for fact in self.report("rollforward", days).facts if isinstance(fact.value, int)}


@pytest.fixture
def month(tmp_path: Path) -> Iterator[Month]:
    with open_rig(tmp_path, FakeClock(EVENING_MS)) as rig:
        yield Month(rig)


@pytest.mark.parametrize("together_ms", [report_late.TOGETHER_MS, ()], ids=["all at once", "meter by meter"])
def test_a_box_that_was_away_over_midnight(
    month: Month, together_ms: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_late, "TOGETHER_MS", together_ms)
    month.half_hours(4, fibre=True)
    month.half_hours(4, fibre=False)
    in_time = 8 + 4
    assert month.energy_wh(NOVEMBER) == in_time * USE_WH, "what has come, and no guess"
    (lack,) = month.report("energy", NOVEMBER).lacks
    ten_ms = EVENING_MS + 4 * HALF_HOUR_MS
    assert (lack.why, lack.box_name, lack.since_ms) == ("silent", "A2", ten_ms)
    assert [one.box_name for one in month.report("rollforward", NOVEMBER).lacks] == ["A2"]

    # The month is closed at four in the morning, by itself, without the box.
    month.half_hours(9, fibre=False)
    assert Days(month.rig.centre).close_due_days() == 1
    before = month.facts(NOVEMBER)
    assert before["bridge_later"] == -USE_WH * PRICE_MICRO_PER_WH, "the last half hour of the box that was there"

    month.half_hours(5, fibre=False)
    month.returns()
    assert month.report("energy", NOVEMBER).lacks == ()
    assert month.energy_wh(NOVEMBER) == 16 * USE_WH
    assert month.energy_wh(DECEMBER) == 2 * 14 * USE_WH
    after = month.facts(NOVEMBER)
    closed = ("roll_closing", "roll_trial", "bridge_booked")
    assert {key: after[key] for key in closed} == {key: before[key] for key in closed}, "a closed month does not change"
    assert after["bridge_used"] == 16 * USE_WH * PRICE_MICRO_PER_WH
    assert after["bridge_later"] == -5 * USE_WH * PRICE_MICRO_PER_WH
    assert after["bridge_rest"] == 0

    december = month.facts(DECEMBER)
    assert december["bridge_earlier"] == 5 * USE_WH * PRICE_MICRO_PER_WH
    assert december["bridge_booked"] == (28 + 5) * USE_WH * PRICE_MICRO_PER_WH
    assert december["bridge_rest"] == december["roll_difference"] == 0
    assert december["roll_closing"] == 400 * YUAN - 44 * USE_WH * PRICE_MICRO_PER_WH

    late = table(month.report("income", NOVEMBER), "booked_later")
    assert column(late, "box") == ["A1", "A2"]
    assert column(late, "posting_day") == ["2026-12-01"] * 2
    assert column(late, "intervals") == [1, 4]
    assert column(late, "from")[1] == ten_ms
    assert column(late, "to")[1] == EVENING_MS + 8 * HALF_HOUR_MS
    earlier = table(month.report("rollforward", DECEMBER), "used_earlier")
    assert earlier.rows == late.rows
    assert month.rig.breaches() == []


def test_the_last_half_hour_alone_is_told_as_lacking(month: Month) -> None:
    """A box that fell silent within the last hour of a month would not be missed otherwise."""
    month.half_hours(7, fibre=True)
    month.half_hours(2, fibre=False)
    (lack,) = month.report("energy", NOVEMBER).lacks
    assert (lack.why, lack.box_name) == ("silent", "A2")
    month.returns()
    assert month.report("energy", NOVEMBER).lacks == ()
