"""One relay: what it should be against what is seen, and whether an order may be given now.

`core/supply` says what should be; here that becomes a record, an order, a retry or a wait. Nothing here touches a bus.
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from edge_agent.core.decision import Decision, Order
from edge_agent.core.foreign_master import foreign_master
from edge_agent.core.guarding import leaves_to_meter, leaves_to_person
from edge_agent.core.holding_back import friendly, noticed, warning_cut_runs
from edge_agent.core.holds import meter_alarm, with_alarm
from edge_agent.core.measured import RelayOrdered
from edge_agent.core.overload import begins
from edge_agent.core.place import Place
from edge_agent.core.readings import fresh_reading
from edge_agent.core.state import BoxState, MeterRow, Now, Trying
from edge_agent.core.supply import Credit, Rule, SupplyInputs, decide
from edge_agent.core.wallets import credit, feeding, running_micro
from protocol.records import Alarm, Cause, Contact, MeterEvent, Record, Relay, Subject, Would

RETRY_MS: Final = (3_000, 6_000, 15_000, 30_000, 60_000)
"""Pauses between orders that were not obeyed: the first covers writing, settling and one round of the bus."""
DEAF_AFTER_TRIES: Final = 3
"""Orders not obeyed until `relay_deaf` is raised: a lost frame is no alarm, three are."""
CONFIRMING_READINGS: Final = 2
"""Readings in a row that must put a balance at the trip level before it opens: one bad reading is never final."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a relay should be, by which rule."""

    wanted: Contact
    cause: Cause
    rule: Rule


def wish_for(place: Place, state: BoxState, meter: str, now: Now) -> Wish:
    """Ask the table about one meter."""
    row, wallet = state.meters[meter], feeding(place, state, meter)
    rule = decide(
        SupplyInputs(
            locked_out=row.state.locked_out is not None,
            mode=row.state.mode,
            has_account=wallet is not None,
            unopened_closed=place.config.defaults.unopened_supply == "closed",
            arrears_open=wallet is not None and state.wallets[wallet.wallet].state.arrears_open,
            credit=Credit.UNKNOWN if wallet is None else credit(state, wallet),
            may_trip=_may_trip(place, state, row, now),
            overload_latched=row.state.overload_latched,
            overload_begins=begins(place, state, meter),
            alarm2_hold=wallet is not None and warning_cut_runs(place, state, row, wallet, now),
        )
    )
    return Wish(rule.wanted, _cause(row, rule), rule)


def _cause(row: MeterRow, rule: Rule) -> Cause:
    """The cause as people are told it: closed again after arrears is `restored`, an overload that ends is no latch."""
    if rule.cause == "normal" and row.cause in ("arrears", "restored"):
        return "restored"
    if rule.cause == "overload_latched" and row.overload_until_ms is not None:
        return "overload"
    return rule.cause


def _may_trip(place: Place, state: BoxState, row: MeterRow, now: Now) -> bool:
    """Fresh, believed, confirmed; not before `no_trip_before`, within the notice of alarm 2, or in friendly hours."""
    wallet = feeding(place, state, row.meter)
    latest = state.latest.get(row.meter)
    if wallet is None or latest is None or row.state.held or row.meter in state.doubts:
        return False
    confirmed = latest.below_trip >= CONFIRMING_READINGS
    due = now.wall_ms >= (row.state.no_trip_before_ms or 0) and noticed(place, state, wallet, now)
    return fresh_reading(place, state, row.meter, now) and confirmed and due and not friendly(place, now)


def judge_relay(place: Place, state: BoxState, meter: str, now: Now, command: int | None = None) -> Decision:
    """Record what a relay should be where that changed, and order it where it is not so."""
    row = state.meters[meter]
    wish = wish_for(place, state, meter, now)
    if row.state.service == "observe" and wish.cause != "lock_out":
        if row.wanted == "unknown":
            # On a reading that has grown old the rules ask to close: that says nothing of what would have been done.
            return _would(row, wish, now) if fresh_reading(place, state, meter, now) else Decision()
        if wish.cause != "forced_off":
            wish = Wish("closed", "normal", wish.rule)
    wanted, changed = row, False
    if (row.wanted, row.cause) != (wish.wanted, wish.cause) and _may_act(
        place, state, meter, wish.wanted, wish.cause, now
    ):
        changed = True
        wanted = msgspec.structs.replace(row, wanted=wish.wanted, cause=wish.cause, command=command)
    records: tuple[Record, ...] = (_relay_record(place, state, wanted, now),) if changed else ()
    ordered = _order(place, state, wanted, now)
    return Decision(
        records=records,
        meters=(wanted,) if changed else (),
        orders=ordered.orders,
        trying=ordered.trying,
        closed_mono_ms=ordered.closed_mono_ms,
        urgent=changed,
    )


