"""Tables of registers: what stands at an address, how it is told, how it is written.

A model's table (adf400l.py, dtsy1352.py) is rows of address, item, content and unit, as its manual prints them.
Here is what the rows are made of and how reads and writes run over them. No facts about any one meter.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from provisioning.simulator.electrical import Measurements
from provisioning.simulator.frames import ExceptionCode, Refusal
from provisioning.simulator.memory import MeterMemory

Words = tuple[int, ...]


@dataclass(slots=True)
class MeterFacts:
    """What a register can tell of.

    local_time: the face of the meter's own clock; its zone says UTC and means nothing.
    """

    memory: MeterMemory
    measured: Measurements
    local_time: datetime
    unit: int


Telling = Callable[[MeterFacts], int]
Hearing = Callable[[MeterFacts, Words], None]


@dataclass(frozen=True, slots=True)
class Content:
    """What one item holds: its width, how it is told, and (where it can be written) how it is taken in.

    `check` raises Refusal before anything of a request is taken in; `factory` names settings of a new meter.
    """

    registers: int
    tell: Callable[[MeterFacts], Words]
    hear: Hearing | None = None
    check: Callable[[Words], None] | None = None
    factory: tuple[tuple[str, int | tuple[int, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a manual's table."""

    address: int
    item: str
    content: Content
    unit: str = "-"


@dataclass(frozen=True, slots=True)
class Area:
    """A stretch of addresses that answers as a whole; what no row names in it is reserved and reads 0."""

    first: int
    last: int
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class BlockArea:
    """Addresses that each hold a whole record of `registers` words (the stride is 1)."""

    first: int
    last: int
    title: str
    registers: int
    tell: Callable[[MeterFacts, int], Words]


@dataclass(frozen=True, slots=True)
class Transaction:
    """Registers that are only taken in together, in one request."""

    address: int
    registers: int
    hear: Hearing


def u16(telling: Telling) -> Content:
    """An unsigned word; a value beyond it shows as its limit."""
    return Content(1, lambda facts: (min(max(telling(facts), 0), 0xFFFF),))


def i16(telling: Telling) -> Content:
    """A signed word; a value beyond it shows as its limit."""
    return Content(1, lambda facts: (min(max(telling(facts), -0x8000), 0x7FFF) & 0xFFFF,))


def u32(telling: Telling) -> Content:
    """Two words, high word first; a counter that wraps at its width."""
    return Content(2, lambda facts: split32(telling(facts)))


def i32(telling: Telling) -> Content:
    """Two words, high word first, signed; a value beyond them shows as its limit."""
    return Content(2, lambda facts: split32(min(max(telling(facts), -0x8000_0000), 0x7FFF_FFFF)))


def split32(value: int) -> Words:
    """`value` modulo 2^32 as two words, high word first."""
    return (value >> 16 & 0xFFFF, value & 0xFFFF)


def join32(words: Words) -> int:
    """Two words, high word first, as an unsigned number."""
    return words[0] << 16 | words[1]


def fixed(*words: int) -> Content:
    """Words that never change."""
    return Content(len(words), lambda _facts: words)


def setting(key: str, factory: int, low: int = 0, high: int = 0xFFFF, *, writable: bool = True) -> Content:
    """A word that the meter remembers under `key`; outside low..high a write is refused."""

    def check(words: Words) -> None:
        if not low <= words[0] <= high:
            raise Refusal(ExceptionCode.ILLEGAL_VALUE, f"{key} is {low}..{high}, not {words[0]}")

    def hear(facts: MeterFacts, words: Words) -> None:
        facts.memory.settings[key] = words[0]

    return Content(
        1,
        lambda facts: (facts.memory.settings[key],),
        hear if writable else None,
        check if writable else None,
        ((key, factory),),
    )


