"""One meter on a bus: its reads as requests, what their answers say, and the writes that move its relay.

Turns a profile and a unit id into questions, and words into readings. Asks nothing by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from edge_agent.bus.decode import RAW_SUFFIXES, Refused, decode_quantity, decode_serial
from edge_agent.bus.transaction import Pace
from edge_agent.core.measured import UNKNOWN, DetailReading, MeterReading, RelayOrdered, RelayPosition
from edge_agent.ports import PolledMeter
from protocol.meter_profile.blocks import Block
from protocol.meter_profile.frames import Request
from protocol.meter_profile.questions import planned_reads, unlocked_write
from protocol.meter_profile.values import Quantity, Relay, RelayReadback


@dataclass(slots=True)
class Decoded:
    """What one or several blocks said."""

    values: dict[str, int] = field(default_factory=dict)
    rates_raw_wh: dict[str, int] = field(default_factory=dict)
    contact: RelayPosition = RelayPosition.UNKNOWN
    order_register: RelayOrdered = RelayOrdered.UNKNOWN
    refused: list[Refused] = field(default_factory=list)


class BusMeter:
    """A polled meter with all its questions ready."""

    def __init__(self, polled: PolledMeter) -> None:
        """The profile was checked when it was loaded."""
        self.polled = polled
        self._pace = Pace(polled.profile.silence_ms, polled.profile.turnaround_ms)
        seat = polled.profile.relay.seat if polled.profile.relay else None
        self._relay_unit = seat.unit if seat else polled.unit
        self._relay_pace = Pace(seat.silence_ms, seat.turnaround_ms) if seat else self._pace
        reads = planned_reads(polled.profile, polled.unit)
        self.enforcement = reads.enforcement
        self.details = reads.details
        self.serial = reads.serial
        self.clock = reads.clock
        self.prepaid = reads.prepaid
        self.relay_reads = tuple(read for read in self.enforcement if read.block.order or read.block.contact)
        self._rate_names = {rate: name for name, rate in polled.profile.rates.items()}

    @property
    def meter(self) -> str:
        """Its id."""
        return self.polled.meter

    @property
    def units(self) -> frozenset[int]:
        """Whom its questions go to: the meter, and the board that holds its relay."""
        return frozenset((self.polled.unit, self._relay_unit))

    def pace_of(self, request: Request) -> Pace:
        """What the one who is asked wants of the time."""
        return self._relay_pace if request.unit == self._relay_unit else self._pace

    def decode(self, block: Block, words: Sequence[int], into: Decoded) -> None:
        """Add what a block's words say."""
        for quantity in block.quantities:
            value = decode_quantity(quantity, _part(block, quantity, words), self.polled.ct, self.polled.pt)
            if isinstance(value, Refused):
                into.refused.append(value)
            elif quantity in self._rate_names:
                into.rates_raw_wh[self._rate_names[quantity]] = value
            else:
                into.values[quantity.key] = value
        if block.contact is not None:
            into.contact = _contact(block.contact, _words_of(block, block.contact, words))
        if block.order is not None:
            into.order_register = _ordered(block.order, _words_of(block, block.order, words))

    def reading(self, decoded: Decoded, at_mono_ms: int, at_wall_ms: int) -> MeterReading | None:
        """The enforcement reading; None where the energy register told nonsense."""
        values = dict(decoded.values)
        raw_wh = values.pop(self.polled.profile.energy.key, None)
        if raw_wh is None:
            return None
        return MeterReading(
            meter=self.meter,
            at_mono_ms=at_mono_ms,
            at_wall_ms=at_wall_ms,
            raw_wh=raw_wh,
            power_w=values.pop("power_w", UNKNOWN),
            contact=decoded.contact,
            order_register=decoded.order_register,
            values=values,
            rates_raw_wh=dict(decoded.rates_raw_wh),
        )

    def detail_reading(self, block: Block, decoded: Decoded, at_mono_ms: int, at_wall_ms: int) -> DetailReading:
        """A detail block; what was refused is not in it."""
        return DetailReading(
            meter=self.meter,
            at_mono_ms=at_mono_ms,
            at_wall_ms=at_wall_ms,
            block=block.name,
            values={key: value for key, value in decoded.values.items() if not key.endswith(RAW_SUFFIXES)},
            rates_raw_wh=decoded.rates_raw_wh,
            other_raw={key: value for key, value in decoded.values.items() if key.endswith(RAW_SUFFIXES)},
        )

    def serial_number(self, words: Sequence[int]) -> str | Refused:
        """What the serial block's words say."""
        serial = self.polled.profile.serial
        assert serial is not None
        assert self.serial is not None
        offset = serial.address - self.serial.block.address
        return decode_serial(serial, words[offset : offset + serial.registers])

    def relay_writes(self, wanted: RelayOrdered) -> tuple[Request, ...]:
        """Unlock sequence and write; empty where the profile has no relay or no such wish."""
        relay = self.polled.profile.relay
        return relay_writes(relay, self._relay_unit, wanted) if relay is not None else ()


def relay_writes(relay: Relay, unit: int, wanted: RelayOrdered) -> tuple[Request, ...]:
    """Unlock sequence and write to the unit that holds the relay; empty where there is no such wish."""
    writes = {
        RelayOrdered.CLOSED: relay.write_closed,
        RelayOrdered.OPEN: relay.write_open,
        RelayOrdered.RELEASED: relay.write_release,
        RelayOrdered.ARMED: relay.write_arm,
    }
    return unlocked_write(relay, unit, writes.get(wanted))


def _part(block: Block, quantity: Quantity, words: Sequence[int]) -> Sequence[int]:
    offset = quantity.address - block.address
    return words[offset : offset + quantity.registers]


def _words_of(block: Block, readback: RelayReadback, words: Sequence[int]) -> tuple[int, ...]:
    offset = readback.address - block.address
    return tuple(words[offset : offset + readback.count])


def _contact(readback: RelayReadback, words: tuple[int, ...]) -> RelayPosition:
    if readback.closed.matches(words):
        return RelayPosition.CLOSED
    return RelayPosition.OPEN if readback.open.matches(words) else RelayPosition.UNKNOWN


def _ordered(readback: RelayReadback, words: tuple[int, ...]) -> RelayOrdered:
    if readback.closed.matches(words):
        return RelayOrdered.CLOSED
    if readback.open.matches(words):
        return RelayOrdered.OPEN
    if readback.armed is not None and readback.armed.matches(words):
        return RelayOrdered.ARMED
    if readback.released is not None and readback.released.matches(words):
        return RelayOrdered.RELEASED
    return RelayOrdered.UNKNOWN
