"""PURE: a whole import workbook to a plan with labels, or every mistake by sheet and cell."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from protocol.plan_labels import Mistake
from protocol.workbook import reasons
from protocol.workbook.checks import mistakes_across
from protocol.workbook.plan import plan_of
from protocol.workbook.sheets import BOXES, CUSTOMERS, METERS, SHEETS, SITE, TARIFFS, Language
from protocol.workbook.table import Grid, Rows, Table, read_pairs, read_table


@dataclass(slots=True)
class ReadWorkbook:
    """What a workbook says: a plan with labels where the wire wants ids, or its mistakes."""

    plan: dict[str, Any] | None = None
    mistakes: list[Mistake] = field(default_factory=list)


def read_workbook(sheets: Mapping[str, Grid], profiles: frozenset[str], tzdata: str) -> ReadWorkbook:
    """Read all sheets. `profiles` are the meter models that are known, `tzdata` the pinned release of zone data."""
    tables: dict[str, Table] = {}
    read = ReadWorkbook()
    language = language_of(sheets)
    for sheet in SHEETS:
        name = next((name for name in sheets if name.strip().casefold() in sheet.words.both()), None)
        if name is None:
            read.mistakes.append(Mistake("workbook", "", reasons.NO_SHEET(sheet=sheet.words.of(language))))
            tables[sheet.name] = Table()
            continue
        take = read_pairs if sheet is SITE else read_table
        tables[sheet.name] = take(sheet, name, sheets[name], language)
        read.mistakes += tables[sheet.name].mistakes
    boxes, tariffs, meters, customers = (tables[sheet.name].rows for sheet in (BOXES, TARIFFS, METERS, CUSTOMERS))
    read.mistakes += mistakes_across(Rows(boxes, tariffs, meters, customers), profiles, language)
    if not read.mistakes:
        read.plan = plan_of(tables[SITE.name].rows[0], Rows(boxes, tariffs, meters, customers), tzdata)
    return read


def language_of(sheets: Mapping[str, Grid]) -> Language:
    """The language of a workbook: that of most of its sheets' names."""
    names = {name.strip() for name in sheets}
    return "zh_CN" if 2 * sum(sheet.words.zh in names for sheet in SHEETS) > len(SHEETS) else "en"
