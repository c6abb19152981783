"""The only reader of wall and monotonic time in the agent, and the only one who rests."""

from __future__ import annotations

import os
import select
import time
from pathlib import Path
from typing import Final

OFFSET_VARIABLE: Final = "TALLYBOX_CLOCK_OFFSET_FILE"
"""Names a file with the milliseconds by which this process's wall clock is wrong: a demo or a test steps it so, where
the machine's own clock must stay. Without the variable, as on every real box, the system's clock holds."""
OFFSET_READ_EVERY_NS: Final = 100_000_000
"""How soon a step is noticed; a bus worker asks for the time many times within."""


class SystemClock:
    """The machine's clocks; satisfies `ports.Clock`."""

    def __init__(self) -> None:
        name = os.environ.get(OFFSET_VARIABLE)
        self._offset_file = Path(name) if name else None
        self._offset_ms = 0
        self._offset_read_ns = -OFFSET_READ_EVERY_NS

    def wall_ms(self) -> int:
        """UTC milliseconds since 1970 as the system believes; may step."""
        now_ms = time.time_ns() // 1_000_000
        # No machine's clock stands before 1970, whatever a test asks for.
        return now_ms if self._offset_file is None else max(0, now_ms + self._false_by_ms(self._offset_file))

    def _false_by_ms(self, offset_file: Path) -> int:
        now_ns = time.monotonic_ns()
        if now_ns - self._offset_read_ns >= OFFSET_READ_EVERY_NS:
            self._offset_read_ns = now_ns
            try:
                self._offset_ms = int(offset_file.read_text())
            except FileNotFoundError:
                self._offset_ms = 0
        return self._offset_ms

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
