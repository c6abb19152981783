"""One exchange with a box: who signed it, the batches it brought, and everything that it lacks, with a signed answer.

One unit of work takes in all batches and decides the answer, so that what is acknowledged is committed. Requests that
wait for the books at the same time share one (`ingest_group`).
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cloud_server.core.batch_facts import AlarmChange
from cloud_server.core.batch_verifier import KEPT
from cloud_server.core.box_memory import has_lost_memory, newest_said, stands_on_another_branch, was_overtaken
from cloud_server.core.fleet import Box
from cloud_server.core.limits import ANSWER_COMMAND_BYTES_MAX, ANSWER_COMMANDS_MAX, IN_REACH_WITHIN_MS
from cloud_server.flows.accept_history import note_rest
from cloud_server.flows.centre import Centre
from cloud_server.flows.ingest_group import Asked, settle
from cloud_server.flows.mend_memory import mend_memory
from cloud_server.flows.pass_over import pass_over
from cloud_server.flows.receive_batch import quarantine, receive_batch
from cloud_server.flows.recover_box import (
    adopt_epochs,
    begin_recovery,
    bring_back,
    end_recovery,
    next_epoch,
    says_the_same,
)
from cloud_server.flows.who_asks import Stranger, introduced, keys_of, known_box, serving_key
from cloud_server.ports import LiveMeter, Unit
from protocol.chain import Head
from protocol.envelope import Line, read_line
from protocol.errors import BadPayload
from protocol.messages import Answer, BatchHead, ChainHead, Sync, VerdictOn
from protocol.records import Subject

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What one look came to. `signer`: the key that asked; `idle`: nothing was brought and nothing is lacking, so the
    request may be held."""

    box: str
    signer: str
    sync: Sync
    verdicts: tuple[VerdictOn, ...]
    lines: tuple[Line, ...]
    batch_ack: BatchHead
    command_head: ChainHead
    audit_head: str
    resend_from: int | None
    commands_wanted_from: int | None
    idle: bool
    retry_after_s: int | None = None


def exchange(centre: Centre, lines: Sequence[Line], shown: str | None = None) -> Exchange:
    """Take in a request: batches first, its `sync` line last. Raises Stranger, TheirFault.

    `shown` is the box that the connection's client certificate names, where it shows one: it may only agree.
    """
    if not lines or lines[-1].type_name != "sync":
        raise BadPayload("the last line must be of type sync")
    for line in lines[:-1]:
        if line.type_name not in ("batch", "epoch", "command"):
            raise BadPayload(f"a line of type {line.type_name} has no place in a sync request")
    asked: Asked[Exchange] = Asked(tuple(lines), shown)
    centre.desk.go_through(asked, asked.size_bytes, lambda group: settle(centre, group, _take_in, _after))
    return replace(asked.result(), retry_after_s=centre.crowd.retry_after_s())


@dataclass(frozen=True, slots=True)
class _Came:
    """What a request came to inside its unit, and what is to be done when that is committed."""

    result: Exchange
    before: Box
    after: Box
    opened: bool


def _take_in(centre: Centre, unit: Unit, asked: Asked[Exchange]) -> _Came:
    lines = asked.lines
    told = [line for line in lines[:-1] if line.type_name != "batch"]
    caller = known_box(unit, centre.site.site, lines[-1]) or introduced(centre, unit, told, lines[-1])
    if asked.shown is not None and asked.shown != caller.box.box:
        raise Stranger("the client certificate of this connection names another box")
    box, keys, sync = caller.box, caller.keys, caller.sync
    if box.recovery:
        box = bring_back(centre, unit, box, told)
        keys = keys_of(unit, box.box)
    verdicts = []
    for line in lines[:-1]:
        if line.type_name == "batch":
            box, verdict = receive_batch(centre, unit, box, keys, line)
            verdicts.append(verdict)
    opened = False
    if caller.signer == serving_key(box) or (box.recovery and sync.epoch > box.epoch):
        box = _take_sync(centre, unit, box, sync, lines[-1])
        box, opened = _mend(centre, unit, box, (sync, lines), verdicts)
    result = _look(centre, unit, box, caller.signer, sync, tuple(verdicts))
    return _Came(result, caller.box, box, opened)


