"""Requests that wait for the books at the same time go in together, in one transaction. Thread-safe; knows no request.

A request that finds nobody waiting goes in alone and at once. While it is taken in others gather, and the next of them
takes all of them along: the more come, the less each costs, and one flush of the disk serves them all.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

GROUP_MAX: Final = 64
"""Requests in one transaction: what each asks of the database by itself is then a hundredth of its price."""
GROUP_BYTES_MAX: Final = 2 * 1024 * 1024
"""Payload in one transaction, some four thousand records: a sale to one of its boxes waits for part of a second."""
TURNS: Final = 2
"""Groups at once: while one waits for the disk, the other computes."""

Item = TypeVar("Item")


class _Ticket(Generic[Item]):
    def __init__(self, item: Item, size_bytes: int) -> None:
        self.item = item
        self.size_bytes = size_bytes
        self.taken = False
        self.done = threading.Event()


class GroupDesk(Generic[Item]):
    """Where requests wait."""

    def __init__(self) -> None:
        self._turns = threading.Semaphore(TURNS)
        self._lock = threading.Lock()
        self._waiting: deque[_Ticket[Item]] = deque()

    def go_through(self, item: Item, size_bytes: int, take_in: Callable[[list[Item]], None]) -> None:
        """Return when the item was taken in, by this thread or by another that took it along.

        `take_in` gets the items of a group, this thread's or others' before it, and leaves its outcome in each of them;
        what it raises reaches the thread that called it, and the outcomes of its group are then missing.
        """
        ticket = _Ticket(item, size_bytes)
        with self._lock:
            self._waiting.append(ticket)
        with self._turns:
            while group := self._next(ticket):
                try:
                    take_in([one.item for one in group])
                finally:
                    for one in group:
                        one.done.set()
        ticket.done.wait()

    def _next(self, mine: _Ticket[Item]) -> list[_Ticket[Item]]:
        """The longest waiting that fit together; none where this thread's own has been taken."""
        with self._lock:
            group: list[_Ticket[Item]] = []
            room_bytes = GROUP_BYTES_MAX
            while self._waiting and not (mine.taken and not group) and len(group) < GROUP_MAX:
                room_bytes -= self._waiting[0].size_bytes
                if group and room_bytes < 0:
                    break
                one = self._waiting.popleft()
                one.taken = True
                group.append(one)
            return group