def setting32(key: str, factory: int, *, writable: bool = True) -> Content:
    """Two words, high word first, that the meter remembers under `key`."""

    def hear(facts: MeterFacts, words: Words) -> None:
        facts.memory.settings[key] = join32(words)

    return Content(
        2, lambda facts: split32(facts.memory.settings[key]), hear if writable else None, None, ((key, factory),)
    )


def table(key: str, factory: Words, check: Callable[[Words], None] | None = None) -> Content:
    """A run of words that is written as a whole and remembered under `key`."""

    def hear(facts: MeterFacts, words: Words) -> None:
        facts.memory.tables[key] = list(words)

    return Content(len(factory), lambda facts: tuple(facts.memory.tables[key]), hear, check, ((key, factory),))


class RegisterMap:
    """All registers of one model, and what a read or a write of any stretch of them does."""

    def __init__(
        self, areas: Sequence[Area], blocks: Sequence[BlockArea] = (), transactions: Sequence[Transaction] = ()
    ) -> None:
        self.areas = tuple(areas)
        self.blocks = tuple(blocks)
        self.transactions = tuple(transactions)
        self._row_at: dict[int, Row] = {}
        for area in self.areas:
            for row in area.rows:
                self._place(area, row)

    def _place(self, area: Area, row: Row) -> None:
        for address in range(row.address, row.address + row.content.registers):
            if address in self._row_at or not area.first <= address <= area.last:
                raise ValueError(f"{area.title}: {row.item} does not fit at {address:04X}")
            self._row_at[address] = row

    def factory_settings(self) -> tuple[dict[str, int], dict[str, list[int]]]:
        """What a meter fresh from the factory remembers: its words, its tables."""
        words: dict[str, int] = {}
        tables: dict[str, list[int]] = {}
        for area in self.areas:
            for row in area.rows:
                for key, value in row.content.factory:
                    if isinstance(value, int):
                        words[key] = value
                    else:
                        tables[key] = list(value)
        return words, tables

    def read(self, facts: MeterFacts, address: int, count: int) -> Words:
        """`count` words from `address`; raises Refusal 2 where an address does not exist."""
        for block in self.blocks:
            if block.first <= address <= block.last and count <= block.registers:
                return block.tell(facts, address - block.first)[:count]
        if not any(area.first <= address and address + count - 1 <= area.last for area in self.areas):
            raise Refusal(ExceptionCode.ILLEGAL_ADDRESS, f"no registers at {address:04X}..{address + count - 1:04X}")
        words: list[int] = []
        position = address
        while position < address + count:
            row = self._row_at.get(position)
            if row is None:
                words.append(0)
                position += 1
                continue
            told = row.content.tell(facts)[position - row.address :]
            words.extend(told)
            position += len(told)
        return tuple(words[:count])

    def write(self, facts: MeterFacts, address: int, words: Words) -> None:
        """Take in `words` from `address`, all of them or none; raises Refusal 2 or 3."""
        steps: list[tuple[Hearing, Words]] = []
        position = address
        end = address + len(words)
        while position < end:
            registers, hear, check = self._writable(position)
            part = words[position - address : position - address + registers]
            if len(part) < registers:
                raise Refusal(ExceptionCode.ILLEGAL_ADDRESS, f"the item at {position:04X} has {registers} registers")
            if check is not None:
                check(part)
            steps.append((hear, part))
            position += registers
        # A transaction may refuse by what the meter holds, so it goes first: nothing is half taken in.
        steps.sort(key=lambda step: all(step[0] is not transaction.hear for transaction in self.transactions))
        for hear, part in steps:
            hear(facts, part)

    def _writable(self, address: int) -> tuple[int, Hearing, Callable[[Words], None] | None]:
        for transaction in self.transactions:
            if transaction.address == address:
                return transaction.registers, transaction.hear, None
        row = self._row_at.get(address)
        if row is None or row.address != address or row.content.hear is None:
            raise Refusal(ExceptionCode.ILLEGAL_ADDRESS, f"{address:04X} cannot be written")
        return row.content.registers, row.content.hear, row.content.check
