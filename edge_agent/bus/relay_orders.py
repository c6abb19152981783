"""Relay orders on their way: waiting for the line, or written and waiting for the contact to move. One a meter each.

Every order taken ends in exactly one report, whatever becomes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator

from edge_agent.bus.meter import Decoded
from edge_agent.core.measured import RelayOrdered, RelayPosition
from edge_agent.ports import Clock, RelayOrder, RelayOutcome, RelayReport

Ended = Callable[[RelayReport], None]


class RelayOrders:
    """For the worker's thread alone."""

    def __init__(self, bus: str, ended: Ended, clock: Clock) -> None:
        """`ended` takes the report of each order's end."""
        self._bus = bus
        self._ended = ended
        self._clock = clock
        self._waiting: dict[str, RelayOrder] = {}
        self._settling: dict[str, tuple[int, RelayOrder]] = {}

    def take(self, order: RelayOrder) -> None:
        """It waits for the line now, in the place of an earlier one for the same meter."""
        earlier = self._waiting.get(order.meter)
        if earlier is not None:
            self.end(earlier, RelayOutcome.REPLACED, f"by {order.order_id}")
        self._waiting[order.meter] = order

    def start(self, meter: str) -> RelayOrder:
        """The order for this meter, which waits no longer. An earlier one that still settles is done with."""
        order = self._waiting.pop(meter)
        earlier = self._settling.pop(meter, None)
        if earlier is not None:
            self.end(earlier[1], RelayOutcome.REPLACED, f"by {order.order_id}")
        return order

    def settle(self, order: RelayOrder, due_mono_ms: int) -> None:
        """It was written; its contact is to be looked at then."""
        self._settling[order.meter] = (due_mono_ms, order)

    def settled(self, now_ms: int) -> RelayOrder | None:
        """One whose contact has had its time; it is no longer kept here."""
        for meter, (due_ms, order) in self._settling.items():
            if due_ms <= now_ms:
                del self._settling[meter]
                return order
        return None

    def drop_expired(self, now_ms: int) -> Iterator[str]:
        """End what could not reach the wire in time; the meters concerned."""
        for meter, order in list(self._waiting.items()):
            if order.not_after_mono_ms < now_ms:
                del self._waiting[meter]
                self.end(order, RelayOutcome.EXPIRED, "its time was over before it reached the wire")
                yield meter

    def withhold(self) -> Iterator[str]:
        """End what waits: nothing is written now; the meters concerned."""
        for meter, order in list(self._waiting.items()):
            del self._waiting[meter]
            self.end(order, RelayOutcome.WITHHELD, "another master was heard on this bus")
            yield meter

    def drop_others(self, meters: Container[str]) -> None:
        """End what belongs to meters that are no longer on this bus."""
        for meter, order in list(self._waiting.items()):
            if meter not in meters:
                del self._waiting[meter]
                self.end(order, RelayOutcome.IMPOSSIBLE, "the meter left this bus")
        for meter, (_, order) in list(self._settling.items()):
            if meter not in meters:
                del self._settling[meter]
                self.end(order, RelayOutcome.IMPOSSIBLE, "written; then the meter left this bus")

    def next_instant_ms(self) -> int | None:
        """When something here may be due."""
        instants = [order.not_after_mono_ms + 1 for order in self._waiting.values()]
        instants += [due_ms for due_ms, _ in self._settling.values()]
        return min(instants, default=None)

    def end(self, order: RelayOrder, outcome: RelayOutcome, detail: str, seen: Decoded | None = None) -> None:
        """Report how an order ended."""
        self._ended(
            RelayReport(
                bus=self._bus,
                meter=order.meter,
                order_id=order.order_id,
                wanted=order.wanted,
                outcome=outcome,
                contact=seen.contact if seen else RelayPosition.UNKNOWN,
                order_register=seen.order_register if seen else RelayOrdered.UNKNOWN,
                at_mono_ms=self._clock.mono_ms(),
                at_wall_ms=self._clock.wall_ms(),
                detail=detail,
            )
        )
