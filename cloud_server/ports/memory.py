"""What flows ask of the rows about memory lost on either side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cloud_server.core.checkpoint import Checkpoint
from cloud_server.core.recovery import BoxRecovery, ExpectedPart, PartState, Question
from cloud_server.core.rest_of_history import LostHistory


@dataclass(frozen=True, slots=True)
class BackupRow:
    """One backup as it was made or tried; `fault` says why it is none."""

    backup: str
    began_at_ms: int
    ended_at_ms: int
    file: str
    size_bytes: int
    fault: str | None


class BackupNotMade(Exception):
    """A backup could not be made; the text says why."""


class BackupMaker(Protocol):
    """Writes a backup file."""

    def make(self, now_ms: int) -> tuple[str, int]:
        """The file's path and size. Raises BackupNotMade."""
        ...


class RecoveryBook(Protocol):
    """A centre that was set back."""

    def begin(self, recovery: BoxRecovery) -> None: ...

    def open_of(self, box: str) -> BoxRecovery | None: ...

    def all(self) -> list[BoxRecovery]: ...

    def save(self, recovery: BoxRecovery) -> None: ...

    def expect(self, part: ExpectedPart) -> None: ...

    def part(self, sale: str, wallet: str) -> ExpectedPart | None: ...

    def parts_of_box(self, box: str) -> list[ExpectedPart]:
        """Still awaited."""
        ...

    def expected_of_sale(self, sale: str) -> list[ExpectedPart]: ...

    def end_part(self, part: ExpectedPart, state: PartState, at_ms: int) -> None: ...

    def ask(self, question: Question) -> None:
        """Once for each kind and subject."""
        ...

    def answer_by_itself(self, kind: str, subject: str, at_ms: int, note: str) -> None:
        """What was asked has been found."""
        ...

    def questions(self) -> list[Question]:
        """Open ones first."""
        ...

    def question(self, question: str) -> Question | None: ...

    def save_question(self, question: Question) -> None: ...

    def lost_history(self, box: str, epoch: int) -> LostHistory | None: ...

    def lost_histories(self) -> list[LostHistory]:
        """All of them, by box and epoch."""
        ...

    def save_lost_history(self, lost: LostHistory) -> None: ...

    def void(self, box: str, number: int, line_hash: str, line: bytes, at_ms: int) -> None: ...

    def voided(self, box: str, since_ms: int) -> list[bytes]: ...

    def restored_at_ms(self) -> int | None: ...

    def sales_written_again(self, since_ms: int) -> list[str]: ...

    def passed_over(self, since_ms: int) -> list[Checkpoint]:
        """What was passed over since an instant, in the order in which it was."""
        ...


class MemoryBook(Protocol):
    """Boxes heard behind their own chain, keys believed no more."""

    def heard_behind(self, box: str) -> tuple[str, int] | None:
        """What was noted, and when."""
        ...

    def note_behind(self, box: str, note: str, at_ms: int) -> None: ...

    def forget_behind(self, box: str) -> None: ...

    def revoke_key(self, keyid: str, box: str, at_ms: int, by: str, reason: str) -> None: ...

    def evidence(self, box: str, limit: int) -> list[tuple[str, str, bytes, int]]:
        """Hash, verdict, bytes and arrival of lines that its chain does not take, newest first."""
        ...

    def add_backup(self, row: BackupRow) -> None: ...

    def newest_backup(self, *, good_only: bool) -> BackupRow | None: ...

    def is_revoked(self, keyid: str) -> bool: ...
