"""Every mistake of type in a JSON document at once, for texts that people have a hand in. Values in, words out.

A line of the wire is refused at its first mistake; a configuration or a plan is mended by a person, who wants them all.
"""

from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, get_args, get_origin

import msgspec

from protocol.errors import BadPayload
from protocol.payload import decode

_SHOWN_CHARACTERS: Final = 60
"""How much of a wrong value is shown."""


def type_mistakes(raw: bytes, kind: Any, place: str = "") -> list[str]:
    """Each smallest value that does not fit its type, as "place = value: what is wrong"; empty where all fits.

    `raw` has passed `check_json`. Places read like `meters[3].unit`.
    """
    try:
        decode(raw, kind)
    except BadPayload as fault:
        bare = _bare(kind)
        inner = _inside(raw, bare, place)
        wrong = str(fault).partition(" - at ")[0]
        if get_origin(bare) is Literal:
            wrong = f"must be one of {', '.join(map(str, get_args(bare)))}"
        return inner or [f"{place or 'document'} = {_shown(raw)}: {wrong}"]
    return []


def _inside(raw: bytes, kind: Any, place: str) -> list[str]:
    """The mistakes of an object's fields or a list's items; empty where the value itself is at fault."""
    found: list[str] = []
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and raw.lstrip().startswith(b"{"):
        given = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        dot = f"{place}." if place else ""
        for field in msgspec.structs.fields(kind):
            value = given.pop(field.encode_name, None)
            if value is not None:
                found += type_mistakes(bytes(value), field.type, f"{dot}{field.encode_name}")
            elif field.required:
                found.append(f"{dot}{field.encode_name}: is missing")
        found += [f"{dot}{name} = {_shown(bytes(value))}: unknown field" for name, value in given.items()]
    elif get_origin(kind) in (list, tuple) and raw.lstrip().startswith(b"["):
        item = get_args(kind)[0]
        for index, value in enumerate(msgspec.json.decode(raw, type=list[msgspec.Raw])):
            found += type_mistakes(bytes(value), item, f"{place}[{index}]")
    return found


def _bare(kind: Any) -> Any:
    """A type without its bounds and without `or absent`."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) is UnionType:
        kinds = [inner for inner in get_args(kind) if inner is not NoneType]
        return _bare(kinds[0]) if len(kinds) == 1 else kind
    return kind


def _shown(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")[:_SHOWN_CHARACTERS]
