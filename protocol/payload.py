"""The one gate through which payload bytes become typed values, and back. No I/O, no meaning.

Rules, in this order: size and depth within `limits`; UTF-8 JSON without floats, NaN or duplicate keys;
the exact fields of the type, unknown ones refused; integers within ±(2^53 − 1); texts within their lengths.

A frame (command, batch, money) keeps its contents raw, so that number and link can be read whatever stands inside:
those fields go through the same gate when they are read.
"""

import functools
import itertools
import json
import re
from collections.abc import Callable, Collection
from typing import Annotated, Any, ClassVar, Final, TypeVar

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
KeyText = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=\Z")]
"""32 bytes in base64; the bits that base64 leaves over are 0, so that one key has one text."""
Text = Annotated[str, msgspec.Meta(max_length=limits.TEXT_CHARACTERS_MAX, pattern=r"^[^\x00]*\Z")]
"""NUL is refused: databases do not store it."""
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
"""One line: no control characters."""
IdempotencyKey = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
"""Made when a form is shown or by the program that sells: the same key is the same step, however often it is sent."""
Instant = Annotated[int, msgspec.Meta(ge=0, le=limits.INSTANT_MS_MAX)]
"""UTC milliseconds since 1970."""
Day = Annotated[str, msgspec.Meta(pattern=r"^[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\Z")]
"""A calendar day of the site, 2026-11-22."""


class Payload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of all types on the wire: strict, immutable; a field that may be absent has the default None."""

    READ_LATER: ClassVar[frozenset[str]] = frozenset()
    """Fields that stay raw in a frame and pass the gate by `read_part`."""


PayloadType = TypeVar("PayloadType", bound=Payload)
_STRINGS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"')
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_ONE_KIND: Final = bytes.maketrans(b"{}", b"[]")
_STEP: Final = {ord("["): 1, ord("]"): -1}


def write_payload(value: Payload) -> bytes:
    """Encode a typed value as the payload bytes that will be signed."""
    return msgspec.json.encode(value)


def read_payload(payload: bytes, kind: type[PayloadType]) -> PayloadType:
    """Read payload bytes, whose signature has been checked, as the given type. Raises BadPayload, TooLarge."""
    value: PayloadType | None = read_plain(payload, kind)
    if value is None:
        check_json(payload, kind.READ_LATER)
        value = decode(payload, kind)
    elif kind.READ_LATER:
        _check_depth(payload)
    return value


def read_part(part: msgspec.Raw, kind: Any) -> Any:
    """Read a raw field of a frame as a type (also unions): the same gate again. Raises BadPayload."""
    value = read_plain(part, kind)
    if value is None:
        check_json(bytes(part))
        value = decode(part, kind)
    return value


def read_plain(payload: bytes | msgspec.Raw, kind: Any) -> Any:
    """The value where writing it gives the very same bytes, else None.

    Such bytes hold nothing that the value does not: no key twice, no float, no depth that its type has not. What our
    own agent writes is read so, at a tenth of the price of `check_json`, which looks at all that is written otherwise.
    """
    plain = bytes(payload)
    if len(plain) > limits.PAYLOAD_BYTES_MAX:
        return None
    try:
        value = _decoder(kind).decode(plain)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return value if _encoder.encode(value) == plain else None


@functools.cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """Made once for each type: to make one takes longer than to read with it."""
    return msgspec.json.Decoder(kind, strict=True)


_encoder: Final = msgspec.json.Encoder()


def decode(payload: bytes | msgspec.Raw, kind: Any) -> Any:
    """Read JSON that has passed `check_json` as a type (also unions). Raises BadPayload naming the field."""
    try:
        return _decoder(kind).decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
        raise BadPayload(str(fault)) from None


def check_json(payload: bytes, later: Collection[str] = ()) -> None:
    """Refuse what typed decoding would let through: duplicate keys, floats, NaN, deep nesting, great size.

    Fields of the outermost object that are named in `later` may hold floats and duplicate keys: they are read later.
    """
    if len(payload) > limits.PAYLOAD_BYTES_MAX:
        raise TooLarge(f"payload of {len(payload)} bytes; at most {limits.PAYLOAD_BYTES_MAX}")
    _check_depth(payload)
    found = _faults(payload, _no_integer)
    if isinstance(found, dict):
        found = next((fault for field, fault in found.items() if field not in later), None)
    if found is not None:
        raise BadPayload(found)


def _check_depth(payload: bytes) -> None:
    """Refuse what is nested too deep."""
    if b"\\" in payload:
        # A blank in place of each text: with nothing in its place the library takes a way that is ten times as long.
        bare = _STRINGS.sub(b" ", payload)
    else:
        bare = b"".join(payload.split(b'"')[::2])
    brackets = left = bare.translate(_ONE_KIND, _NOT_BRACKETS)
    # Each turn takes the innermost pairs away, so that as many turns as levels leave nothing.
    for _ in range(limits.DEPTH_MAX):
        left = left.replace(b"[]", b"")
        if not left:
            return
    depth = max(itertools.accumulate(map(_STEP.__getitem__, brackets)), default=0)
    if depth > limits.DEPTH_MAX:
        raise BadPayload(f"nested {depth} deep; at most {limits.DEPTH_MAX}")


def refuse_repeated_keys(raw: bytes) -> None:
    """Refuse JSON in which a key stands twice: two readers might take two different values. Raises BadPayload."""
    found = _faults(raw, float)
    fault = next(iter(found.values()), None) if isinstance(found, dict) else found
    if fault is not None:
        raise BadPayload(fault)


class _Fault(str):
    """Why a JSON value is refused; stands where the value stood."""

    __slots__ = ()


def _faults(raw: bytes, number: Callable[[str], object]) -> "dict[str, _Fault] | _Fault | None":
    """The faults in JSON: by field where it is one object, else the first."""
    try:
        value = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_faults_of_object, parse_float=number, parse_constant=_no_integer
        )
    except (ValueError, RecursionError) as fault:
        raise BadPayload(f"not JSON as allowed here: {fault}") from None
    return value if isinstance(value, dict) else _first_fault(value)


def _faults_of_object(pairs: list[tuple[str, object]]) -> "dict[str, _Fault] | _Fault":
    """The faulty fields of an object; a fault of its own where a key stands twice. Empty where all is well."""
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        twice = next(key for i, key in enumerate(keys) if key in keys[:i])
        return _Fault(f"the key {twice[:60]!r} stands twice")
    return {key: fault for key, value in pairs if (fault := _first_fault(value)) is not None}


def _first_fault(value: object) -> _Fault | None:
    if isinstance(value, _Fault):
        return value
    if isinstance(value, dict):
        return next(iter(value.values()), None)
    if isinstance(value, list):
        return next((fault for inner in value if (fault := _first_fault(inner)) is not None), None)
    return None


def _no_integer(text: str) -> _Fault:
    return _Fault(f"the number {text[:40]} is not an integer")
