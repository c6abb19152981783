"""The one gate through which payload bytes become typed values, and back. No I/O, no meaning.

Rules, in this order: size and depth within `limits`; UTF-8 JSON without floats, NaN or duplicate keys;
the exact fields of the type, unknown ones refused; integers within ±(2^53 − 1); texts within their lengths.
"""

import itertools
import json
import re
from typing import Annotated, Any, Final, TypeVar

import msgspec

from protocol import limits
from protocol.errors import BadPayload, TooLarge

Int = Annotated[int, msgspec.Meta(ge=-limits.INTEGER_MAX, le=limits.INTEGER_MAX)]
Count = Annotated[int, msgspec.Meta(ge=0, le=limits.INTEGER_MAX)]
Seq = Annotated[int, msgspec.Meta(ge=1, le=limits.SEQ_MAX)]
HeadSeq = Annotated[int, msgspec.Meta(ge=0, le=limits.SEQ_MAX)]
"""0 where nothing has been written yet."""
IdText = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\Z")]
HashText = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
KeyText = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9+/]{43}=\Z")]
Text = Annotated[str, msgspec.Meta(max_length=limits.TEXT_CHARACTERS_MAX)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Day = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
"""A calendar day of the site, 2026-11-22."""


class Payload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of all types on the wire: strict, immutable; a field that may be absent has the default None."""


PayloadType = TypeVar("PayloadType", bound=Payload)
_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"')
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STEP: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def write_payload(value: Payload) -> bytes:
    """Encode a typed value as the payload bytes that will be signed."""
    return msgspec.json.encode(value)


def read_payload(payload: bytes, kind: type[PayloadType]) -> PayloadType:
    """Read payload bytes, whose signature has been checked, as the given type. Raises BadPayload, TooLarge."""
    check_json(payload)
    value: PayloadType = decode(payload, kind)
    return value


def decode(payload: bytes | msgspec.Raw, kind: Any) -> Any:
    """Read JSON that has passed `check_json` as a type (also unions). Raises BadPayload naming the field."""
    try:
        return msgspec.json.decode(payload, type=kind, strict=True)
    except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
        raise BadPayload(str(fault)) from None


def check_json(payload: bytes) -> None:
    """Refuse what typed decoding would let through: duplicate keys, floats, NaN, deep nesting, great size."""
    if len(payload) > limits.PAYLOAD_BYTES_MAX:
        raise TooLarge(f"payload of {len(payload)} bytes; at most {limits.PAYLOAD_BYTES_MAX}")
    brackets = _STRINGS.sub(b"", payload).translate(None, _NOT_BRACKETS)
    depth = max(itertools.accumulate(_STEP[c] for c in brackets), default=0)
    if depth > limits.DEPTH_MAX:
        raise BadPayload(f"nested {depth} deep; at most {limits.DEPTH_MAX}")
    try:
        json.loads(
            payload.decode("utf-8"),
            object_pairs_hook=_no_duplicates,
            parse_float=_no_float,
            parse_constant=_no_float,
        )
    except (ValueError, RecursionError) as fault:
        raise BadPayload(f"not JSON as allowed here: {fault}") from None


def _no_duplicates(pairs: list[tuple[str, Any]]) -> None:
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        twice = next(key for i, key in enumerate(keys) if key in keys[:i])
        raise BadPayload(f"the key {twice[:60]!r} stands twice")


def _no_float(text: str) -> None:
    raise BadPayload(f"the number {text[:40]} is not an integer")
