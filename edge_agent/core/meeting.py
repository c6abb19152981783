"""What the box makes of each thing that it meets: a reading, a relay's report, a lost meter, a passing second.

The order of a reading's way: believed? → interval closed? → running balance → alarms → latch → relay.
Each function answers with one decision; the parts are in readings, intervals, wallets, supply and relay.
"""

from dataclasses import replace

import msgspec

from edge_agent.core.decision import NOTHING, Decision, Steps, join
from edge_agent.core.fees import charge_fees
from edge_agent.core.foreign_master import foreign_over
from edge_agent.core.guarding import seen_contact
from edge_agent.core.holds import hold, meter_alarm
from edge_agent.core.identity import ask_serial
from edge_agent.core.intervals import close_at_latest, close_interval, price_open
from edge_agent.core.measured import MeterReading, RelayOrdered, RelayPosition, Unknown
from edge_agent.core.open_relay import watch_open
from edge_agent.core.overload import latch as latch_overload
from edge_agent.core.overload import restore_when_due, watch_power
from edge_agent.core.place import Place
from edge_agent.core.rates import compare_rates, mark_reading
from edge_agent.core.readings import Believed, Doubted, fresh_reading, judge_register
from edge_agent.core.relay import judge_relay, relay_disobeyed, relay_seen, wish_for
from edge_agent.core.slope import next_slope, slope_power_w
from edge_agent.core.state import BoxState, Latest, MeterRow, Now
from edge_agent.core.supply import Credit
from edge_agent.core.wallets import credit, feeding, judge_wallet, latch_arrears, running_micro
from protocol.box_config import WalletConfig
from protocol.records import Alarm, IntervalFlag, MeterEvent, Subject


def take_reading(place: Place, state: BoxState, reading: MeterReading, now: Now) -> Decision:
    """A meter was read. A reading within the tolerance after a boundary counts as taken at it."""
    row = state.meters.get(reading.meter)
    if row is None or reading.meter not in place.meters or row.released:
        return NOTHING
    steps = Steps(state)
    steps.take(Decision(order_registers=((row.meter, reading.order_register),)))
    seen = seen_contact(place, state, row.meter, reading.relay, reading.order_register)
    steps.take(ask_serial(place, state, row, now))
    if row.meter not in steps.state.identified:
        steps.take(relay_seen(place, steps.state, row.meter, seen, now))
        return steps.decision()
    if row.state.held:
        steps.take(_keep_held(place, row, reading, state.latest.get(row.meter)))
    else:
        judged = judge_register(place, row, state.latest.get(row.meter), reading, now)
        if isinstance(judged, Doubted):
            return _doubt(place, state, row, judged, now)
        _count(place, steps, row, judged, reading, now)
    steps.take(relay_seen(place, steps.state, row.meter, seen, now))
    steps.take(_close_when_dark(place, steps.state, row.meter, state.latest.get(row.meter), now))
    steps.take(watch_power(place, steps.state, row.meter))
    steps.take(watch_open(place, steps.state, row.meter, now))
    judge_supply(place, steps, row.meter, now)
    return steps.decision()


def _count(place: Place, steps: Steps, row: MeterRow, judged: Believed, reading: MeterReading, now: Now) -> None:
    """Let a believed register count: first reading, interval that ended, open charge."""
    meter, at_ms = row.meter, reading.at_wall_ms
    if row.state.raw_wh is None or row.state.read_at_ms is None:
        opened = msgspec.structs.replace(row.state, raw_wh=judged.raw_wh, read_at_ms=at_ms)
        steps.take(Decision(meters=(msgspec.structs.replace(row, state=opened),), records=()))
    else:
        ended = _ended_at(place, meter, row.state.read_at_ms, at_ms)
        if ended is not None and not steps.state.no_room:
            extra: tuple[IntervalFlag, ...] = ("wrap",) if judged.wrapped else ()
            if ended == at_ms:
                extra += ("catch_up",)
            rates = reading.rates_raw_wh
            steps.take(close_interval(place, steps.state, meter, judged.raw_wh, ended, now.sure, extra, rates))
    row = steps.state.meters[meter]
    if row.accept_next or row.hung_since_ms is not None:
        row = msgspec.structs.replace(row, accept_next=False, hung_since_ms=None)
        steps.take(Decision(meters=(row,)))
    open_charge = price_open(place, steps.state, meter, judged.raw_wh, at_ms, now.sure).charge_micro
    steps.take(_remember(place, row, judged.raw_wh, reading, steps.state.latest.get(meter), open_charge))
    steps.take(_count_below(place, steps.state, meter))
    if reading.rates_raw_wh:
        steps.take(compare_rates(place, steps.state, meter, mark_reading(place, reading, judged.raw_wh), now))


