"""One supply point's page of one day, from one look. Part of `read_books`."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import cast

from cloud_server.core.batch_facts import MeterFacts
from cloud_server.core.point_meters import PointMeter, PointMeters
from cloud_server.core.site_map import PlacedMeter
from cloud_server.core.views import (
    AlarmRow,
    CommandRow,
    DayEnergy,
    IntervalRow,
    LiveValue,
    MeterView,
    PastMeterRow,
    PointPage,
    PriceNow,
    SaleRow,
    SwapRow,
    SwitchingRow,
    TestRow,
)
from cloud_server.flows.centre import Centre
from cloud_server.flows.look import Look
from cloud_server.flows.past_meters import past_meters
from cloud_server.flows.read_commands import command_row
from cloud_server.flows.read_monitor import mode_now, one_box_row, point_row
from cloud_server.flows.read_notes import open_notes
from cloud_server.flows.read_sales import account_view, sale_rows
from cloud_server.ports import Unit
from protocol.commands import Mode
from protocol.ids import Id
from protocol.records import MeterTest, Relay
from protocol.site_plan import PointPlan
from protocol.units import Ms

TEST_LASTS_MS = 60_000
"""The longest relay test: three orders of at most 20 s each."""
COMMANDS_SHOWN_MAX = 50
"""The newest commands of a meter: a page of them."""
SALES_SHOWN_MAX = 50
"""The newest sales of an account: a page of them."""


def point_page(centre: Centre, unit: Unit, look: Look, point: PointPlan, day: str) -> PointPage | None:
    """Everything that a point's page shows; None for a point that no meter serves."""
    meter = look.site.meter_of.get(point.point)
    if meter is None:
        return None
    placed = look.site.meters[meter]
    row = point_row(look, point)
    box = one_box_row(look, placed.box)
    wallet = look.site.wallet_of.get(meter) if row.account is not None else None
    from_ms, to_ms = _bounds(centre, day)
    past = past_meters(centre, unit, look.site)
    meters = _meters_in(past, point.point, meter, from_ms, to_ms)
    tests = [test for one in meters for test in unit.books.meter_tests(one, from_ms, to_ms)]
    relays = [relay for one in meters for relay in unit.books.switchings(one, from_ms, to_ms)]
    alarms = unit.books.alarm_records(meter, wallet.wallet if wallet is not None else None, from_ms, to_ms)
    alarms += [one for old in meters if old != meter for one in unit.books.alarm_records(old, None, from_ms, to_ms)]
    times = past.at_point.get(point.point, ())
    return PointPage(
        as_of_ms=look.now_ms,
        day=day,
        row=row,
        building_name=next(b.name for b in look.site.plan.buildings if b.building == point.building),
        box=box,
        bus=next(bus for bus in box.buses if bus.bus == placed.meter.bus),
        meter=_meter_view(look, placed),
        price=_price_now(look, placed),
        account=account_view(look, look.site.accounts[row.account]) if row.account is not None else None,
        sales=_sales(unit, look, row.account),
        switchings=switching_rows(sorted(relays, key=lambda relay: -relay.at_ms), tests),
        alarms=tuple(AlarmRow(at_ms=a.at_ms, alarm=a.alarm, state=a.state, value=a.value) for a in alarms),
        tests=tuple(TestRow(at_ms=t.at_ms, test=t.test, passed=t.passed, who=t.who) for t in tests),
        swaps=tuple(swap for swap in _swaps(times) if from_ms <= swap.at_ms < to_ms),
        past_meters=tuple(_past_row(one) for one in reversed(times) if one.until_ms is not None),
        intervals=_intervals(unit, past, meters, from_ms, to_ms),
        commands=_commands(unit, look, placed),
        noted=open_notes(unit, look.site, look.now_ms).get(point.point),
    )


def energy_by_day(centre: Centre, unit: Unit, look: Look, point: str, to_day: str, days: int) -> tuple[DayEnergy, ...]:
    """What a point used on each day, summed from its intervals: they end at the site's midnight."""
    now = look.site.meter_of.get(point)
    if now is None:
        return ()
    last = date.fromisoformat(to_day)
    names = [(last - timedelta(days=back)).isoformat() for back in reversed(range(days))]
    from_ms, to_ms = _bounds(centre, names[0])[0], _bounds(centre, to_day)[1]
    sums = {name: [0, 0, 0] for name in names}
    for meter in _meters_in(past_meters(centre, unit, look.site), point, now, from_ms, to_ms):
        for interval in unit.books.intervals(meter, from_ms, to_ms):
            found = sums[centre.day_of(interval.from_ms)]
            found[0] += interval.energy_wh
            found[1] += interval.charge_micro
            found[2] += 1
    return tuple(
        DayEnergy(day=name, energy_wh=wh, charge_micro=micro, intervals=count)
        for name, (wh, micro, count) in sums.items()
    )


def switching_rows(relays: Iterable[Relay], tests: Sequence[MeterTest]) -> tuple[SwitchingRow, ...]:
    """Switchings as shown: those that nobody ordered, and that a relay test ends, are the test's."""
    return tuple(
        SwitchingRow(
            at_ms=relay.at_ms,
            wanted=relay.wanted,
            seen=relay.seen,
            cause=relay.cause,
            running_micro=relay.running_micro,
            tested_by=who_tested(relay, tests),
        )
        for relay in relays
    )


