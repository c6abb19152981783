"""Setting a meter: its clock, and its own prepaid account. Writes, reads back, and says how it stands afterwards.

One errand each, between two other questions of the worker. When a meter is set, and to what, is decided elsewhere;
nothing is written twice within an errand, since what a lost answer meant is seen by reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from edge_agent.bus.meter import BusMeter, Decoded
from edge_agent.bus.verdict import LineFault, Reply
from edge_agent.bus.withholding import FOREIGN, Withholding
from edge_agent.core.meter_clock import GOOD_WITHIN_MS, clock_time, clock_words, local_instant, off_ms
from edge_agent.ports import Clock, ClockReport, PrepaidOrder, PrepaidReport, ReportSink
from protocol.meter_profile.frames import SINGLE_WRITE_FUNCTIONS, Request, write_request
from protocol.meter_profile.questions import unlock_request
from protocol.meter_profile.values import MeterClock

Ask = Callable[[BusMeter, Request], Reply | LineFault]


class Settings:
    """The errands that set a meter. For the worker's thread alone."""

    def __init__(self, bus: str, ask: Ask, reports: ReportSink, clock: Clock, withholding: Withholding) -> None:
        """`ask` is the one way to the line, which counts and reports faults."""
        self._bus = bus
        self._ask = ask
        self._reports = reports
        self._clock = clock
        self._withholding = withholding
        self._prepaid: dict[str, PrepaidOrder] = {}
        self.utc_offset_s = 0
        """By how much the site's clock is ahead of UTC."""

    def order(self, order: PrepaidOrder) -> None:
        """The next visit of this meter's account is to be this one."""
        self._prepaid[order.meter] = order

    def set_clock(self, meter: BusMeter) -> LineFault | None:
        """Read the clock; set it and read it again where it is off; report how far off it was and is."""
        clock = meter.polled.profile.clock
        if clock is None or meter.clock is None or self._withholding.holds():
            return None
        utc_offset_s = self.utc_offset_s
        before = self._off(meter, clock, utc_offset_s)
        if isinstance(before, LineFault):
            return before
        after: int | None = before
        detail = "right"
        if before is None or abs(before) > GOOD_WITHIN_MS:
            words = clock_words(clock, local_instant(self._clock.wall_ms(), utc_offset_s))
            unlock = [unlock_request(step, meter.polled.unit) for step in clock.unlock]
            fault = self._write(meter, (*unlock, *_clock_writes(meter.polled.unit, clock, words)))
            if fault is not None:
                return fault
            read = self._off(meter, clock, utc_offset_s)
            if isinstance(read, LineFault):
                return read
            after, detail = read, "set"
        self._reports.put(ClockReport(self._bus, meter.meter, before, after, detail, self._clock.mono_ms()))
        return None

    def _off(self, meter: BusMeter, clock: MeterClock, utc_offset_s: int) -> int | LineFault | None:
        """How far ahead the meter's clock is; None where it tells no time."""
        assert meter.clock is not None
        outcome = self._ask(meter, meter.clock.request)
        if isinstance(outcome, LineFault):
            return outcome
        first = clock.address - meter.clock.block.address
        told = clock_time(clock, outcome.words[first : first + len(clock.byte_names) // 2])
        return None if told is None else off_ms(told, self._clock.wall_ms(), utc_offset_s)

    def visit_account(self, meter: BusMeter) -> LineFault | None:
        """Write what was ordered, in its order and each once; then read the whole account. Always reported."""
        order = self._prepaid.pop(meter.meter, None)
        if order is None:
            return None  # the line went down during it: never written twice
        if order.writes and self._withholding.holds():
            told = PrepaidReport(self._bus, meter.meter, order.order_id, None, FOREIGN, self._clock.mono_ms())
            self._reports.put(told)
            return None
        fault: LineFault | None = None
        for write in order.writes:
            request = write_request(meter.polled.unit, write.function, write.address, write.values)
            fault = self._write(meter, (request,))
            if fault is not None:
                break
        decoded = Decoded()
        for read in meter.prepaid if fault is None else ():
            outcome = self._ask(meter, read.request)
            if isinstance(outcome, LineFault):
                fault = outcome
                break
            meter.decode(read.block, outcome.words, decoded)
        refused = next((f"{each.quantity}: {each.reason}" for each in decoded.refused), "")
        values = decoded.values if fault is None and not refused else None
        detail = refused if fault is None else f"{fault.kind}: {fault.detail}"
        self._reports.put(PrepaidReport(self._bus, meter.meter, order.order_id, values, detail, self._clock.mono_ms()))
        return fault

    def _write(self, meter: BusMeter, requests: Iterable[Request]) -> LineFault | None:
        """One after the other, until one is not confirmed."""
        for request in requests:
            outcome = self._ask(meter, request)
            if isinstance(outcome, LineFault):
                return outcome
        return None


def _clock_writes(unit: int, clock: MeterClock, words: tuple[int, ...]) -> Iterator[Request]:
    """The whole clock at once, or register by register for makes that take function 6 alone."""
    if clock.write_function not in SINGLE_WRITE_FUNCTIONS:
        yield write_request(unit, clock.write_function, clock.address, words)
        return
    for offset, word in enumerate(words):
        yield write_request(unit, clock.write_function, clock.address + offset, (word,))
