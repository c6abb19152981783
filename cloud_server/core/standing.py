"""Where a box stands, as one short row: enough to tell that a request with nothing in it changes nothing. Pure."""

from dataclasses import dataclass
from typing import Final

from cloud_server.core.box_memory import NOTE_LASTS_MS
from cloud_server.core.fleet import BoxState
from cloud_server.core.limits import LOST_AFTER_MS
from protocol.chain import Head
from protocol.messages import Sync
from protocol.units import Ms

HEARD_LATELY_MS: Final = LOST_AFTER_MS // 2
"""A box heard this lately was not told lost, and cannot be before this request of its is noted: nothing is to clear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A box as it is stored at one moment, found by a record key that it has or had.

    `journaled`: the newest command signed for it is in the journal, or there is none. `revoked`: the key by which it
    was found is believed no more. `behind_at_ms`: when it was heard behind its own chain. `audit_head` is the site's.
    """

    box: str
    state: BoxState
    recovery: bool
    epoch: int
    record_key: str | None
    batch_head: Head
    command_head: Head
    fetched_seq: int
    key_generation: int
    term_seen: int
    agent: str
    seen_at_ms: Ms | None
    journaled: bool
    revoked: bool
    behind_at_ms: Ms | None
    audit_head: str


def is_at_rest(standing: Standing, sync: Sync) -> bool:
    """Whether box and centre say the same of everything, so that neither has anything for the other.

    Anything else, however small, is for the whole exchange to judge.
    """
    return (
        standing.state is BoxState.ENROLLED
        and not standing.recovery
        and not standing.revoked
        and standing.journaled
        and standing.epoch == sync.epoch
        and standing.batch_head == Head(sync.batch_head.seq, sync.batch_head.hash)
        and standing.command_head == Head(sync.command_head.seq, sync.command_head.hash)
    )


def says_nothing_new(standing: Standing, sync: Sync, now_ms: Ms) -> bool:
    """Whether all that a box says of itself is stored already, and it was heard a moment ago."""
    return (
        standing.fetched_seq == sync.command_head.seq
        and standing.key_generation == sync.key_generation
        and standing.term_seen == sync.term_seen
        and standing.agent == sync.agent
        and standing.seen_at_ms is not None
        and now_ms - standing.seen_at_ms <= HEARD_LATELY_MS
        and (standing.behind_at_ms is None or now_ms - standing.behind_at_ms > NOTE_LASTS_MS)
    )
