"""Meters of the street and the buses on which they answer: register, relay and load; no line, no bytes.

A meter outlives the agent that reads it. A bus belongs to one run of the agent and reports to it alone.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from edge_agent.core.measured import UNKNOWN, MeterReading, ReadPurpose, RelayOrdered, RelayPosition
from edge_agent.ports import (
    BoundaryDone,
    BusReport,
    BusUp,
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
    RelayReport,
    SerialReport,
)
from tests.simulation.clocks import Timeline

CYCLE_MS: Final = 4_000
RESOLUTION_WH: Final = 10
WRAP_WH: Final = 42_949_672_960
"""Of the profile that these meters have."""
W_MS_PER_WH: Final = 3_600_000


@dataclass
class SimMeter:
    """One metered circuit. `register` counts watt-milliseconds; `deaf`: takes orders and does nothing."""

    meter: str
    time: Timeline
    load_w: int
    begun_wh: int
    tells_contact: bool
    serial: str
    closed: bool = True
    answers: bool = True
    deaf: bool = False
    used: int = 0
    _since_ms: int = 0

    def __post_init__(self) -> None:
        self._since_ms = self.time.now_ms

    def settle(self) -> None:
        """Count what flowed since the last change."""
        if self.closed:
            self.used += self.load_w * (self.time.now_ms - self._since_ms)
        self._since_ms = self.time.now_ms

    def draw(self, load_w: int) -> None:
        """Another load."""
        self.settle()
        self.load_w = load_w

    def switch(self, closed: bool) -> None:
        """The contact moves, by order or by hand."""
        self.settle()
        self.closed = closed

    @property
    def register_wh(self) -> int:
        """What the register shows: steps of its resolution, wrapped at its width."""
        self.settle()
        whole = self.begun_wh + self.used // W_MS_PER_WH
        return whole // RESOLUTION_WH * RESOLUTION_WH % WRAP_WH

    @property
    def contact(self) -> RelayPosition:
        return RelayPosition.CLOSED if self.closed else RelayPosition.OPEN

    @property
    def order_register(self) -> RelayOrdered:
        return RelayOrdered.CLOSED if self.closed else RelayOrdered.OPEN


@dataclass
class SimBus:
    """One bus of one run of the agent; satisfies `ports.MeterBus`. Nothing comes of what is asked after `stop`."""

    name: str
    bus_id: str
    time: Timeline
    clock: Clock
    chance: random.Random
    meters: dict[str, SimMeter]
    report: Callable[[str, BusReport], None]
    ordered: Callable[[RelayOrder], None]
    lost_after: int
    round_done: Callable[[], None]
    polled: tuple[PolledMeter, ...] = ()
    running: bool = False
    cycle: int = 0
    missed: dict[str, int] = field(default_factory=dict)
    orders: dict[str, RelayOrder] = field(default_factory=dict)

    @property
    def last_progress_mono_ms(self) -> int:
        return self.clock.mono_ms()

    def start(self) -> None:
        self.running = True
        self._later(500, lambda: self._tell(BusUp(self.name, self.clock.mono_ms())))
        self._later(self.chance.randrange(600, CYCLE_MS), self._round)

    def stop(self, timeout_s: float = 5.0) -> bool:
        self.running = False
        return True

    def order_relay(self, order: RelayOrder) -> None:
        self.ordered(order)
        replaced = self.orders.get(order.meter)
        if replaced is not None:
            self._later(1, lambda: self._ended(replaced, RelayOutcome.REPLACED))
        self.orders[order.meter] = order
        slow = self.chance.random() < 0.02
        delay_ms = 20_000 if slow else self.chance.randrange(50, 1_500)
        self._later(delay_ms, lambda: self._carry_out(order), exact=True)

    def read_now(self, meters: Sequence[str]) -> None:
        wanted = tuple(meters)
        self._later(self.chance.randrange(100, 900), lambda: self._read_all(wanted, ReadPurpose.ON_DEMAND), exact=True)

    def read_serial(self, meters: Sequence[str]) -> None:
        wanted = tuple(meters)

        def tell() -> None:
            for name in wanted:
                if self.meters[name].answers:
                    self._tell(SerialReport(self.name, name, self.meters[name].serial, self.clock.mono_ms()))

        self._later(self.chance.randrange(100, 900), tell, exact=True)

    def set_clock(self, meters: Sequence[str], utc_offset_s: int) -> None: ...

    def order_prepaid(self, order: PrepaidOrder) -> None: ...

    def lend(self, question: LentQuestion) -> None: ...

    def boundary(self, at_wall_ms: int, meters: Sequence[str]) -> None:
        wanted = tuple(meters)

        def done() -> None:
            silent = tuple(meter for meter in wanted if not self.meters[meter].answers)
            self._tell(BoundaryDone(self.name, at_wall_ms, silent))

        for number, meter in enumerate(wanted):
            read = partial(self._read_all, (meter,), ReadPurpose.BOUNDARY, at_wall_ms)
            self._later(200 * (number + 1), read, exact=True)
        self._later(200 * (len(wanted) + 1), done, exact=True)

    def reconfigure(self, meters: Sequence[PolledMeter]) -> None:
        self.polled = tuple(meters)

    # --- what comes of it -----------------------------------------------------------------------------------------

    def _later(self, delay_ms: int, what: Callable[[], None], *, exact: bool = False) -> None:
        def unless_stopped() -> None:
            if self.running:
                what()

        self.time.after(delay_ms, unless_stopped, exact=exact)

    def _tell(self, report: BusReport) -> None:
        if self.running:
            self.report(self.bus_id, report)

    def _round(self) -> None:
        """One cycle: every meter is asked once."""
        self._read_all(tuple(polled.meter for polled in self.polled), ReadPurpose.ROUND)
        self.cycle += 1
        asked = {polled.meter: 1 for polled in self.polled}
        self._tell(CycleDone(self.name, self.cycle, self.clock.mono_ms(), 900, asked))
        if self.running:
            self.round_done()
        self._later(CYCLE_MS, self._round)

    def _read_all(self, wanted: tuple[str, ...], purpose: ReadPurpose, boundary_at_ms: int | None = None) -> None:
        known = {polled.meter for polled in self.polled}
        for name in wanted:
            if name in known and self.running:
                self._read(self.meters[name], purpose, boundary_at_ms)

    def _read(self, meter: SimMeter, purpose: ReadPurpose, boundary_at_ms: int | None) -> None:
        if not meter.answers:
            self.missed[meter.meter] = self.missed.get(meter.meter, 0) + 1
            if self.missed[meter.meter] == self.lost_after:
                self._tell(MeterLost(self.name, meter.meter, self.clock.mono_ms()))
            return
        if self.missed.pop(meter.meter, 0) >= self.lost_after:
            self._tell(MeterBack(self.name, meter.meter, self.clock.mono_ms()))
        reading = MeterReading(
            meter=meter.meter,
            at_mono_ms=self.clock.mono_ms(),
            at_wall_ms=self.clock.wall_ms(),
            raw_wh=meter.register_wh,
            power_w=(meter.load_w if meter.closed else 0) if meter.tells_contact else UNKNOWN,
            contact=meter.contact if meter.tells_contact else RelayPosition.UNKNOWN,
            order_register=RelayOrdered.UNKNOWN if meter.tells_contact else meter.order_register,
        )
        self._tell(ReadingReport(self.name, reading, purpose, boundary_at_ms))

    def _carry_out(self, order: RelayOrder) -> None:
        if self.orders.get(order.meter) is not order:
            return
        del self.orders[order.meter]
        meter = self.meters[order.meter]
        if self.clock.mono_ms() > order.not_after_mono_ms:
            self._ended(order, RelayOutcome.EXPIRED)
        elif not meter.answers:
            self._ended(order, RelayOutcome.UNANSWERED)
        elif meter.deaf:
            self._ended(order, RelayOutcome.NOT_OBEYED)
        else:
            meter.switch(order.wanted is RelayOrdered.CLOSED)
            self._ended(order, RelayOutcome.DONE)

    def _ended(self, order: RelayOrder, outcome: RelayOutcome) -> None:
        meter = self.meters[order.meter]
        told = outcome in (RelayOutcome.DONE, RelayOutcome.NOT_OBEYED)
        self._tell(
            RelayReport(
                bus=self.name,
                meter=order.meter,
                order_id=order.order_id,
                wanted=order.wanted,
                outcome=outcome,
                contact=meter.contact if told and meter.tells_contact else RelayPosition.UNKNOWN,
                order_register=meter.order_register if told and not meter.tells_contact else RelayOrdered.UNKNOWN,
                at_mono_ms=self.clock.mono_ms(),
                at_wall_ms=self.clock.wall_ms(),
                detail="",
            )
        )
