"""What a worker does on its line, one errand at a time: read a meter, move a relay, and tell what came of it.

Whom to ask and when is `core/polling`'s; the thread is `worker`'s. Every question that is asked is counted here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from edge_agent.bus.decode import Refused
from edge_agent.bus.meter import BusMeter, Decoded
from edge_agent.bus.relay_orders import RelayOrders
from edge_agent.bus.serial_port import LineDown
from edge_agent.bus.settings import Settings
from edge_agent.bus.silent_boards import SilentBoards
from edge_agent.bus.transaction import Line
from edge_agent.bus.verdict import LineFault, Reply
from edge_agent.bus.withholding import Withholding
from edge_agent.core.measured import FaultKind, MeterReading, RelayOrdered, RelayPosition
from edge_agent.ports import (
    Clock,
    DetailReport,
    FaultReport,
    RelayOrder,
    RelayOutcome,
    ReportSink,
    SerialReport,
    ValueRefused,
)
from protocol.meter_profile.frames import Request
from protocol.meter_profile.questions import PlannedRead

Interlude = Callable[[], None]
"""What may come between two questions of one errand: an urgent order."""


class Errands:
    """Asks, and reports. For the worker's thread alone."""

    def __init__(self, bus: str, line: Line, orders: RelayOrders, reports: ReportSink, clock: Clock) -> None:
        """The line need not be open yet."""
        self._bus = bus
        self._line = line
        self._orders = orders
        self._reports = reports
        self._clock = clock
        self._asked: Counter[str] = Counter()
        self._meter_of_unit: dict[int, str] = {}
        self._boards = SilentBoards()
        self.withholding = Withholding(bus, line, reports, clock)
        self.settings = Settings(bus, self._ask, reports, clock, self.withholding)

    def know(self, meters: Mapping[str, BusMeter]) -> None:
        """Whose unit is whose, for what is heard beside the answers."""
        boards = {unit: name for name, meter in meters.items() for unit in meter.units}
        self._meter_of_unit = boards | {meter.polled.unit: name for name, meter in meters.items()}

    def take_asked(self) -> dict[str, int]:
        """Questions by meter since the last call."""
        asked = dict(self._asked)
        self._asked.clear()
        return asked

    def closed_until_ms(self, meter: BusMeter) -> int:
        """Before which instant the line wants this meter left alone, and the board that holds its relay."""
        return max(self._line.closed_until_ms(unit) for unit in meter.units)

    def read_enforcement(self, meter: BusMeter, interlude: Interlude) -> MeterReading | LineFault | None:
        """Energy, power, relay. None where it answered but its energy cannot be; a fault where it did not answer.

        The energy block decides: where a later block fails, the reading goes without what that block tells. A relay
        board that does not answer is left out of it for a while.
        """
        decoded = Decoded()
        at_mono_ms = at_wall_ms = 0
        for read in meter.enforcement:
            if read.block.unit is not None and self._boards.rests(read.block.unit, self._clock.mono_ms()):
                continue
            if at_mono_ms:
                interlude()
            outcome = self._ask(meter, read.request)
            if isinstance(outcome, Reply):
                meter.decode(read.block, outcome.words, decoded)
                at_wall_ms = at_wall_ms or self._clock.wall_ms()
                at_mono_ms = at_mono_ms or outcome.at_mono_ms
            elif not at_mono_ms:
                return outcome
            elif outcome.kind is not FaultKind.EXCEPTION and read.block.unit is None:
                break  # its question is open: another one would have to wait for the late window
        self._report_refused(meter, decoded.refused)
        return meter.reading(decoded, at_mono_ms, at_wall_ms)

    def read_detail(self, meter: BusMeter, number: int) -> LineFault | None:
        """One detail block, reported; None when it was read."""
        read = meter.details[number]
        outcome = self._ask(meter, read.request)
        if isinstance(outcome, LineFault):
            return outcome
        decoded = Decoded()
        meter.decode(read.block, outcome.words, decoded)
        self._report_refused(meter, decoded.refused)
        reading = meter.detail_reading(read.block, decoded, outcome.at_mono_ms, self._clock.wall_ms())
        self._reports.put(DetailReport(self._bus, reading))
        return None

    def read_serial(self, meter: BusMeter) -> LineFault | None:
        """The serial number, reported; nothing is asked where the profile has none."""
        if meter.serial is None:
            return None
        outcome = self._ask(meter, meter.serial.request)
        if isinstance(outcome, LineFault):
            return outcome
        serial = meter.serial_number(outcome.words)
        if isinstance(serial, Refused):
            self._report_refused(meter, [serial])
        else:
            self._reports.put(SerialReport(self._bus, meter.meter, serial, outcome.at_mono_ms))
        return None

    # --- relay -----------------------------------------------------------------------------------------------------

    def write_relay(self, meter: BusMeter, order: RelayOrder) -> bool:
        """Unlock and write. True when the meter confirmed; else the order has been reported as ended."""
        writes = meter.relay_writes(order.wanted)
        if not writes:
            self._orders.end(order, RelayOutcome.IMPOSSIBLE, f"its profile does not say how to make it {order.wanted}")
            return False
        for request in writes:
            try:
                outcome = self._ask(meter, request)
            except LineDown as error:
                self._orders.end(order, RelayOutcome.UNANSWERED, f"the bus went down: {error}")
                raise
            if isinstance(outcome, LineFault):
                refused = outcome.kind is FaultKind.EXCEPTION
                ended = RelayOutcome.NOT_OBEYED if refused else RelayOutcome.UNANSWERED
                self._orders.end(order, ended, f"{outcome.kind}: {outcome.detail}")
                return False
        return True

    def check_relay(self, meter: BusMeter, order: RelayOrder) -> None:
        """Read back what was written, and report how the order ended."""
        decoded = Decoded()
        for read in meter.relay_reads:
            try:
                fault = self._read_back(meter, read, decoded)
            except LineDown as error:
                self._orders.end(order, RelayOutcome.UNANSWERED, f"confirmed, then the bus went down: {error}")
                raise
            if fault is not None:
                detail = f"confirmed, not read back: {fault.kind}: {fault.detail}"
                self._orders.end(order, RelayOutcome.UNANSWERED, detail, decoded)
                return
        if not meter.relay_reads:
            self._orders.end(order, RelayOutcome.NOT_READABLE, "confirmed; nothing can be read back")
        elif _obeyed(meter, order.wanted, decoded):
            self._orders.end(order, RelayOutcome.DONE, "", decoded)
        else:
            detail = f"reads back: contact {decoded.contact}, order {decoded.order_register}"
            self._orders.end(order, RelayOutcome.NOT_OBEYED, detail, decoded)

    def _read_back(self, meter: BusMeter, read: PlannedRead, into: Decoded) -> LineFault | None:
        outcome = self._ask(meter, read.request)
        if isinstance(outcome, LineFault):
            return outcome
        meter.decode(read.block, outcome.words, into)
        return None

    # --- the one way to the line -----------------------------------------------------------------------------------

    def _ask(self, meter: BusMeter, request: Request) -> Reply | LineFault:
        self._asked[meter.meter] += 1
        outcome = self._line.transact(request, meter.pace_of(request))
        if isinstance(outcome, LineFault):
            self._report_fault(meter.meter, outcome.kind, outcome.detail)
        if request.unit != meter.polled.unit:
            self._note_board(request.unit, outcome)
        for stray in self._line.take_strays():
            owner = self._meter_of_unit.get(stray.unit)
            if owner is not None:
                self._report_fault(owner, stray.kind, f"{len(stray.heard)} bytes beside an answer")
        return outcome

    def _note_board(self, unit: int, outcome: Reply | LineFault) -> None:
        if isinstance(outcome, Reply) or outcome.kind is FaultKind.EXCEPTION:
            self._boards.answered(unit)
        else:
            self._boards.failed(unit, self._clock.mono_ms())

    def _report_fault(self, meter: str, kind: FaultKind, detail: str) -> None:
        self._reports.put(FaultReport(self._bus, meter, kind, self._clock.mono_ms(), detail))

    def _report_refused(self, meter: BusMeter, refused: list[Refused]) -> None:
        for each in refused:
            self._reports.put(
                ValueRefused(
                    self._bus,
                    meter.meter,
                    each.quantity,
                    each.address,
                    each.words,
                    self._clock.mono_ms(),
                    each.reason,
                )
            )


def _obeyed(meter: BusMeter, wanted: RelayOrdered, seen: Decoded) -> bool:
    """Whether all that can be read agrees with the order; a released contact may stand either way."""
    relay = meter.polled.profile.relay
    assert relay is not None
    order_agrees = relay.order is None or seen.order_register is wanted
    if wanted is RelayOrdered.ARMED:
        return order_agrees or seen.contact is RelayPosition.CLOSED  # the person was quick
    if relay.contact is None or wanted is RelayOrdered.RELEASED:
        return order_agrees
    return order_agrees and seen.contact.value == wanted.value
