"""The only reader of wall and monotonic time in the agent, and the only one who rests."""

from __future__ import annotations

import select
import time


class SystemClock:
    """The machine's clocks; satisfies `ports.Clock`."""

    def wall_ms(self) -> int:
        """UTC milliseconds since 1970 as the system believes; may step."""
        return time.time_ns() // 1_000_000

    def mono_ms(self) -> int:
        """Milliseconds since boot; never runs back within a boot."""
        return time.monotonic_ns() // 1_000_000

    def mono_us(self) -> int:
        """Microseconds since boot."""
        return time.monotonic_ns() // 1_000

    def pause_us(self, duration_us: int) -> None:
        """Let this thread rest for so long, at least; nothing for zero and less."""
        if duration_us > 0:
            select.select((), (), (), duration_us / 1_000_000)
