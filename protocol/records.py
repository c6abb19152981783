"""Records: what happened on a box, past tense, as they stand in a batch (wire.md, Records). Types only.

Each has `at_ms`, its own time by the box's clock. A new kind or field is an upgrade of a fleet.
"""

from typing import Annotated, Literal

import msgspec

from protocol.limits import PARTS_MAX
from protocol.payload import Count, Day, HashText, IdText, Instant, Int, Name, Payload, Seq, Text

Cause = Literal[
    "forced_off", "protected", "unopened", "overload_latched", "overload", "arrears", "restored", "alarm2", "normal",
    "lock_out", "command", "own_control", "unknown",
]  # fmt: skip
Contact = Literal["closed", "open", "unknown"]
IntervalFlag = Literal[
    "estimated_split", "clock_unsure", "fallback_rate", "typed", "catch_up", "wrap", "replaced", "midnight",
    "confirmed_twice",
]  # fmt: skip
AlarmKind = Literal[
    "alarm1", "alarm2", "arrears", "overload", "overload_stays_open", "relay_deaf", "power_while_open",
    "meter_own_control", "meter_lost", "device_lost", "bus_lost", "foreign_master", "register_held", "serial_differs",
    "ratio_differs", "rates_differ", "phase_lost", "phase_reversed", "current_without_voltage", "unbalance",
    "import_short", "clock_unsure", "clock_step", "clock_disagrees", "link_frozen", "store_nearly_full", "store_full",
    "store_damaged", "store_rolled_back", "certificate_ending", "equivocation", "upgrade_failed",
]  # fmt: skip
CentreAlarmKind = Literal[
    "box_lost", "box_forked", "batch_parked", "finding", "journal_stopped", "disk", "backup_old", "messages_stopped",
    "recovery",
]  # fmt: skip
RefusalReason = Literal[
    "not_supported", "bad_body", "expired", "withdrawn", "over_limit", "unknown_wallet", "unknown_meter",
    "wallet_closed", "wallet_not_closed", "meter_not_released", "meter_in_use", "stale_reading", "money_id_known",
    "undone_grant_refused", "nothing_to_give", "not_tested", "locked_out", "protected_always", "lower_term",
    "config_invalid", "no_space", "register_impossible",
]  # fmt: skip
MeterTestKind = Literal["relay", "guard", "serial", "ratio"]
FaultKind = Literal[
    "timeout", "crc", "exception", "wrong_unit", "wrong_function", "wrong_count", "short", "long", "echo", "late"
]


class Reading(Payload, frozen=True, kw_only=True):
    """A cumulative register, unwrapped and without ratio, with the time at which it was read."""

    raw_wh: Int
    at_ms: Instant


class Display(Payload, frozen=True, kw_only=True):
    """What a person read on a display that had begun anew: its number, and the width at which it does."""

    raw_wh: Int
    wrap_wh: Seq


class Part(Payload, frozen=True, kw_only=True):
    """One stretch of an interval at one rate, step and price."""

    from_ms: Instant
    to_ms: Instant
    rate: Name
    step: Count
    tariff: IdText
    tariff_version: Seq
    price_micro: Count
    energy_wh: Count
    charge_micro: Count


Fraction = tuple[Count, Seq]
"""[numerator, denominator] of an exact fraction that is not negative; the denominator is above 0."""
NanoCarry = Annotated[int, msgspec.Meta(ge=0, le=999)]
"""Money below one micro-unit, in nano-units, carried with the meter."""


class Interval(Payload, frozen=True, kw_only=True, tag_field="kind", tag="interval"):
    """Energy of one meter between two readings, and its charge. `display`: where `to` was typed as another number."""

    at_ms: Instant
    meter: IdText
    wallet: IdText | None
    from_: Reading = msgspec.field(name="from")
    to: Reading
    source: Literal["total", "rates"]
    ratio_version: Count
    energy_wh: Count
    energy_carry: Fraction
    parts: Annotated[list[Part], msgspec.Meta(max_length=PARTS_MAX)]
    charge_micro: Count
    money_carry_nano: NanoCarry
    rates_raw_wh: dict[Name, Int] | None = None
    other_raw: dict[Name, Int] | None = None
    max_power_w: Int | None = None
    flags: list[IntervalFlag]
    display: Display | None = None


class Fee(Payload, frozen=True, kw_only=True, tag_field="kind", tag="fee"):
    """A fixed charge for one day of the site's calendar."""

    at_ms: Instant
    wallet: IdText
    day: Day
    fee: Name
    charge_micro: Count


class Granted(Payload, frozen=True, kw_only=True, tag_field="kind", tag="granted"):
    """A grant was applied; `command` is its number, `book_micro` the wallet's book balance after."""

    at_ms: Instant
    command: Seq
    grant: IdText
    wallet: IdText
    amount_micro: Int
    book_micro: Int


class Reclaimed(Payload, frozen=True, kw_only=True, tag_field="kind", tag="reclaimed"):
    """A reclaim was answered; `amount_micro` says how much came."""

    at_ms: Instant
    command: Seq
    reclaim: IdText
    wallet: IdText
    amount_micro: Count
    book_micro: Int


