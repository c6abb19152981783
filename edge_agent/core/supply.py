"""THE state machine of the box: what a relay should be and why. A table of rules, first match counts.

Level, not edge: asked again every cycle from what is known, so a restart, a lost message or a hand at the breaker
cannot leave a relay wrong for longer than a cycle. Source: box.md, "Enforcement". Reads nothing, orders nothing.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from protocol.commands import Mode
from protocol.records import Cause


class Credit(enum.Enum):
    """Where a wallet's running balance stands. Not knowing is an answer of its own: it never opens."""

    ABOVE = "at the reconnect level or above"
    BETWEEN = "above the trip level, below the reconnect level"
    AT_TRIP = "at the trip level or below"
    UNKNOWN = "not known: a register has not been read yet"


@dataclass(frozen=True, slots=True)
class SupplyInputs:
    """All that decides about one relay.

    Attributes:
        locked_out: a lock-out hangs on the meter.
        has_account: a wallet of an account in use or closing feeds the meter.
        unopened_closed: the site supplies meters without an account.
        arrears_open: the wallet's latch: it stands from an arrears opening until the reconnect level.
        credit: the running balance against trip and reconnect level.
        may_trip: the reading is fresh, believed and confirmed, and no notice or friendly hour holds the trip back.
        overload_latched: an overload opened the relay, and its time is not over or its restores are used up.
        overload_begins: power has been above the threshold for the whole delay.
        alarm2_hold: the one warning cut at alarm 2 runs.
    """

    locked_out: bool
    mode: Mode
    has_account: bool
    unopened_closed: bool
    arrears_open: bool
    credit: Credit
    may_trip: bool
    overload_latched: bool = False
    overload_begins: bool = False
    alarm2_hold: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table. `latches`: which latch is set with it."""

    number: int
    says: str
    applies: Callable[[SupplyInputs], bool]
    wanted: Literal["open", "closed"]
    cause: Cause
    latches: Literal["none", "arrears", "overload"] = "none"


RULES: Final = (
    Rule(0, "locked out", lambda i: i.locked_out, "open", "lock_out"),
    Rule(1, "forced off", lambda i: i.mode == "forced_off", "open", "forced_off"),
    Rule(2, "protected", lambda i: i.mode == "protected", "closed", "protected"),
    Rule(3, "no account, site supplies", lambda i: not i.has_account and i.unopened_closed, "closed", "unopened"),
    Rule(3, "no account, site does not supply", lambda i: not i.has_account, "open", "unopened"),
    Rule(4, "overload latch stands", lambda i: i.overload_latched, "open", "overload_latched"),
    Rule(5, "overload begins", lambda i: i.overload_begins, "open", "overload", latches="overload"),
    Rule(
        6,
        "arrears latch stands below the reconnect level",
        lambda i: i.arrears_open and i.credit is not Credit.ABOVE,
        "open",
        "arrears",
    ),
    Rule(
        7,
        "balance at the trip level, and it may trip now",
        lambda i: i.credit is Credit.AT_TRIP and i.may_trip,
        "open",
        "arrears",
        latches="arrears",
    ),
    Rule(8, "the warning cut runs", lambda i: i.alarm2_hold, "open", "alarm2"),
    Rule(9, "otherwise", lambda _: True, "closed", "normal"),
)
"""Numbered as in box.md."""


def decide(inputs: SupplyInputs) -> Rule:
    """The first rule that applies."""
    return next(rule for rule in RULES if rule.applies(inputs))


def credit_of(running_micro: int | None, trip_micro: int, reconnect_micro: int) -> Credit:
    """Sort a running balance (None: not known) by the wallet's levels; reconnect lies above trip."""
    if running_micro is None:
        return Credit.UNKNOWN
    if running_micro <= trip_micro:
        return Credit.AT_TRIP
    return Credit.ABOVE if running_micro >= reconnect_micro else Credit.BETWEEN
