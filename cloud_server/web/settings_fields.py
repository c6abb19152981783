"""Fields of the settings' forms: how each kind of value is typed, shown again, and read. No value's meaning."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from cloud_server.core.mistakes import FieldErrorCode
from cloud_server.web.forms import clean_amount
from protocol.units import FEN_MICRO, UNIT_MICRO, BadAmount, amount_from_text

FieldKind = Literal[
    "text", "lines", "area", "count", "money", "minute", "choice", "ratio", "check", "weekdays", "meters", "day"
]
LINES_MOST: Final = 400
"""Lines of one field: a holiday calendar of several years."""
WEEKDAYS: Final = (1, 2, 3, 4, 5, 6, 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: its name in form and plan, its kind, the word beside it, and what may be chosen (value, word)."""

    name: str
    kind: FieldKind
    label: str
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    required: bool = True
    fixed: bool = False
    """Told when the item is added, and never changed after."""


class Unreadable(Exception):
    """What was typed is no value of the field's kind."""

    def __init__(self, code: FieldErrorCode) -> None:
        super().__init__(code)
        self.code: FieldErrorCode = code


def read_fields(fields: Sequence[Field], form: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, FieldErrorCode]]:
    """Typed values, and what is wrong with those that could not be read."""
    values: dict[str, Any] = {}
    mistakes: dict[str, FieldErrorCode] = {}
    for field in fields:
        try:
            values[field.name] = _READERS[field.kind](field, form)
        except Unreadable as fault:
            mistakes[field.name] = fault.code
    return values, mistakes


def _text(field: Field, form: Mapping[str, str]) -> str:
    text = form.get(field.name, "").strip()
    if not text and field.required:
        raise Unreadable("required")
    return text


def _area(field: Field, form: Mapping[str, str]) -> str:
    """Kept as typed but for line ends: it is hashed."""
    text = form.get(field.name, "").replace("\r\n", "\n")
    if not text.strip() and field.required:
        raise Unreadable("required")
    return text


def _lines(field: Field, form: Mapping[str, str]) -> tuple[str, ...]:
    found = tuple(line.strip() for line in form.get(field.name, "").replace(",", "\n").splitlines() if line.strip())
    if len(found) > LINES_MOST:
        raise Unreadable("too_long")
    if not found and field.required:
        raise Unreadable("required")
    return found


def _count(field: Field, form: Mapping[str, str]) -> int:
    text = clean_amount(form.get(field.name, ""))
    if not text:
        if field.required:
            raise Unreadable("required")
        return 0
    if not (text.isascii() and text.isdecimal()) or len(text) > 12:
        raise Unreadable("not_a_number")
    return int(text)


def _money(field: Field, form: Mapping[str, str]) -> int:
    text = clean_amount(form.get(field.name, ""))
    if not text:
        if field.required:
            raise Unreadable("required")
        return 0
    if not text.strip("0."):
        return 0
    try:
        return amount_from_text(text)
    except BadAmount as fault:
        raise Unreadable("not_a_number") from fault


def _minute(field: Field, form: Mapping[str, str]) -> int:
    hour, _, minute = form.get(field.name, "").strip().partition(":")
    if not (hour.isdecimal() and minute.isdecimal()) or int(hour) > 23 or int(minute) > 59:
        raise Unreadable("required")
    return int(hour) * 60 + int(minute)


def _choice(field: Field, form: Mapping[str, str]) -> str:
    value = form.get(field.name, "")
    if value not in [choice for choice, _ in field.choices]:
        raise Unreadable("unknown")
    return value


def _ratio(field: Field, form: Mapping[str, str]) -> tuple[int, int]:
    text = form.get(field.name, "").strip().replace("/", ":") or "1:1"
    first, _, second = text.partition(":")
    second = second or "1"
    if not (first.isdecimal() and second.isdecimal() and int(first) and int(second)):
        raise Unreadable("not_a_number")
    return int(first), int(second)


def _check(field: Field, form: Mapping[str, str]) -> bool:
    return form.get(field.name) == "yes"


def _weekdays(field: Field, form: Mapping[str, str]) -> tuple[int, ...]:
    return tuple(day for day in WEEKDAYS if form.get(f"{field.name}-{day}") == "yes")


def _meters(field: Field, form: Mapping[str, str]) -> tuple[str, ...]:
    known = {meter for meter, _ in field.choices}
    found = tuple(name[6:] for name, value in form.items() if name.startswith("meter-") and value == "yes")
    if not found and field.required:
        raise Unreadable("required")
    if not set(found) <= known:
        raise Unreadable("unknown")
    return found


_READERS: Final[dict[FieldKind, Callable[[Field, Mapping[str, str]], Any]]] = {
    "text": _text,
    "lines": _lines,
    "area": _area,
    "count": _count,
    "money": _money,
    "minute": _minute,
    "choice": _choice,
    "ratio": _ratio,
    "check": _check,
    "weekdays": _weekdays,
    "day": _text,
    "meters": _meters,
}


def typed(field: Field, value: Any) -> dict[str, str]:
    """A value as its field would be typed; more than one entry where the field has several boxes."""
    match field.kind:
        case "lines":
            return {field.name: "\n".join(value)}
        case "money":
            fen = abs(value) // FEN_MICRO
            sign = "-" if value < 0 else ""
            return {field.name: f"{sign}{fen * FEN_MICRO // UNIT_MICRO}.{fen % 100:02d}"}
        case "minute":
            return {field.name: f"{value // 60:02d}:{value % 60:02d}"}
        case "ratio":
            return {field.name: f"{value[0]}:{value[1]}"}
        case "check":
            return {field.name: "yes" if value else ""}
        case "weekdays":
            return {f"{field.name}-{day}": "yes" for day in value}
        case "meters":
            return {f"meter-{meter}": "yes" for meter in value}
        case _:
            return {field.name: "" if value is None else str(value)}
