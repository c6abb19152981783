"""One hash over all that the store holds and acts on, cheap to keep up to date. No database is touched here.

Each row has a hash; the digest is over them all. A row changed, added or removed by a flipped bit or by hand
gives another digest than the head says, and is found before anything is charged or switched because of it.
"""

import hashlib
from collections.abc import Iterable, Mapping

RowKey = tuple[str, str]
"""Table and key."""


def row_hash(key: RowKey, body: bytes) -> bytes:
    """The hash of one row; table and key are part of it, so that two rows cannot change places."""
    return hashlib.sha256(b"%d %d %s%s%s" % (len(key[0]), len(key[1]), key[0].encode(), key[1].encode(), body)).digest()


def step_hash(step: int, prev: str, rows: Mapping[RowKey, bytes]) -> str:
    """The hash of a commit: its number, the commit before, and every row as it is after it."""
    digest = hashlib.sha256(b"tallybox store 1 %d %s " % (step, prev.encode()))
    for key in sorted(rows):
        digest.update(rows[key])
    return digest.hexdigest()


def chained(hashes: bytes, more: Iterable[str]) -> bytes:
    """Extend the hash of a list that only grows (money ids) by its next items."""
    for text in more:
        hashes = hashlib.sha256(hashes + text.encode()).digest()
    return hashes
