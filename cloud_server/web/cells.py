"""How a report's values are written: as text on a page, and as a cell of a workbook."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from markupsafe import Markup, escape

from cloud_server.core.report_table import FIGURES, Column, Value, ValueKind
from cloud_server.exports.workbook import Cell, CellKind
from cloud_server.web import event_words
from cloud_server.web import report_words as w
from cloud_server.web.show import Show
from cloud_server.web.words import Words
from protocol.units import UNIT_MICRO

RATE_COLUMNS: Final = ("rate_", "register_")
"""Begin the keys of columns that are made for each rate."""
_SHEET_KINDS: Final[dict[ValueKind, CellKind]] = {
    "moment": "moment",
    "money": "money",
    "exact": "price",
    "price": "price",
    "energy": "energy",
    "power": "power",
    "count": "count",
    "percent": "price",
}
_CODES: Final[dict[str, dict[str, str]]] = {
    "event": event_words.EVENT,
    "boot": event_words.BOOT,
    "clock": event_words.CLOCK,
    "lock": event_words.LOCK,
    "state": event_words.ALARM_STATE,
    "action": event_words.ACTION,
    "check": w.CHECK,
    "holds": w.HOLDS,
}
"""Lists that a code of an event belongs to, by what stands before its colon."""


def _begin_of_cell(kind: ValueKind) -> str:
    if kind in FIGURES:
        return '<td class="figure">'
    return '<td class="tabular">' if kind in ("moment", "day", "span", "ratio") else "<td>"


class Cells:
    """Writes values for one page: its language, its site's zone and currency."""

    def __init__(self, show: Show, words: Words, translate: Callable[[str], str]) -> None:
        self._show = show
        self._words = words
        self._ = translate

    def head(self, column: Column) -> str:
        """The word over a column; money names its currency."""
        for prefix in RATE_COLUMNS:
            if column.key.startswith(prefix):
                return f"{self._words.rate(column.key.removeprefix(prefix))} kWh"
        if column.key.startswith("charge_"):
            return f"{self._words.rate(column.key.removeprefix('charge_'))} {self._show.sign}"
        if column.key.startswith("hour_"):
            return column.key.removeprefix("hour_")
        word = self._words.of(w.COLUMN, column.key)
        return f"{word} {self._show.sign}".strip() if column.kind in ("money", "exact", "price") else word

    def fact(self, key: str) -> str:
        """The word of a pair above the tables."""
        return self._words.of(w.FACT, key)

    def is_figure(self, column: Column) -> bool:
        """Whether it stands to the right."""
        return column.kind in FIGURES

    def text(self, kind: ValueKind, value: Value) -> str:
        """A value on a page; nothing is an empty cell."""
        if value is None or value == "":
            return ""
        return self._number(kind, value) if isinstance(value, int) else self._code(kind, value)

    def body(self, columns: Sequence[Column], rows: Sequence[Sequence[Value]]) -> Markup:
        """The rows of a table, ready for its page: written here, since a template takes five times as long for them."""
        begins = [_begin_of_cell(column.kind) for column in columns]
        known: dict[tuple[ValueKind, str], str] = {}
        written: list[str] = []
        for row in rows:
            written.append("<tr>")
            for column, begin, value in zip(columns, begins, row, strict=True):
                kind = column.kind
                written.append(begin)
                if isinstance(value, int):
                    written.append(escape(self._number(kind, value)) if kind == "span" else self._number(kind, value))
                elif value:
                    text = known.get((kind, value))
                    if text is None:
                        text = known[kind, value] = str(escape(self._code(kind, value)))
                    written.append(text)
                written.append("</td>")
            written.append("</tr>\n")
        return Markup("".join(written))  # noqa: S704  # every text in it was escaped above

    def _number(self, kind: ValueKind, value: int) -> str:
        show = self._show
        match kind:
            case "money":
                return show.figure(value)
            case "exact":
                return show.exact(value)
            case "price":
                return show.price(value).removeprefix(show.sign)
            case "energy":
                return show.energy(value)
            case "power":
                return show.power(value)
            case "percent":
                return show.scaled(value, 100, 2)
            case "moment":
                return show.full(value)
            case "span":
                return self.span(value)
            case _:
                return str(value)

    def span(self, milliseconds: int) -> str:
        """How long, in the two largest units that say enough."""
        seconds = milliseconds // 1_000
        days, hours, minutes = seconds // 86_400, seconds // 3_600 % 24, seconds // 60 % 60
        if days:
            return self._("%(days)s d %(hours)s h") % {"days": days, "hours": hours}
        if hours:
            return self._("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
        if minutes:
            return self._("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": seconds % 60}
        return self._("%(n)s s") % {"n": seconds}

    def _code(self, kind: ValueKind, value: str) -> str:
        words = self._words
        match kind:
            case "method":
                return words.method(value)
            case "rate":
                return words.rate(value)
            case "alarm":
                return words.alarm(value)
            case "relay":
                return words.relay(value)
            case "use":
                return words.use(value)
            case "mode":
                return words.of(w.STANDING, value)
            case "ledger":
                return self._ledger(value)
            case "event":
                return self._event(value)
            case _:
                return value

    def _ledger(self, value: str) -> str:
        parts = value.split("/")
        named = [self._words.of(w.LEDGER, parts[0])]
        if parts[0] == "till":
            named += [parts[1], self._words.method(parts[2])]
        elif parts[0] == "revenue":
            named.append(self._words.of(w.LEDGER, parts[1]) if parts[1] in w.LEDGER else self._words.rate(parts[1]))
        return " / ".join(named)

    def _event(self, value: str) -> str:
        place, _, code = value.partition(":")
        words = self._words
        if place in _CODES:
            return words.of(_CODES[place], code)
        match place:
            case "relay":
                return words.relay(code)
            case "ordered":
                return self._("ordered: %(relay)s") % {"relay": words.relay(code)}
            case "cause":
                return words.cause(code)
            case "alarm":
                return words.alarm(code)
            case "test":
                return words.test(code)
            case "tested":
                return self._("relay test by %(name)s") % {"name": code}
            case "passed":
                return f"{self._('passed')} · {code}"
            case "failed":
                return f"{self._('not passed')} · {code}"
            case "step":
                return f"{int(code) / 1000:+.1f} s"
            case _:
                return code

    def sheet_kind(self, kind: ValueKind) -> CellKind:
        """What a column is in a workbook: numbers that are added up, moments, and text for all the rest."""
        return _SHEET_KINDS.get(kind, "text")

    def row(self, kinds: Sequence[ValueKind], row: Sequence[Value]) -> list[Cell]:
        """A row as cells."""
        return [self.sheet(kind, value) for kind, value in zip(kinds, row, strict=True)]

    def sheet(self, kind: ValueKind, value: Value) -> Cell:
        """A value as a cell."""
        if value is None:
            return None
        if isinstance(value, str) or kind not in _SHEET_KINDS:
            return self.text(kind, value)
        if kind == "moment":
            return self._moment(value)
        if kind in ("money", "exact", "price"):
            return value / UNIT_MICRO
        if kind == "percent":
            return value / 100
        return value / 1_000 if kind in ("energy", "power") else value

    def drawn(self, kind: ValueKind, value: int) -> float:
        """A figure as a drawing has it: in the unit that the head of its column names."""
        cell = self.sheet(kind, value)
        return float(cell) if isinstance(cell, (int, float)) else float(value)

    def _moment(self, at_ms: int) -> datetime:
        return self._show.local(at_ms).replace(tzinfo=None, microsecond=0)
