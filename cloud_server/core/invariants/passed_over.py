"""What was passed over since no machine has it any more, as the audit tells of it, and what epoch lines say. Pure."""

from collections.abc import Iterator

from cloud_server.core.audit_chain import AuditEntry
from cloud_server.core.checkpoint import ACTION, UNTOLD, Checkpoint, answered_by, opening_postings, read_checkpoint
from cloud_server.core.fleet import GrantState
from cloud_server.core.invariants.evidence import Evidence, parsed, told_batches
from cloud_server.core.money_requests import ReclaimState
from cloud_server.core.posting_rules import Postings
from protocol.errors import WireError
from protocol.messages import Epoch, Money
from protocol.money import HistoryBody, read_money_body
from protocol.payload import read_payload
from protocol.state import EpochState


def checkpoints(evidence: Evidence) -> tuple[Checkpoint, ...]:
    """All of them, in the order in which they were taken."""
    if evidence.memory.points is None:
        evidence.memory.points = tuple(_read(evidence.audit_entries()))
    return evidence.memory.points


def _read(entries: Iterator[AuditEntry]) -> Iterator[Checkpoint]:
    for entry in entries:
        if entry.action == ACTION:
            yield read_checkpoint(entry.subject, entry.detail, entry.at_ms)


def checkpoints_of(evidence: Evidence, box: str) -> list[Checkpoint]:
    """Those of one box."""
    return [point for point in checkpoints(evidence) if point.box == box]


def opened_with(evidence: Evidence, box: str) -> dict[int, EpochState]:
    """The state with which each epoch of a box began, from its signed line."""
    found = {}
    for stored in evidence.epoch_lines(box):
        line = parsed(stored.raw)
        try:
            epoch = read_payload(line.payload, Epoch) if line is not None else None
        except WireError:
            continue
        if epoch is not None:
            found[stored.number] = epoch.state
    return found


def balances_said(evidence: Evidence, box: str) -> dict[str, int]:
    """What a box said last of each wallet; where batches are lost, what the line behind them says."""
    points = [point.epoch for point in checkpoints_of(evidence, box) if not point.within]
    opened = opened_with(evidence, box) if points else {}
    said: dict[str, int] = {}

    def reach(epoch: int) -> None:
        while points and points[0] <= epoch:
            state = opened.get(points.pop(0))
            if state is not None:
                said.clear()
                said.update((wallet.wallet, wallet.book_micro) for wallet in state.wallets)

    for batch in told_batches(evidence, box):
        reach(batch.stored.epoch)
        said |= batch.header.wallets
    reach(max(points, default=0))
    return said


def entries_passed_over(evidence: Evidence) -> Iterator[tuple[str, str, Postings]]:
    """The entry that each checkpoint asks for: what it answers for, and what the lost records come to."""
    points = checkpoints(evidence)
    if not points:
        return
    grants = [grant for grant in evidence.grants() if grant.reason == UNTOLD]
    reclaims = [request for request in evidence.reclaims() if request.reason == UNTOLD]
    for number, point in enumerate(points):
        before = max((p.commands_seq for p in points[:number] if p.box == point.box), default=0)
        answered = answered_by(
            [g for g in grants if g.box == point.box and before < (g.command or 0) <= point.commands_seq],
            [r for r in reclaims if r.box == point.box and before < (r.command or 0) <= point.commands_seq],
        )
        yield point.cause, "checkpoint", (*answered, *opening_postings(point))


def _epoch_lines(evidence: Evidence, box: str) -> set[tuple[int, str]]:
    return {(line.number, line.hash) for line in evidence.epoch_lines(box)}


def points_within(evidence: Evidence, box: str) -> dict[tuple[int, int], Checkpoint]:
    """Epoch and number of each batch before which people have accepted that others are gone."""
    return {(point.epoch, point.last + 1): point for point in checkpoints_of(evidence, box) if point.within}


def _within_faults(evidence: Evidence, point: Checkpoint) -> list[str]:
    """The batch behind it must be there, and two people must have accepted what it says."""
    place = f"checkpoint of box {point.box} at epoch {point.epoch} up to batch {point.last}"
    hashes = {stored.hash for stored in evidence.batches(point.box) if stored.epoch == point.epoch}
    found = [] if point.line_hash in hashes else [f"{place}: the batch behind it is not there"]
    if (point.box, point.epoch, point.last, point.line_hash) not in _accepted(evidence):
        found.append(f"{place}: no line says that two people have accepted it")
    return found


def _accepted(evidence: Evidence) -> set[tuple[str, int, int, str]]:
    """Box, epoch, last batch that is gone and hash of the next, of each acceptance by two people."""
    found = set()
    for stored in evidence.money_lines():
        line = parsed(stored.raw)
        try:
            money = read_payload(line.payload, Money) if line is not None else None
            body = read_money_body(money) if money is not None and money.kind == "history" else None
        except WireError:
            continue
        if money is not None and isinstance(body, HistoryBody) and money.second not in (None, money.operator):
            found.add((body.box, body.epoch, body.last, body.rest))
    return found


def checkpoint_faults(evidence: Evidence) -> list[str]:
    """Checkpoints that name no epoch line of their box, and grants or requests that none of them answers for."""
    found = []
    bases: dict[str, int] = {}
    for point in checkpoints(evidence):
        bases[point.box] = max(bases.get(point.box, 0), point.commands_seq)
        if point.within:
            found += _within_faults(evidence, point)
        elif (point.epoch, point.line_hash) not in _epoch_lines(evidence, point.box):
            found.append(f"checkpoint of box {point.box} at epoch {point.epoch}: its epoch line is not there")
    for grant in evidence.grants():
        untold = grant.reason == UNTOLD and grant.state in (GrantState.APPLIED, GrantState.REFUSED)
        if untold and not 0 < (grant.command or 0) <= bases.get(grant.box, 0):
            found.append(f"grant {grant.grant}: is {grant.state}, and neither a batch nor a checkpoint says so")
    for request in evidence.reclaims():
        untold = request.reason == UNTOLD and request.state in (ReclaimState.ANSWERED, ReclaimState.EXPIRED)
        if untold and not 0 < (request.command or 0) <= bases.get(request.box, 0):
            found.append(f"reclaim {request.reclaim}: is {request.state}, and neither a batch nor a checkpoint says so")
    return found
