"""PURE: one cell of the import workbook to a value, or what is wrong with it and what would be right.

Excel gives numbers as floats, dates as dates and everything else as text; people write full-width digits and stray
blanks. Money goes through decimals, never through binary fractions.
"""

import datetime
import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Final

from protocol.reason import Reason
from protocol.workbook import reasons
from protocol.workbook.sheets import Amount, Choice, Date, Kind, Language, Ratio, Text, Times, Whole, plain

MICRO: Final = 1_000_000
TEXT_MAX: Final = 200
"""Longer than any name that the wire takes; the plan's own check is stricter and names the field."""
_LIST_PARTS: Final = re.compile(r"[,;，；、\n]+")
_TIME: Final = re.compile(r"(?:[01]?\d|2[0-3]):[0-5]\d")
_RATIO_TERM_MAX: Final = 2**31


class BadCell(Exception):
    """What would be right in place of the value that stands there."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


def cell_text(value: object) -> str:
    """What a person sees in the cell: whole floats without their point, full-width signs as plain ones."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.time):
        return value.strftime("%H:%M")
    return plain(str(value))


def read_cell(kind: Kind, value: object, language: Language) -> Any:
    """The value of a filled cell. Raises BadCell."""
    text = cell_text(value)
    match kind:
        case Whole():
            return _whole(kind, text)
        case Amount():
            return _amount(kind, text)
        case Choice():
            return _choice(kind, text, language)
        case Text():
            return _text(kind, value.strip() if kind.name and isinstance(value, str) else text)
        case Ratio():
            return _ratio(text)
        case Date():
            return _date(text)
        case Times():
            return _times(text)


def _whole(kind: Whole, text: str) -> int:
    if re.fullmatch(r"-?\d{1,9}", text) and kind.least <= int(text) <= kind.most:
        return int(text)
    raise BadCell(reasons.WHOLE(least=kind.least, most=kind.most))


def _amount(kind: Amount, text: str) -> int:
    right = reasons.AMOUNT(least=kind.least, most=kind.most, places=kind.places)
    try:
        amount = Decimal(text.replace(",", ""))
    except InvalidOperation:
        raise BadCell(right) from None
    if not amount.is_finite() or not kind.least <= amount <= kind.most:
        raise BadCell(right)
    micro = amount * MICRO
    if micro != micro.to_integral_value() or amount != round(amount, kind.places):
        raise BadCell(right)
    return int(micro)


def _choice(kind: Choice, text: str, language: Language) -> str | int:
    for value, words in kind.words:
        if text.casefold() in words.both() or text == str(value):
            return value
    raise BadCell(reasons.ONE_OF(allowed=", ".join(words.of(language) for _, words in kind.words)))


def _text(kind: Text, text: str) -> str | tuple[str, ...]:
    if kind.several == 1:
        if len(text) > TEXT_MAX:
            raise BadCell(reasons.TOO_LONG(most=TEXT_MAX))
        return text
    parts = tuple(part.strip() for part in _LIST_PARTS.split(text) if part.strip())
    if not parts or len(parts) > kind.several:
        raise BadCell(reasons.SEVERAL(most=kind.several))
    return parts


def _ratio(text: str) -> tuple[int, int]:
    try:
        ratio = Fraction(text.replace(" ", "").replace(":", "/"))
    except (ValueError, ZeroDivisionError):
        raise BadCell(reasons.RATIO) from None
    if not (0 < ratio.numerator <= _RATIO_TERM_MAX and ratio.denominator <= _RATIO_TERM_MAX):
        raise BadCell(reasons.RATIO)
    return ratio.numerator, ratio.denominator


def _date(text: str) -> str:
    try:
        return datetime.date.fromisoformat(text.replace("/", "-")).isoformat()
    except ValueError:
        raise BadCell(reasons.DAY) from None


def _times(text: str) -> tuple[str, ...]:
    parts = [part.strip() for part in _LIST_PARTS.split(text) if part.strip()]
    if not parts or not all(_TIME.fullmatch(part) for part in parts):
        raise BadCell(reasons.TIMES)
    return tuple(part.rjust(5, "0") for part in parts)
