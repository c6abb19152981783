"""A box whose older batches are on no machine any more, and no later epoch line tells of them: two people end it.

The first batch that the box has left is kept with what it says of the balances before it. What two people accept is
this word. The acceptance stands in the journal: a centre that is lost once more goes on by it when it hears the box.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cloud_server.core import sale_order
from cloud_server.core.batch_facts import BoxFacts, MeterFacts, fold
from cloud_server.core.batch_verifier import claim_of
from cloud_server.core.charge_audit import MeterCharge
from cloud_server.core.checkpoint import ACTION, Checkpoint, Said
from cloud_server.core.fleet import Box
from cloud_server.core.mistakes import Conflict, NotFound
from cloud_server.core.rest_of_history import LostHistory, said_before
from cloud_server.flows.answer_untold import answer_untold, lacking, post_checkpoint, would_answer
from cloud_server.flows.centre import Centre
from cloud_server.flows.money_step import Done, key_errors, money_step, reason_errors, refuse_if_wrong
from cloud_server.flows.receive_batch import receive_batch
from cloud_server.flows.recover_box import next_epoch
from cloud_server.flows.second_person import confirmed, wait_for_second
from cloud_server.flows.sign_lines import Asker, add_money_line, stored_body
from cloud_server.flows.who_asks import keys_of
from cloud_server.ports import Actor, Unit
from cloud_server.ports.hardware_orders import HistoryAnswer, HistoryOrder
from protocol.chain import Head
from protocol.commands import Configure
from protocol.envelope import Line, check_signature, read_line
from protocol.errors import BadPayload, BadSignature
from protocol.messages import Sync
from protocol.money import HistoryBody
from protocol.records import CommandResult
from protocol.whole_batch import read_batch

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lost:
    """What is to be accepted: the checkpoint that it would be, and until when the batches that are gone reach."""

    name: str
    point: Checkpoint
    said: Said


class Histories:
    """Takes the word of boxes for what nobody else can tell; always by two people."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def waiting(self) -> tuple[Lost, ...]:
        """What waits for two people: boxes whose recovery cannot end by itself."""
        if not self._centre.territory.is_whole:
            return ()
        with self._centre.store.read() as unit:
            return lost_histories(unit)

    def accept(self, order: HistoryOrder, by: Actor) -> HistoryAnswer:
        """Accept it for one box, as far as its maker saw it. Raises NotFound, Conflict, Refused."""
        request = sale_order.order_hash("history", order.box, order.last, order.reason, by.name)
        step = money_step(self._centre, "history", order.key, request, lambda unit: self.take(unit, order, by))
        return HistoryAnswer(state=step["state"], request=step.get("request"))

    def take(self, unit: Unit, order: HistoryOrder, by: Actor) -> Done:
        """All of it inside one transaction."""
        refuse_if_wrong([*key_errors(order.key), *reason_errors(order.reason)])
        box = unit.fleet.box(order.box)
        if box is None:
            raise NotFound("box", order.box)
        lost = unit.recovery.lost_history(box.box, box.epoch)
        if lost is None or not _stands(unit, box, lost):
            raise Conflict(f"nothing of box {box.name} waits to be accepted", "answered")
        if lost.last != order.last:
            text = f"box {box.name} has let go of more meanwhile: batches up to {lost.last} are gone, not {order.last}"
            raise Conflict(text, "moved_on")
        second, reason = confirmed(by, order.second), order.reason.strip()
        if second is None:
            return wait_for_second(self._centre, unit, "history", order, by, box.box, None, reason)
        asker = Asker(operator=by.name, key=order.key, second=second, reason=reason)
        _carry_out(self._centre, unit, box, lost, asker, journaled=False)
        return Done({"state": "accepted"}, (box.box,))


def lost_histories(unit: Unit) -> tuple[Lost, ...]:
    """What waits to be accepted, with what it would come to."""
    found = []
    for lost in unit.recovery.lost_histories():
        box = unit.fleet.box(lost.box)
        if box is not None and _stands(unit, box, lost):
            assert lost.line is not None
            said = said_before(*read_batch(read_line(lost.line).payload))
            found.append(Lost(box.name, _point(unit, box, lost, said), said))
    return tuple(found)


def note_rest(centre: Centre, unit: Unit, box: Box, sync: Sync, batches: Sequence[Line]) -> Box:
    """Keep the first batch that a box has left, where nothing but its own word tells what lies before it.

    Where people have accepted as much before, as the journal says, the box goes on at once. The row after, saved.
    """
    rest = sync.goes_on_from
    if rest is None or not box.recovery or (rest.epoch, rest.seq > box.batch_head.seq) != (box.epoch, True):
        return box
    if box.posted_seq != box.batch_head.seq or next_epoch(unit, box) is not None:
        return box
    line = _first_left(unit, box, batches, Head(rest.seq, rest.hash))
    if line is None:
        return box
    known = unit.recovery.lost_history(box.box, box.epoch)
    lost = LostHistory(
        box=box.box,
        epoch=box.epoch,
        last=rest.seq,
        prev=rest.hash,
        line_hash=line.hash,
        line=line.raw,
        heard_at_ms=centre.clock.wall_ms(),
    )
    if known is not None and known.covers(box.epoch, rest.seq):
        by = Asker(operator=known.accepted_by or "", key=known.cause, second=known.second, reason=known.reason)
        return _carry_out(centre, unit, box, lost, by, journaled=True)
    if known is None or (known.last, known.line_hash) != (lost.last, lost.line_hash):
        unit.recovery.save_lost_history(lost)
        fields = {"box": box.box, "epoch": box.epoch, "first": box.posted_seq + 1, "last": rest.seq}
        log.warning("history_waits_for_people", extra=fields)
    return box


