"""Taking in one batch line: its verdict, and what follows from it. Runs inside the exchange's unit of work.

Nothing that a box signed is thrown away: what its chain does not take is kept as evidence.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from cloud_server.core.batch_content import KnownContent, content_fault
from cloud_server.core.batch_facts import AlarmChange
from cloud_server.core.batch_verifier import EVIDENCE, Arrival, BatchClaim, KnownBox, claim_of, judge
from cloud_server.core.fleet import Box, BoxState, StoredBatch, WalletGrant
from cloud_server.core.money_requests import ReclaimRequest
from cloud_server.flows.centre import Centre
from cloud_server.flows.post_batch import BatchStory, post_batch
from cloud_server.flows.recover_box import begin_recovery, closes_at
from cloud_server.ports import Unit
from protocol.chain import Head
from protocol.envelope import Line, check_signature
from protocol.errors import BadPayload, BadSignature
from protocol.messages import Batch, Verdict, VerdictOn
from protocol.records import Granted, Interval, Reclaimed, Record, Subject
from protocol.signing import PublicKey
from protocol.whole_batch import WholeBatch, read_batch

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BoxKeys:
    """The record keys of a box, by keyid, and which of them may sign in which epoch."""

    keys: Mapping[str, PublicKey]
    keyids: Mapping[int, str]


@dataclass(slots=True)
class Content:
    """A batch's content, read once, when the verdict asks for it."""

    header: Batch | WholeBatch | None = None
    records: Sequence[Record] = ()
    grants: dict[str, WalletGrant] | None = None
    reclaims: dict[str, ReclaimRequest] = field(default_factory=dict)
    fault: str | None = None


def receive_batch(centre: Centre, unit: Unit, box: Box, keys: BoxKeys, line: Line) -> tuple[Box, VerdictOn]:
    """Judge one line and do what its verdict asks; the box's row after (saved), and the verdict for the answer."""
    arrival = _arrival(keys, line)
    content = Content()
    known = KnownBox(
        site=box.site,
        box=box.box,
        state=box.state,
        epoch=box.epoch,
        keyids=keys.keyids,
        head=box.batch_head,
        parked=unit.readings.is_parked(box.box),
        command_head=box.command_head,
        batch_hash=lambda epoch, seq: unit.readings.batch_hash(box.box, epoch, seq),
        command_hash=lambda seq: unit.lines.command_hash(box.box, seq),
    )
    claim = arrival.claim
    if claim is not None and claim.epoch == box.epoch and claim.seq > (closes_at(unit, box) or claim.seq):
        # A later epoch, which this centre had forgotten, has closed this one before that batch.
        verdict: Verdict = "superseded_epoch"
    else:
        verdict = judge(known, arrival, lambda: read_content(unit, box, line, content))
    if claim is None:
        return box, VerdictOn(epoch=0, seq=0, verdict=verdict)
    after = _act(centre, unit, box, line, claim, verdict, content)
    if verdict != "known":
        log.info("batch_judged", extra={"box": box.box, "seq": claim.seq, "verdict": verdict})
    return after, VerdictOn(epoch=claim.epoch, seq=claim.seq, verdict=verdict)


def _arrival(keys: BoxKeys, line: Line) -> Arrival:
    """Check the signature first; what nobody of this box signed is not read at all."""
    try:
        signer = check_signature(line, keys.keys).keyid
    except BadSignature:
        return Arrival(line.hash, None, None)
    return Arrival(line.hash, signer, claim_of(line.payload))


def read_content(unit: Unit, box: Box, line: Line, content: Content) -> str | None:
    """Read header and records strictly, and hold them against what is known; why they cannot be posted, or None."""
    try:
        content.header, content.records = read_batch(line.payload)
    except BadPayload as fault:
        content.fault = str(fault)
        return content.fault
    others = [record for record in content.records if not isinstance(record, Interval)]
    content.grants = unit.ledger.grants(r.grant for r in others if isinstance(r, Granted))
    content.reclaims = unit.money.reclaims(r.reclaim for r in others if isinstance(r, Reclaimed))
    known = KnownContent(
        box=box.box,
        meters=unit.fleet.meters_of_box(box.box),
        wallets={wallet.wallet for wallet in unit.fleet.wallets_of_box(box.box)},
        grants=content.grants,
        commands_seq=box.command_head.seq,
        reclaims=content.reclaims,
    )
    content.fault = content_fault(content.header, content.records, known)
    return content.fault


