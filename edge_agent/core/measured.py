"""What a bus tells about a meter: one reading, the relay as seen, the kinds of faults.

Pure values without behaviour beyond their own words. How words become numbers is in `bus/decode`; whether a
reading is believed is in `core/readings`; neither belongs here.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class Unknown(enum.Enum):
    """Not knowing, as a value of its own: never 0, never None."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN


class FaultKind(enum.StrEnum):
    """Every way in which one question on a line can fail; the closed list of the `link` record."""

    TIMEOUT = "timeout"
    CRC = "crc"
    EXCEPTION = "exception"
    WRONG_UNIT = "wrong_unit"
    WRONG_FUNCTION = "wrong_function"
    WRONG_COUNT = "wrong_count"
    SHORT = "short"
    LONG = "long"
    ECHO = "echo"
    LATE = "late"


class RelayPosition(enum.StrEnum):
    """Where the contact stands: `closed` = supplied, `open` = cut off."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class RelayOrdered(enum.StrEnum):
    """What a relay is told, and what its order register says.

    `released` leaves it to the meter's own control; `armed` leaves it open until the person at the meter closes it.
    """

    OPEN = "open"
    CLOSED = "closed"
    RELEASED = "released"
    ARMED = "armed"
    UNKNOWN = "unknown"


class RelayProof(enum.StrEnum):
    """What stands behind a position: the contact itself, or only the order as the meter holds it."""

    CONTACT = "contact"
    ORDER_REGISTER = "order_register"
    NONE = "none"


class ReadPurpose(enum.StrEnum):
    """Why a meter was read: the round, a person's wish, the end of an interval or a change of rate."""

    ROUND = "round"
    ON_DEMAND = "on_demand"
    BOUNDARY = "boundary"


@dataclass(frozen=True, slots=True)
class MeterReading:
    """One enforcement reading of one meter: the only thing that charging and cutting off are decided from.

    Attributes:
        meter: id of the meter.
        at_mono_ms: monotonic instant at which the energy register's reply was complete.
        at_wall_ms: the wall clock at that instant, UTC.
        raw_wh: the cumulative active energy register in Wh, without CT/PT ratio, not unwrapped.
        power_w: active power in W with the ratio, signed; UNKNOWN where the meter has none or told nonsense.
        contact: the relay's contact, where the profile can read it.
        order_register: what the meter holds as its order, where that can be read.
        values: what else was in the block, by name with unit (`voltage_a_mv`), with the ratio.
        block: name of the block that was read.
        rates_raw_wh: registers by rate, where they were read with the total: they may then judge between rates.
    """

    meter: str
    at_mono_ms: int
    at_wall_ms: int
    raw_wh: int
    power_w: int | Unknown = UNKNOWN
    contact: RelayPosition = RelayPosition.UNKNOWN
    order_register: RelayOrdered = RelayOrdered.UNKNOWN
    values: Mapping[str, int] = field(default_factory=dict)
    block: str = "enforcement"
    rates_raw_wh: Mapping[str, int] = field(default_factory=dict)

    @property
    def relay(self) -> RelayPosition:
        """The relay as well as it is known: the contact, else the forced order, else unknown."""
        return seen_position(self.contact, self.order_register)

    @property
    def relay_proof(self) -> RelayProof:
        """What `relay` rests on."""
        if self.contact is not RelayPosition.UNKNOWN:
            return RelayProof.CONTACT
        if self.relay is not RelayPosition.UNKNOWN:
            return RelayProof.ORDER_REGISTER
        return RelayProof.NONE


@dataclass(frozen=True, slots=True)
class DetailReading:
    """Quantities that are shown and checked but never charged or enforced from: voltages, rate registers, ...

    `values` are named with their unit and carry the ratio; `rates_raw_wh` and `other_raw` are registers, without it.
    """

    meter: str
    at_mono_ms: int
    at_wall_ms: int
    block: str
    values: Mapping[str, int]
    rates_raw_wh: Mapping[str, int] = field(default_factory=dict)
    other_raw: Mapping[str, int] = field(default_factory=dict)


def seen_position(contact: RelayPosition, order_register: RelayOrdered) -> RelayPosition:
    """The best known position: a contact that can be read goes before the order that the meter holds."""
    if contact is not RelayPosition.UNKNOWN:
        return contact
    if order_register is RelayOrdered.OPEN:
        return RelayPosition.OPEN
    if order_register is RelayOrdered.CLOSED:
        return RelayPosition.CLOSED
    return RelayPosition.UNKNOWN