def _close_when_dark(place: Place, state: BoxState, meter: str, before: Latest | None, now: Now) -> Decision:
    """Behind an open relay the register stands still: close the interval, so that the book tells what lights it again.

    Between the decision to open and the contact that moves, a shop draws on; without this the centre would name an
    amount that is too small until the next boundary.
    """
    latest = state.latest.get(meter)
    if state.meters[meter].seen != "open" or before is None or latest is None or latest.raw_wh != before.raw_wh:
        return NOTHING
    if latest.open_charge_micro == 0:
        return NOTHING
    return replace(close_at_latest(place, state, meter, now.sure), urgent=True)


def _ended_at(place: Place, meter: str, read_at_ms: int, at_ms: int) -> int | None:
    """When the interval that began at `read_at_ms` ended, seen from a reading now; None while it runs."""
    if at_ms < read_at_ms:
        return at_ms
    if place.next_cut_ms(meter, read_at_ms) > at_ms:
        return None
    tolerance_ms = place.config.defaults.boundary_tolerance_ms
    boundary = place.next_cut_ms(meter, max(at_ms - tolerance_ms - 1, read_at_ms))
    return min(boundary, at_ms)


def _keep_held(place: Place, row: MeterRow, reading: MeterReading, before: Latest | None) -> Decision:
    """A held register: what it tells does not count, the last one believed stays."""
    raw_wh = before.raw_wh if before is not None else row.state.raw_wh or 0
    return _remember(place, row, raw_wh, reading, before, before.open_charge_micro if before is not None else 0)


def _remember(
    place: Place, row: MeterRow, raw_wh: int, reading: MeterReading, before: Latest | None, open_charge: int
) -> Decision:
    """The newest reading, in memory. Power that is only estimated never counts as the greatest."""
    measured = not isinstance(reading.power_w, Unknown)
    power_w = None if isinstance(reading.power_w, Unknown) else reading.power_w
    slope = None if measured else next_slope(place, row, raw_wh, reading, before)
    powers = [w for w in (power_w, before.max_power_w if before is not None else None) if w is not None]
    latest = Latest(
        raw_wh=raw_wh,
        wall_ms=reading.at_wall_ms,
        mono_ms=reading.at_mono_ms,
        power_w=power_w if slope is None else slope_power_w(place, row, slope, raw_wh, reading.at_mono_ms),
        power_estimated=slope is not None,
        slope=slope,
        relay=reading.relay.value,
        max_power_w=max(powers, default=None),
        open_charge_micro=open_charge,
        below_trip=before.below_trip if before is not None else 0,
        rates_raw_wh=reading.rates_raw_wh,
    )
    return Decision(latest=((row.meter, latest),), doubts=((row.meter, 0),))


def _count_below(place: Place, state: BoxState, meter: str) -> Decision:
    """Count readings in a row that put the wallet at or below its trip level."""
    wallet, latest = feeding(place, state, meter), state.latest[meter]
    at_trip = wallet is not None and running_micro(state, wallet) <= wallet.trip_micro
    below = latest.below_trip + 1 if at_trip else 0
    return Decision(latest=((meter, replace(latest, below_trip=below)),))


def judge_supply(place: Place, steps: Steps, meter: str, now: Now, command: int | None = None) -> None:
    """Alarms, latches and relays of everything that hangs on this meter's wallet; without one, of the meter alone."""
    wallet = feeding(place, steps.state, meter)
    serves = steps.state.meters[meter].state.service == "in_service"
    if serves and wish_for(place, steps.state, meter, now).rule.latches == "overload":
        steps.take(latch_overload(place, steps.state, meter, now))
    if wallet is None:
        steps.take(judge_relay(place, steps.state, meter, now, command))
        return
    steps.take(judge_wallet(place, steps.state, wallet, now))
    meters = [m for m in wallet.meters if m in steps.state.meters]
    in_service = [m for m in meters if steps.state.meters[m].state.service == "in_service"]
    if any(wish_for(place, steps.state, m, now).rule.latches == "arrears" for m in in_service):
        for fed in meters:
            steps.take(close_at_latest(place, steps.state, fed, now.sure))
        steps.take(latch_arrears(place, steps.state, wallet, now))
    for fed in meters:
        steps.take(judge_relay(place, steps.state, fed, now, command))
    steps.take(_second_look(place, steps.state, wallet, in_service, now))


def _second_look(place: Place, state: BoxState, wallet: WalletConfig, meters: list[str], now: Now) -> Decision:
    """Before an arrears opening a second reading must confirm the first: ask for it at once."""
    if state.wallets[wallet.wallet].state.arrears_open or credit(state, wallet) is not Credit.AT_TRIP:
        return NOTHING
    wanted = frozenset(
        meter
        for meter in meters
        if state.meters[meter].state.mode == "prepaid"
        and meter in state.latest
        and state.latest[meter].below_trip == 1
        and fresh_reading(place, state, meter, now)
    )
    return Decision(reread=wanted) if wanted else NOTHING


