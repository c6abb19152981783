"""What the centre lacks of this box, as the lines of one request: oldest first, in bounded pieces.

A centre that was set back may ask for what it had once: commands of its own, batches that it has forgotten.
"""

from dataclasses import dataclass
from typing import Final

from edge_agent.flows.box import Box
from edge_agent.flows.seal_batches import batch_head
from protocol.envelope import Line
from protocol.messages import Answer, Batch, BatchHead
from protocol.payload import read_payload

PIECE_BYTES: Final = 1024 * 1024
"""Lines of one request: half a minute on a line of 256 kbit/s after compression, so that even a poor fibre gets on."""
COMMAND_BYTES: Final = 1024 * 1024


@dataclass(slots=True)
class Lacking:
    """Where the centre stands with this box's history, by what it said last."""

    box: Box
    resend_from: tuple[int, int] | None = None
    """Epoch and number behind what the centre holds, when it asks for a history that it has forgotten."""
    commands_from: int | None = None
    introduce: bool = False
    """The centre knew nobody of our key when it was asked last."""

    def take(self, answer: Answer) -> None:
        """What a fresh answer asks for."""
        self.resend_from = None if answer.resend_from is None else (answer.batch_ack.epoch, answer.resend_from)
        self.commands_from = answer.commands_wanted_from

    def lines(self) -> tuple[list[Line], bool]:
        """What the centre lacks, oldest first, in one bounded piece; and whether there is more behind it."""
        store, marks = self.box.store, self.box.state.marks
        if self.introduce:
            # A centre that was set back may have forgotten this box: its own signature on our epoch reminds it.
            return store.epoch_lines(), True
        if self.commands_from is not None:
            return [*store.epoch_lines(), *store.command_lines(self.commands_from, COMMAND_BYTES)], True
        if self.resend_from is not None:
            first: tuple[int, int] | None = self.resend_from
        else:
            first = store.first_unacknowledged()
        if first is None:
            return [], False
        batches = store.batches(*first, PIECE_BYTES)
        if not batches:
            return [], False
        head = store.batch_head(marks.epoch)
        last = batches[-1]
        more = last.epoch < marks.epoch or (head is not None and last.seq < head.seq)
        return [batch.line for batch in batches], more

    def goes_on_from(self) -> BatchHead | None:
        """Where what the centre asked for is not here any more: behind which head the rest goes on; else None."""
        if self.resend_from is None or self.commands_from is not None:
            return None
        store, newest = self.box.store, self.box.state.marks.epoch
        epoch, seq = self.resend_from
        for later in range(epoch, newest + 1):
            for batch in store.batches(later, seq if later == epoch else 1, 1):
                if (batch.epoch, batch.seq) == self.resend_from:
                    return None
                return BatchHead(epoch=later, seq=batch.seq - 1, hash=read_payload(batch.line.payload, Batch).prev)
        head = batch_head(self.box)
        return BatchHead(epoch=newest, seq=head.seq, hash=head.hash)
