"""Taking a step again that the database did not take: others were in its way, or its server was lost."""

import logging
import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

from cloud_server.ports.database import TryAgain

FIRST_PAUSE_S: Final = 0.02
"""A unit that others were in the way of finds them gone after a few milliseconds."""
LONGEST_PAUSE_S: Final = 1.0
"""A standby rises within seconds; asking more often would only keep it busy."""
FOR_S: Final = 12.0
"""As long as a person waits at a counter before asking, and longer than a watchdog takes to promote a standby."""

Result = TypeVar("Result")

log = logging.getLogger(__name__)


def again(step: Callable[[], Result], for_s: float = FOR_S) -> Result:
    """Take a step until the database takes it. Only for steps that look first whether they were taken before.

    Raises TryAgain of the last try when the time is over.
    """
    deadline = time.monotonic() + for_s
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            return step()
        except TryAgain as fault:
            if time.monotonic() + pause_s > deadline:
                raise
            log.info("step_taken_again", extra={"why": str(fault)[:200], "unknown": fault.unknown})
        time.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311  # spreads those who collided, keeps no secret
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
