"""A payment provider's daily file, read into payments or into every mistake in it by row."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Final

from cloud_server.core.mistakes import Mistake
from cloud_server.core.settlement import Payment
from protocol.units import BadAmount, Micro, amount_from_text

ROWS_MAX: Final = 100_000
"""A day of a large city's provider; a site has hundreds."""
COLUMNS: Final = ("transaction", "amount")
MISTAKES_MAX: Final = 100
"""Enough to see what is wrong with a file."""


def read_file(text: str) -> tuple[list[Payment], list[Mistake]]:
    """A provider's file: CSV with a head, of which `transaction` and `amount` count; or every mistake in it by row."""
    reader = csv.reader(StringIO(text.removeprefix("\ufeff")))
    try:
        head = [name.strip().lower() for name in next(reader, [])]
        missing = [name for name in COLUMNS if head.count(name) != 1]
        if missing:
            return [], [Mistake("head", ",".join(head)[:80], f"must have the column {name} once") for name in missing]
        return _rows(reader, head.index("transaction"), head.index("amount"))
    except csv.Error as fault:
        return [], [Mistake(f"row {reader.line_num}", "", f"is no CSV: {fault}")]


def _rows(reader: Iterable[Sequence[str]], name: int, amount: int) -> tuple[list[Payment], list[Mistake]]:
    found: list[Payment] = []
    wrong: list[Mistake] = []
    for number, row in enumerate(reader, 2):
        if not any(cell.strip() for cell in row):
            continue
        if len(found) >= ROWS_MAX or len(wrong) >= MISTAKES_MAX:
            wrong.append(
                Mistake(f"row {number}", "", f"at most {ROWS_MAX} rows are taken, {MISTAKES_MAX} mistakes told")
            )
            break
        if len(row) <= max(name, amount) or not row[name].strip():
            wrong.append(Mistake(f"row {number}", ",".join(row)[:80], "must name a transaction and an amount"))
            continue
        try:
            found.append(Payment(row[name].strip(), signed_amount(row[amount])))
        except BadAmount as fault:
            wrong.append(Mistake(f"row {number}, amount", row[amount][:40], str(fault)[:120]))
    return found, wrong


def signed_amount(text: str) -> Micro:
    """An amount that may be paid back: "100.00" or "-100.00". Raises BadAmount."""
    said = text.strip()
    return -amount_from_text(said[1:]) if said.startswith("-") else amount_from_text(said)
