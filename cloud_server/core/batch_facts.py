"""What the records of a batch say about meters and wallets beside money: relays, modes, alarms, tests. Pure.

A fold: facts before and records in, facts after out. Money is posted by `posting_rules`, charges by `charge_audit`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from protocol.commands import AdoptMeter, Body, InService, Mode, SetMode
from protocol.records import (
    Alarm,
    Cause,
    CommandResult,
    Contact,
    Fee,
    Interval,
    LockOut,
    MeterEvent,
    MeterTest,
    Record,
    Relay,
    Replaced,
    Subject,
)
from protocol.state import MeterState


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterFacts:
    """One meter as of the last posted batch; `wanted` and `seen` are its relay's."""

    meter: str
    wanted: Contact = "unknown"
    seen: Contact = "unknown"
    cause: Cause = "unknown"
    relay_at_ms: int | None = None
    mode: Mode = "prepaid"
    mode_until_ms: int | None = None
    no_trip_before_ms: int | None = None
    service: Literal["observe", "in_service"] = "observe"
    locked_out_by: str | None = None
    locked_out_at_ms: int | None = None
    lost: bool = False
    held: bool = False
    overload: bool = False
    tests: tuple[MeterTest, ...] = ()
    rates_raw_wh: dict[str, int] | None = None
    other_raw: dict[str, int] | None = None
    ratio_version: int | None = None
    untold: bool = False
    """What it told last is on no machine any more; its next interval says where it stood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletFacts:
    """One wallet as of the last posted batch."""

    wallet: str
    alarm1: bool = False
    alarm2: bool = False
    alarm2_at_ms: int | None = None
    arrears: bool = False
    last_fee_day: str | None = None

    @property
    def alarm_level(self) -> Literal[0, 1, 2]:
        return 2 if self.alarm2 else 1 if self.alarm1 else 0


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """An alarm raised or cleared, with the time of the box."""

    alarm: str
    subject: Subject
    raised: bool
    at_ms: int
    value: int | None


@dataclass(slots=True)
class BoxFacts:
    """The facts of one box, and what changed while folding."""

    meters: dict[str, MeterFacts]
    wallets: dict[str, WalletFacts]
    changed_meters: set[str] = field(default_factory=set)
    changed_wallets: set[str] = field(default_factory=set)
    alarms: list[AlarmChange] = field(default_factory=list)


def fold(facts: BoxFacts, records: Iterable[Record], body_of: Callable[[int], Body | None]) -> None:
    """Take the records into the facts. `body_of` answers with the body of a command by its number."""
    for record in records:
        match record:
            case Interval() if _changes_nothing(facts.meters.get(record.meter), record):
                pass
            case Alarm():
                _take_alarm(facts, record)
            case CommandResult(command=command, outcome="done"):
                _take_done(facts, body_of(command))
            case Fee(wallet=wallet, day=day):
                _change_wallet(facts, wallet, last_fee_day=day)
            case Replaced():
                _take_over(facts, record)
            case Interval() | Relay() | LockOut() | MeterTest() | MeterEvent():
                _change_meter(facts, record.meter, **_meter_changes(facts, record))
            case _:
                pass


def _changes_nothing(known: MeterFacts | None, said: Interval) -> bool:
    """Most intervals bring no other register and no other ratio than the one before."""
    if known is None:
        return False
    return (
        not known.untold
        and said.ratio_version == known.ratio_version
        and said.rates_raw_wh == known.rates_raw_wh
        and said.other_raw == known.other_raw
    )


def _meter_changes(facts: BoxFacts, record: Interval | Relay | LockOut | MeterTest | MeterEvent) -> dict[str, object]:
    match record:
        case Relay(wanted=wanted, seen=seen, cause=cause, at_ms=at_ms):
            return {"wanted": wanted, "seen": seen, "cause": cause, "relay_at_ms": at_ms}
        case LockOut(on=True, who=who, at_ms=at_ms):
            return {"locked_out_by": who, "locked_out_at_ms": at_ms}
        case LockOut():
            return {"locked_out_by": None, "locked_out_at_ms": None}
        case MeterTest(test=test):
            known = facts.meters.get(record.meter)
            others = tuple(t for t in known.tests if t.test != test) if known is not None else ()
            return {"tests": (*others, record)}
        case MeterEvent(event=event):
            return _EVENT_CHANGES.get(event, {})
        case Interval(rates_raw_wh=rates, other_raw=other, ratio_version=version):
            return {"rates_raw_wh": rates, "other_raw": other, "ratio_version": version, "untold": False}


_EVENT_CHANGES: dict[str, dict[str, object]] = {
    "lost": {"lost": True},
    "back": {"lost": False},
    "held": {"held": True},
    "released_hold": {"held": False},
}


def _take_alarm(facts: BoxFacts, record: Alarm) -> None:
    raised = record.state == "raised"
    facts.alarms.append(AlarmChange(record.alarm, record.subject, raised, record.at_ms, record.value))
    wallet, meter = record.subject.wallet, record.subject.meter
    if wallet is not None:
        match record.alarm:
            case "alarm1":
                _change_wallet(facts, wallet, alarm1=raised)
            case "alarm2":
                at_ms = record.at_ms if raised else None
                _change_wallet(facts, wallet, alarm2=raised, alarm2_at_ms=at_ms)
            case "arrears":
                _change_wallet(facts, wallet, arrears=raised)
            case _:
                pass
    elif meter is not None:
        match record.alarm:
            case "meter_lost":
                _change_meter(facts, meter, lost=raised)
            case "overload":
                _change_meter(facts, meter, overload=raised)
            case "register_held":
                _change_meter(facts, meter, held=raised)
            case _:
                pass


def _take_done(facts: BoxFacts, body: Body | None) -> None:
    match body:
        case SetMode(meter=meter, mode=mode, until_ms=until_ms, no_trip_before_ms=no_trip_before_ms):
            _change_meter(facts, meter, mode=mode, mode_until_ms=until_ms, no_trip_before_ms=no_trip_before_ms)
        case InService(meter=meter, on=on):
            _change_meter(facts, meter, service="in_service" if on else "observe")
        case AdoptMeter(meter=meter, state=state):
            _adopt(facts, meter, state)
        case _:
            pass


def _adopt(facts: BoxFacts, meter: str, state: MeterState) -> None:
    """What the other box knew of a meter that is served here from now on."""
    _change_meter(
        facts,
        meter,
        mode=state.mode,
        mode_until_ms=state.mode_until_ms,
        no_trip_before_ms=state.no_trip_before_ms,
        service=state.service,
        locked_out_by=state.locked_out.who if state.locked_out is not None else None,
        locked_out_at_ms=state.locked_out.at_ms if state.locked_out is not None else None,
        tests=tuple(state.tests),
        held=state.held,
    )


def _take_over(facts: BoxFacts, record: Replaced) -> None:
    """A new meter keeps the point's mode and lock-out; it is in service only after a test of its own."""
    old = facts.meters.get(record.old, MeterFacts(meter=record.old))
    _change_meter(
        facts,
        record.new,
        mode=old.mode,
        mode_until_ms=old.mode_until_ms,
        locked_out_by=old.locked_out_by,
        locked_out_at_ms=old.locked_out_at_ms,
    )


def _change_meter(facts: BoxFacts, meter: str, **changes: object) -> None:
    before = facts.meters.get(meter, MeterFacts(meter=meter))
    after = replace(before, **changes)  # type: ignore[arg-type]  # the names are those of the fields
    if after != before:
        facts.meters[meter] = after
        facts.changed_meters.add(meter)


def _change_wallet(facts: BoxFacts, wallet: str, **changes: object) -> None:
    before = facts.wallets.get(wallet, WalletFacts(wallet=wallet))
    after = replace(before, **changes)  # type: ignore[arg-type]  # the names are those of the fields
    if after != before:
        facts.wallets[wallet] = after
        facts.changed_wallets.add(wallet)
