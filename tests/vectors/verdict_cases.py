"""Verdict vectors: lines that reach a centre one after the other, and its verdict on each. Values only.

Each scenario starts anew: the box enrolled, the epoch line of the vectors in force, the last batch of the epoch before
posted, commands signed up to `COMMANDS_HEAD`. The order of the checks is that of the list of verdicts.
"""

import base64
import json
from dataclasses import dataclass
from typing import Any, Final

from protocol.box_config import text_hash
from protocol.envelope import Line, seal
from protocol.payload import write_payload
from protocol.records import LockOut, MeterEvent, Record
from tests.vectors.cast import BOX, KEYS, METER, OTHER_BOX, WALLET, an_id, at
from tests.vectors.lines import (
    BASE,
    EPOCH,
    EPOCH_LINE,
    FIRST_BATCH,
    LAST_BATCH_BEFORE,
    SECOND_BATCH,
    batch_line,
)

COMMANDS_HEAD: Final = 8
_BOOK: Final = {WALLET: 6_500_000}


def _event(event: str) -> tuple[Record, ...]:
    return (MeterEvent(at_ms=at(18), meter=METER, event="lost" if event == "lost" else "back"),)


def _resigned(line: Line, **changed: Any) -> Line:
    """The line's payload with some fields changed, signed again by the record key."""
    payload = json.loads(line.payload) | changed
    return seal(line.type_name, json.dumps(payload, separators=(",", ":")).encode(), KEYS["record"])


def _flipped(line: Line) -> str:
    """The line with one bit of its payload flipped, the signature as it was."""
    envelope = json.loads(line.raw)
    payload = bytearray(line.payload)
    payload[payload.index(b'"seq"') + 6] ^= 2
    envelope["payload"] = base64.b64encode(payload).decode()
    return json.dumps(envelope, separators=(",", ":"))


OTHER_FIRST: Final = batch_line(1, EPOCH_LINE.hash, _event("lost"), BASE, _BOOK)
"""Another content of number 1."""
AFTER_OTHER: Final = batch_line(2, OTHER_FIRST.hash, _event("back"), BASE, _BOOK)
THIRD: Final = batch_line(3, SECOND_BATCH.hash, _event("lost"), BASE, _BOOK)
STRANGE_RECORD: Final = _resigned(THIRD, records=[{"kind": "eclipse", "at_ms": at(18)}])
"""A record that this version does not know."""
FLOAT_RECORD: Final = _resigned(
    THIRD,
    records=[
        json.loads(write_payload(LockOut(at_ms=at(18), meter=METER, on=True, who="li", where="spot"))) | {"at_ms": 1.5}
    ],
)
BEHIND: Final = batch_line(4, STRANGE_RECORD.hash, _event("back"), BASE, _BOOK)
STRANGER: Final = seal("batch", FIRST_BATCH.payload, KEYS["stranger"])


@dataclass(frozen=True)
class Step:
    """A line that reaches the centre: in whose request, what the centre's row says of that box, and the verdict."""

    line: Line | str
    verdict: str
    box: str = BOX
    row: str = "enrolled"
    resend_from: int | None = None


ACCEPTED_TWO: Final = (Step(FIRST_BATCH, "accepted"), Step(SECOND_BATCH, "accepted"))

SCENARIOS: Final[dict[str, tuple[Step, ...]]] = {
    "in_order_and_again": (
        *ACCEPTED_TWO,
        Step(FIRST_BATCH, "known"),
        Step(SECOND_BATCH, "known"),
        Step(LAST_BATCH_BEFORE, "known"),
    ),
    "a_hole": (
        Step(SECOND_BATCH, "gap", resend_from=1),
        Step(FIRST_BATCH, "accepted"),
        Step(THIRD, "gap", resend_from=2),
        Step(SECOND_BATCH, "accepted"),
        Step(THIRD, "accepted"),
    ),
    "who_is_it": (
        Step(FIRST_BATCH, "unknown_box", box=an_id("nobody"), row="unknown"),
        Step(FIRST_BATCH, "revoked", row="revoked"),
        Step(_flipped(FIRST_BATCH), "bad_signature"),
        Step(STRANGER, "bad_signature"),
        Step(_resigned(FIRST_BATCH, box=OTHER_BOX), "wrong_box"),
        Step(_resigned(FIRST_BATCH, site=an_id("another site")), "wrong_box"),
        Step(FIRST_BATCH, "accepted"),
    ),
    "a_second_history": (
        *ACCEPTED_TWO,
        Step(OTHER_FIRST, "forked"),
    ),
    "another_past": (
        Step(FIRST_BATCH, "accepted"),
        Step(AFTER_OTHER, "forked"),
    ),
    "from_another_epoch": (
        Step(batch_line(42, LAST_BATCH_BEFORE.hash, _event("lost"), BASE, _BOOK, EPOCH - 1), "superseded_epoch"),
        Step(batch_line(41, text_hash("x"), _event("lost"), BASE, _BOOK, EPOCH - 1), "superseded_epoch"),
        Step(batch_line(1, text_hash("an epoch line forgotten"), (), BASE, _BOOK, EPOCH + 1), "ahead"),
        Step(batch_line(1, EPOCH_LINE.hash, (), COMMANDS_HEAD + 1, _BOOK), "ahead"),
        Step(FIRST_BATCH, "accepted"),
    ),
    "not_understood": (
        *ACCEPTED_TWO,
        Step(STRANGE_RECORD, "parked"),
        Step(BEHIND, "behind_parked"),
        Step(STRANGE_RECORD, "known"),
    ),
    "a_float_in_a_record": (
        *ACCEPTED_TWO,
        Step(FLOAT_RECORD, "parked"),
    ),
}
