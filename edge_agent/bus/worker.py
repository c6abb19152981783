"""One thread a bus: takes what is asked of it, does what `core/polling` chooses, puts reports on a queue.

Keeps the line open: an adapter that vanishes is taken up again when it returns. Owns no state of the box.
"""

from __future__ import annotations

import queue
import threading
import traceback
from collections.abc import Callable, Sequence

from edge_agent.bus.errands import Errands
from edge_agent.bus.guests import Guests
from edge_agent.bus.line_keeper import LineKeeper
from edge_agent.bus.mailbox import Mailbox
from edge_agent.bus.meter import BusMeter
from edge_agent.bus.relay_orders import RelayOrders
from edge_agent.bus.serial_port import LineDown
from edge_agent.bus.transaction import Line
from edge_agent.bus.verdict import LineFault
from edge_agent.bus.wishes import BoundaryWish, ClockWish, Message, NewMeters, Stop, Wishes
from edge_agent.bus.withholding import FOREIGN
from edge_agent.core import polling, polling_events
from edge_agent.core.measured import MeterReading
from edge_agent.core.polling import (
    Ask,
    BeginCycle,
    EndOfBoundary,
    EndOfCycle,
    Part,
    Polling,
    PollingLimits,
    Rest,
    Switch,
)
from edge_agent.ports import (
    BoundaryDone,
    Clock,
    CycleDone,
    LentQuestion,
    MeterBack,
    MeterLost,
    PolledMeter,
    PrepaidOrder,
    ReadingReport,
    RelayOrder,
    RelayOutcome,
    ReportSink,
    WorkerDied,
)

LONGEST_REST_MS = 1_000
"""An idle worker stirs once a second, so that the watchdog can tell idle from dead."""