def _act(
    centre: Centre, unit: Unit, box: Box, line: Line, claim: BatchClaim, verdict: Verdict, content: Content
) -> Box:
    if verdict in EVIDENCE:
        return _keep_evidence(centre, unit, box, line, verdict)
    match verdict:
        case "accepted":
            return _post(centre, unit, box, line, claim, content)
        case "parked" | "behind_parked":
            return _park(centre, unit, box, line, claim, verdict, content.fault)
        case _:
            return box


def _stored(
    line: Line,
    claim: BatchClaim,
    state: Literal["posted", "parked", "behind_parked"],
    fault: str | None,
    now_ms: int,
) -> StoredBatch:
    return StoredBatch(
        box=claim.box,
        epoch=claim.epoch,
        seq=claim.seq,
        hash=line.hash,
        raw=line.raw,
        state=state,
        fault=fault,
        sealed_at_ms=claim.sealed_at_ms,
        received_at_ms=now_ms,
        posted_at_ms=now_ms if state == "posted" else None,
    )


def _post(centre: Centre, unit: Unit, box: Box, line: Line, claim: BatchClaim, content: Content) -> Box:
    assert content.header is not None
    assert content.grants is not None
    stored = _stored(line, claim, "posted", None, centre.clock.wall_ms())
    unit.readings.add_batch(stored)
    story = BatchStory(box, stored, content.header, content.records, content.grants, content.reclaims)
    after = post_batch(centre, unit, story)
    centre.fail_point("batch_posted")
    after = replace(after, batch_head=Head(claim.seq, line.hash))
    unit.fleet.save_box(after)
    return after


def _park(
    centre: Centre,
    unit: Unit,
    box: Box,
    line: Line,
    claim: BatchClaim,
    state: Literal["parked", "behind_parked"],
    fault: str | None,
) -> Box:
    """Keep it in the chain and acknowledge it; it is posted in order when somebody has mended the program."""
    now_ms = centre.clock.wall_ms()
    unit.readings.add_batch(_stored(line, claim, state, fault, now_ms))
    if state == "parked":
        _raise_alarm(unit, "batch_parked", box, now_ms, claim.seq)
        log.error("batch_parked", extra={"box": box.box, "seq": claim.seq, "fault": fault})
    after = replace(box, batch_head=Head(claim.seq, line.hash))
    unit.fleet.save_box(after)
    return after


def _keep_evidence(centre: Centre, unit: Unit, box: Box, line: Line, verdict: Verdict) -> Box:
    """A line that breaks the chain: kept apart. A fork quarantines the box; one that is ahead stops its commands."""
    now_ms = centre.clock.wall_ms()
    is_new = unit.readings.add_evidence(box.box, line.hash, verdict, line.raw, now_ms)
    after = box
    if verdict == "forked":
        after = _quarantined(unit, box, now_ms)
    elif verdict == "ahead":
        after = begin_recovery(centre, unit, box, "ahead")
    if after is not box:
        unit.fleet.save_box(after)
    if is_new:
        unit.audit.append(now_ms, f"box:{box.box}", f"evidence_{verdict}", box.box, {"line": line.hash})
    return after


def quarantine(unit: Unit, box: Box, line: Line, now_ms: int) -> Box:
    """The box says that it stands on another branch of its chain: the line is kept, a person decides; the row after."""
    if unit.readings.add_evidence(box.box, line.hash, "forked", line.raw, now_ms):
        unit.audit.append(now_ms, f"box:{box.box}", "evidence_forked", box.box, {"line": line.hash})
    return _quarantined(unit, box, now_ms)


def _quarantined(unit: Unit, box: Box, now_ms: int) -> Box:
    if box.state is not BoxState.ENROLLED:
        return box
    _raise_alarm(unit, "box_forked", box, now_ms, None)
    return replace(box, state=BoxState.QUARANTINED)


def _raise_alarm(unit: Unit, alarm: str, box: Box, now_ms: int, value: int | None) -> None:
    unit.alarms.change_alarms([AlarmChange(alarm, Subject(box=box.box), True, now_ms, value)])
