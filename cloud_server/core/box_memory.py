"""Whether a box still knows what it has told, judged from where it says it stands. Pure."""

from collections.abc import Callable

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


def may_open_by_itself(box: Box) -> bool:
    """Whether a new epoch needs no person: there is one hardware, one branch, and the centre has forgotten nothing."""
    return box.state is BoxState.ENROLLED and not box.recovery
