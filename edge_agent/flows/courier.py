"""Lines carried by hand: what the centre lacks goes into files, what it signed is taken from one, line by line.

Only keys, epochs and commands are taken. No file sets the clock and none acknowledges anything: a batch counts as
held by the centre when a fresh answer says so. The same signatures, chains and limits hold as over the fibre.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from edge_agent.core.orders import Standing, judge_command
from edge_agent.flows.answers import read_keys
from edge_agent.flows.apply_commands import apply_commands, take_epoch
from edge_agent.flows.box import Box
from edge_agent.flows.seal_batches import PENDING_MAX
from edge_agent.flows.synchronise import Synchroniser
from edge_agent.ports import RecordStore, StoreFull
from protocol.commands import Command
from protocol.courier import PIECE_BYTES, FileLine, name_from_box, read_file
from protocol.envelope import Line, check_signature
from protocol.errors import TheirFault
from protocol.messages import Epoch
from protocol.payload import decode, read_payload
from protocol.records import CommandResult, Record

TAKEN_TYPES: Final = ("keys", "epoch", "command")
"""What a file may carry to a box, in the order in which it takes effect."""
RESULT_ENDING: Final = ".result.txt"
"""Beside each file on a stick: what came of it, for whoever carries it back."""
_APART: Final = {
    Standing.GAP: "the commands before it are missing",
    Standing.EQUIVOCATION: "this box holds another command under that number; the first one counts",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Piece:
    """Batches for one file, all of one epoch, oldest first; `last` is the epoch and number of its last."""

    name: str
    lines: tuple[Line, ...]
    last: tuple[int, int]


def next_piece(store: RecordStore, box: str, after: tuple[int, int] | None) -> Piece | None:
    """What the centre has not acknowledged, beginning there or behind the batch named; None where nothing is left."""
    first = store.first_unacknowledged() if after is None else (after[0], after[1] + 1)
    held = store.load()
    if first is None or held is None:
        return None
    for epoch in range(first[0], held.marks.epoch + 1):
        seq = first[1] if epoch == first[0] else 1
        batches = store.batches(epoch, seq, PIECE_BYTES)
        if batches:
            name = name_from_box(box, epoch, batches[0].seq, batches[-1].seq)
            lines = tuple(batch.line for batch in batches)
            return Piece(name, lines, (epoch, batches[-1].seq))
    return None


def told_piece(piece: Piece | None) -> dict[str, Any]:
    """A piece as it goes to whoever writes the file; nothing is left where there is no `name`."""
    if piece is None:
        return {"lines": []}
    return {"name": piece.name, "lines": [line.raw.decode("ascii") for line in piece.lines], "last": list(piece.last)}


def take_file(sync: Synchroniser, body: bytes) -> list[dict[str, Any]]:
    """Let a file take effect as far as it may. Says for each line what came of it. Raises TooLarge.

    `outcome`: taken (with what the command came to), known, or refused with a reason.
    """
    told: dict[int, dict[str, Any]] = {}
    found: dict[str, list[tuple[int, Line]]] = {name: [] for name in TAKEN_TYPES}
    for entry in read_file(body):
        line = entry.line
        if line is None or line.type_name not in found:
            told[entry.number] = _not_for_us(entry)
        else:
            found[line.type_name].append((entry.number, line))
    try:
        told |= {number: _take_keys(sync, line) for number, line in found["keys"]}
        told |= {number: _take_epoch(sync, line) for number, line in found["epoch"]}
        told |= _take_commands(sync, found["command"])
    except StoreFull as fault:
        log.error("courier_without_room", extra={"fields": {"reason": str(fault)}})
        rest = {number: line for lines in found.values() for number, line in lines if number not in told}
        told |= {number: _refused(line.type_name, f"no room in the store: {fault}") for number, line in rest.items()}
    outcomes = [told[number]["outcome"] for number in sorted(told)]
    counts = {outcome: outcomes.count(outcome) for outcome in ("taken", "known", "refused")}
    log.info("courier_taken", extra={"fields": counts})
    return [{"line": number, **told[number]} for number in sorted(told)]


def _not_for_us(entry: FileLine) -> dict[str, Any]:
    if entry.line is None:
        return _refused("unreadable", entry.fault)
    name = entry.line.type_name
    return _refused(name, f"a line of type {name} is not taken from a file; right would be {', '.join(TAKEN_TYPES)}")


def _refused(type_name: str, reason: str) -> dict[str, Any]:
    return {"type": type_name, "outcome": "refused", "reason": reason}


def _take_keys(sync: Synchroniser, line: Line) -> dict[str, Any]:
    """A keys line that the root signed counts at once where its generation is higher."""
    try:
        offered = read_keys(line, sync.root, sync.box.who.site)
    except TheirFault as fault:
        return _refused("keys", str(fault))
    told = {"type": "keys", "generation": offered.generation}
    if offered.generation <= sync.ring.generation:
        return {**told, "outcome": "known"}
    sync.take_keys(offered)
    return {**told, "outcome": "taken"}


def _take_epoch(sync: Synchroniser, line: Line) -> dict[str, Any]:
    try:
        taken = take_epoch(sync.box, sync.sealing, sync.ring, line)
        epoch = read_payload(line.payload, Epoch).epoch
    except (TheirFault, KeyError) as fault:
        return _refused("epoch", str(fault))
    if taken:
        sync.epoch_taken()
    return {"type": "epoch", "epoch": epoch, "outcome": "taken" if taken else "known"}


def _take_commands(sync: Synchroniser, lines: Sequence[tuple[int, Line]]) -> dict[int, dict[str, Any]]:
    """Carry out what is next, in order, and look at each line afterwards for what came of it."""
    box, head_before = sync.box, sync.box.state.marks.commands_seq
    apply_commands(box, sync.ring, [line for _, line in lines])
    results = _results(box) if box.state.marks.commands_seq > head_before else {}
    return {number: _told_of(sync, line, head_before, results) for number, line in lines}


def _results(box: Box) -> dict[int, CommandResult]:
    """What the commands came to: their results are not sealed yet."""
    records = (decode(pending.raw, Record) for pending in box.store.pending(PENDING_MAX))
    return {record.command: record for record in records if isinstance(record, CommandResult)}


def _told_of(sync: Synchroniser, line: Line, head_before: int, results: dict[int, CommandResult]) -> dict[str, Any]:
    who = sync.box.who
    try:
        check_signature(line, sync.ring.command_keys)
        command = read_payload(line.payload, Command)
    except TheirFault as fault:
        return _refused("command", str(fault))
    told = {"type": "command", "seq": command.seq, "kind": command.kind}
    if (command.site, command.box) != (who.site, who.box):
        return {**told, "outcome": "refused", "reason": f"for box {command.box}; this is {who.box}"}
    standing = judge_command(sync.box.state.marks, command, line.hash, sync.box.store.command_hash(command.seq))
    if standing is not Standing.KNOWN:
        why = _APART.get(standing, "a line before it was refused")
        return {**told, "outcome": "refused", "reason": why}
    if command.seq <= head_before:
        return {**told, "outcome": "known"}
    result = results.get(command.seq)
    if result is not None and result.outcome == "refused":
        return {**told, "outcome": "taken", "result": "refused", "reason": result.reason, "detail": result.detail}
    return {**told, "outcome": "taken", "result": "done"}


def words_of(line: dict[str, Any]) -> str:
    """What came of one line of a file, for people."""
    about = " ".join(str(line[key]) for key in ("type", "generation", "epoch", "seq", "kind") if key in line)
    came = " ".join(str(line[key]) for key in ("outcome", "result") if key in line)
    why = ": ".join(str(line[key]) for key in ("reason", "detail") if line.get(key))
    return f"line {line['line']}: {about}: {came}{': ' + why if why else ''}"
