"""PURE: what spans the rows of an import workbook, judged where the cell is known.

Names that stand twice, references that lead nowhere, two meters at one address, alarm levels in the wrong order. The
plan's own check (`site_plan.read_plan`) follows.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from protocol.plan_labels import Mistake
from protocol.workbook.sheets import BOXES, METERS, TARIFFS
from protocol.workbook.table import Row, Rows


def mistakes_across(rows: Rows, profiles: frozenset[str]) -> Iterator[Mistake]:
    """Every mistake that no cell shows by itself; rows with cells that could not be read are judged by the rest."""
    yield from _twice(rows.boxes, "bus")
    yield from _twice(rows.meters, "meter")
    yield from _known(rows.meters, "bus", {row.values.get("bus") for row in rows.boxes}, BOXES.words.en)
    yield from _known(rows.meters, "tariff", {row.values.get("tariff") for row in rows.tariffs}, TARIFFS.words.en)
    for row in rows.meters:
        if "profile" in row.values and row.values["profile"] not in profiles:
            yield row.mistake("profile", f"not a model that is known; known are {', '.join(sorted(profiles))}")
    yield from _same_place(rows.meters, ("bus", "unit"), "unit", "this address on this bus has meter")
    yield from _boxes_stay_in_one_building(rows.boxes)
    yield from _shops_are_one(rows)
    yield from _tariff_mistakes(rows.tariffs)
    yield from _customer_mistakes(rows)


def _twice(rows: Sequence[Row], column: str) -> Iterator[Mistake]:
    first: dict[Any, Row] = {}
    for row in rows:
        value = row.values.get(column)
        if value is not None and first.setdefault(value, row) is not row:
            yield row.mistake(column, f"stands in row {first[value].number} already")


def _known(rows: Sequence[Row], column: str, known: set[Any], sheet: str) -> Iterator[Mistake]:
    for row in rows:
        if column in row.values and row.values[column] not in known:
            names = ", ".join(sorted(str(name) for name in known if name is not None))
            yield row.mistake(column, f"not in the sheet {sheet}, which has {names or 'nothing'}")


def _same_place(rows: Sequence[Row], columns: tuple[str, ...], at: str, text: str) -> Iterator[Mistake]:
    first: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        if all(column in row.values for column in columns):
            key = tuple(row.values[column] for column in columns)
            if first.setdefault(key, row) is not row:
                yield row.mistake(at, f"{text} {first[key].values.get('meter')} of row {first[key].number} already")


def _boxes_stay_in_one_building(rows: Sequence[Row]) -> Iterator[Mistake]:
    first: dict[str, Row] = {}
    for row in rows:
        if "box" in row.values and "building" in row.values:
            earlier = first.setdefault(row.values["box"], row)
            if earlier.values["building"] != row.values["building"]:
                yield row.mistake("building", f"box {row.values['box']} stands in {earlier.values['building']!r} above")


def _shops_are_one(rows: Rows) -> Iterator[Mistake]:
    """One shop number is one supply point: one name, one use, one building."""
    building = {row.values.get("bus"): row.values.get("building") for row in rows.boxes}
    first: dict[str, tuple[Row, tuple[Any, ...]]] = {}
    for row in rows.meters:
        if "number" not in row.values:
            continue
        said = tuple(row.values.get(column) for column in ("shop", "use"))
        here = (*said, building.get(row.values.get("bus")))
        earlier, other = first.setdefault(row.values["number"], (row, here))
        if other != here:
            yield row.mistake("number", f"row {earlier.number} has this shop with another name, use or building")


def _tariff_mistakes(rows: Sequence[Row]) -> Iterator[Mistake]:
    by_name: dict[str, list[Row]] = {}
    for row in rows:
        by_name.setdefault(row.values.get("tariff", ""), []).append(row)
    for of_one in by_name.values():
        rates = [row.values.get("rate") for row in of_one]
        taken: dict[str, Row] = {}
        for place, row in enumerate(of_one):
            if row.values.get("starts_at") != of_one[0].values.get("starts_at"):
                yield row.mistake("starts_at", f"row {of_one[0].number} of the same tariff has another day")
            if row.values.get("rate") is not None and rates.index(row.values["rate"]) < place:
                yield row.mistake("rate", "stands twice in this tariff: several times go into one cell")
            if len(of_one) > 1 and not row.values.get("times", ("?",)):
                yield row.mistake("times", "with several rates each needs the times at which it begins")
            for time in row.values.get("times", ()):
                if taken.setdefault(time, row) is not row:
                    yield row.mistake("times", f"{time} begins the rate of row {taken[time].number} already")


def _customer_mistakes(rows: Rows) -> Iterator[Mistake]:
    box_of_bus = {row.values.get("bus"): row.values.get("box") for row in rows.boxes}
    box_of = {row.values.get("meter"): box_of_bus.get(row.values.get("bus")) for row in rows.meters}
    fed: dict[str, Row] = {}
    holder: dict[str, Row] = {}
    for row in rows.customers:
        values = row.values
        for meter in values.get("meters", ()):
            if meter not in box_of:
                yield row.mistake("meters", f"{meter} is not in the sheet {METERS.words.en}")
            if fed.setdefault(meter, row) is not row:
                yield row.mistake("meters", f"{meter} belongs to row {fed[meter].number} already")
        boxes = {box_of.get(meter) for meter in values.get("meters", ())} - {None}
        if len(boxes) > 1:
            yield row.mistake("meters", f"hang on the boxes {', '.join(sorted(map(str, boxes)))}: one row for each")
        if "account" in values:
            earlier = holder.setdefault(values["account"], row)
            if earlier.values.get("customer") != values.get("customer"):
                yield row.mistake("account", f"row {earlier.number} has this account for another customer")
        yield from _level_mistakes(row)


def _level_mistakes(row: Row) -> Iterator[Mistake]:
    levels = [row.values.get(name) for name in ("alarm1_micro", "alarm2_micro", "credit_limit_micro")]
    if None in levels:
        return
    alarm1, alarm2, credit = (int(level) for level in levels if level is not None)
    if alarm1 <= alarm2:
        yield row.mistake("alarm1_micro", "alarm 1 must lie above alarm 2")
    if alarm2 < -credit:
        yield row.mistake("alarm2_micro", "alarm 2 must not lie below the balance at which supply is cut")
