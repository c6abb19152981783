"""The only reader of wall time and of chance at the centre."""

import secrets
import time


class SystemClock:
    """The machine's clock."""

    def wall_ms(self) -> int:
        """UTC milliseconds since 1970."""
        return time.time_ns() // 1_000_000


class SystemChance:
    """The operating system's cryptographic chance."""

    def draw(self, count: int) -> bytes:
        """`count` bytes that nobody can guess."""
        return secrets.token_bytes(count)
