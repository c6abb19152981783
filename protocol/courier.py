"""Courier files: lines carried by hand where the fibre is cut. The same lines, one each, plain, so that a phone can.

Here are a file's name, its bounds and its form. Which lines may be believed is decided by who takes them in.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from protocol import limits
from protocol.envelope import Line, read_line
from protocol.errors import TheirFault, TooLarge
from protocol.ids import Id

PIECE_BYTES: Final = 1024 * 1024
"""Lines of one file, unless one line alone is longer: what any phone, mail or stick carries."""
FILE_BYTES_MAX: Final = limits.LINE_BYTES_MAX + PIECE_BYTES
"""A file taken in: one line of the greatest size, and a piece beside it."""
STICK_FOLDER: Final = "tallybox"
"""The folder that makes a stick one of ours."""
ENDING: Final = ".lines"
_FROM_BOX: Final = re.compile(r"from-box-([0-9a-f]{32})-epoch-\d+-\d+-\d+" + re.escape(ENDING))
_TO_BOX: Final = re.compile(r"to-box-([0-9a-f]{32})-\d+-\d+" + re.escape(ENDING))


@dataclass(frozen=True, slots=True)
class FileLine:
    """One line of a file by its number, from 1: the line, or why it is none."""

    number: int
    line: Line | None
    fault: str


def read_file(body: bytes) -> list[FileLine]:
    """Split a file into its lines; what is no line is named, and spoils none of the others. Raises TooLarge."""
    if len(body) > FILE_BYTES_MAX:
        raise TooLarge(f"a file of more than {FILE_BYTES_MAX} bytes; a courier file is shorter")
    raws = body.removesuffix(b"\n").split(b"\n") if body else []
    if len(raws) > limits.LINES_MAX:
        raise TooLarge(f"{len(raws)} lines; at most {limits.LINES_MAX}")
    return [_read(number, raw.removesuffix(b"\r")) for number, raw in enumerate(raws, start=1)]


def _read(number: int, raw: bytes) -> FileLine:
    try:
        return FileLine(number, read_line(raw), "")
    except TheirFault as fault:
        return FileLine(number, None, str(fault))


def write_file(lines: Sequence[Line]) -> bytes:
    """Lines as a file."""
    return b"".join(line.raw + b"\n" for line in lines)


def name_from_box(box: Id, epoch: int, first: int, last: int) -> str:
    """The name of a file with batches of one epoch: whose, and which."""
    return f"from-box-{box}-epoch-{epoch}-{first:08d}-{last:08d}{ENDING}"


def name_to_box(box: Id, first: int, last: int) -> str:
    """The name of a file with commands: for whom, and which; both 0 where it holds keys and epoch alone."""
    return f"to-box-{box}-{first:08d}-{last:08d}{ENDING}"


def box_of_name(name: str) -> Id | None:
    """For which box a file is, by its name; None where it is another kind of file."""
    found = _TO_BOX.fullmatch(name)
    return found[1] if found else None


def box_that_wrote(name: str) -> Id | None:
    """Which box wrote a file, by its name; None where it is another kind of file."""
    found = _FROM_BOX.fullmatch(name)
    return found[1] if found else None
