"""The arithmetic of a chain: number, link, head. Pure; knows nothing of what the lines say."""

from dataclasses import dataclass
from enum import Enum

from protocol.ids import NO_HASH, Hash


@dataclass(frozen=True, slots=True)
class Head:
    """The newest line of a chain. An empty chain has number 0 and, as hash, what its first line must name as `prev`."""

    seq: int
    hash: Hash


EMPTY_COMMANDS = Head(0, NO_HASH)
"""The command chain of a new place."""


class Link(Enum):
    """How a line stands to a head."""

    NEXT = "next"
    """It extends the chain."""
    KNOWN = "known"
    """Its number is the head's or older: compare its hash with what is kept."""
    GAP = "gap"
    """Lines between the head and it are missing."""
    FORK = "fork"
    """Its number is next but it names another `prev`: two histories."""


def link(head: Head, seq: int, prev: Hash) -> Link:
    """Tell how a line with this number and `prev` stands to the head."""
    if seq <= head.seq:
        return Link.KNOWN
    if seq > head.seq + 1:
        return Link.GAP
    return Link.NEXT if prev == head.hash else Link.FORK