class BusWorker(Mailbox):
    """One bus; satisfies `ports.MeterBus`. Public methods may be called from any thread."""

    def __init__(
        self,
        name: str,
        line: Line,
        meters: Sequence[PolledMeter],
        reports: ReportSink,
        clock: Clock,
        chance: Callable[[], float],
        limits: PollingLimits | None = None,
    ) -> None:
        """`chance` gives numbers from 0 to 1, for the jitter of back-offs. Nothing runs before `start`."""
        super().__init__()
        self._name = name
        self._line = line
        self._reports = reports
        self._clock = clock
        self._chance = chance
        self._polling = Polling(limits or PollingLimits())
        self._meters: dict[str, BusMeter] = {}
        self._new_meters: tuple[PolledMeter, ...] | None = None
        self._orders = RelayOrders(name, reports.put, clock)
        self._errands = Errands(name, line, self._orders, reports, clock)
        self._keeper = LineKeeper(name, line, reports, clock)
        self._guests = Guests(line, clock)
        self._cycle_began_ms = 0
        self._stopping = False
        self._last_progress_mono_ms = clock.mono_ms()
        self._thread = threading.Thread(target=self._run, name=f"bus-{name}", daemon=True)
        self._know(tuple(meters))

    # --- called by others ------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The bus's name in the configuration."""
        return self._name

    @property
    def last_progress_mono_ms(self) -> int:
        """When the worker last did something."""
        return self._last_progress_mono_ms

    def start(self) -> None:
        """Begin to work; once."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """End after the running transaction. True when the worker has ended within the time."""
        self._inbox.put(Stop())
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    # --- the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._turn()
        except Exception:  # noqa: BLE001 - whatever it is, the owner has to hear that nobody serves this bus any more
            self._reports.put(WorkerDied(self._name, self._clock.mono_ms(), traceback.format_exc()))
        finally:
            self._guests.send_away("the bus is not served any more")
            self._line.close()

    def _turn(self) -> None:
        self._last_progress_mono_ms = self._clock.mono_ms()
        self._take_inbox()
        if self._new_meters is not None:
            self._know(self._new_meters)
            self._new_meters = None
        if not self._keeper.is_open and not self._keeper.open():
            self._guests.send_away(self._keeper.down)
            self._await_inbox(self._keeper.rest_ms)
            return
        try:
            self._step()
            if self._errands.withholding.listen():
                self._withhold()
        except LineDown as error:
            self._keeper.lost(error)

    def _withhold(self) -> None:
        """Another master was heard: what waits to be written is not."""
        for meter in self._orders.withhold():
            self._polling = polling_events.without_order(self._polling, meter)

    def _step(self) -> None:
        """One choice, carried out."""
        now_ms = self._clock.mono_ms()
        if self._check_settled(now_ms):
            return
        choice = polling.choose(self._polling, now_ms)
        if polling.may_wait(choice) and self._guests.serve(idle=isinstance(choice, Rest)):
            return
        if isinstance(choice, Switch):
            self._switch(choice.meter)
        elif isinstance(choice, Ask):
            self._ask(choice)
            self._guests.own_asked()
        elif isinstance(choice, BeginCycle):
            self._polling = polling_events.begin_cycle(self._polling)
            self._cycle_began_ms = now_ms
        elif isinstance(choice, EndOfCycle):
            self._end_cycle(now_ms)
        elif isinstance(choice, EndOfBoundary):
            self._polling = polling_events.without_boundary(self._polling, choice.at_ms)
            self._reports.put(BoundaryDone(self._name, choice.at_ms, choice.missed))
        else:
            self._rest(choice.until_ms, now_ms)

    def _end_cycle(self, now_ms: int) -> None:
        self._polling = polling_events.end_cycle(self._polling)
        duration_ms = now_ms - self._cycle_began_ms
        asked = self._errands.take_asked()
        self._reports.put(CycleDone(self._name, self._polling.cycle, now_ms, duration_ms, asked))

    def _rest(self, until_ms: int | None, now_ms: int) -> None:
        due = (until_ms, self._orders.next_instant_ms(), self._guests.next_instant_ms())
        instants = [instant for instant in due if instant is not None]
        self._await_inbox(min(instants) - now_ms if instants else LONGEST_REST_MS)

    # --- messages --------------------------------------------------------------------------------------------------

    def _await_inbox(self, wait_ms: int) -> None:
        try:
            message = self._inbox.get(timeout=min(max(wait_ms, 1), LONGEST_REST_MS) / 1_000)
        except queue.Empty:
            return
        self._take(message)

    def _take_inbox(self) -> None:
        while not self._inbox.empty():
            self._take(self._inbox.get())
        for meter in self._orders.drop_expired(self._clock.mono_ms()):
            self._polling = polling_events.without_order(self._polling, meter)

    def _take(self, message: Message) -> None:
        if isinstance(message, RelayOrder):
            self._take_order(message)
        elif isinstance(message, LentQuestion):
            self._guests.take(message)
        elif isinstance(message, Wishes):
            self._polling = polling_events.with_wishes(self._polling, message.meters, message.part)
        elif isinstance(message, ClockWish):
            self._errands.settings.utc_offset_s = message.utc_offset_s
            self._polling = polling_events.with_wishes(self._polling, message.meters, Part.CLOCK)
        elif isinstance(message, PrepaidOrder):
            self._errands.settings.order(message)
            self._polling = polling_events.with_wishes(self._polling, (message.meter,), Part.PREPAID)
        elif isinstance(message, BoundaryWish):
            now_ms = self._clock.mono_ms()
            self._polling = polling_events.with_boundary(self._polling, message.at_ms, message.meters, now_ms)
        elif isinstance(message, NewMeters):
            self._new_meters = message.meters  # known between two errands, never within one
        else:
            self._stopping = True

    def _take_order(self, order: RelayOrder) -> None:
        if order.meter not in self._meters:
            self._orders.end(order, RelayOutcome.IMPOSSIBLE, "no such meter on this bus")
            return
        if self._errands.withholding.holds():
            self._orders.end(order, RelayOutcome.WITHHELD, FOREIGN)
            return
        self._orders.take(order)
        self._polling = polling_events.with_order(self._polling, order.meter)

    def _know(self, meters: tuple[PolledMeter, ...]) -> None:
        self._meters = {polled.meter: BusMeter(polled) for polled in meters}
        rows = [
            (name, each.polled.poll_ms, each.polled.detail_ms, len(each.details)) for name, each in self._meters.items()
        ]
        self._polling = polling_events.with_meters(self._polling, rows, self._clock.mono_ms())
        self._errands.know(self._meters)
        self._orders.drop_others(self._meters)

    # --- errands ---------------------------------------------------------------------------------------------------

    def _switch(self, name: str) -> None:
        """Carry out the order for a meter; where its contact takes time, it is read back later."""
        order = self._orders.start(name)
        self._polling = polling_events.without_order(self._polling, name)
        meter = self._meters[name]
        relay = meter.polled.profile.relay
        written = self._errands.write_relay(meter, order)
        if written and relay is not None and relay.settle_ms:
            self._orders.settle(order, self._clock.mono_ms() + relay.settle_ms)
        elif written:
            self._errands.check_relay(meter, order)
        self._note_closed(meter)

    def _check_settled(self, now_ms: int) -> bool:
        """Read back one relay that has had its time to move."""
        order = self._orders.settled(now_ms)
        if order is None:
            return False
        meter = self._meters[order.meter]
        self._errands.check_relay(meter, order)
        self._note_closed(meter)
        return True

    def _note_closed(self, meter: BusMeter) -> None:
        self._polling = polling_events.closed(self._polling, meter.meter, self._errands.closed_until_ms(meter))

    def _serve_orders(self) -> None:
        """Between two questions of one meter: an order waits no longer than for one transaction."""
        self._take_inbox()
        while isinstance(choice := polling.choose(self._polling, self._clock.mono_ms()), Switch):
            self._switch(choice.meter)

    def _ask(self, ask: Ask) -> None:
        outcome = self._run_errand(self._meters[ask.meter], ask)
        before = self._polling
        now_ms = self._clock.mono_ms()
        closed_until_ms = self._errands.closed_until_ms(self._meters[ask.meter])
        if isinstance(outcome, LineFault):
            self._polling = polling_events.failed(before, ask, now_ms, closed_until_ms, self._chance())
            if self._polling.is_lost(ask.meter) and not before.is_lost(ask.meter):
                self._reports.put(MeterLost(self._name, ask.meter, now_ms))
            return
        self._polling = polling_events.answered(before, ask, now_ms, closed_until_ms)
        if before.is_lost(ask.meter) and not self._polling.is_lost(ask.meter):
            self._reports.put(MeterBack(self._name, ask.meter, now_ms))
        if outcome is not None:
            self._reports.put(ReadingReport(self._name, outcome, ask.purpose, ask.boundary_at_ms))

    def _run_errand(self, meter: BusMeter, ask: Ask) -> MeterReading | LineFault | None:
        match ask.part:
            case Part.ENFORCEMENT:
                return self._errands.read_enforcement(meter, self._serve_orders)
            case Part.DETAIL:
                return self._errands.read_detail(meter, ask.detail)
            case Part.SERIAL:
                return self._errands.read_serial(meter)
            case Part.CLOCK:
                return self._errands.settings.set_clock(meter)
            case Part.PREPAID:
                return self._errands.settings.visit_account(meter)
