"""What a person at the box asks of the running agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from queue import SimpleQueue


@dataclass(frozen=True, slots=True)
class LocalRequest:
    """What somebody at the box asks for through the local socket; the owner thread puts one answer."""

    op: str
    arguments: Mapping[str, object]
    answer: SimpleQueue[dict[str, object]]
