"""What a box's store holds, read back for the checks of its invariants; batches that were read once stay read."""

from dataclasses import dataclass, field

from edge_agent.core.invariants import BoxBooks
from edge_agent.store.records import Store
from protocol.commands import Body, Command, read_body
from protocol.errors import WireError
from protocol.messages import Batch, Epoch, read_records
from protocol.payload import decode, read_payload
from protocol.records import Record

ALL_BYTES = 2**40


@dataclass
class BookReader:
    """Reads the store of one box again and again."""

    opened: dict[str, int] = field(default_factory=dict)
    base: int = 0
    epoch: int = 0
    headers: list[Batch] = field(default_factory=list)
    sealed: list[Record] = field(default_factory=list)
    commands: dict[int, Body | None] = field(default_factory=dict)

    def read(self, store: Store) -> BoxBooks:
        """Everything of the epoch in force."""
        kept, line = store.load(), store.newest_line("epoch")
        assert kept is not None
        assert line is not None
        if kept.marks.epoch != self.epoch:
            epoch = read_payload(line.payload, Epoch)
            self.__init__()  # type: ignore[misc]  # another epoch, other books
            self.epoch, self.base = epoch.epoch, epoch.commands_base.seq
            self.opened = {wallet.wallet: wallet.book_micro for wallet in epoch.state.wallets}
        for batch in store.batches(self.epoch, len(self.headers) + 1, ALL_BYTES):
            header = read_payload(batch.line.payload, Batch)
            self.headers.append(header)
            self.sealed += read_records(header)
        for line in store.command_lines(self.base + len(self.commands) + 1, ALL_BYTES):
            command = read_payload(line.payload, Command)
            self.commands[command.seq] = _body(command)
        pending = [decode(record.raw, Record) for record in store.pending(10**6)]
        return BoxBooks(
            opened=self.opened,
            commands_base=self.base,
            headers=self.headers,
            records=[*self.sealed, *pending],
            commands=self.commands,
            marks=kept.marks,
            meters={row.meter: row for row in kept.meters},
            wallets={row.wallet: row for row in kept.wallets},
        )


def _body(command: Command) -> Body | None:
    try:
        return read_body(command)
    except WireError:
        return None
