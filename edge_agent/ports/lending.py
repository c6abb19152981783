"""A bus that is lent to a command at the box: one question at a time, and what came of each.

Reads; the agent itself may lend a write, to give a new meter its unit id.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edge_agent.core.measured import FaultKind


@dataclass(frozen=True, slots=True)
class LentAnswer:
    """What came of a guest's question: `words`, or a `fault` with its `detail`, or there is no line: `down` says why.

    `heard`: the bytes of a fault; `strays`: what was heard beside the answer.
    """

    words: tuple[int, ...] | None = None
    fault: FaultKind | None = None
    detail: str = ""
    heard: bytes = b""
    strays: tuple[tuple[FaultKind, bytes], ...] = ()
    down: str = ""


@dataclass(frozen=True, slots=True)
class LentQuestion:
    """One question by a guest: a command at the box to which the bus is lent, transaction by transaction.

    Attributes:
        function: 1 to 4, with a count that the protocol allows; with `values` 6 or 16, a write.
        silence_ms, turnaround_ms: as a profile says them.
        answer: takes the one answer; called on the bus's own thread and must not block.
    """

    unit: int
    function: int
    address: int
    count: int
    silence_ms: int
    turnaround_ms: int
    answer: Callable[[LentAnswer], None]
    values: tuple[int, ...] = ()
