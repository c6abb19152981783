"""Registers by rate as judge: they split what an outage straddles, once they have proved right; the centre agrees."""

from fractions import Fraction

import pytest

from edge_agent.core.measured import MeterReading, RelayPosition
from edge_agent.core.meeting import take_reading
from protocol.charging import differences
from protocol.records import Alarm, Interval
from tests.edge_agent.core.street import METERS, START_MS, Street, box_config, meter_config, tariff
from tests.edge_agent.core.test_rates import RATES, TARIFF

WH_A_MINUTE = 50
HOURS = 60


class JudgedShop:
    """A shop whose meter counts by rate itself and is read with its rates, each minute."""

    def __init__(self, rate_registers: str = "judge", counts_as: str | None = None) -> None:
        meters = (meter_config(0, profile="acrel_adf400l_3ph"),)
        config = box_config(meters=meters, tariffs=(tariff(TARIFF),), rate_registers=rate_registers)
        self.street = Street(config)
        self.counts_as = counts_as
        self.rates = dict.fromkeys(RATES, 0)

    def rate_now(self) -> str:
        place = self.street.place
        return place.book.at(place.meters[METERS[0]].tariff, self.street.now.wall_ms).rate

    def pass_minutes(self, minutes: int, wh: int = WH_A_MINUTE, *, read: bool = True) -> None:
        for _ in range(minutes):
            self.street.at_s += 60
            self.rates[self.counts_as or self.rate_now()] += wh
            if read:
                self.read()

    def read(self) -> None:
        now = self.street.now
        reading = MeterReading(
            METERS[0], now.mono_ms, now.wall_ms, sum(self.rates.values()),
            contact=RelayPosition.CLOSED, rates_raw_wh=dict(self.rates),
        )  # fmt: skip
        self.street.take(take_reading(self.street.place, self.street.state, reading, now))

    def intervals(self) -> list[Interval]:
        return [record for record in self.street.of(Interval) if isinstance(record, Interval)]

    def straddle(self) -> Interval:
        """An outage from 12:30 to 13:30, over the change to peak at 13:00; all of it is drawn in the last minutes."""
        self.pass_minutes(self._minutes_until(12, 30))
        self.pass_minutes(30, 0, read=False)
        self.pass_minutes(30, 100, read=False)
        self.read()
        return self.intervals()[-1]

    def _minutes_until(self, hour: int, minute: int) -> int:
        now = (self.street.now.wall_ms - START_MS) // 60_000 + 10 * HOURS  # the street begins at 10:00
        return int((hour * HOURS + minute - now) % (24 * HOURS))


def by_rate(interval: Interval) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in interval.parts:
        found[part.rate] = found.get(part.rate, 0) + part.energy_wh
    return found


@pytest.fixture(scope="module")
def proved() -> JudgedShop:
    """A day and a night in which each rate was counted as the tariff says."""
    shop = JudgedShop()
    shop.pass_minutes(24 * HOURS)
    return shop


def test_after_a_day_that_agreed_the_meter_splits_what_an_outage_straddles(proved: JudgedShop) -> None:
    assert set(proved.street.state.meters[METERS[0]].rates_agree) == {"1:flat", "1:peak", "1:valley"}
    interval = proved.straddle()
    assert interval.source == "rates"
    assert by_rate(interval) == {"flat": 0, "peak": 3_000}, "by time it would have been half and half"
    assert "estimated_split" not in interval.flags


def test_the_centre_counts_the_same_from_the_records_alone(proved: JudgedShop) -> None:
    place = proved.street.place
    intervals = proved.intervals()
    assert any(each.source == "rates" for each in intervals)
    carry, before = 0, None
    for each in intervals:
        assert differences(place.book, each, Fraction(1), Fraction(0), carry, 0, before) == []
        carry, before = each.money_carry_nano, each.rates_raw_wh
    assert sum(each.energy_wh for each in intervals) == intervals[-1].to.raw_wh - intervals[0].from_.raw_wh


@pytest.mark.parametrize(("rate_registers", "hours"), [("judge", 1), ("check", 24)])
def test_before_it_has_proved_right_and_without_the_sites_word_time_splits(rate_registers: str, hours: int) -> None:
    shop = JudgedShop(rate_registers)
    shop.pass_minutes(hours * HOURS)
    interval = shop.straddle()
    assert (interval.source, by_rate(interval)) == ("total", {"flat": 1_500, "peak": 1_500})
    assert "estimated_split" in interval.flags


def test_a_meter_with_another_calendar_is_found_and_never_judges() -> None:
    shop = JudgedShop(counts_as="sharp")
    shop.pass_minutes(24 * HOURS)
    row = shop.street.state.meters[METERS[0]]
    assert (row.rates_agree, "rates_differ" in row.alarms) == ((), True)
    told = [each for each in shop.street.of(Alarm) if isinstance(each, Alarm) and each.alarm == "rates_differ"]
    assert [each.state for each in told] == ["raised"]
    assert shop.straddle().source == "total"


def test_one_stretch_that_differs_takes_the_judgement_away(proved: JudgedShop) -> None:
    proved.counts_as = "sharp"
    proved.pass_minutes(2 * HOURS)
    assert proved.street.state.meters[METERS[0]].rates_agree == ()
    proved.counts_as = None
    assert proved.straddle().source == "total"
