"""What pages ask of courier files: what a box lacks, as signed lines to be carried by hand."""

from dataclasses import dataclass
from typing import Protocol

from protocol.ids import Id


@dataclass(frozen=True, slots=True, kw_only=True)
class CourierFile:
    """One file for a box: its name and bytes; the commands in it by their numbers; `more` when not all fit."""

    box: Id
    box_name: str
    name: str
    body: bytes
    command_lines: tuple[bytes, ...]
    first: int
    last: int
    more: bool


class CourierDesk(Protocol):
    """Makes courier files."""

    def file_for(self, box: Id) -> CourierFile:
        """What a box lacks as far as the centre knows. Raises NotFound; NotNow where no command goes to it."""
        ...
