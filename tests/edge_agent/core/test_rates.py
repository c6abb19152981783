"""A meter's registers by rate against its total and the tariff: a table over all that may happen, and what is told."""

import itertools
from dataclasses import dataclass

import pytest

from edge_agent.core.details import take_detail
from edge_agent.core.measured import DetailReading
from edge_agent.core.rates import CLOCK_OFF_MS, LEAST_STEPS, STEPS, TOGETHER_MS, rates_say, same_stretch
from edge_agent.core.state import RateMark
from edge_agent.core.wiring import Says
from protocol.records import Alarm
from tests.edge_agent.core.street import METERS, START_MS, Street, box_config, meter_config, tariff

TARIFF = """
name = "time of use"
starts_at = 2025-01-01T00:00:00
fallback_rate = "flat"
[rates.flat]
price_micro = 1000000
[rates.peak]
price_micro = 1500000
[rates.valley]
price_micro = 500000
[days.all]
switches = ["00:00 valley", "08:00 flat", "13:00 peak", "22:00 flat"]
[calendar]
default = "all"
"""
RATES = ("sharp", "peak", "flat", "valley")
STEP_WH = 10
HOUR_MS = 3_600_000


def street_of(rate_registers: str = "sum") -> Street:
    meters = (meter_config(0, profile="acrel_adf400l_3ph"),)
    return Street(box_config(meters=meters, tariffs=(tariff(TARIFF),), rate_registers=rate_registers))


def holding(street: Street, at_ms: int) -> str:
    return street.place.book.at(street.place.meters[METERS[0]].tariff, at_ms).rate


def mark(street: Street, at_ms: int, rates: dict[str, int], total_wh: int) -> RateMark:
    return RateMark(rates, total_wh, at_ms, holding(street, at_ms))


@dataclass(frozen=True)
class Moved:
    """What the registers did in one stretch, in steps of their resolution."""

    total: int
    own: int
    other: int


def expected(case: Moved, rate_registers: str) -> Says:
    """The rule, written anew from domain.md: within their resolution, and what flows while both are read."""
    if case.total < LEAST_STEPS:
        return Says.NOTHING
    flows_wh = -(-case.total * STEP_WH * TOGETHER_MS // HOUR_MS)
    slack_wh = STEPS * STEP_WH + flows_wh
    together_wrong = abs(case.own + case.other - case.total) * STEP_WH > slack_wh
    alone_wrong = rate_registers == "check" and abs(case.own - case.total) * STEP_WH > slack_wh
    return Says.FOR if together_wrong or alone_wrong else Says.AGAINST


@pytest.mark.parametrize("rate_registers", ["sum", "check"])
def test_every_combination_of_what_moved_says_what_the_rule_says(rate_registers: str) -> None:
    street = street_of(rate_registers)
    begin, end = START_MS + HOUR_MS // 2, START_MS + HOUR_MS + HOUR_MS // 2
    rate = holding(street, begin)
    assert same_stretch(street.place, METERS[0], mark(street, begin, {}, 0), mark(street, end, {}, 0))
    other = next(name for name in RATES if name != rate)
    seen = set()
    for total, off, foreign in itertools.product((0, 19, 20, 21, 200), range(-6, 7), (0, 2, 3, 4, 5, 20, 200)):
        case = Moved(total, max(0, total + off - foreign), foreign)
        before = mark(street, begin, dict.fromkeys(RATES, 1_000), 5_000)
        after = {**before.rates, rate: 1_000 + case.own * STEP_WH, other: 1_000 + case.other * STEP_WH}
        says = rates_say(street.place, METERS[0], before, mark(street, end, after, 5_000 + total * STEP_WH))
        assert says is expected(case, rate_registers), case
        seen.add(says)
    assert seen == set(Says)


def test_a_stretch_that_ended_or_a_first_reading_says_nothing() -> None:
    street = street_of("check")
    begin = START_MS + HOUR_MS // 2
    change = street.place.book.next_change_ms(street.place.meters[METERS[0]].tariff, begin)
    now = mark(street, change + HOUR_MS, dict.fromkeys(RATES, 9_000), 9_000)
    assert rates_say(street.place, METERS[0], None, now) is Says.NOTHING
    assert rates_say(street.place, METERS[0], mark(street, begin, dict.fromkeys(RATES, 0), 0), now) is Says.NOTHING


def test_a_register_that_wraps_has_not_run_back() -> None:
    street = street_of("check")
    begin, end = START_MS + HOUR_MS // 2, START_MS + HOUR_MS
    wrap = street.place.profile_of[METERS[0]].rates["flat"].wrap
    assert wrap is not None
    rate = holding(street, begin)
    before = mark(street, begin, {**dict.fromkeys(RATES, 1_000), rate: wrap - 100}, 5_000)
    after = mark(street, end, {**dict.fromkeys(RATES, 1_000), rate: 200}, 5_300)
    assert rates_say(street.place, METERS[0], before, after) is Says.AGAINST


class Shop:
    """A shop whose meter counts by a calendar of its own."""

    def __init__(self, rate_registers: str, counts_as: str | None) -> None:
        self.street = street_of(rate_registers)
        self.counts_as = counts_as
        self.share_percent = 100
        self.rates = dict.fromkeys(RATES, 0)
        self.total_wh = 0

    def go_on(self, minutes: int, wh_a_minute: int = 50) -> None:
        for _ in range(minutes):
            self.street.at_s += 60
            rate = self.counts_as or holding(self.street, self.street.now.wall_ms)
            self.rates[rate] += wh_a_minute * self.share_percent // 100
            self.total_wh += wh_a_minute
            self.street.read(0, self.total_wh)
            now = self.street.now
            reading = DetailReading(METERS[0], now.mono_ms, now.wall_ms, "detail_2", {}, dict(self.rates))
            self.street.take(take_detail(self.street.place, self.street.state, reading, now))

    def alarms(self) -> list[str]:
        told = [each for each in self.street.of(Alarm) if isinstance(each, Alarm)]
        return [each.state for each in told if each.alarm == "rates_differ"]


def test_a_meter_with_the_tariffs_calendar_never_raises_it() -> None:
    shop = Shop("check", None)
    shop.go_on(60 * 8)
    assert shop.alarms() == []


def test_a_meter_fresh_from_the_factory_is_found_where_its_calendar_should_be_ours() -> None:
    shop = Shop("check", "sharp")
    shop.go_on(60)
    assert shop.alarms() == ["raised"]
    assert not shop.street.state.meters[METERS[0]].state.held, "a cross-check holds nothing"
    shop.counts_as = None
    shop.go_on(60 * 4)
    assert shop.alarms() == ["raised", "cleared"]


def test_where_the_calendar_is_nobodys_business_only_the_sum_counts() -> None:
    shop = Shop("sum", "sharp")
    shop.go_on(60)
    assert shop.alarms() == []
    shop.share_percent = 80
    shop.go_on(30)
    assert shop.alarms() == ["raised"]


def test_near_a_change_of_rate_nothing_is_compared() -> None:
    shop = Shop("check", None)
    street = shop.street
    change = street.place.book.next_change_ms(street.place.meters[METERS[0]].tariff, START_MS)
    street.at_s = (change - START_MS) // 1_000 - CLOCK_OFF_MS // 1_000 // 2
    shop.go_on(1)
    assert METERS[0] not in street.state.rate_marks
