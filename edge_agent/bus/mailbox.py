"""What others may ask of a bus worker, from any thread: each wish goes into its inbox, and comes back as reports."""

from __future__ import annotations

import queue
from collections.abc import Sequence

from edge_agent.bus.wishes import BoundaryWish, ClockWish, Message, NewMeters, Wishes
from edge_agent.core.polling import Part
from edge_agent.ports import LentQuestion, PolledMeter, PrepaidOrder, RelayOrder


class Mailbox:
    """The inbox of one worker; what each message means is told at `ports.MeterBus`."""

    def __init__(self) -> None:
        """Empty."""
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def order_relay(self, order: RelayOrder) -> None:
        """Goes before everything else."""
        self._inbox.put(order)

    def read_now(self, meters: Sequence[str]) -> None:
        """Read these on demand."""
        self._inbox.put(Wishes(tuple(meters), Part.ENFORCEMENT))

    def read_serial(self, meters: Sequence[str]) -> None:
        """Read the serial numbers."""
        self._inbox.put(Wishes(tuple(meters), Part.SERIAL))

    def set_clock(self, meters: Sequence[str], utc_offset_s: int) -> None:
        """Look at these clocks, and set those that are off."""
        self._inbox.put(ClockWish(tuple(meters), utc_offset_s))

    def order_prepaid(self, order: PrepaidOrder) -> None:
        """Visit a meter's own account."""
        self._inbox.put(order)

    def lend(self, question: LentQuestion) -> None:
        """Ask this for a guest."""
        self._inbox.put(question)

    def boundary(self, at_wall_ms: int, meters: Sequence[str]) -> None:
        """Read all of these now."""
        self._inbox.put(BoundaryWish(at_wall_ms, tuple(meters)))

    def reconfigure(self, meters: Sequence[PolledMeter]) -> None:
        """Take this list instead."""
        self._inbox.put(NewMeters(tuple(meters)))
