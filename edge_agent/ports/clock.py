"""The port to time."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Wall and monotonic time. Nothing else in the agent reads a clock."""

    def wall_ms(self) -> int:
        """UTC milliseconds since 1970 as the system believes; may step."""
        ...

    def mono_ms(self) -> int:
        """Milliseconds since boot; never runs back within a boot."""
        ...

    def mono_us(self) -> int:
        """The same in microseconds, for the line, where a character takes about one thousand of them."""
        ...

    def pause_us(self, duration_us: int) -> None:
        """Let this thread rest for so long, at least. For pauses within a transaction on a line, no longer."""
        ...


class SettableClock(Clock, Protocol):
    """The clock of the owner thread, which may put the wall right."""

    def set_wall(self, at_ms: int) -> None:
        """From now on the wall shows `at_ms` (UTC ms) and goes on from there; the monotonic clock is not touched."""
        ...