def _doubt(place: Place, state: BoxState, row: MeterRow, doubted: Doubted, now: Now) -> Decision:
    """A first doubtful register is read again; a second one is held until a person judges it."""
    doubts = state.doubts.get(row.meter, 0) + 1
    if doubts == 1:
        return Decision(doubts=((row.meter, 1),), reread=frozenset({row.meter}))
    held = hold(place, row, "register_held", now, doubted.told_raw_wh)
    return join(held, Decision(doubts=((row.meter, 0),)))


def relay_reported(
    place: Place,
    state: BoxState,
    meter: str,
    position: RelayPosition,
    ok: bool,
    now: Now,
    register: RelayOrdered = RelayOrdered.UNKNOWN,
) -> Decision:
    """An order came to its end; `ok`: the meter holds it; `position`, `register`: what it says of contact and order."""
    if meter not in state.meters or meter not in place.meters:
        return NOTHING
    steps = Steps(state)
    if register is not RelayOrdered.UNKNOWN:
        steps.take(Decision(order_registers=((meter, register),)))
    steps.take(relay_seen(place, steps.state, meter, seen_contact(place, steps.state, meter, position, register), now))
    if not ok:
        steps.take(relay_disobeyed(place, steps.state, meter, now))
    return steps.decision()


def meter_lost(place: Place, state: BoxState, meter: str, now: Now) -> Decision:
    """A meter has not answered for its limit of tries: alarm, and its silence decides nothing."""
    row = state.meters.get(meter)
    if row is None or meter not in place.meters or meter in state.lost:
        return NOTHING
    raised = msgspec.structs.replace(row, alarms=(*(a for a in row.alarms if a != "meter_lost"), "meter_lost"))
    known = "meter_lost" in row.alarms
    gap = ((meter, False),)
    records = () if known else _lost_records(place, meter, now, lost=True)
    meters = () if known else (raised,)
    return Decision(records=records, meters=meters, lost=((meter, True),), urgent=not known, identified=gap)


def meter_back(place: Place, state: BoxState, meter: str, now: Now) -> Decision:
    """A lost meter answered."""
    row = state.meters.get(meter)
    if row is None or meter not in place.meters:
        return NOTHING
    if "meter_lost" not in row.alarms:
        return Decision(lost=((meter, False),))
    cleared = msgspec.structs.replace(row, alarms=tuple(a for a in row.alarms if a != "meter_lost"))
    records = _lost_records(place, meter, now, lost=False)
    return Decision(records=records, meters=(cleared,), lost=((meter, False),), urgent=True)


def _lost_records(place: Place, meter: str, now: Now, *, lost: bool) -> tuple[MeterEvent, Alarm]:
    event = MeterEvent(at_ms=now.wall_ms, meter=meter, event="lost" if lost else "back")
    return event, meter_alarm(place, meter, "meter_lost", now, raised=lost)


def bus_changed(place: Place, state: BoxState, bus: str, down: bool, now: Now) -> Decision:
    """A bus lost its adapter or got it back; what happened to its meters meanwhile nobody saw."""
    name = f"bus_lost/{bus}"
    if down == (name in state.marks.alarms):
        return NOTHING
    alarms = tuple(a for a in state.marks.alarms if a != name) + ((name,) if down else ())
    subject = Subject(box=place.box, bus=bus)
    record = Alarm(at_ms=now.wall_ms, alarm="bus_lost", subject=subject, state="raised" if down else "cleared")
    marks = msgspec.structs.replace(state.marks, alarms=alarms)
    unseen = tuple((meter, False) for meter, on in place.bus_of.items() if on == bus) if down else ()
    return Decision(records=(record,), marks=marks, identified=unseen, urgent=True)


def tick(place: Place, state: BoxState, now: Now) -> Decision:
    """A second passed: modes and latches that end, closings that waited, orders to be given again."""
    steps = Steps(state)
    steps.take(charge_fees(place, steps.state, now))
    steps.take(foreign_over(place, steps.state, now))
    for meter in place.meters:
        row = steps.state.meters.get(meter)
        if row is None or row.released:
            continue
        until = row.state.mode_until_ms
        if until is not None and now.sure and now.wall_ms >= until:
            ended = msgspec.structs.replace(row.state, mode="prepaid", mode_until_ms=None)
            steps.take(Decision(meters=(msgspec.structs.replace(row, state=ended),)))
            judge_supply(place, steps, meter, now)
        steps.take(restore_when_due(place, steps.state, meter, now))
        steps.take(judge_relay(place, steps.state, meter, now))
    return steps.decision()
