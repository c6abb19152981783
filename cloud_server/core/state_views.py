"""How centre and boxes stand, as the page of states shows them. Values only."""

from dataclasses import dataclass

from protocol.ids import Id
from protocol.records import RefusalReason
from protocol.units import Ms


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedProgram:
    """A version that a box was ordered and does not run. `refused`: why the box did not even take the order.

    `failed`: the box tried it, and goes on with its own.
    """

    version: str
    ordered_at_ms: Ms
    taken: bool
    failed: bool
    refused: RefusalReason | None = None


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
    selling_closed: bool = False
    """Nothing is sold to its shops: it was not heard since the centre was restored, and nobody opened selling."""
    ordered: OrderedProgram | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupView:
    """The newest good backup, None where there is none yet; and why the newest try failed, None where it did not."""

    made_at_ms: Ms | None
    file: str
    size_bytes: int
    is_old: bool
    fault: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedView:
    """The newest day whose books were looked through and sealed, and how many breaches were found then."""

    day: str
    sealed_at_ms: Ms
    breaches: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryView:
    """A centre that was set back and has not got everything back yet: since when, which boxes were heard again, which
    were not, to which of these nothing is sold, and how many questions only people can answer."""

    since_ms: Ms
    heard: tuple[str, ...]
    unheard: tuple[str, ...]
    selling_closed: tuple[str, ...]
    """Names, as in the other two."""
    questions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CentreState:
    """The centre itself and all boxes. `journal_fault`: why nothing is sold, None where all is well. Backups and books
    are told only to whoever sees the whole site."""

    journal_fault: str | None
    term: int
    boxes: tuple[BoxStateRow, ...]
    backup: BackupView | None = None
    verified: VerifiedView | None = None
