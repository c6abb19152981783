"""A wall clock that jumps invents no rate, no hour and no energy."""

import itertools

import pytest

from edge_agent.core.stepping import clock_stepped
from protocol.records import ClockStep, Interval
from protocol.wallet import replay
from tests.edge_agent.core.street import START_MS, WALLETS, Street, box_config, tariff

TOU = """
name = "tou"
starts_at = 2025-01-01T00:00:00
fallback_rate = "peak"
[rates.flat]
price_micro = 800000
[rates.peak]
price_micro = 1200000
[days.all]
switches = ["00:00 flat", "11:00 peak", "13:00 flat"]
[calendar]
default = "all"
"""
HOUR_MS = 3_600_000


def step(street: Street, by_ms: int, sure: bool = False) -> None:
    before_ms = START_MS + street.wall_offset_ms
    street.wall_offset_ms += by_ms
    street.sure = sure
    street.take(clock_stepped(street.place, street.state, before_ms, True, street.now))


@pytest.mark.parametrize("by_ms", [2 * HOUR_MS, -2 * HOUR_MS, -(START_MS - 1_000)])
def test_what_was_used_before_the_jump_is_priced_by_the_old_clock(by_ms: int) -> None:
    street = Street(box_config(tariffs=(tariff(TOU),)))
    street.read(0, 0)
    street.grant(0, 100)
    street.at_s = 600
    street.read(0, 1_000)
    street.records.clear()
    book = {WALLETS[0]: street.book(0)}
    street.at_s = 603
    step(street, by_ms)
    (closed,) = street.of(Interval)
    assert isinstance(closed, Interval)
    assert [(part.rate, part.energy_wh) for part in closed.parts] == [("flat", 1_000)]
    assert closed.to.at_ms == START_MS + 600_000
    assert len(street.of(ClockStep)) == 1
    street.at_s = 700
    step(street, -by_ms, sure=True)
    street.at_s = 720
    street.read(0, 2_000)
    street.at_s = 1_802
    street.read(0, 2_000)
    told = [record for record in street.of(Interval) if isinstance(record, Interval)]
    assert [part.rate for record in told for part in record.parts if part.energy_wh] == ["flat", "flat"]
    assert sum(record.energy_wh for record in told) == 2_000
    assert all(a.to.raw_wh == b.from_.raw_wh for a, b in itertools.pairwise(told))
    assert replay(book, street.records) == {WALLETS[0]: street.book(0)}
    assert street.book(0) == 100_000_000 - 1_600_000


def test_a_meter_not_read_since_the_start_keeps_its_interval() -> None:
    street = Street()
    street.read(0, 0)
    street.state.latest.clear()
    street.at_s = 100
    step(street, HOUR_MS)
    assert not street.of(Interval)
