"""Whether a box still knows what it has told, judged from where it says it stands. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from cloud_server.core.fleet import Box, BoxState
from protocol.chain import Head


def has_lost_memory(box: Box, epoch: int, head: Head) -> bool:
    """Whether a box knows less of its own chain than the centre holds of it: an old image, or an empty store.

    An epoch in which nothing was written yet is no loss: it has only not been fetched.
    """
    if epoch < box.epoch:
        return box.batch_head.seq > 0
    return epoch == box.epoch and head.seq < box.batch_head.seq


def stands_on_another_branch(box: Box, epoch: int, head: Head, batch_hash: Callable[[int, int], str | None]) -> bool:
    """Whether the newest batch of a box is another one than the centre holds under its number."""
    if epoch != box.epoch or not 0 < head.seq <= box.batch_head.seq:
        return False
    return batch_hash(epoch, head.seq) != head.hash


OVERTAKEN_WITHIN_MS: Final = 120_000
"""So much later than it was sent a request may be taken in on a slow line or by a busy centre: longer than a box waits
for an answer. A clock that is further behind is that of another machine, or of one that lost its time."""


def was_overtaken(said_at_ms: int | None, sent_at_ms: int) -> bool:
    """Whether a request was sent before one that was taken in already. It tells where the box stood then, not where it
    stands: a box that wants to be served at once asks anew while its older request may still be under way."""
    return said_at_ms is not None and 0 < said_at_ms - sent_at_ms <= OVERTAKEN_WITHIN_MS


HEARD_LATELY_MS: Final = 600_000
"""A box that was in its place with the right time so lately is believed to have lost its memory only when its clock is
right, or when this is over. A fresh answer puts the clock of a box right where that is not believed."""


def was_sent_before_its_clock_was_set(said_at_ms: int | None, sent_at_ms: int, now_ms: int) -> bool:
    """Whether a request carries a time that its box has put right meanwhile, so that its order cannot be told by it: a
    whole site that comes back without batteries in its clocks asks twice before a busy centre has answered once."""
    if said_at_ms is None or abs(now_ms - said_at_ms) > HEARD_LATELY_MS:
        return False
    return abs(now_ms - sent_at_ms) > OVERTAKEN_WITHIN_MS


def newest_said(said_at_ms: int | None, sent_at_ms: int) -> int:
    """By the box's own clock, when the newest request in its place was sent; a clock that was set counts as it is."""
    return said_at_ms if said_at_ms is not None and was_overtaken(said_at_ms, sent_at_ms) else sent_at_ms


ALTERNATIONS_MAX: Final = 3
"""So often in a row a box may be heard behind its chain, then in its place, before it is believed to be two: one late
request is no second machine, and of two machines the one in its place is heard every 25 s at least."""
NOTE_LASTS_MS: Final = 600_000
"""A request that came late is forgotten after ten minutes."""
ALONE_AFTER_MS: Final = 120_000
"""A box that took turns and has been heard only behind its chain for so long is one machine again: the other would have
been heard four times."""


@dataclass(frozen=True, slots=True)
class Note:
    """What was heard of a box that seems to be behind: how often it took turns with one that is not, the newest request
    that said so, whether one in its place was heard since, and from when on none was."""

    alternations: int
    nonce: str
    good_since: bool
    behind_since_ms: int

    @property
    def text(self) -> str:
        return f"{self.alternations} {self.nonce} {int(self.good_since)} {self.behind_since_ms}"


def read_note(text: str) -> Note | None:
    """A note as it was stored; None where an older program wrote it."""
    parts = text.split(" ")
    return Note(int(parts[0]), parts[1], parts[2] == "1", int(parts[3])) if len(parts) == 4 else None


class Behind(Enum):
    """What follows from a box that is behind its chain."""

    WAIT = "wait"
    RENEW = "renew"
    TWO = "two"


def judge_behind(note: Note | None, nonce: str, listening: bool, now_ms: int) -> tuple[Behind, Note]:
    """What to do about a request of a box that is behind, and what to note of it.

    `listening`: a request of the same key is held open by somebody who is not behind. One request alone may have been
    overtaken on the way; two in a row with nobody else about are a box that was set back. One that took turns is
    believed to be alone only after a while.
    """
    if note is None:
        return Behind.WAIT, Note(0, nonce, good_since=False, behind_since_ms=now_ms)
    if note.nonce == nonce:
        return Behind.WAIT, note
    if note.good_since:
        after = Note(note.alternations + 1, nonce, good_since=False, behind_since_ms=now_ms)
        return (Behind.TWO if after.alternations >= ALTERNATIONS_MAX else Behind.WAIT), after
    long = now_ms - note.behind_since_ms >= ALONE_AFTER_MS
    alone = not listening and (note.alternations == 0 or long)
    return (Behind.RENEW if alone else Behind.WAIT), replace(note, nonce=nonce)


def may_open_by_itself(box: Box) -> bool:
    """Whether a new epoch needs no person: there is one hardware, one branch, and the centre has forgotten nothing."""
    return box.state is BoxState.ENROLLED and not box.recovery
