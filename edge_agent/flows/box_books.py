"""What a box's store holds, read back for the checks of its invariants; batches that were read once stay read."""

from dataclasses import dataclass, field
from typing import Final

from edge_agent.core.invariants import BoxBooks, breaches
from edge_agent.flows.seal_batches import PENDING_MAX
from edge_agent.ports import RecordStore
from protocol.commands import Body, Command, read_body
from protocol.errors import WireError
from protocol.messages import Batch, Epoch, read_records
from protocol.payload import decode, read_payload
from protocol.records import Record

PIECE_BYTES: Final = 16 * 1024 * 1024
"""Lines decoded at once: what a box of 1 GB can spare for a moment."""
ON_THE_SPOT: Final = 200
"""Newest batches that `check` looks at: four days of half hours. The store's own hashes hold the older ones."""


@dataclass
class BookReader:
    """Reads the store of one box again and again. `newest`: only so many batches; None: all of the epoch."""

    newest: int | None = None
    opened: dict[str, int] = field(default_factory=dict)
    base: int = 0
    epoch: int = 0
    first: int = 1
    headers: list[Batch] = field(default_factory=list)
    sealed: list[Record] = field(default_factory=list)
    commands: dict[int, Body | None] = field(default_factory=dict)

    def read(self, store: RecordStore) -> BoxBooks:
        """Everything of the epoch in force, or of its newest batches. Raises ValueError where no epoch is open."""
        kept, line = store.load(), store.newest_line("epoch")
        if kept is None or line is None:
            raise ValueError("the store holds no epoch")
        if kept.marks.epoch != self.epoch:
            self._begin(read_payload(line.payload, Epoch))
            self._skip(store)
        while batches := store.batches(self.epoch, self.first + len(self.headers), PIECE_BYTES):
            for batch in batches:
                header = read_payload(batch.line.payload, Batch)
                self.headers.append(header)
                self.sealed += read_records(header)
        while lines := store.command_lines(self.base + len(self.commands) + 1, PIECE_BYTES):
            for line in lines:
                command = read_payload(line.payload, Command)
                self.commands[command.seq] = _body(command)
        pending = [decode(record.raw, Record) for record in store.pending(PENDING_MAX)]
        return BoxBooks(
            opened=self.opened,
            commands_base=self.base,
            headers=self.headers,
            records=[*self.sealed, *pending],
            commands=self.commands,
            marks=kept.marks,
            meters={row.meter: row for row in kept.meters},
            wallets={row.wallet: row for row in kept.wallets},
            first_seq=self.first,
        )

    def _begin(self, epoch: Epoch) -> None:
        self.epoch, self.base, self.first = epoch.epoch, epoch.commands_base.seq, 1
        self.opened = {wallet.wallet: wallet.book_micro for wallet in epoch.state.wallets}
        self.headers, self.sealed, self.commands = [], [], {}

    def _skip(self, store: RecordStore) -> None:
        """Begin behind an older batch: what it says of wallets and commands is where the rest goes on from."""
        head = store.batch_head(self.epoch)
        if head is None:
            return
        from_seq = 1 if self.newest is None else max(1, head.seq - self.newest)
        oldest = store.batches(self.epoch, from_seq, 1)
        if oldest and oldest[0].seq > 1:
            before = read_payload(oldest[0].line.payload, Batch)
            self.first, self.base = before.seq + 1, before.commands_applied.seq
            self.opened = dict(before.wallets)


def _body(command: Command) -> Body | None:
    try:
        return read_body(command)
    except WireError:
        return None


def book_breaches(store: RecordStore) -> list[str]:
    """What does not hold in the newest part of a store's books; empty where no epoch is open."""
    if store.load() is None:
        return []
    return breaches(BookReader(newest=ON_THE_SPOT).read(store))
