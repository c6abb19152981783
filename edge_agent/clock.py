"""The only reader of wall and monotonic time in the agent, and the only one who rests."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import struct
import time
from pathlib import Path
from typing import Final

OFFSET_VARIABLE: Final = "TALLYBOX_CLOCK_OFFSET_FILE"
"""Names a file with the milliseconds by which this process's wall clock is wrong: a demo or a test steps it so, where
the machine's own clock must stay. Without the variable, as on every real box, the system's clock holds."""
OFFSET_READ_EVERY_NS: Final = 100_000_000
"""How soon a step is noticed; a bus worker asks for the time many times within."""
HARDWARE_CLOCK: Final = Path("/dev/rtc0")
ADJTIME: Final = Path("/etc/adjtime")
"""Its third line says LOCAL where the hardware clock shows local time (man 5 adjtime); UTC without it."""
RTC_SET_TIME: Final = 0x4024700A
"""_IOW('p', 0x0a, struct rtc_time) of Linux (man 4 rtc)."""


class SystemClock:
    """The machine's clocks; satisfies `ports.SettableClock`.

    The wall is set by the system's own call where this process may (CAP_SYS_TIME). Where it may not, or where a demo
    or a test plays the clock, the agent keeps an offset of its own: what it says and charges is right, the machine's
    clock stays as it is. The offset is remembered until the machine boots anew.
    """

    def __init__(self, remember: Path | None = None, boot_id: str = "") -> None:
        """`remember`: a file for the agent's own offset, good for this boot alone."""
        name = os.environ.get(OFFSET_VARIABLE)
        self._offset_file = Path(name) if name else None
        self._offset_ms = 0
        self._offset_read_ns = -OFFSET_READ_EVERY_NS
        self._remember = remember
        self._boot_id = boot_id
        self._own_ms = self._remembered()

    def wall_ms(self) -> int:
        """UTC milliseconds since 1970 as the system believes, or as it was put right; may step."""
        now_ms = time.time_ns() // 1_000_000
        false_ms = 0 if self._offset_file is None else self._false_by_ms(self._offset_file)
        # No machine's clock stands before 1970, whatever a test asks for.
        return max(0, max(0, now_ms + false_ms) + self._own_ms)

    def set_wall(self, at_ms: int) -> None:
        """From now on the wall shows `at_ms`."""
        if self._offset_file is None and _set_system(at_ms):
            self._own_ms = 0
        else:
            self._own_ms += at_ms - self.wall_ms()
        if self._remember is not None:
            # Forgotten with a full disk: then the clock is put right again after the next start.
            with contextlib.suppress(OSError):
                self._remember.write_text(json.dumps({"boot_id": self._boot_id, "offset_ms": self._own_ms}))

    def _remembered(self) -> int:
        try:
            kept = json.loads(self._remember.read_bytes()) if self._remember is not None else {}
            return int(kept["offset_ms"]) if kept.get("boot_id") == self._boot_id else 0
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return 0

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


def _set_system(at_ms: int) -> bool:
    """Set the machine's clock; False where this process may not."""
    try:
        time.clock_settime_ns(time.CLOCK_REALTIME, at_ms * 1_000_000)
    except OSError:
        return False
    set_hardware_clock(at_ms)
    return True


def set_hardware_clock(at_ms: int, device: Path = HARDWARE_CLOCK, adjtime: Path = ADJTIME) -> bool:
    """Let the battery's clock show it too, so that the next boot begins right; False where there is none to set.

    One that shows local time is left alone: which local time, nobody here knows.
    """
    try:
        if adjtime.exists() and "LOCAL" in adjtime.read_text(encoding="utf-8").splitlines()[2:3]:
            return False
        with device.open("rb", buffering=0) as clock:
            fcntl.ioctl(clock, RTC_SET_TIME, rtc_time(at_ms))
    except OSError:
        return False
    return True


def rtc_time(at_ms: int) -> bytes:
    """struct rtc_time of Linux: second, minute, hour, day, month from 0, years since 1900; the rest is not read."""
    now = time.gmtime(at_ms / 1_000)
    fields = (now.tm_sec, now.tm_min, now.tm_hour, now.tm_mday, now.tm_mon - 1, now.tm_year - 1_900, 0, 0, 0)
    return struct.pack("=9i", *fields)
