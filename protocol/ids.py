"""Ids: UUIDv7 as 32 lowercase hex digits (RFC 9562, section 5.7). Made where a thing is born, never reused.

Time and chance come in as arguments: this file reads neither.
"""

import re
from typing import Final

Id = str
"""32 lowercase hex digits."""
Hash = str
"""SHA-256 as 64 lowercase hex digits."""

NO_HASH: Final = "0" * 64
"""The `prev` of the first command of a place."""
_ID = re.compile(r"[0-9a-f]{32}")


def make_id(now_ms: int, chance: bytes) -> Id:
    """Build a UUIDv7 from an instant (UTC ms, 48 bits) and ten random bytes."""
    if len(chance) != 10:
        raise ValueError(f"ten random bytes are needed, {len(chance)} were given")
    raw = bytearray((now_ms & (2**48 - 1)).to_bytes(6, "big") + chance)
    raw[6] = (raw[6] & 0x0F) | 0x70
    raw[8] = (raw[8] & 0x3F) | 0x80
    return raw.hex()


def is_id(text: str) -> bool:
    """Tell whether a text has the form of an id."""
    return _ID.fullmatch(text) is not None
