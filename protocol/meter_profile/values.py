"""What a meter profile says, as frozen values: registers, relay, clock, serial number, prepaid block.

The file format and its checks are in `reading`; how a profile is turned into requests is in `questions`.
Values only: nothing here reads a file or a register.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction


class Grade(enum.StrEnum):
    """How well a fact is known, best first."""

    PROVEN = "proven"
    MANUAL = "manual"
    CODE = "code"
    TOOL = "tool"
    INFERRED = "inferred"


class RegisterType(enum.StrEnum):
    """How the words of a quantity make a number."""

    U16 = "u16"
    I16 = "i16"
    U32 = "u32"
    I32 = "i32"
    U64 = "u64"
    F32 = "f32"
    BCD = "bcd"


class WordOrder(enum.StrEnum):
    """Which 16-bit word of a longer number comes first on the wire."""

    HIGH_FIRST = "high_first"
    LOW_FIRST = "low_first"


class Ratio(enum.StrEnum):
    """Which transformer ratio a value is still to be multiplied by."""

    NONE = "none"
    CT = "ct"
    PT = "pt"
    CT_PT = "ct_pt"


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number of a meter.

    Attributes:
        name: as in the profile (`energy`, `voltage_a`).
        key: name with our unit (`raw_wh`, `voltage_a_mv`), as it is reported.
        address: wire address, 0-based; `registers` words from there, or one bit for functions 1 and 2.
        function: Modbus function that reads it: 1, 2, 3 or 4.
        scale: exact factor from the register's number to our unit.
        ratio: what a reported value is multiplied by; registers that are charged stay without it.
        least, greatest: what is believable, in our unit, before the ratio; outside, the value is refused.
        wrap: the number in our unit at which the register starts again at 0; None for floats and signed numbers.
    """

    name: str
    key: str
    address: int
    function: int
    type: RegisterType
    registers: int
    word_order: WordOrder
    scale: Fraction
    ratio: Ratio
    least: int
    greatest: int
    wrap: int | None
    grade: Grade


@dataclass(frozen=True, slots=True)
class RegisterWrite:
    """One write: function 5, 6, 15 or 16, the first address, and the words (for coils: 0 or 1 each)."""

    function: int
    address: int
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class VendorCall:
    """A function of the maker's own that some meters want before a write: the bytes that follow it, there and back.

    `answer` must come back exactly, or the call has failed.
    """

    function: int
    send: bytes
    answer: bytes


UnlockStep = RegisterWrite | VendorCall


@dataclass(frozen=True, slots=True)
class WordMatch:
    """Words that mean something: equal under a mask, word by word."""

    mask: tuple[int, ...]
    value: tuple[int, ...]

    def matches(self, words: tuple[int, ...]) -> bool:
        """Whether these words mean it."""
        return len(words) == len(self.mask) and all(
            word & mask == value & mask for word, mask, value in zip(words, self.mask, self.value, strict=True)
        )


@dataclass(frozen=True, slots=True)
class RelayReadback:
    """Registers or bits that tell of the relay.

    `released` only where the meter has a control of its own, `armed` where a person at it can close it.
    """

    function: int
    address: int
    count: int
    closed: WordMatch
    open: WordMatch
    released: WordMatch | None
    armed: WordMatch | None = None


@dataclass(frozen=True, slots=True)
class RelaySeat:
    """Where a relay sits that is not the meter's own: a channel of a board with a unit id on the same bus.

    The board is always read whole, so that an answer to the question about one channel fits every other.
    """

    unit: int
    channel: int
    channels: int
    silence_ms: int
    turnaround_ms: int


@dataclass(frozen=True, slots=True)
class Relay:
    """How the relay is moved and seen.

    Attributes:
        unlock: what has to be asked before each of the three writes, in this order.
        order: how the meter's own copy of the order reads back; None where it cannot be read.
        contact: how the contact itself is read; None means `readback = none` in the words of the design.
        settle_ms: time from the write until a contact that obeys has moved.
        seat: where it is, if not in the meter.
        write_arm: allows the person at the meter to close it by its button; None where it has none.
    """

    write_closed: RegisterWrite
    write_open: RegisterWrite
    write_release: RegisterWrite | None
    unlock: tuple[UnlockStep, ...]
    order: RelayReadback | None
    contact: RelayReadback | None
    settle_ms: int
    grade: Grade
    seat: RelaySeat | None = None
    write_arm: RegisterWrite | None = None


class SerialEncoding(enum.StrEnum):
    """How a serial number lies in its registers."""

    ASCII = "ascii"
    BCD = "bcd"
    HEX = "hex"
    U32 = "u32"


@dataclass(frozen=True, slots=True)
class SerialNumber:
    """Where the serial number is. In a multi-user cabinet it is the cabinet's, the same behind every unit id."""

    function: int
    address: int
    registers: int
    encoding: SerialEncoding


@dataclass(frozen=True, slots=True)
class MeterClock:
    """The meter's clock: one name for each byte, in the order of the wire. `unlock` comes before it is set."""

    function: int
    write_function: int
    address: int
    bcd: bool
    byte_names: tuple[str, ...]
    unlock: tuple[UnlockStep, ...]


@dataclass(frozen=True, slots=True)
class UnitRegister:
    """The register that holds the unit id (the meter's address on the bus), as u16 or f32. `unlock` comes before it."""

    function: int
    write_function: int
    address: int
    type: RegisterType
    least: int
    greatest: int
    unlock: tuple[RegisterWrite, ...]
    grade: Grade


@dataclass(frozen=True, slots=True)
class Area:
    """Registers that the maker lists without a hole: a read may run over all of them. Both ends belong to it."""

    function: int
    first: int
    last: int

    def holds(self, function: int, first: int, last: int) -> bool:
        """Whether a read of these registers stays inside."""
        return function == self.function and self.first <= first and last <= self.last


@dataclass(frozen=True, slots=True)
class Profile:
    """All that is known of a meter model and used.

    Attributes:
        name: file name without its ending, or the name under which it travelled in `configure`.
        grade: the lowest grade among the facts that charging and switching rest on.
        units_per_user: how many unit ids one user takes in a multi-user cabinet.
        silence_ms: silence before a request; 0 means 3.5 characters at the line's baud rate.
        turnaround_ms: the longest time that the meter may take before the first byte of its reply.
        longest_read: most registers in one request; `read_multiple`: a read's count must divide by it.
        energy: the cumulative active register that is charged.
        quantities: all others by key, energy not among them.
        rates: active registers by rate name.
        enforcement: keys of the quantities read in every cycle, energy first.
    """

    name: str
    vendor: str
    model: str
    grade: Grade
    sources: tuple[str, ...]
    phases: int
    units_per_user: int
    silence_ms: int
    turnaround_ms: int
    longest_read: int
    read_multiple: int
    areas: tuple[Area, ...]
    energy: Quantity
    quantities: Mapping[str, Quantity]
    rates: Mapping[str, Quantity]
    enforcement: tuple[str, ...]
    relay: Relay | None
    clock: MeterClock | None
    serial: SerialNumber | None
    prepaid: Mapping[str, Quantity]
    prepaid_grade: Grade | None
    unit_id: UnitRegister | None = None
