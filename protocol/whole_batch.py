"""A batch with all its records, read in one go. Types and their reading only."""

from typing import Annotated

import msgspec

from protocol import limits
from protocol.messages import Batch, BatchHeader, read_records
from protocol.payload import IdText, Int, read_payload, read_plain
from protocol.records import Record


class WholeBatch(BatchHeader, frozen=True, kw_only=True):
    """A batch whose records have been read with it; the same fields as `Batch`, in the same order."""

    records: Annotated[list[Record], msgspec.Meta(max_length=limits.RECORDS_MAX)]
    wallets: dict[IdText, Int]


def read_batch(payload: bytes) -> tuple[Batch | WholeBatch, list[Record]]:
    """A batch and its records, through the gate. Raises BadPayload, TooLarge.

    In one go where it is written as our own agent writes it, so that the value gives the very same bytes again.
    """
    whole: WholeBatch | None = read_plain(payload, WholeBatch)
    if whole is not None:
        return whole, whole.records
    batch = read_payload(payload, Batch)
    return batch, read_records(batch)
