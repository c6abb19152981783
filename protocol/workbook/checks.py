"""PURE: what spans the rows of an import workbook, judged where the cell is known.

Names that stand twice, references that lead nowhere, two meters at one address, alarm levels in the wrong order. The
plan's own check (`site_plan.read_plan`) follows.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from protocol.plan_labels import Mistake
from protocol.reason import Reason
from protocol.workbook import reasons
from protocol.workbook.sheets import BOXES, METERS, TARIFFS, Language
from protocol.workbook.table import Row, Rows


def mistakes_across(rows: Rows, profiles: frozenset[str], language: Language) -> Iterator[Mistake]:
    """Every mistake that no cell shows by itself; rows with cells that could not be read are judged by the rest."""
    yield from _twice(rows.boxes, "bus")
    yield from _twice(rows.meters, "meter")
    yield from _known(rows.meters, "bus", {row.values.get("bus") for row in rows.boxes}, BOXES.words.of(language))
    tariffs = {row.values.get("tariff") for row in rows.tariffs}
    yield from _known(rows.meters, "tariff", tariffs, TARIFFS.words.of(language))
    for row in rows.meters:
        if "profile" in row.values and row.values["profile"] not in profiles:
            yield row.mistake("profile", reasons.UNKNOWN_MODEL(names=", ".join(sorted(profiles))))
    yield from _same_place(rows.meters, ("bus", "unit"), "unit", reasons.SAME_ADDRESS)
    yield from _boxes_stay_in_one_building(rows.boxes)
    yield from _shops_are_one(rows)
    yield from _tariff_mistakes(rows.tariffs)
    yield from _customer_mistakes(rows, METERS.words.of(language))


def _twice(rows: Sequence[Row], column: str) -> Iterator[Mistake]:
    first: dict[Any, Row] = {}
    for row in rows:
        value = row.values.get(column)
        if value is not None and first.setdefault(value, row) is not row:
            yield row.mistake(column, reasons.TWICE(row=first[value].number))


def _known(rows: Sequence[Row], column: str, known: set[Any], sheet: str) -> Iterator[Mistake]:
    for row in rows:
        if column in row.values and row.values[column] not in known:
            names = ", ".join(sorted(str(name) for name in known if name is not None))
            right = reasons.NOT_IN_SHEET(sheet=sheet, names=names) if names else reasons.SHEET_EMPTY(sheet=sheet)
            yield row.mistake(column, right)


def _same_place(rows: Sequence[Row], columns: tuple[str, ...], at: str, right: Reason) -> Iterator[Mistake]:
    first: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        if all(column in row.values for column in columns):
            key = tuple(row.values[column] for column in columns)
            if first.setdefault(key, row) is not row:
                yield row.mistake(at, right(meter=first[key].values.get("meter"), row=first[key].number))


def _boxes_stay_in_one_building(rows: Sequence[Row]) -> Iterator[Mistake]:
    first: dict[str, Row] = {}
    for row in rows:
        if "box" in row.values and "building" in row.values:
            earlier = first.setdefault(row.values["box"], row)
            if earlier.values["building"] != row.values["building"]:
                right = reasons.BOX_ELSEWHERE(box=row.values["box"], building=earlier.values["building"])
                yield row.mistake("building", right)


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
            yield row.mistake("number", reasons.SHOP_DIFFERS(row=earlier.number))


def _tariff_mistakes(rows: Sequence[Row]) -> Iterator[Mistake]:
    by_name: dict[str, list[Row]] = {}
    for row in rows:
        by_name.setdefault(row.values.get("tariff", ""), []).append(row)
    for of_one in by_name.values():
        rates = [row.values.get("rate") for row in of_one]
        taken: dict[str, Row] = {}
        for place, row in enumerate(of_one):
            if row.values.get("starts_at") != of_one[0].values.get("starts_at"):
                yield row.mistake("starts_at", reasons.OTHER_DAY(row=of_one[0].number))
            if row.values.get("rate") is not None and rates.index(row.values["rate"]) < place:
                yield row.mistake("rate", reasons.RATE_TWICE)
            if len(of_one) > 1 and not row.values.get("times", ("?",)):
                yield row.mistake("times", reasons.NO_TIMES)
            for time in row.values.get("times", ()):
                if taken.setdefault(time, row) is not row:
                    yield row.mistake("times", reasons.TIME_TAKEN(time=time, row=taken[time].number))


def _customer_mistakes(rows: Rows, sheet: str) -> Iterator[Mistake]:
    box_of_bus = {row.values.get("bus"): row.values.get("box") for row in rows.boxes}
    box_of = {row.values.get("meter"): box_of_bus.get(row.values.get("bus")) for row in rows.meters}
    fed: dict[str, Row] = {}
    holder: dict[str, Row] = {}
    for row in rows.customers:
        values = row.values
        for meter in values.get("meters", ()):
            if meter not in box_of:
                yield row.mistake("meters", reasons.NO_SUCH_METER(meter=meter, sheet=sheet))
            if fed.setdefault(meter, row) is not row:
                yield row.mistake("meters", reasons.METER_TAKEN(meter=meter, row=fed[meter].number))
        boxes = {box_of.get(meter) for meter in values.get("meters", ())} - {None}
        if len(boxes) > 1:
            yield row.mistake("meters", reasons.SEVERAL_BOXES(boxes=", ".join(sorted(map(str, boxes)))))
        if "account" in values:
            earlier = holder.setdefault(values["account"], row)
            if earlier.values.get("customer") != values.get("customer"):
                yield row.mistake("account", reasons.ACCOUNT_TAKEN(row=earlier.number))
        yield from _level_mistakes(row)


def _level_mistakes(row: Row) -> Iterator[Mistake]:
    levels = [row.values.get(name) for name in ("alarm1_micro", "alarm2_micro", "credit_limit_micro")]
    if None in levels:
        return
    alarm1, alarm2, credit = (int(level) for level in levels if level is not None)
    if alarm1 <= alarm2:
        yield row.mistake("alarm1_micro", reasons.ALARM_ORDER)
    if alarm2 < -credit:
        yield row.mistake("alarm2_micro", reasons.ALARM_BELOW_CUT)
