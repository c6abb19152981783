"""The chain of audit rows: each row's hash covers the one before it. Pure."""

import hashlib
import json
from dataclasses import dataclass

from protocol.chain import Head
from protocol.units import Ms


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who did what, to what, when. `detail` is JSON."""

    number: int
    prev: str
    hash: str
    at_ms: Ms
    who: str
    action: str
    subject: str
    detail: str


def next_entry(head: Head, at_ms: Ms, who: str, action: str, subject: str, detail: str) -> AuditEntry:
    """The row that extends the chain."""
    number = head.seq + 1
    row_hash = _hash(number, head.hash, at_ms, who, action, subject, detail)
    return AuditEntry(
        number=number,
        prev=head.hash,
        hash=row_hash,
        at_ms=at_ms,
        who=who,
        action=action,
        subject=subject,
        detail=detail,
    )


def entry_fits(entry: AuditEntry, head: Head) -> bool:
    """Whether a stored row extends the chain and says what its hash covers."""
    covered = _hash(entry.number, entry.prev, entry.at_ms, entry.who, entry.action, entry.subject, entry.detail)
    return (entry.number, entry.prev, entry.hash) == (head.seq + 1, head.hash, covered)


def _hash(*covered: object) -> str:
    text = json.dumps(covered, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(f"tallybox audit 1\n{text}".encode()).hexdigest()
