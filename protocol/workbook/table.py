"""PURE: a sheet as a grid of cells to rows of values, with every mistake of form by its cell.

The heads are found by their words, in either language and any order; what other columns hold is the writer's own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from protocol.plan_labels import Mistake
from protocol.reason import Reason
from protocol.workbook import reasons
from protocol.workbook.cells import BadCell, cell_text, read_cell
from protocol.workbook.sheets import Column, Language, Sheet

Grid = Sequence[Sequence[object]]
"""Rows of cells from the sheet's first row on, empty ones included."""
HEAD_ROWS_MAX: Final = 10
"""So far down may the row of heads stand: titles and notes go above it."""
ROWS_MAX: Final = 20_000
"""More rows than any site has; a sheet that was filled down to Excel's end is a slip."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row that was filled: its values by column, and where each stands."""

    sheet: str
    number: int
    values: Mapping[str, Any]
    letters: Mapping[str, str]

    def place(self, column: str) -> str:
        """The cell as Excel names it."""
        return f"{self.sheet}!{self.letters.get(column, 'A')}{self.number}"

    def mistake(self, column: str, right: Reason) -> Mistake:
        """A mistake in one of this row's cells."""
        value = self.values.get(column)
        shown = ", ".join(map(str, value)) if isinstance(value, tuple) else repr(value)
        return Mistake(self.place(column), "" if value is None else shown, right)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of the sheets that list things."""

    boxes: Sequence[Row]
    tariffs: Sequence[Row]
    meters: Sequence[Row]
    customers: Sequence[Row]


@dataclass(slots=True)
class Table:
    """The rows of one sheet, and what is wrong with them."""

    rows: list[Row] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)


def read_table(sheet: Sheet, name: str, grid: Grid, language: Language) -> Table:
    """Read a sheet whose heads stand in a row. A row in which nothing is filled is passed over."""
    table = Table()
    found = _find_heads(sheet, grid)
    if found is None:
        heads = ", ".join(column.words.of(language) for column in sheet.columns if column.required)
        table.mistakes.append(Mistake(name, "", reasons.NO_HEADS(heads=heads)))
        return table
    head_row, columns = found
    missing = [c.words.of(language) for c in sheet.columns if c.required and c.name not in columns]
    if missing:
        table.mistakes.append(Mistake(f"{name}!{head_row + 1}", "", reasons.HEADS_MISSING(heads=", ".join(missing))))
        return table
    if len(grid) - head_row - 1 > ROWS_MAX:
        table.mistakes.append(Mistake(name, str(len(grid)), reasons.TOO_MANY_ROWS(most=ROWS_MAX)))
        return table
    letters = {column: letter_of(index) for column, index in columns.items()}
    for index in range(head_row + 1, len(grid)):
        cells = {column: _at(grid[index], place) for column, place in columns.items()}
        if any(cell_text(value) for value in cells.values()):
            table.rows.append(
                _read_row(sheet, cells, Row(name, index + 1, {}, letters), language, table.mistakes.append)
            )
    return table


def read_pairs(sheet: Sheet, name: str, grid: Grid, language: Language) -> Table:
    """Read a sheet of one thing: a word in the first column, its value in the second."""
    table = Table()
    named: dict[str, tuple[int, object]] = {}
    for index, line in enumerate(grid):
        word = cell_text(_at(line, 0)).casefold()
        for column in sheet.columns:
            if word in column.words.both():
                named[column.name] = (index + 1, _at(line, 1))
    values: dict[str, Any] = {}
    for column in sheet.columns:
        number, value = named.get(column.name, (0, None))
        row = Row(name, number, {}, {column.name: "B"})
        if not number and column.required:
            table.mistakes.append(Mistake(name, "", reasons.ROW_MISSING(head=column.words.of(language))))
        else:
            values |= _read_row(
                Sheet(sheet.name, sheet.words, (column,)), {column.name: value}, row, language, table.mistakes.append
            ).values
    table.rows.append(Row(name, 1, values, {column.name: "B" for column in sheet.columns}))
    return table


def _read_row(
    sheet: Sheet, cells: Mapping[str, object], row: Row, language: Language, tell: Callable[[Mistake], None]
) -> Row:
    """The row with its values; a cell that cannot be taken is told and left out of them."""
    values: dict[str, Any] = {}
    for column in sheet.columns:
        value = cells.get(column.name)
        text = cell_text(value)
        if text:
            try:
                values[column.name] = read_cell(column.kind, value, language)
            except BadCell as fault:
                tell(Mistake(row.place(column.name), repr(text), fault.reason))
        elif column.required:
            tell(Mistake(row.place(column.name), "", reasons.MISSING(head=column.words.of(language))))
        else:
            values[column.name] = column.absent
    return Row(row.sheet, row.number, values, row.letters)


def _find_heads(sheet: Sheet, grid: Grid) -> tuple[int, dict[str, int]] | None:
    """The row in which most heads stand, and the place of each."""
    best: tuple[int, dict[str, int]] | None = None
    for index, line in enumerate(grid[:HEAD_ROWS_MAX]):
        found = _heads_in(sheet.columns, line)
        if len(found) > (len(best[1]) if best else 1):
            best = (index, found)
    return best


def _heads_in(columns: Sequence[Column], line: Sequence[object]) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, cell in enumerate(line):
        word = cell_text(cell).casefold().rstrip("*").strip()
        for column in columns:
            if column.name not in found and word in column.words.both():
                found[column.name] = place
    return found


def _at(line: Sequence[object], place: int) -> object:
    return line[place] if place < len(line) else None


def letter_of(index: int) -> str:
    """The name of a column, counted from 0: A, B, … Z, AA."""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(ord("A") + rest) + name
    return name