def _after(centre: Centre, came: _Came) -> Exchange:
    """What follows when a request is committed."""
    result = came.result
    if came.opened:
        centre.journal.append_unmarked()
        result = look_again(centre, result)
    show_live(centre, result.sync)
    before, after = came.before, came.after
    if result.verdicts or before.fetched_seq != after.fetched_seq or _was_out_of_reach(before, after):
        centre.live.changed()
    return result


def _mend(
    centre: Centre, unit: Unit, box: Box, asked: tuple[Sync, Sequence[Line]], verdicts: Sequence[VerdictOn]
) -> tuple[Box, bool]:
    """End a recovery where both say the same; renew a box that lost memory. True where something was signed."""
    sync, lines = asked
    if not box.recovery:
        brought = any(said.verdict in KEPT for said in verdicts)
        return mend_memory(centre, unit, box, (sync, lines[-1]), brought=brought)
    if was_overtaken(box.said_at_ms, sync.sent_at_ms):
        # Where the box stood then may be where this centre stands: that is no agreement.
        return box, False
    box = replace(box, said_at_ms=newest_said(box.said_at_ms, sync.sent_at_ms))
    unit.fleet.save_box(box)
    box = pass_over(centre, unit, adopt_epochs(centre, unit, box), sync)
    box = note_rest(centre, unit, box, sync, [line for line in lines if line.type_name == "batch"])
    if centre.journal.fault is None and says_the_same(unit, box, sync):
        return end_recovery(centre, unit, box, sync), True
    return box, False


def _was_out_of_reach(before: Box, after: Box) -> bool:
    """Whether the box is heard again after a silence that pages may have shown."""
    if before.seen_at_ms is None or after.seen_at_ms is None:
        return True
    return after.seen_at_ms - before.seen_at_ms > IN_REACH_WITHIN_MS


def look_again(centre: Centre, earlier: Exchange) -> Exchange:
    """Look whether there is something for the box now, without taking anything in."""
    with centre.store.read() as unit:
        box = unit.fleet.box(earlier.box)
        if box is None or not box.believed:
            raise Stranger("the box is not believed any more")
        return _look(centre, unit, box, earlier.signer, earlier.sync, earlier.verdicts)


def sign_answer(centre: Centre, result: Exchange) -> tuple[Line, ...]:
    """All lines of the response, the signed answer last."""
    sync = result.sync
    answer = Answer(
        site=centre.site.site,
        box=result.box,
        nonce=sync.nonce,
        server_time_ms=centre.clock.wall_ms(),
        term=centre.term,
        batch_ack=result.batch_ack,
        command_head=result.command_head,
        audit_head=result.audit_head,
        verdicts=list(result.verdicts),
        resend_from=result.resend_from,
        commands_wanted_from=result.commands_wanted_from,
        live_until_ms=centre.live.invite(result.box) or None,
        read_now=centre.wishes.take(result.box),
        retry_after_s=result.retry_after_s,
    )
    return (*result.lines, centre.authority.answer_line(answer))


def _take_sync(centre: Centre, unit: Unit, box: Box, sync: Sync, line: Line) -> Box:
    """Note that the box was heard, and what it says of itself."""
    now_ms = centre.clock.wall_ms()
    after = replace(
        box,
        seen_at_ms=now_ms,
        agent=sync.agent,
        key_generation=sync.key_generation,
        term_seen=sync.term_seen,
        fetched_seq=max(box.fetched_seq, min(sync.command_head.seq, box.command_head.seq)),
    )
    if _knows_more(unit, box, sync):
        after = begin_recovery(centre, unit, after, "ahead")
    head = Head(sync.batch_head.seq, sync.batch_head.hash)
    if stands_on_another_branch(box, sync.epoch, head, lambda *at: unit.readings.batch_hash(box.box, *at)):
        after = quarantine(unit, after, line, now_ms)
    unit.alarms.change_alarms([AlarmChange("box_lost", Subject(box=box.box), False, now_ms, None)])
    unit.fleet.save_box(after)
    return after


def _knows_more(unit: Unit, box: Box, sync: Sync) -> bool:
    """Whether the box names an epoch or a command that this centre does not know as its own."""
    if sync.epoch > box.epoch or sync.command_head.seq > box.command_head.seq:
        return True
    return not _agrees_on_commands(unit, box, sync)


