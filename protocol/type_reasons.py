"""What the typed reader says of a value, as sentences of ours: a small family of messages, recognised in one place.

The reader is msgspec, whose messages are English; a test walks its families and every field of a plan, and fails where
one of them falls through.
"""

import re
from typing import Final

from protocol.reason import PLAIN, Reason, reasons_in

KINDS: Final = {
    "int": Reason("a whole number"),
    "str": Reason("a text"),
    "bool": Reason("true or false"),
    "float": Reason("a number with decimals"),
    "array": Reason("a list"),
    "object": Reason("a table with names and values"),
    "null": Reason("nothing"),
    "bytes": Reason("bytes"),
    "datetime": Reason("a date with a time"),
    "date": Reason("a date"),
    "time": Reason("a time of day"),
}
"""The reader's words for what stands there, and for what would be right."""
EITHER: Final = Reason("%(one)s or %(other)s")
WANTED: Final = Reason("expected %(wanted)s, got %(got)s")
WANTED_ALONE: Final = Reason("expected %(wanted)s")
AT_LEAST: Final = Reason("expected %(wanted)s of at least %(bound)s")
AT_MOST: Final = Reason("expected %(wanted)s of at most %(bound)s")
ABOVE: Final = Reason("expected %(wanted)s above %(bound)s")
BELOW: Final = Reason("expected %(wanted)s below %(bound)s")
MULTIPLE: Final = Reason("expected %(wanted)s that divides by %(bound)s")
PATTERN: Final = Reason("expected a text of the form %(form)s")
SHORTEST: Final = Reason("expected %(wanted)s with at least %(bound)s characters or entries")
LONGEST: Final = Reason("expected %(wanted)s with at most %(bound)s characters or entries")
SO_LONG: Final = Reason("expected %(wanted)s with exactly %(bound)s characters or entries")
LACKS: Final = Reason("the field %(name)s is missing")
UNKNOWN_FIELD: Final = Reason("the field %(name)s is not known here")
NOT_IN_LIST: Final = Reason("%(value)s is not in the list of what may stand here")
OUT_OF_RANGE: Final = Reason("the number is out of range")
NOT_READABLE: Final = Reason("the text cannot be read: it is cut short or malformed")
TWICE: Final = Reason("the key %(name)s stands twice")
NO_INTEGER: Final = Reason("the number %(number)s is not a whole number")
TOO_DEEP: Final = Reason("nested %(depth)s deep; at most %(most)s")
TOO_LARGE: Final = Reason("%(size)s bytes altogether; at most %(most)s")
OTHER: Final = Reason("does not fit what belongs here: %(fault)s")
"""Only for what no family has; the test keeps it empty."""
REASONS: Final = reasons_in(dict(globals()))

_BOUNDS: Final = {">=": AT_LEAST, "<=": AT_MOST, ">": ABOVE, "<": BELOW}
_LENGTHS: Final = {">=": SHORTEST, "<=": LONGEST, "": SO_LONG, "==": SO_LONG}
_FAMILIES: Final = tuple(
    (re.compile(pattern, re.DOTALL), reason)
    for pattern, reason in (
        (r"Expected `(?P<wanted>[^`]+)`, got `(?P<got>[^`]+)`", WANTED),
        (r"Expected `(?P<wanted>[^`]+)` (?P<sign>>=|<=|>|<) (?P<bound>\S+)", AT_LEAST),
        (r"Expected `(?P<wanted>[^`]+)` that's a multiple of (?P<bound>\S+)", MULTIPLE),
        (r"Expected `str` matching regex (?P<form>.+)", PATTERN),
        (r"Expected `(?P<wanted>[^`]+)` of length (?P<sign>>=|<=|==|) ?(?P<bound>\d+)(?:, got \d+)?", SO_LONG),
        (r"Expected `(?P<wanted>[^`]+)` of at least length (?P<bound>\d+)(?:, got \d+)?", SHORTEST),
        (r"Expected `(?P<wanted>[^`]+)`", WANTED_ALONE),
        (r"Object missing required field `(?P<name>[^`]+)`", LACKS),
        (r"Object contains unknown field `(?P<name>[^`]+)`", UNKNOWN_FIELD),
        (r"Invalid (?:enum )?value (?P<value>.+)", NOT_IN_LIST),
        (r"(?:Integer value|Number|Timestamp|Duration) (?:is )?out of range\s*", OUT_OF_RANGE),
        (r"JSON is malformed: .*|Input data was truncated|not JSON as allowed here: .*|'utf-8' codec .*", NOT_READABLE),
        (r"the key (?P<name>.+) stands twice", TWICE),
        (r"the number (?P<number>.+) is not an integer", NO_INTEGER),
        (r"nested (?P<depth>\d+) deep; at most (?P<most>\d+)", TOO_DEEP),
        (r"payload of (?P<size>\d+) bytes; at most (?P<most>\d+)", TOO_LARGE),
    )
)
_AT: Final = re.compile(r"(?P<what>.*) - at `(?:key in )?\$?\.?(?P<place>[^`]*)`", re.DOTALL)


def type_reason(said: str) -> Reason:
    """What the reader said, as a sentence; where in the document it was is left out (`place_in`)."""
    found = _AT.fullmatch(said)
    what = found["what"] if found is not None else said
    for form, reason in _FAMILIES:
        match = form.fullmatch(what)
        if match is not None:
            return _filled(reason, match.groupdict())
    return OTHER(fault=what)


def place_in(said: str) -> str:
    """Where in the document the reader stood, as `wallets[3].meters`; empty where it named no place."""
    found = _AT.fullmatch(said)
    return found["place"] if found is not None else ""


def _filled(reason: Reason, parts: dict[str, str]) -> Reason:
    sign = parts.pop("sign", None)
    if sign is not None:
        reason = (_BOUNDS if reason is AT_LEAST else _LENGTHS)[sign]
    return reason(**{name: _kind(part) if name in ("wanted", "got") else part for name, part in parts.items()})


def _kind(words: str) -> Reason:
    """`int | null` in our words."""
    first, _, rest = words.partition(" | ")
    one = KINDS.get(first, PLAIN(text=first))
    return EITHER(one=one, other=_kind(rest)) if rest else one
