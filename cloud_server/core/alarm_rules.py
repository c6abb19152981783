"""How grave an alarm is, when one that comes and goes is still the same, and whom it is told to when. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from cloud_server.core.alarm_views import AlarmEntry
from protocol.units import Ms

Severity = Literal["critical", "severe", "warning", "notice"]
SEVERITIES: Final[tuple[Severity, ...]] = ("critical", "severe", "warning", "notice")
"""Gravest first."""

_CRITICAL: Final = (
    "box_forked", "equivocation", "store_rolled_back", "store_damaged", "store_full", "journal_stopped", "recovery",
)  # fmt: skip
_SEVERE: Final = (
    "box_lost", "bus_lost", "relay_deaf", "power_while_open", "foreign_master", "register_held", "serial_differs",
    "ratio_differs", "batch_parked", "finding", "disk", "backup_old", "messages_stopped", "meter_own_control",
    "overload_stays_open", "link_frozen", "clock_step", "clock_disagrees",
)  # fmt: skip
_NOTICE: Final = ("alarm1", "alarm2", "arrears")
_SEVERITY: Final[dict[str, Severity]] = {
    **dict.fromkeys(_CRITICAL, "critical"),
    **dict.fromkeys(_SEVERE, "severe"),
    **dict.fromkeys(_NOTICE, "notice"),
}
MONEY_KINDS: Final = frozenset(_NOTICE)
"""These are the customer's: told to him, and not to the duty list. Each has its own end, and none is damped: a shop
that pays and runs out again within minutes has had two."""
BY_HAND_KINDS: Final = frozenset({"finding", "box_forked", "batch_parked", "equivocation", "store_rolled_back"})
"""Nothing ends these by itself: a person says that they are settled, with a note."""
SAME_AGAIN_WITHIN_MS: Final = 600_000
"""A fault that is back within ten minutes of its end has not ended: a plug with a loose contact is one fault."""
STEPS_MAX: Final = 4
"""Steps of escalation: first on duty, deputy, head, owner."""
TOLD_AT_ONCE_MAX: Final = 5
"""More new alarms than this in one look are told as one message with their number."""
TOLD_WITHIN_MS: Final = 24 * 3_600_000
"""An alarm that nobody was told of for a day (no list, kill switch) is no news any more."""


def severity_of(kind: str) -> Severity:
    """How grave; a kind without a place of its own is a warning."""
    return _SEVERITY.get(kind, "warning")


@dataclass(frozen=True, slots=True)
class DutyStep:
    """Who is told when nobody has acknowledged: `names` are of the duty list's people and ways."""

    after_min: int
    names: tuple[str, ...]
    severities: frozenset[Severity]


@dataclass(frozen=True, slots=True)
class DutyCall:
    """One alarm to be told at one step. `step` counts from 0; the same (alarm, step) is told once."""

    entry: AlarmEntry
    step: int
    names: tuple[str, ...]


def duty_calls(entries: Iterable[AlarmEntry], steps: tuple[DutyStep, ...], now_ms: Ms) -> list[DutyCall]:
    """What is to be told now of alarms that stand, unacknowledged, and are already folded to one for each fault.

    Later steps include all earlier ones; whoever keeps what was told leaves those out.
    """
    calls: list[DutyCall] = []
    for entry in entries:
        if entry.kind in MONEY_KINDS or entry.cleared_at_ms is not None or entry.notes:
            continue
        age_ms = now_ms - entry.raised_at_ms
        if age_ms > TOLD_WITHIN_MS:
            continue
        severity = severity_of(entry.kind)
        calls += [
            DutyCall(entry, number, step.names)
            for number, step in enumerate(steps[:STEPS_MAX])
            if severity in step.severities and age_ms >= step.after_min * 60_000
        ]
    return calls
