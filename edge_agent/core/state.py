"""What a box knows: the rows that must outlive the power, and what the meters can tell again. Types only.

Durable: `MeterRow`, `WalletState`, `Marks`. They change only by a `Decision` that is committed first.
In memory: `Latest`, derived from readings; after a crash the first reading derives it again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from edge_agent.core.guard import Account
from edge_agent.core.measured import RelayOrdered
from protocol.box_config import BoxConfig
from protocol.chain import EMPTY_COMMANDS, Head
from protocol.commands import Upgrade
from protocol.records import AlarmKind, Cause, Contact
from protocol.state import MeterState, OpenReclaim, WalletState


@dataclass(frozen=True, slots=True)
class Now:
    """One instant on both clocks. `sure` tells whether the wall clock may be believed."""

    wall_ms: int
    mono_ms: int
    sure: bool = True


class DayUse(msgspec.Struct, frozen=True, kw_only=True):
    """What a meter has cost on the site's day `day` so far, and on the day before it that it was read."""

    day: str
    today_micro: int
    before_micro: int


class MeterRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The durable facts of one meter: its charging state, and what its relay should be and why."""

    state: MeterState
    wanted: Contact = "unknown"
    cause: Cause = "unknown"
    command: int | None = None
    seen: Contact = "unknown"
    switched_at_ms: int | None = None
    """Wall time of the last switching that was seen, for the least time between two."""
    overload_until_ms: int | None = None
    """Wall time at which a latched overload may be restored; None with the latch set: only a person may."""
    overload_restored_ms: tuple[int, ...] = ()
    """When it was restored by itself, within the last hour."""
    would: Contact = "unknown"
    """What was last recorded as `would` while in observe."""
    alarms: tuple[str, ...] = ()
    """Alarms of this meter that stand raised."""
    counted: bool = False
    """An interval of it has been closed on this box: its past is here and cannot be taken over from elsewhere."""
    released: bool = False
    """Given up or replaced: what answers at its address is not charged to it any more."""
    accept_next: bool = False
    """A person has said that the register is right: the next step forward is believed, whatever its size."""
    hung_since_ms: int | None = None
    """Of a meter that replaced another: the earliest that it may have served. Its first step is judged from there: it
    runs from when it was hung, and the word of it may come hours later."""
    serial_told: str | None = None
    """The serial number that differed when it was read last; None where it was right."""
    serial_accepted: tuple[str | None, str] | None = None
    """What was planned, and what a person has let stand in its place; another plan ends it."""
    day_use: DayUse | None = None
    rates_agree: tuple[str, ...] = ()
    """Rates at which its own registers were seen to follow the tariff, as "version:rate"; none once they did not."""

    @property
    def meter(self) -> str:
        return self.state.meter


class WalletRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The durable facts of one wallet."""

    state: WalletState
    funded: bool = False
    """Credit has come to it once: before that there is nothing to warn about, only nothing to draw."""
    closed: bool = False
    """All its money was given back and its meters are parted from it."""

    @property
    def wallet(self) -> str:
        return self.state.wallet


class Marks(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the box stands in both chains, in its keys and in its configuration. One row."""

    site: str
    box: str
    epoch: int = 0
    epoch_hash: str = ""
    term: int = 0
    key_generation: int = 0
    config_version: int = 0
    config_hash: str = ""
    config: str = ""
    commands_seq: int = EMPTY_COMMANDS.seq
    commands_hash: str = EMPTY_COMMANDS.hash
    open_reclaims: tuple[OpenReclaim, ...] = ()
    alarms: tuple[str, ...] = ()
    """Alarms of the box itself and of its buses that stand raised, as "kind/bus"."""
    upgrade: Upgrade | None = None
    """The newest order to become another version of the program; done with when that version runs."""

    @property
    def command_head(self) -> Head:
        return Head(self.commands_seq, self.commands_hash)


@dataclass(frozen=True, slots=True)
class Slope:
    """A reading from which the slope of energy is taken, and the slope that was found before it."""

    raw_wh: int
    mono_ms: int
    power_w: int | None


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest reading of a meter that was believed; lives in memory alone.

    Attributes:
        raw_wh: the register, unwrapped, without ratio; wall_ms, mono_ms: when it was read.
        power_w: as measured, or as the slope of energy where `power_estimated`; None where neither is known yet.
        open_charge_micro: what the energy since the last closed interval costs.
        below_trip: how many readings in a row have put the wallet at or below its trip level.
        slope: from where the slope of energy is taken; None where power is measured.
    """

    raw_wh: int
    wall_ms: int
    mono_ms: int
    power_w: int | None
    relay: Contact
    max_power_w: int | None = None
    open_charge_micro: int = 0
    below_trip: int = 0
    power_estimated: bool = False
    slope: Slope | None = None
    rates_raw_wh: Mapping[str, int] = field(default_factory=dict)
    """Registers by rate that were read with the total; empty where they were not."""


@dataclass(frozen=True, slots=True)
class Trying:
    """An order that is under way or was not obeyed: how often it was given, and when it may be given again."""

    wanted: Contact
    tries: int
    next_mono_ms: int


@dataclass(frozen=True, slots=True)
class SerialAsked:
    """A serial number that is waited for: how often it was asked, and when it may be asked again."""

    tries: int
    next_mono_ms: int


@dataclass(frozen=True, slots=True)
class Noted:
    """Newest registers beside the charged one: by name, what was read and when (wall time). Recorded, never charged."""

    rates: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    other: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RateMark:
    """A meter's registers by rate as they were read, the total beside them, and the tariff's rate that held then."""

    rates: Mapping[str, int]
    raw_wh: int
    at_ms: int
    rate: str


@dataclass(slots=True)
class BoxState:
    """All that the owner thread knows. Only the owner thread writes it, and only after a commit.

    Durable: marks, meters, wallets. In memory: latest, trying, lost (meters), closed_mono_ms (by bus), doubts:
    how many readings of a meter in a row could not be believed; identified: meters whose register counts, since it
    is known who answers; serials_asked: of the others; noted: registers beside the charged one; suspicions: how many
    readings in a row spoke for an alarm (below 0: against it); opened_raw_wh: the register when a relay was first
    seen open; accounts: meters' own, as they were read last; order_registers: what meters hold as their order; testing:
    meters whose relay a person is testing; foreign_mono_ms: when another master was heard last, by bus;
    rate_marks: from where a meter's registers by rate are compared.
    """

    marks: Marks
    config: BoxConfig
    meters: dict[str, MeterRow] = field(default_factory=dict)
    wallets: dict[str, WalletRow] = field(default_factory=dict)
    latest: dict[str, Latest] = field(default_factory=dict)
    trying: dict[str, Trying] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    closed_mono_ms: dict[str, int] = field(default_factory=dict)
    doubts: dict[str, int] = field(default_factory=dict)
    overload_since_mono_ms: dict[str, int] = field(default_factory=dict)
    identified: set[str] = field(default_factory=set)
    serials_asked: dict[str, SerialAsked] = field(default_factory=dict)
    noted: dict[str, Noted] = field(default_factory=dict)
    suspicions: dict[str, Mapping[AlarmKind, int]] = field(default_factory=dict)
    opened_raw_wh: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    order_registers: dict[str, RelayOrdered] = field(default_factory=dict)
    testing: set[str] = field(default_factory=set)
    foreign_mono_ms: dict[str, int] = field(default_factory=dict)
    rate_marks: dict[str, RateMark] = field(default_factory=dict)
    no_room: bool = False
    """The store takes nothing: no interval is closed, since the registers hold what was used, and no relay closes."""
