"""Lines carried by hand to and from a box whose fibre is cut: the same lines, the same verdicts, nothing acknowledged.

What a box lacks is taken from the books and signed already; nothing is signed here. What a file brings is judged
like what an exchange brings, but it says nothing of when the box was last heard.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cloud_server.core.fleet import Box, BoxState
from cloud_server.core.limits import ANSWER_COMMANDS_MAX
from cloud_server.core.mistakes import NotFound, NotNow
from cloud_server.flows.centre import Centre
from cloud_server.flows.receive_batch import receive_batch
from cloud_server.flows.who_asks import keys_of
from cloud_server.ports import Unit
from protocol.courier import PIECE_BYTES, FileLine, name_to_box, read_file
from protocol.envelope import Line, read_line
from protocol.messages import Epoch
from protocol.payload import read_payload


@dataclass(frozen=True, slots=True)
class OutFile:
    """One file for a box: keys and epoch first, then commands in order; `more` when not all commands fit."""

    name: str
    lines: tuple[Line, ...]
    first: int
    last: int
    more: bool


@dataclass(frozen=True, slots=True)
class LineVerdict:
    """What came of one line of a file: its place in the chain where it has one, and the verdict, or why it is refused.

    `good` where the books hold what the line says, from now on or since before.
    """

    number: int
    epoch: int
    seq: int
    verdict: str
    good: bool


def file_for(centre: Centre, box: str, after: int | None = None) -> OutFile:
    """What a box lacks, as far as the centre knows; with `after`, the commands behind that number.

    Raises NotFound; NotNow where no command goes to the box at present.
    """
    with centre.store.read() as unit:
        row = _known(unit, box)
        if row.state is not BoxState.ENROLLED or row.recovery:
            raise NotNow(f"box {row.name} takes no commands now: {'recovery' if row.recovery else row.state.value}")
        epoch = unit.lines.line("epoch", box, row.epoch)
        head = unit.lines.chain_head("command", box, journaled_only=True)
        lines = [centre.authority.keys_line]
        base = 0
        if epoch is not None:
            lines.append(centre.authority.countersigned(read_line(epoch)))
            base = read_payload(lines[-1].payload, Epoch).commands_base.seq
        begin = max(row.fetched_seq, row.applied_seq, base) if after is None else max(after, base)
        commands = [centre.authority.countersigned(line) for line in _commands(unit, box, begin)]
    last = begin + len(commands)
    first = begin + 1 if commands else 0
    return OutFile(
        name=name_to_box(box, first, last if commands else 0),
        lines=(*lines, *commands),
        first=first,
        last=last,
        more=last < head.seq,
    )


def _commands(unit: Unit, box: str, after: int) -> list[Line]:
    """Journaled commands behind a number, in order, as many as one file carries."""
    found: list[Line] = []
    room = PIECE_BYTES
    for _, _, raw in unit.lines.lines_after("command", box, after, ANSWER_COMMANDS_MAX, journaled_only=True):
        room -= len(raw)
        if room < 0 and found:
            break
        found.append(read_line(raw))
    return found


def take_file(centre: Centre, box: str, body: bytes) -> list[LineVerdict]:
    """Take in a file of a box's batches, all of it as one unit of work. Raises NotFound, TooLarge."""
    found: list[LineVerdict] = []
    entries = read_file(body)
    with centre.store.write() as unit:
        row = _known(unit, box)
        keys = keys_of(unit, row.box)
        for entry in entries:
            if entry.line is None or entry.line.type_name != "batch":
                found.append(LineVerdict(entry.number, 0, 0, _why_not(entry), good=False))
                continue
            row, said = receive_batch(centre, unit, row, keys, entry.line)
            good = said.verdict in ("accepted", "known", "parked", "behind_parked")
            found.append(LineVerdict(entry.number, said.epoch, said.seq, said.verdict, good))
    centre.live.changed()
    return found


def _why_not(entry: FileLine) -> str:
    if entry.line is None:
        return f"unreadable: {entry.fault}"
    return f"refused: a line of type {entry.line.type_name} is not taken from a file; right would be batch"


def _known(unit: Unit, box: str) -> Box:
    row = unit.fleet.box(box)
    if row is None:
        raise NotFound("box", box)
    return row


def all_files(centre: Centre, box: str) -> Sequence[OutFile]:
    """Everything a box lacks, in as many files as it takes. Raises as `file_for`."""
    found = [file_for(centre, box)]
    while found[-1].more and found[-1].first:
        found.append(file_for(centre, box, found[-1].last))
    return found
