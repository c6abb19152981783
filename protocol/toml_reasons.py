"""What the TOML reader says of a text that is no TOML, as sentences of ours with line and column.

The reader is Python's `tomllib`; a test holds the families to its source.
"""

import re
from typing import Final

from protocol.reason import Reason, reasons_in

NOT_TOML: Final = Reason("not TOML: %(fault)s")
AT: Final = Reason("%(what)s (line %(line)s, column %(column)s)")
AT_END: Final = Reason("%(what)s (at the end of the text)")
STATEMENT: Final = Reason("a line is neither a key with a value nor the head of a table")
LINE_END: Final = Reason("something follows where the line should end")
CHARACTER: Final = Reason("the character %(character)s may not stand here")
TWICE: Final = Reason("%(key)s stands twice")
OVERWRITTEN: Final = Reason("a value stands here already")
CLOSED_BEFORE: Final = Reason("%(key)s was finished above and takes nothing more")
TABLE_HEAD: Final = Reason("the head of a table lacks its closing bracket")
EQUALS: Final = Reason("a key lacks its equals sign")
KEY: Final = Reason("a key begins with a letter, a digit or a quote")
LIST_OPEN: Final = Reason("a list is not closed")
TABLE_OPEN: Final = Reason("a table in one line is not closed")
BACKSLASH: Final = Reason("a backslash in a text stands alone")
ESCAPE: Final = Reason("what follows a backslash in a text names no character")
TEXT_OPEN: Final = Reason("a text is not closed")
DATE: Final = Reason("a date or time that does not exist")
VALUE: Final = Reason("a value that TOML does not know; texts stand in quotes")
LONG_NUMBER: Final = Reason("a number with too many digits")
TOO_DEEP: Final = Reason("nested deeper than can be read")
OTHER: Final = Reason("it cannot be read there: %(fault)s")
"""Only for what no family has; the test keeps it empty."""
REASONS: Final = reasons_in(dict(globals()))

_FAMILIES: Final = tuple(
    (re.compile(pattern, re.DOTALL), reason)
    for pattern, reason in (
        (r"Invalid statement", STATEMENT),
        (r"Expected newline or end of document after a statement", LINE_END),
        (r"(?:Found invalid|Illegal) character (?P<character>.+)", CHARACTER),
        (r"Cannot declare (?P<key>.+) twice", TWICE),
        (r"Duplicate inline table key (?P<key>.+)", TWICE),
        (r"Cannot overwrite a value", OVERWRITTEN),
        (r"Cannot (?:mutate immutable|redefine) namespace (?P<key>.+)", CLOSED_BEFORE),
        (r"Expected '\]\]?' at the end of an? (?:table|array) declaration", TABLE_HEAD),
        (r"Expected '=' after a key in a key/value pair", EQUALS),
        (r"Invalid initial character for a key part", KEY),
        (r"Unclosed array", LIST_OPEN),
        (r"Unclosed inline table", TABLE_OPEN),
        (r"Unescaped '\\+' in a string", BACKSLASH),
        (r"Invalid hex value|Escaped character is not a Unicode scalar value", ESCAPE),
        (r"Unterminated string|Expected .+", TEXT_OPEN),
        (r"Invalid date or datetime", DATE),
        (r"Invalid value", VALUE),
        (r"Exceeds the limit .*", LONG_NUMBER),
    )
)
_PLACE: Final = re.compile(
    r"(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", re.DOTALL
)


def toml_reason(fault: Exception) -> Reason:
    """Why a text is no TOML, from what reading it raised."""
    if isinstance(fault, RecursionError):
        return NOT_TOML(fault=TOO_DEEP)
    return NOT_TOML(fault=_placed(str(fault)))


def _placed(said: str) -> Reason:
    found = _PLACE.fullmatch(said)
    if found is None:
        return _bare(said)
    if found["line"] is None:
        return AT_END(what=_bare(found["what"]))
    return AT(what=_bare(found["what"]), line=found["line"], column=found["column"])


def _bare(said: str) -> Reason:
    for form, reason in _FAMILIES:
        match = form.fullmatch(said)
        if match is not None:
            return reason(**match.groupdict())
    return OTHER(fault=said)
