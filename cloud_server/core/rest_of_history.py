"""What is left of an epoch whose older batches are on no machine any more, and no later epoch line tells of. Pure.

A box names the head behind which the rest of its batches goes on. Its own first batch says what every wallet held
before it; the centre has signed no word about that. So two people accept it, or that box's recovery stays under way.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cloud_server.core.checkpoint import Said
from protocol.messages import Batch
from protocol.records import CommandResult, Granted, Reclaimed, Record
from protocol.units import Micro, Ms
from protocol.wallet import replay
from protocol.whole_batch import WholeBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class LostHistory:
    """Batches of one epoch up to `last` that their box has not got any more, and what people said of it.

    `prev` is the hash of batch `last`, `line_hash` that of the next one, the first that is left; `line` holds its
    bytes, None where the acceptance was taken out of the journal and the box was not heard since.
    """

    box: str
    epoch: int
    last: int
    prev: str
    line_hash: str
    line: bytes | None
    heard_at_ms: Ms
    accepted_by: str | None = None
    second: str | None = None
    reason: str | None = None
    accepted_at_ms: Ms | None = None

    @property
    def cause(self) -> str:
        """The name of the step."""
        return f"history/{self.box}/{self.epoch}/{self.last}"

    def covers(self, epoch: int, last: int) -> bool:
        """Whether people have accepted that batches up to this one are gone."""
        return self.accepted_at_ms is not None and epoch == self.epoch and last <= self.last


def said_before(header: Batch | WholeBatch, records: Iterable[Record]) -> Said:
    """How a box stood before its first batch that is left, by that batch: balances, commands answered until then."""
    told = list(records)
    answered = [r.command for r in told if isinstance(r, CommandResult | Granted | Reclaimed)]
    applied = header.commands_applied.seq
    return Said(
        commands_seq=min([applied, *(seq - 1 for seq in answered)]),
        at_ms=header.sealed_at_ms,
        balances=books_before(header.wallets, told),
    )


def books_before(after: Mapping[str, Micro], records: Iterable[Record]) -> dict[str, Micro]:
    """Book balances before the records of a batch, from those behind it."""
    moved = replay({}, records)
    return {wallet: micro - moved.get(wallet, 0) for wallet, micro in after.items()}
