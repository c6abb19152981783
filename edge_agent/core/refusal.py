"""Why a command is not carried out: one reason of the closed list, and a detail for people. Values only."""

from dataclasses import dataclass

from protocol.records import RefusalReason


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal is an answer, not an error: it is recorded and uses up the command's number."""

    reason: RefusalReason
    detail: str
