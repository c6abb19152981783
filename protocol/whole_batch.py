"""A batch with its records, all of them or those about some meters, read in one go. Types and their reading only."""

from collections.abc import Set
from typing import Annotated, Final

import msgspec

from protocol import limits
from protocol.messages import Batch, BatchHeader, read_records
from protocol.payload import IdText, Int, read_part, read_payload, read_plain
from protocol.records import Interval, Record


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


def read_batch_about(payload: bytes, meters: Set[str]) -> tuple[Batch | WholeBatch, list[Record]]:
    """A batch that was taken in before, and its records but for the intervals of other meters. Raises as `read_batch`.

    Whoever proves one bill goes through a month of a whole box, of which nineteen meters in twenty are other people's.
    """
    batch: Batch | None = read_plain(payload, Batch)
    about: list[_About] = []
    try:
        about = _about.decode(payload).records
    except msgspec.MsgspecError:
        batch = None  # What is wrong with it is told by reading it whole.
    if batch is None:
        whole, records = read_batch(payload)
        return whole, [one for one in records if not isinstance(one, Interval) or one.meter in meters]
    mine = (one.kind != "interval" or one.meter in meters for one in about)
    return batch, [read_part(raw, Record) for raw, is_mine in zip(batch.records, mine, strict=True) if is_mine]


class _About(msgspec.Struct):
    kind: str
    meter: str | None = None


class _AboutAll(msgspec.Struct):
    records: list[_About]


_about: Final = msgspec.json.Decoder(_AboutAll)