class Relay(Payload, frozen=True, kw_only=True, tag_field="kind", tag="relay"):
    """The wanted or the seen state of a relay changed."""

    at_ms: Instant
    meter: IdText
    wanted: Contact
    seen: Contact
    cause: Cause
    command: Seq | None = None
    raw_wh: Int | None = None
    running_micro: Int | None = None


class Subject(Payload, frozen=True, kw_only=True):
    """What an alarm is about: always its box, and the smallest thing in it that is concerned."""

    box: IdText
    bus: IdText | None = None
    device: IdText | None = None
    meter: IdText | None = None
    wallet: IdText | None = None


class Alarm(Payload, frozen=True, kw_only=True, tag_field="kind", tag="alarm"):
    """An alarm was raised or cleared."""

    at_ms: Instant
    alarm: AlarmKind
    subject: Subject
    state: Literal["raised", "cleared"]
    value: Int | None = None


class CommandResult(Payload, frozen=True, kw_only=True, tag_field="kind", tag="command_result"):
    """A command was carried out, or refused with one reason of a closed list. Either way its number is used."""

    at_ms: Instant
    command: Seq
    outcome: Literal["done", "refused"]
    reason: RefusalReason | None = None
    detail: Text | None = None


class ConfigApplied(Payload, frozen=True, kw_only=True, tag_field="kind", tag="config_applied"):
    """A configuration, tariffs included, took hold at `at_ms`."""

    at_ms: Instant
    config_version: Seq
    hash: HashText


class Released(Payload, frozen=True, kw_only=True, tag_field="kind", tag="released"):
    """A meter was given up by this box at these registers."""

    at_ms: Instant
    meter: IdText
    raw_wh: Int
    rates_raw_wh: dict[Name, Int] | None = None
    energy_carry: Fraction
    money_carry_nano: NanoCarry


class Replaced(Payload, frozen=True, kw_only=True, tag_field="kind", tag="replaced"):
    """A meter was replaced by command."""

    at_ms: Instant
    point: IdText
    old: IdText
    old_raw_wh: Int
    new: IdText
    serial: Name
    new_raw_wh: Int
    old_display: Display | None = None


class ReplacementNoted(Payload, frozen=True, kw_only=True, tag_field="kind", tag="replacement_noted"):
    """Somebody in the shaft noted a replacement; it has no authority of its own."""

    at_ms: Instant
    point: IdText
    old_serial: Name
    old_raw_wh: Int | None = None
    new_serial: Name
    new_raw_wh: Int | None = None
    who: Name


class LockOut(Payload, frozen=True, kw_only=True, tag_field="kind", tag="lock_out"):
    """A lock-out was hung or taken off."""

    at_ms: Instant
    meter: IdText
    on: bool
    who: Name
    where: Literal["console", "spot"]


class MeterTest(Payload, frozen=True, kw_only=True, tag_field="kind", tag="meter_test"):
    """A test on the spot, with a person's yes."""

    at_ms: Instant
    meter: IdText
    test: MeterTestKind
    passed: bool
    who: Name
    detail: Text | None = None


class MeterEvent(Payload, frozen=True, kw_only=True, tag_field="kind", tag="meter_event"):
    """Something about a meter itself that is no alarm's beginning or end alone."""

    at_ms: Instant
    meter: IdText
    event: Literal["held", "released_hold", "lost", "back", "serial_differs", "ratio_differs", "own_control"]


class Link(Payload, frozen=True, kw_only=True, tag_field="kind", tag="link"):
    """Tries and faults of one meter over an interval."""

    at_ms: Instant
    meter: IdText
    from_ms: Instant
    to_ms: Instant
    tries: Count
    faults: dict[FaultKind, Count]


class Would(Payload, frozen=True, kw_only=True, tag_field="kind", tag="would"):
    """What the relay of a meter in `observe` would have done."""

    at_ms: Instant
    meter: IdText
    wanted: Contact
    cause: Cause


class Boot(Payload, frozen=True, kw_only=True, tag_field="kind", tag="boot"):
    """The agent started; `why` says how the last run ended."""

    at_ms: Instant
    boot_id: IdText
    agent: Name
    why: Literal["clean", "killed", "power", "watchdog", "upgrade"]
    last_seen_ms: Instant


class ClockStep(Payload, frozen=True, kw_only=True, tag_field="kind", tag="clock_step"):
    """The wall clock jumped or was put right."""

    at_ms: Instant
    from_ms: Instant
    to_ms: Instant
    source: Literal["server", "ntp", "meter", "rtc", "none"]


class Evidence(Payload, frozen=True, kw_only=True, tag_field="kind", tag="evidence"):
    """Proof of something that must not be: two contents of one number, or another master on the bus."""

    at_ms: Instant
    evidence: Literal["equivocation", "foreign_master"]
    lines: Annotated[list[HashText], msgspec.Meta(max_length=16)]
    detail: Text


Record = (
    Interval | Fee | Granted | Reclaimed | Relay | Alarm | CommandResult | ConfigApplied | Released | Replaced
    | ReplacementNoted | LockOut | MeterTest | MeterEvent | Link | Would | Boot | ClockStep | Evidence
)  # fmt: skip