def _may_act(place: Place, state: BoxState, meter: str, wanted: Contact, cause: Cause, now: Now) -> bool:
    """A lock-out may always open. After a start nothing else moves before a reading, and money opens on fresh ones.

    What stands open is not closed on a first reading at the trip level: the second is under way, and would open it.
    """
    if cause == "lock_out":
        return True
    if wanted == "closed" and cause in ("normal", "restored") and _confirming(place, state, meter):
        return False
    if wanted == "open" and cause in ("arrears", "alarm2", "overload"):
        return fresh_reading(place, state, meter, now)
    return meter in state.latest


def _confirming(place: Place, state: BoxState, meter: str) -> bool:
    """Whether a relay that stands open has been read once at the trip level, and is about to be read again."""
    wallet, latest = feeding(place, state, meter), state.latest.get(meter)
    if wallet is None or latest is None or state.meters[meter].seen != "open":
        return False
    return credit(state, wallet) is Credit.AT_TRIP and 0 < latest.below_trip < CONFIRMING_READINGS


def _order(place: Place, state: BoxState, row: MeterRow, now: Now) -> Decision:
    """An order, where the relay is not seen as wanted and nothing asks to wait."""
    if row.wanted == "unknown" or _is_as_wanted(place, state, row):
        return Decision(trying=((row.meter, None),)) if row.meter in state.trying else Decision()
    if place.profile_of[row.meter].relay is None or row.meter in state.lost:
        return Decision()
    if not _may_act(place, state, row.meter, row.wanted, row.cause, now):
        return Decision()
    trying = state.trying.get(row.meter)
    if trying is not None and trying.wanted == row.wanted and now.mono_ms < trying.next_mono_ms:
        return Decision()
    bus = place.bus_of[row.meter]
    if foreign_master(state, bus):
        return Decision()
    if row.wanted == "closed" and (state.no_room or not _may_close(place, state, row, bus, now)):
        return Decision()
    if row.wanted == "open" and not _may_open(place, row, now):
        return Decision()
    tries = trying.tries + 1 if trying is not None and trying.wanted == row.wanted else 1
    armed = leaves_to_person(place, state, row)
    next_ms = now.mono_ms + RETRY_MS[min(tries, len(RETRY_MS)) - 1]
    return Decision(
        orders=(Order(row.meter, row.wanted, row.cause, release=leaves_to_meter(place, state, row), arm=armed),),
        trying=((row.meter, Trying(row.wanted, tries, next_ms)),),
        closed_mono_ms=((bus, now.mono_ms),) if row.wanted == "closed" else (),
    )


def _is_as_wanted(place: Place, state: BoxState, row: MeterRow) -> bool:
    """Whether the relay stands as it should, by the right hand: a guard's own in credit, ours for all else.

    A guard that holds itself open is as wanted too: only its account can close it. So is a relay that is armed: only
    the person at the meter can.
    """
    register = state.order_registers.get(row.meter, RelayOrdered.UNKNOWN)
    if leaves_to_meter(place, state, row):
        return register is RelayOrdered.RELEASED
    if leaves_to_person(place, state, row):
        return row.seen == "closed" or register is RelayOrdered.ARMED
    ours = register is not RelayOrdered.RELEASED or (row.wanted == "closed" and row.cause != "protected")
    return row.wanted == row.seen and ours


def _may_close(place: Place, state: BoxState, row: MeterRow, bus: str, now: Now) -> bool:
    """Closings on a bus are spaced; a relay rests between two switchings, but not after a payment."""
    last = state.closed_mono_ms.get(bus)
    spaced = last is None or now.mono_ms - last >= place.config.defaults.reclose_spacing_ms
    return spaced and (row.cause == "restored" or _rested(place, row, now))


def _may_open(place: Place, row: MeterRow, now: Now) -> bool:
    """Safety and orders of people open at once; arrears wait until the relay has rested."""
    at_once = ("overload", "overload_latched", "forced_off", "lock_out")
    return row.cause in at_once or _rested(place, row, now)


