"""The newest plan as look-ups, kept once for all who look at the whole site: of a city, most of the memory."""

import gc
import threading
from collections.abc import Callable

from cloud_server.core.site_map import SiteMap


class PlanMemory:
    """Shared by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: tuple[int, SiteMap] | None = None

    def site_map(self, version: int, make: Callable[[], SiteMap]) -> SiteMap:
        """The look-ups of a version; made where they are not kept, by one while the others wait for it."""
        kept = self._kept
        if kept is not None and kept[0] == version:
            return kept[1]
        with self._lock:
            if self._kept is None or self._kept[0] < version:
                self._kept = (version, self._made(make))
            elif self._kept[0] > version:
                # Somebody who began to look before the newest plan was taken.
                return make()
            return self._kept[1]

    @staticmethod
    def _made(make: Callable[[], SiteMap]) -> SiteMap:
        """Out of the collector's sight: nothing in a plan hangs on itself, and to walk through the millions of parts of
        a city takes it half a second each time, in which nobody sells. What a plan is replaced by frees it at once."""
        gc.disable()
        try:
            return make()
        finally:
            gc.freeze()
            gc.enable()
