"""Work that can wait, done in pieces beside those who sell: how large a piece may be, and how long one rests behind it.

A piece ends its unit of work, so that it holds no row and no connection while it rests.
"""

import time
from collections.abc import Callable
from typing import Final

PIECE_S: Final = 0.03
"""Processor of one piece: what a sale may lose to it, with room for the last step of the piece, which is begun before
the time is over and takes 10 ms."""
REST_FOLD: Final = 9
"""So many times as long as a piece took by the clock, the next one waits: a tenth of a core for what can wait, less
where others want the machine."""
NEWS_REST_FOLD: Final = 1
"""What somebody waits to hear, a cut or a sale, is not kept for so long: half a core while there is news."""


class Piece:
    """How much processor of this thread a piece has left, from its making on. By the thread's own time: what others
    take of the machine shortens no piece, so that each gets on."""

    def __init__(self, limit_s: float = PIECE_S) -> None:
        self._ends_s = time.thread_time() + limit_s

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be begun in it."""
        return time.thread_time() >= self._ends_s


def spread(step: Callable[[], bool], rest_fold: int = REST_FOLD) -> None:
    """Take a step, of one piece, again and again until it returns False, with a rest in between."""
    while True:
        began_s = time.monotonic()
        if not step():
            return
        time.sleep(rest_fold * (time.monotonic() - began_s))
