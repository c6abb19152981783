"""At start: is what the file says what was committed? Every row, every chain, the head, and the head file.

Only looks. What follows from a breach is the caller's: the files are set aside, never mended by guessing.
"""

import hashlib
from collections.abc import Iterator
from typing import Final

import peewee

from edge_agent.ports import StoreUnusable
from edge_agent.store import schema
from edge_agent.store.digest import RowKey, chained, row_hash, step_hash
from edge_agent.store.head_file import HeadUnreadable, StoreHead
from edge_agent.store.steps import NO_COMMITS, NO_STEP, Commits
from protocol.envelope import Line, read_body, read_line
from protocol.errors import WireError
from protocol.messages import Batch
from protocol.payload import read_payload

BATCH_ENCODING: Final = "zstd"


def damaged(text: str) -> StoreUnusable:
    """The error of a store whose content is not what was written."""
    return StoreUnusable("store_damaged", text)


def rolled_back(text: str) -> StoreUnusable:
    """The error of a store that has lost its newest commits."""
    return StoreUnusable("store_rolled_back", text)


def read_rows(database: peewee.SqliteDatabase) -> dict[RowKey, bytes]:
    """The hashes of all rows that the digest covers, from what stands in the file now."""
    return {key: row_hash(key, body) for key, body in _bodies(database)}


def _bodies(database: peewee.SqliteDatabase) -> Iterator[tuple[RowKey, bytes]]:
    for (body,) in schema.Mark.select(schema.Mark.body).tuples().execute(database):
        yield ("mark", ""), body
    for meter, body in schema.Meter.select(schema.Meter.meter, schema.Meter.body).tuples().execute(database):
        yield ("meter", meter), body
    for wallet, body in schema.Wallet.select(schema.Wallet.wallet, schema.Wallet.body).tuples().execute(database):
        yield ("wallet", wallet), body
    for row in schema.Configuration.select().execute(database):
        yield ("configuration", str(row.version)), f"{row.hash} {row.text}".encode()
    for row in schema.Pending.select().execute(database):
        yield ("pending", str(row.number)), pending_body(row.step, row.commands_seq, row.commands_hash, row.body)
    ids = [row.money_id for row in schema.MoneyId.select().order_by(schema.MoneyId.number).execute(database)]
    if ids:
        yield ("money_id", ""), chained(b"", ids)
    hashes = [row.hash for row in schema.KeptLine.select().order_by(schema.KeptLine.number).execute(database)]
    if hashes:
        yield ("line", ""), chained(b"", hashes)
    for epoch, seq, line_hash in batch_heads(database):
        yield ("batch", str(epoch)), batch_body(seq, line_hash)
    for row in schema.Acknowledged.select().execute(database):
        yield ("acknowledged", str(row.epoch)), b"%d" % row.seq


def pending_body(step: int, commands_seq: int, commands_hash: str, raw: bytes) -> bytes:
    """What the digest covers of a pending record."""
    return b"%d %d %s %s" % (step, commands_seq, commands_hash.encode(), raw)


def batch_body(seq: int, line_hash: str) -> bytes:
    """What the digest covers of the newest batch of an epoch; the older ones hang on it by their links."""
    return b"%d %s" % (seq, line_hash.encode())


def batch_heads(database: peewee.SqliteDatabase) -> list[tuple[int, int, str]]:
    """Epoch, number and hash of the newest batch of each epoch, oldest epoch first."""
    newest = schema.Batch.select(schema.Batch.epoch, peewee.fn.MAX(schema.Batch.seq)).group_by(schema.Batch.epoch)
    found = []
    for epoch, seq in newest.tuples().execute(database):
        where = (schema.Batch.epoch == epoch) & (schema.Batch.seq == seq)
        found.append((epoch, seq, schema.Batch.select(schema.Batch.hash).where(where).scalar(database)))
    return sorted(found)


def check_digest(database: peewee.SqliteDatabase, rows: dict[RowKey, bytes]) -> Commits:
    """The newest commits, the last of which must be that of the rows. Raises StoreUnusable."""
    heads = list(schema.Head.select().execute(database))
    if not heads:
        if rows:
            raise damaged("rows without a head")
        return NO_COMMITS
    hashes = tuple(heads[0].hashes.split(" "))
    head = StoreHead(heads[0].epoch, heads[0].step, hashes[0])
    prev = hashes[1] if len(hashes) > 1 else NO_STEP.hash
    if step_hash(head.seq, prev, rows) != head.hash:
        raise damaged(f"the rows are not those of commit {head.seq}: something was changed behind the agent's back")
    return Commits(head, hashes)