def _first_left(unit: Unit, box: Box, batches: Sequence[Line], head: Head) -> Line | None:
    """The batch behind the head that the box names, signed by it and whole."""
    keys = keys_of(unit, box.box)
    for line in batches:
        try:
            if check_signature(line, keys.keys).keyid != keys.keyids.get(box.epoch):
                continue
            claim = claim_of(line.payload)
            if claim is None or (claim.epoch, claim.seq, claim.prev) != (box.epoch, head.seq + 1, head.hash):
                continue
            read_batch(line.payload)
        except (BadSignature, BadPayload):
            continue
        return line
    return None


def _stands(unit: Unit, box: Box, lost: LostHistory) -> bool:
    """Whether it still waits: nothing was posted of what is behind it, and no epoch line has come that tells more."""
    at_head = (box.epoch, box.posted_seq) == (lost.epoch, box.batch_head.seq) and lost.last > box.posted_seq
    return box.recovery and at_head and lost.line is not None and next_epoch(unit, box) is None


def _point(unit: Unit, box: Box, lost: LostHistory, said: Said) -> Checkpoint:
    return Checkpoint(
        box=box.box,
        epoch=box.epoch,
        line_hash=lost.line_hash,
        lost_epoch=box.epoch,
        first=box.posted_seq + 1,
        last=lost.last,
        commands_seq=said.commands_seq,
        differences=lacking(unit, box, said, would_answer(unit, box, said)),
    )


def _carry_out(centre: Centre, unit: Unit, box: Box, lost: LostHistory, by: Asker, *, journaled: bool) -> Box:
    """Book what the batch says, go on behind what is gone, and post the batch itself; the row after, saved."""
    assert lost.line is not None
    line = read_line(lost.line)
    header, records = read_batch(line.payload)
    said, now_ms = said_before(header, records), centre.clock.wall_ms()
    point = _point(unit, box, lost, said)
    if not journaled:
        add_money_line(centre, unit, "history", _told(point, lost), by)
    _take_state(unit, box, said)
    answered = answer_untold(
        centre, unit, box, said, set(header.wallets), f"by what batch {lost.last + 1} of epoch {box.epoch} says"
    )
    post_checkpoint(centre, unit, point, said, answered, by)
    done = replace(lost, accepted_by=by.operator, second=by.second, reason=by.reason, accepted_at_ms=now_ms)
    unit.recovery.save_lost_history(done)
    base = said.commands_seq
    box = replace(
        box,
        batch_head=Head(lost.last, lost.prev),
        posted_seq=lost.last,
        applied_seq=max(box.applied_seq, base),
        fetched_seq=max(box.fetched_seq, base),
        held_version=_config_before(unit, box, base),
    )
    unit.fleet.save_box(box)
    log.warning(ACTION, extra={"box": box.box, "epoch": box.epoch, "first": point.first, "last": point.last})
    box, _ = receive_batch(centre, unit, box, keys_of(unit, box.box), line)
    return box


def _told(point: Checkpoint, lost: LostHistory) -> HistoryBody:
    return HistoryBody(
        box=point.box,
        epoch=point.epoch,
        first=point.first,
        last=point.last,
        prev=lost.prev,
        rest=lost.line_hash,
        differences_micro=dict(point.differences),
    )


def _take_state(unit: Unit, box: Box, said: Said) -> None:
    """Meters as far as the commands tell that are answered for; where each stands, its next interval says."""
    states = unit.readings.meter_states(box.box)
    known = {meter: facts for meter, (facts, _) in states.items()}
    facts = BoxFacts({m: known.get(m, MeterFacts(meter=m)) for m in unit.fleet.meters_of_box(box.box)}, {})
    done = [
        CommandResult(at_ms=said.at_ms, command=seq, outcome="done")
        for seq in range(unit.lines.last_answered(box.box).seq + 1, said.commands_seq + 1)
    ]
    fold(facts, done, lambda seq: stored_body(unit, box.box, seq))
    untold = MeterCharge(untold=True)
    unit.readings.save_meter_states(box.box, {m: (replace(f, untold=True), untold) for m, f in facts.meters.items()})


def _config_before(unit: Unit, box: Box, commands_seq: int) -> int:
    """The configuration that the box held before a batch: the newest that it was sent until then."""
    held = box.held_version
    for seq in range(1, commands_seq + 1):
        body = stored_body(unit, box.box, seq)
        if isinstance(body, Configure):
            held = max(held, body.config_version)
    return held