def _rested(place: Place, row: MeterRow, now: Now) -> bool:
    pause_ms = place.config.defaults.switch_pause_s * 1000
    if row.switched_at_ms is None or now.wall_ms < row.switched_at_ms:
        return True
    return now.wall_ms - row.switched_at_ms >= pause_ms


def want_nothing(place: Place, state: BoxState, meter: str, now: Now) -> Decision:
    """Back to observe: the relay stays as it is and nothing is wanted of it, which is told where something was."""
    row = state.meters[meter]
    after = msgspec.structs.replace(row, wanted="unknown", would="unknown")
    records: tuple[Record, ...] = (_relay_record(place, state, after, now),) if row.wanted != "unknown" else ()
    return Decision(records=records, meters=(after,))


def relay_seen(place: Place, state: BoxState, meter: str, seen: Contact, now: Now) -> Decision:
    """Take down what is seen of a relay, where it changed; clear `relay_deaf` where it obeys again.

    In observe a lifted lock-out is undone by one order; once it is obeyed nothing is wanted any more. While a person
    tests the relay it moves by command, and not by the meter's own control.
    """
    row = state.meters[meter]
    if seen in ("unknown", row.seen):
        return Decision()
    switched = now.wall_ms if row.seen != "unknown" else row.switched_at_ms
    obeys = seen == row.wanted
    wanted = row.wanted
    if obeys and row.state.service == "observe" and row.state.locked_out is None:
        wanted = "unknown"
    alarms = tuple(a for a in row.alarms if not (obeys and a == "relay_deaf"))
    after = msgspec.structs.replace(row, seen=seen, wanted=wanted, switched_at_ms=switched, alarms=alarms)
    tested = meter in state.testing
    moved: Cause = "command" if tested else row.cause if obeys or wanted == "unknown" else "own_control"
    records: tuple[Record, ...] = (_relay_record(place, state, after, now, moved),)
    if alarms != row.alarms:
        records += (_deaf(place, meter, now, raised=False),)
    if not tested and (row.seen, seen, row.wanted) == ("closed", "open", "closed"):
        after = with_alarm(after, "meter_own_control", raised=True)
        records += (
            MeterEvent(at_ms=now.wall_ms, meter=meter, event="own_control"),
            meter_alarm(place, meter, "meter_own_control", now, raised=True),
        )
    return Decision(records=records, meters=(after,), urgent=True, trying=((meter, None),) if obeys else ())


def relay_disobeyed(place: Place, state: BoxState, meter: str, now: Now) -> Decision:
    """An order came to nothing: after some tries that is an alarm. The retry follows from `judge_relay`."""
    row, trying = state.meters[meter], state.trying.get(meter)
    if trying is None or trying.tries < DEAF_AFTER_TRIES or "relay_deaf" in row.alarms:
        return Decision()
    after = msgspec.structs.replace(row, alarms=(*row.alarms, "relay_deaf"))
    return Decision(records=(_deaf(place, meter, now, raised=True),), meters=(after,), urgent=True)


def _deaf(place: Place, meter: str, now: Now, *, raised: bool) -> Alarm:
    subject = Subject(box=place.box, bus=place.bus_of[meter], meter=meter)
    return Alarm(at_ms=now.wall_ms, alarm="relay_deaf", subject=subject, state="raised" if raised else "cleared")


def _would(row: MeterRow, wish: Wish, now: Now) -> Decision:
    """In observe: what the relay would have done, once for each change."""
    if row.would == wish.wanted:
        return Decision()
    record = Would(at_ms=now.wall_ms, meter=row.meter, wanted=wish.wanted, cause=wish.cause)
    return Decision(records=(record,), meters=(msgspec.structs.replace(row, would=wish.wanted),))


def _relay_record(place: Place, state: BoxState, row: MeterRow, now: Now, cause: Cause | None = None) -> Relay:
    """The record, with the row's cause where it is no other."""
    wallet, latest = feeding(place, state, row.meter), state.latest.get(row.meter)
    return Relay(
        at_ms=now.wall_ms,
        meter=row.meter,
        wanted=row.wanted,
        seen=row.seen,
        cause=row.cause if cause is None else cause,
        command=row.command,
        raw_wh=latest.raw_wh if latest is not None else None,
        running_micro=running_micro(state, wallet) if wallet is not None else None,
    )
