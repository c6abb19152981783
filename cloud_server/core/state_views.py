"""How centre and boxes stand, as the page of states shows them. Values only."""

from dataclasses import dataclass

from protocol.ids import Id
from protocol.units import Ms


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxStateRow:
    """One box: where it stands in both chains, and what is wanted of it beside what it holds.

    `parked` batches are kept and wait for a person; `waiting` commands were signed and not fetched; the epoch says how
    often it began anew; `recovery`: it knows more of the centre's commands than the centre itself.
    """

    box: Id
    name: str
    state: str
    epoch: int
    seen_at_ms: Ms | None
    in_reach: bool
    posted_until_ms: Ms | None
    parked: int
    waiting: int
    config_wanted: int
    config_held: int
    recovery: bool
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CentreState:
    """The centre itself and all boxes. `journal_fault`: why nothing is sold, None where all is well."""

    journal_fault: str | None
    term: int
    boxes: tuple[BoxStateRow, ...]
