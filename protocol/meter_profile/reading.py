"""Reads a meter profile from its text and checks it: all mistakes at once, each with file, key, value and reason.

A profile is data: a new meter needs no code. Some come with the agent; a site's own come as text in `configure`. The
format: `docs/meter-profiles.md`. Relay, clock and serial number are read in `parts`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from protocol.meter_profile import reasons
from protocol.meter_profile import words as profile_words
from protocol.meter_profile.blocks import plan_blocks
from protocol.meter_profile.frames import READ_REGISTER_FUNCTIONS
from protocol.meter_profile.parts import read_clock, read_relay, read_serial, read_unit_id
from protocol.meter_profile.table import Mistake, ProfileError, ProfileTable, listed, read_text
from protocol.meter_profile.values import Area, Grade, Profile, Quantity, Ratio, RegisterType, WordOrder
from protocol.meter_profile.words import (
    DEFAULT_TURNAROUND_MS,
    LONGEST_SILENCE_MS,
    LONGEST_TURNAROUND_MS,
    Dimension,
    reported_key,
)
from protocol.reason import Reason

GREATEST_ADDRESS = 0xFFFF
LONGEST_READ = 125
"""Registers in one request (MODBUS Application Protocol V1.1b3, 6.3)."""
MOST_READ_MULTIPLE = 4
"""Some makes read whole numbers only: two registers, or four."""
MOST_UNITS_PER_USER = 16
MOST_BCD_REGISTERS = 4
"""16 digits: the most that stays below 2^53."""

_REGISTERS = {
    RegisterType.U16: 1,
    RegisterType.I16: 1,
    RegisterType.U32: 2,
    RegisterType.I32: 2,
    RegisterType.U64: 4,
    RegisterType.F32: 2,
}
_UNSIGNED = (RegisterType.U16, RegisterType.U32, RegisterType.U64)
_REGISTER_TYPES = [str(kind) for kind in RegisterType]
_GRADES = [str(grade) for grade in Grade]


def load_profile(text: str, name: str) -> Profile:
    """Read a profile. Raises ProfileError with all mistakes; `name` stands for the file in them."""
    file = f"{name}.toml"
    mistakes: list[Mistake] = []
    top = ProfileTable(file, "", read_text(text, file), mistakes)
    profile = _read_profile(top, name)
    if not mistakes:
        mistakes += [Mistake(file, key, value, reason) for key, value, reason in plan_blocks(profile).mistakes]
    if mistakes:
        raise ProfileError(mistakes)
    return profile


def _read_profile(top: ProfileTable, name: str) -> Profile:
    top.one_of("format", (profile_words.FORMAT,))
    top.word("kind", (profile_words.METER_KIND,), profile_words.METER_KIND)
    line = _read_line(top)
    grade = Grade(top.word("grade", _GRADES))
    reader = _QuantityReader(top, grade, line.longest_read)
    known = profile_words.QUANTITIES
    quantities = reader.named("quantities", known.get, reasons.UNKNOWN_QUANTITY, known)
    rates = reader.named("rates", lambda _: profile_words.ENERGY, reasons.UNKNOWN_QUANTITY, {}, ratio=Ratio.CT_PT)
    prepaid, prepaid_grade = _read_prepaid(top, reader)
    energy = quantities.pop(profile_words.CHARGED_KEY, None)
    if energy is None:
        top.wrong("quantities.energy", reasons.NO_ENERGY)
        energy = reader.nothing()
    profile = Profile(
        name=name,
        vendor=top.text("vendor"),
        model=top.text("model"),
        grade=grade,
        sources=top.texts("sources"),
        phases=top.integer("phases", 1, 3),
        units_per_user=top.integer("units_per_user", 1, MOST_UNITS_PER_USER, 1),
        silence_ms=line.silence_ms,
        turnaround_ms=line.turnaround_ms,
        longest_read=line.longest_read,
        read_multiple=line.read_multiple,
        areas=_read_areas(top),
        energy=energy,
        quantities=quantities,
        rates={key.removesuffix(profile_words.ENERGY.suffix): rate for key, rate in rates.items()},
        enforcement=_enforcement(quantities),
        relay=read_relay(top, _GRADES),
        clock=read_clock(top),
        serial=read_serial(top),
        prepaid=prepaid,
        prepaid_grade=prepaid_grade,
        unit_id=read_unit_id(top, _GRADES),
    )
    top.finish()
    return profile


@dataclass(frozen=True, slots=True)
class _LineFacts:
    longest_read: int
    read_multiple: int
    silence_ms: int
    turnaround_ms: int


def _read_line(top: ProfileTable) -> _LineFacts:
    table = top.table("line", needed=True)
    if table is None:
        return _LineFacts(LONGEST_READ, 1, 0, DEFAULT_TURNAROUND_MS)
    facts = _LineFacts(
        longest_read=table.integer("longest_read", 1, LONGEST_READ),
        read_multiple=table.integer("read_multiple", 1, MOST_READ_MULTIPLE, 1),
        silence_ms=table.integer("silence_ms", 0, LONGEST_SILENCE_MS, 0),
        turnaround_ms=table.integer("turnaround_ms", 1, LONGEST_TURNAROUND_MS, DEFAULT_TURNAROUND_MS),
    )
    table.finish()
    return facts


def _enforcement(quantities: Mapping[str, Quantity]) -> tuple[str, ...]:
    """What every cycle reads beside the relay: energy, and power where the meter has it."""
    return (profile_words.CHARGED_KEY, *(key for key in ("power_w",) if key in quantities))


def _read_areas(top: ProfileTable) -> tuple[Area, ...]:
    areas = []
    for table in top.tables("areas"):
        function = table.one_of("function", READ_REGISTER_FUNCTIONS, 3)
        first = table.integer("first", 0, GREATEST_ADDRESS)
        last = table.integer("last", 0, GREATEST_ADDRESS)
        if last < first:
            table.wrong("last", reasons.AREA_ENDS(first=f"{first:#06x}"))
        table.finish()
        areas.append(Area(function, first, last))
    return tuple(areas)


def _read_prepaid(top: ProfileTable, reader: _QuantityReader) -> tuple[dict[str, Quantity], Grade | None]:
    table = top.table("prepaid")
    if table is None:
        return {}, None
    grade = Grade(table.word("grade", _GRADES))

    def dimension_of(name: str) -> Dimension | None:
        return profile_words.MONEY if name.startswith(profile_words.PRICE_PREFIX) else profile_words.PREPAID.get(name)

    block = reader.named_in(table, dimension_of, reasons.UNKNOWN_PREPAID, profile_words.PREPAID, skip=("grade",))
    return block, grade


class _QuantityReader:
    """Reads tables of quantities with the file's own defaults."""

    def __init__(self, top: ProfileTable, grade: Grade, longest_read: int) -> None:
        defaults = top.table("defaults")
        self._top = top
        self._grade = grade
        self._longest_read = longest_read
        self._function = defaults.one_of("function", READ_REGISTER_FUNCTIONS, 3) if defaults else 3
        order = WordOrder.HIGH_FIRST
        if defaults:
            order = WordOrder(defaults.word("word_order", [str(each) for each in WordOrder], order))
            defaults.finish()
        self._order = order

    def named(
        self,
        key: str,
        dimension_of: Callable[[str], Dimension | None],
        unknown: Reason,
        known: Mapping[str, Dimension],
        ratio: Ratio = Ratio.NONE,
    ) -> dict[str, Quantity]:
        """All quantities of a table of the file, by reported key."""
        table = self._top.table(key, needed=key == "quantities")
        return self.named_in(table, dimension_of, unknown, known, ratio=ratio) if table else {}

    def named_in(
        self,
        table: ProfileTable,
        dimension_of: Callable[[str], Dimension | None],
        unknown: Reason,
        known: Mapping[str, Dimension],
        *,
        ratio: Ratio = Ratio.NONE,
        skip: tuple[str, ...] = (),
    ) -> dict[str, Quantity]:
        """The same for a table in hand."""
        found: dict[str, Quantity] = {}
        for name in table.names():
            if name in skip:
                continue
            row = table.table(name)
            dimension = dimension_of(name)
            if dimension is None:
                near = difflib.get_close_matches(name, known, n=3) or list(known)
                table.wrong(name, unknown(near=listed(near)))
            elif row is not None and table.name_is_plain(name):
                quantity = self._quantity(row, name, dimension, ratio)
                found[quantity.key] = quantity
        table.finish()
        return found

    def _quantity(self, row: ProfileTable, name: str, dimension: Dimension, ratio: Ratio) -> Quantity:
        address = row.integer("address", 0, GREATEST_ADDRESS)
        kind = RegisterType(row.word("type", _REGISTER_TYPES))
        registers = _REGISTERS.get(kind) or row.integer("registers", 1, MOST_BCD_REGISTERS)
        unit = row.word("unit", list(dimension.units))
        scale = row.fraction("scale", Fraction(1)) * dimension.units[unit]
        if address + registers - 1 > GREATEST_ADDRESS:
            row.wrong("address", reasons.BEYOND(registers=registers))
        if registers > self._longest_read:
            row.wrong("type", reasons.TOO_WIDE(registers=registers, longest=self._longest_read))
        quantity = Quantity(
            name=name,
            key=reported_key(name, dimension),
            address=address,
            function=row.one_of("function", READ_REGISTER_FUNCTIONS, self._function),
            type=kind,
            registers=registers,
            word_order=WordOrder(row.word("word_order", [str(each) for each in WordOrder], self._order)),
            scale=scale,
            ratio=Ratio(row.word("ratio", [str(each) for each in Ratio], ratio)),
            least=dimension.least,
            greatest=dimension.greatest,
            wrap=self._wrap(row, kind, registers, scale),
            grade=Grade(row.word("grade", _GRADES, self._grade)),
        )
        row.finish()
        return quantity

    def _wrap(self, row: ProfileTable, kind: RegisterType, registers: int, scale: Fraction) -> int | None:
        """Where the register starts again: its width, unless the file says that it ends earlier (`wraps_at`)."""
        if kind in _UNSIGNED:
            widest = 2 ** (16 * registers)
        elif kind is RegisterType.BCD:
            widest = 10 ** (4 * registers)
        else:
            if "wraps_at" in row:
                row.wrong("wraps_at", reasons.NO_WRAP(type=kind))
            return None
        raw = row.integer("wraps_at", 2, widest, widest)
        wrap = raw * scale
        if wrap.denominator != 1 and not row.is_wrong("unit"):
            row.wrong("scale", reasons.UNEVEN_WRAP(wrap=wrap))
        return int(wrap)

    def nothing(self) -> Quantity:
        """Stands in for a missing energy register while the rest of the file is read."""
        return Quantity(
            name=profile_words.CHARGED,
            key=profile_words.CHARGED_KEY,
            address=0,
            function=3,
            type=RegisterType.U32,
            registers=2,
            word_order=self._order,
            scale=Fraction(1),
            ratio=Ratio.NONE,
            least=0,
            greatest=0,
            wrap=None,
            grade=self._grade,
        )
