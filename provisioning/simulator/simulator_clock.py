"""The one reader of time here: monotonic for the line and the loads, the wall clock once, for the meters' clocks."""

import time

MILLISECONDS_PER_DAY = 86_400_000


class SimulatorClock:
    """Monotonic time, and the local time that the factory set in all meters.

    The wall clock is read at the start and never again: a meter does not notice when the host's clock steps.
    """

    def __init__(self, utc_offset_minutes: int) -> None:
        self._local_less_monotonic_ms = (
            time.time_ns() // 1_000_000 + utc_offset_minutes * 60_000 - time.monotonic_ns() // 1_000_000
        )

    def now_ns(self) -> int:
        """Monotonic nanoseconds (CLOCK_MONOTONIC, the same in all processes of the machine)."""
        return time.monotonic_ns()

    def now_ms(self) -> int:
        """Monotonic milliseconds."""
        return time.monotonic_ns() // 1_000_000

    def local_ms(self, monotonic_ms: int) -> int:
        """The local time at a monotonic instant, in milliseconds since 1970 as if the place were at Greenwich."""
        return monotonic_ms + self._local_less_monotonic_ms