def who_tested(relay: Relay, tests: Iterable[MeterTest]) -> str | None:
    """Who moved a relay for a test: the record of a test comes at its end."""
    if relay.cause != "unknown":
        return None
    for test in tests:
        if test.test == "relay" and test.meter == relay.meter and 0 <= test.at_ms - relay.at_ms <= TEST_LASTS_MS:
            return test.who
    return None


def _bounds(centre: Centre, day: str) -> tuple[Ms, Ms]:
    """First and last instant of a day in the site's zone."""
    first = date.fromisoformat(day)
    begin = datetime.combine(first, time(), centre.zone)
    end = datetime.combine(first + timedelta(days=1), time(), centre.zone)
    return int(begin.timestamp() * 1000), int(end.timestamp() * 1000)


def _sales(unit: Unit, look: Look, account: str | None) -> tuple[SaleRow, ...]:
    if account is None:
        return ()
    return sale_rows(look, unit, unit.books.sales(account=account, limit=SALES_SHOWN_MAX))


def _meters_in(past: PointMeters, point: Id, now: Id, from_ms: Ms, to_ms: Ms) -> tuple[Id, ...]:
    """The meters that served a point in a stretch of time, oldest first; `now` in any case."""
    times = past.at_point.get(point, ())
    found = tuple(one.meter for one in times if one.serves_in(from_ms, to_ms) or one.meter == now)
    return found if now in found else (*found, now)


def _swaps(times: Sequence[PointMeter]) -> Iterator[SwapRow]:
    for old, new in pairwise(times):
        assert old.until_ms is not None
        assert old.last_raw_wh is not None
        assert new.first_raw_wh is not None
        yield SwapRow(
            at_ms=old.until_ms,
            old_number=old.number,
            closing_wh=old.last_raw_wh,
            new_number=new.number,
            opening_wh=new.first_raw_wh,
        )


def _past_row(one: PointMeter) -> PastMeterRow:
    return PastMeterRow(
        number=one.number,
        from_ms=one.from_ms,
        first_wh=one.first_raw_wh,
        until_ms=one.until_ms,
        last_wh=one.last_raw_wh,
    )


def _intervals(unit: Unit, past: PointMeters, meters: Sequence[Id], from_ms: Ms, to_ms: Ms) -> tuple[IntervalRow, ...]:
    """Of all meters of the day, in the order of time."""
    rows = []
    for meter in meters:
        found = past.meter(meter) if len(meters) > 1 else None
        rows += [
            IntervalRow(
                from_ms=shown.from_ms,
                to_ms=shown.to_ms,
                from_wh=shown.from_wh,
                to_wh=shown.to_wh,
                energy_wh=shown.energy_wh,
                charge_micro=shown.charge_micro,
                rates=shown.rates,
                max_power_w=shown.max_power_w,
                flags=shown.flags,
                meter_number=found.number if found is not None else "",
            )
            for shown in unit.books.intervals(meter, from_ms, to_ms)
        ]
    return tuple(sorted(rows, key=lambda row: row.from_ms))


def _commands(unit: Unit, look: Look, placed: PlacedMeter) -> tuple[CommandRow, ...]:
    box = look.boxes[placed.box.box]
    commands = unit.lines.commands_about(placed.meter.meter, COMMANDS_SHOWN_MAX)
    return tuple(command_row(command, box, look.now_ms) for command in commands)


def _meter_view(look: Look, placed: PlacedMeter) -> MeterView:
    meter = placed.meter
    facts = look.facts_of(meter.meter)
    known = look.facts.get(meter.meter)
    live = look.live.get(meter.meter)
    ratio = max((r for r in meter.ratios if r.from_ms <= look.now_ms), key=lambda r: r.from_ms, default=meter.ratios[0])
    return MeterView(
        meter=meter.meter,
        number=meter.name,
        serial=meter.serial,
        profile=meter.profile,
        unit=meter.unit,
        phases=meter.phases,
        rated_ma=meter.rated_ma,
        ct=ratio.ct,
        pt=ratio.pt,
        service=facts.service,
        mode=cast(Mode, mode_now(facts, look.now_ms)),
        mode_until_ms=facts.mode_until_ms,
        locked_out_by=facts.locked_out_by,
        locked_out_at_ms=facts.locked_out_at_ms,
        relay_tested=_relay_tested(facts),
        relay_wanted=facts.wanted,
        relay_seen=facts.seen,
        relay_cause=facts.cause,
        relay_at_ms=facts.relay_at_ms,
        register_wh=known[1] if known is not None else None,
        register_at_ms=known[2] if known is not None else None,
        values=tuple(LiveValue(name=k, value=v) for k, v in sorted(live.values.items())) if live is not None else (),
        values_at_ms=live.at_ms if live is not None else None,
    )


def _relay_tested(facts: MeterFacts) -> bool:
    return any(test.test == "relay" and test.passed for test in facts.tests)


def _price_now(look: Look, placed: PlacedMeter) -> PriceNow:
    book, tariff = look.site.book, placed.meter.tariff
    now = book.at(tariff, look.now_ms)
    return PriceNow(
        tariff=book.tariffs[tariff, now.version].name,
        version=now.version,
        rate=now.rate,
        price_micro=now.price_micro,
        until_ms=now.to_ms,
    )