def _agrees_on_commands(unit: Unit, box: Box, sync: Sync) -> bool:
    """Whether the newest command of the box is one of this centre's chain."""
    seq = sync.command_head.seq
    return seq == 0 or unit.lines.command_hash(box.box, seq) == sync.command_head.hash


def _look(centre: Centre, unit: Unit, box: Box, signer: str, sync: Sync, verdicts: tuple[VerdictOn, ...]) -> Exchange:
    """What the box lacks: keys, epoch, commands; and where it stands with us."""
    head = unit.lines.chain_head("command", box.box, journaled_only=True)
    behind = has_lost_memory(box, sync.epoch, Head(sync.batch_head.seq, sync.batch_head.hash))
    lines = [*_keys(centre, sync), *_epoch(centre, unit, box, sync, behind=behind)]
    if box.takes_commands and not behind and signer == serving_key(box):
        lines += _commands(centre, unit, box, sync, head)
    gap = any(verdict.verdict in ("gap", "bad_signature") for verdict in verdicts)
    # What this centre has forgotten of a history that the box believes acknowledged is asked for again.
    forgotten = not verdicts and sync.epoch == box.epoch and sync.batch_head.seq > box.batch_head.seq
    wanted_from = _commands_wanted(unit, box, sync)
    if box.recovery:
        forgotten = wanted_from is None and (forgotten or sync.epoch > box.epoch)
    return Exchange(
        box=box.box,
        signer=signer,
        sync=sync,
        verdicts=verdicts,
        lines=tuple(lines),
        batch_ack=BatchHead(epoch=box.epoch, seq=box.batch_head.seq, hash=box.batch_head.hash),
        command_head=ChainHead(seq=head.seq, hash=head.hash),
        audit_head=unit.audit.head().hash,
        resend_from=box.batch_head.seq + 1 if gap or forgotten else None,
        commands_wanted_from=wanted_from,
        idle=not (lines or verdicts or behind or forgotten or box.recovery or centre.wishes.waiting(box.box)),
    )


def _keys(centre: Centre, sync: Sync) -> list[Line]:
    """What the root signed and the box has not seen: the centre's keys, the bounds that the box keeps."""
    authority = centre.authority
    found = [authority.keys_line] if sync.key_generation < authority.keys.key_generation else []
    limits = authority.limits_for(sync.box, sync.limits_generation or 0)
    return found if limits is None else [*found, limits]


def _commands_wanted(unit: Unit, box: Box, sync: Sync) -> int | None:
    """From which number on a box that knows more is asked for its commands, and its epochs with them."""
    if not box.recovery:
        return None
    has_epoch = sync.epoch <= box.epoch or next_epoch(unit, box) is not None
    if has_epoch and _agrees_on_commands(unit, box, sync):
        return None
    return unit.lines.last_answered(box.box).seq + 1


def _epoch(centre: Centre, unit: Unit, box: Box, sync: Sync, *, behind: bool) -> list[Line]:
    """The epoch in force, for whoever has not fetched it; one in which something was written is nobody's beginning."""
    if sync.epoch >= box.epoch or behind:
        return []
    raw = unit.lines.line("epoch", box.box, box.epoch)
    return [centre.authority.countersigned(read_line(raw))] if raw is not None else []


def _commands(centre: Centre, unit: Unit, box: Box, sync: Sync, head: Head) -> list[Line]:
    """Journaled commands behind the box's head, in order, within what one answer may carry."""
    if sync.command_head.seq >= head.seq:
        return []
    found: list[Line] = []
    room = ANSWER_COMMAND_BYTES_MAX
    after = sync.command_head.seq
    for _, _, raw in unit.lines.lines_after("command", box.box, after, ANSWER_COMMANDS_MAX, journaled_only=True):
        room -= len(raw)
        if room < 0 and found:
            break
        found.append(centre.authority.countersigned(read_line(raw)))
    return found


def show_live(centre: Centre, sync: Sync) -> None:
    """Take the live values that a box sent along."""
    if sync.live:
        now_ms = centre.clock.wall_ms()
        centre.live.show(
            LiveMeter(
                meter=live.meter,
                at_ms=live.at_ms,
                heard_at_ms=now_ms,
                power_w=live.power_w,
                power_estimated=live.power_estimated,
                relay=live.relay,
                balance_micro=live.balance_micro,
                values=dict(live.values),
            )
            for live in sync.live
        )