def check_lines(database: peewee.SqliteDatabase) -> None:
    """Every kept line still has its hash, and the commands of each epoch hang together. Raises StoreUnusable.

    An epoch goes on behind its own base: what a store that was set back never saw is missing between the two.
    """
    prev: tuple[int, str] | None = None
    for row in schema.KeptLine.select().order_by(schema.KeptLine.number).execute(database):
        _check_hash(row.body, row.hash, f"{row.type} line {row.seq or row.number}")
        if row.type == "epoch":
            prev = None
        if row.type != "command":
            continue
        if prev is not None and (row.seq, row.prev) != (prev[0] + 1, prev[1]):
            raise damaged(f"command {row.seq} does not follow command {prev[0]}")
        prev = (row.seq, row.hash)


def check_batches(database: peewee.SqliteDatabase) -> None:
    """Batches hang together; those not yet acknowledged are read whole. Raises StoreUnusable."""
    prev: tuple[int, int, str] | None = None
    columns = (schema.Batch.epoch, schema.Batch.seq, schema.Batch.hash, schema.Batch.prev)
    query = schema.Batch.select(*columns).order_by(schema.Batch.epoch, schema.Batch.seq)
    for epoch, seq, line_hash, named in query.tuples().execute(database):
        if prev is not None and prev[0] == epoch and (seq, named) != (prev[1] + 1, prev[2]):
            raise damaged(f"batch {epoch}/{seq} does not follow {prev[0]}/{prev[1]}")
        prev = (epoch, seq, line_hash)
    held = {row.epoch: row.seq for row in schema.Acknowledged.select().execute(database)}
    for epoch, _, _ in batch_heads(database):
        where = (schema.Batch.epoch == epoch) & (schema.Batch.seq > held.get(epoch, 0))
        for row in schema.Batch.select().where(where).execute(database):
            _check_batch(row)


def _check_batch(row: schema.Batch) -> None:
    line = line_of(row)
    try:
        header = read_payload(line.payload, Batch)
    except WireError as fault:
        raise damaged(f"batch {row.epoch}/{row.seq} cannot be read: {fault}") from None
    if (header.epoch, header.seq, header.prev) != (row.epoch, row.seq, row.prev):
        raise damaged(f"batch {row.epoch}/{row.seq} says that it is {header.epoch}/{header.seq}")


def line_of(row: schema.Batch) -> Line:
    """A batch's line as it was signed, from the compressed bytes that are kept. Raises StoreUnusable."""
    try:
        (line,) = read_body(row.body, BATCH_ENCODING)
    except (WireError, ValueError) as fault:
        raise damaged(f"batch {row.epoch}/{row.seq} cannot be read: {fault}") from None
    if line.hash != row.hash:
        raise damaged(f"batch {row.epoch}/{row.seq} has the hash {line.hash[:12]}…, kept as {row.hash[:12]}…")
    return line


def _check_hash(raw: bytes, said: str, what: str) -> None:
    try:
        found = read_line(raw).hash
    except WireError as fault:
        raise damaged(f"{what} cannot be read: {fault}") from None
    if found != said:
        raise damaged(f"{what} has the hash {found[:12]}…, kept as {said[:12]}…")


def check_configurations(database: peewee.SqliteDatabase) -> None:
    """Each configuration text still has its hash. Raises StoreUnusable."""
    for row in schema.Configuration.select().execute(database):
        if hashlib.sha256(row.text.encode()).hexdigest() != row.hash:
            raise damaged(f"configuration {row.version} is not the one that was stored")


def check_head_file(commits: Commits, on_file: StoreHead | HeadUnreadable | None) -> None:
    """Compare the database with the head file: behind is caught up, ahead is loss. Raises StoreUnusable."""
    head = commits.head
    if on_file is None:
        if head.seq > 1:
            raise damaged("the head file is missing beside a store that has one")
        return
    if isinstance(on_file, HeadUnreadable):
        raise damaged(str(on_file))
    if on_file.seq > head.seq:
        raise rolled_back(
            f"the head file names commit {on_file.seq}, the database ends at {head.seq}: its newest commits are lost"
        )
    kept = commits.hash_of(on_file.seq)
    if on_file.seq > 0 and kept != on_file.hash and (kept is not None or on_file.seq == head.seq):
        raise rolled_back(f"commit {on_file.seq} of the database is not the one that the head file names")
