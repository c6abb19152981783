"""The chain of commands of one box: which number and link the next one has, and what its frame holds. Pure.

Signing is done by whoever holds the key; the line's hash then becomes the head.
"""

from dataclasses import dataclass

from protocol.chain import Head
from protocol.commands import KIND_OF, Body, Command, write_command_body


@dataclass(frozen=True, slots=True)
class Place:
    """Whose chain it is, and the centre's term."""

    site: str
    box: str
    term: int


def next_command(place: Place, head: Head, body: Body, issued_at_ms: int, expires_at_ms: int | None = None) -> Command:
    """The command that extends the chain from `head`. Grants and other money never carry an expiry."""
    return Command(
        site=place.site,
        box=place.box,
        seq=head.seq + 1,
        prev=head.hash,
        term=place.term,
        issued_at_ms=issued_at_ms,
        expires_at_ms=expires_at_ms,
        kind=KIND_OF[type(body)],
        body=write_command_body(body),
    )
