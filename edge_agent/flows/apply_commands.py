"""Signed lines of the centre take effect: epochs first, then commands in order, each in one transaction with its line.

A line whose signature does not fit, or that does not follow the one before, stops the row: nothing behind it counts.
"""

import logging
from collections.abc import Iterable, Sequence

import msgspec

from edge_agent.core.asked import Asked
from edge_agent.core.decision import Decision
from edge_agent.core.opening import hold_lock_outs, open_epoch, tell_loss
from edge_agent.core.orders import Standing, carry_out, judge_command
from edge_agent.flows.answers import KeyRing
from edge_agent.flows.box import Box
from edge_agent.flows.seal_batches import Sealing, seal_pending
from edge_agent.ports import StoreFull
from protocol.commands import KIND_OF, MONEY_KINDS, Command, Withdraw, read_body
from protocol.config_text import read_config
from protocol.envelope import Line, check_signature
from protocol.errors import TheirFault
from protocol.messages import Epoch
from protocol.payload import read_payload
from protocol.records import Alarm, Evidence, Subject

log = logging.getLogger(__name__)


def apply_commands(box: Box, ring: KeyRing, lines: Sequence[Line]) -> int:
    """Carry out what is next, in order. Returns how many numbers were used up."""
    used = 0
    believed = _believed(box, ring, lines)
    for index, (line, command) in enumerate(believed):
        standing = _apply(box, line, command, _withdrawn(later for _, later in believed[index + 1 :]))
        if standing is Standing.NEXT:
            used += 1
        elif standing is not Standing.KNOWN:
            break
    return used


def _believed(box: Box, ring: KeyRing, lines: Sequence[Line]) -> list[tuple[Line, Command]]:
    """The commands up to the first line that is not signed by a key in force, or not for this box."""
    found = []
    for line in lines:
        try:
            check_signature(line, ring.command_keys)
            command = read_payload(line.payload, Command)
            if (command.site, command.box) != (box.who.site, box.who.box):
                raise TheirFault(f"command for box {command.box}")
        except TheirFault as fault:
            log.warning("command_not_believed", extra={"fields": {"hash": line.hash, "reason": str(fault)}})
            break
        found.append((line, command))
    return found


def _withdrawn(later: Iterable[Command]) -> frozenset[str]:
    """Reclaims that a command behind takes back: it wins over a reclaim not yet answered."""
    named = set()
    for command in later:
        if command.kind == KIND_OF[Withdraw]:
            try:
                body = read_body(command)
            except TheirFault:
                continue
            if isinstance(body, Withdraw):
                named.add(body.reclaim)
    return frozenset(named)


def _apply(box: Box, line: Line, command: Command, withdrawn: frozenset[str]) -> Standing:
    kept = box.store.command_hash(command.seq)
    standing = judge_command(box.state.marks, command, line.hash, kept)
    if standing is Standing.NEXT:
        asked = Asked(
            place=box.place,
            now=box.now(),
            command=command,
            known_money=box.store.knows_money,
            limits=box.limits,
            read_place=box.read_place,
            withdrawn=withdrawn,
        )
        try:
            box.take(carry_out(box.state, asked, line.hash), (line,))
        except StoreFull:
            if command.kind not in MONEY_KINDS or not box.more_room():
                raise
            box.take(carry_out(box.state, asked, line.hash), (line,))
        log.info("command_used", extra={"fields": {"seq": command.seq, "kind": command.kind}})
    elif standing is Standing.EQUIVOCATION:
        _report_equivocation(box, command, line, kept)
    elif standing is Standing.GAP:
        log.warning("command_gap", extra={"fields": {"seq": command.seq, "head": box.state.marks.commands_seq}})
    return standing


def _report_equivocation(box: Box, command: Command, line: Line, kept: str | None) -> None:
    """One number, two contents: the first counts; both hashes go to the centre, once."""
    marks = box.state.marks
    name = f"equivocation/{command.seq}"
    if name in marks.alarms:
        return
    at_ms = box.clock.wall_ms()
    log.error("command_equivocation", extra={"fields": {"seq": command.seq, "hash": line.hash, "kept": kept}})
    box.take(
        Decision(
            records=(
                Evidence(
                    at_ms=at_ms,
                    evidence="equivocation",
                    lines=[line.hash] if kept is None else [kept, line.hash],
                    detail=f"command {command.seq} does not fit the chain that this box has applied",
                ),
                Alarm(at_ms=at_ms, alarm="equivocation", subject=Subject(box=box.who.box), state="raised"),
            ),
            marks=msgspec.structs.replace(marks, alarms=(*marks.alarms, name)),
            urgent=True,
        )
    )


def read_epoch(line: Line, ring: KeyRing, site: str, box: str, record_key: str) -> Epoch:
    """Read an epoch line meant for this hardware. Raises TheirFault."""
    check_signature(line, ring.command_keys)
    epoch = read_payload(line.payload, Epoch)
    if (epoch.site, epoch.box) != (site, box):
        raise TheirFault(f"epoch of box {epoch.box}, this is {box}")
    if epoch.record_key != record_key:
        raise TheirFault(f"epoch {epoch.epoch} is for other hardware: its record key is not ours")
    return epoch


def take_epoch(box: Box, sealing: Sealing, ring: KeyRing, line: Line) -> bool:
    """Go on in a newer epoch: its rows replace ours. Returns whether it was new.

    What the old epoch had not sealed is sealed there, as evidence: the new one charges it again from the registers.
    """
    epoch = read_epoch(line, ring, box.who.site, box.who.box, box.who.record_key.public.text)
    if epoch.epoch <= box.state.marks.epoch:
        return False
    if epoch.term < box.state.marks.term:
        raise TheirFault(f"epoch {epoch.epoch} has the term {epoch.term}, this box has seen {box.state.marks.term}")
    place = box.read_place(read_config(epoch.config))
    now_ms = box.clock.wall_ms()
    decision = open_epoch(place, epoch, line.hash, ring.generation, now_ms)
    decision = hold_lock_outs(decision, box.state.meters.values(), now_ms)
    if sealing.set_back is not None:
        decision = tell_loss(decision, box.who.box, "store_rolled_back", now_ms)
    seal_pending(box, sealing, old_epoch_ends=True)
    box.state.latest.clear()
    box.take(decision, (line,))
    log.info("epoch_opened", extra={"fields": {"epoch": epoch.epoch, "why": epoch.why}})
    return True
