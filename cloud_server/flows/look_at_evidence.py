"""What a person decides from after a fork: each line that a box signed and that its chain does not take."""

from dataclasses import dataclass

import msgspec

from cloud_server.core.mistakes import NotFound
from cloud_server.flows.centre import Centre
from protocol.envelope import read_line
from protocol.errors import TheirFault
from protocol.messages import Batch
from protocol.payload import read_payload

SHOWN_MAX = 200


@dataclass(frozen=True, slots=True)
class EvidenceSeen:
    """One line: which verdict it got and when, and what a batch says of who wrote it; None where it is no batch."""

    hash: str
    verdict: str
    received_at_ms: int
    epoch: int | None = None
    seq: int | None = None
    sealed_at_ms: int | None = None
    boot: str | None = None
    agent: str | None = None


def evidence_of(centre: Centre, box: str) -> list[EvidenceSeen]:
    """The newest lines, newest first. Raises NotFound."""
    with centre.store.read() as unit:
        if unit.fleet.box(box) is None:
            raise NotFound("box", box)
        rows = unit.memory.evidence(box, SHOWN_MAX)
    return [_seen(line_hash, verdict, raw, at_ms) for line_hash, verdict, raw, at_ms in rows]


def _seen(line_hash: str, verdict: str, raw: bytes, at_ms: int) -> EvidenceSeen:
    seen = EvidenceSeen(line_hash, verdict, at_ms)
    try:
        line = read_line(raw)
        if line.type_name != "batch":
            return seen
        batch = read_payload(line.payload, Batch)
    except (TheirFault, msgspec.MsgspecError):
        return seen
    return EvidenceSeen(
        line_hash, verdict, at_ms, batch.epoch, batch.seq, batch.sealed_at_ms, batch.boot_id, batch.agent
    )
