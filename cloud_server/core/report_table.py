"""What a report is: tables of raw values with their kinds, what is lacking, and when it was made. Values only.

How a kind is written on a page or in a workbook is told where pages and workbooks are made; no words stand here.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, TypeVar, overload

from protocol.units import Ms

ValueKind = Literal[
    "text", "day", "moment", "span", "money", "exact", "price", "energy", "power", "count", "percent",
    "ratio", "method", "rate", "alarm", "relay", "cause", "mode", "event", "ledger", "state", "building", "use",
    "command_state",
]  # fmt: skip
"""Amounts are micro-units (`exact` is shown to a hundredth of a fen), energy Wh, power W, `moment` UTC ms, `span` ms,
`percent` hundredths of a percent, `ratio` "n:m"; from `method` on they are codes."""
Value = str | int | None
FIGURES: frozenset[ValueKind] = frozenset({"money", "exact", "price", "energy", "power", "count", "percent"})
"""Kinds that are added up and stand to the right."""

ReportKind = Literal[
    "sales", "energy", "income", "compare", "hours", "loss", "vacant", "balances", "registers", "lost", "trial",
    "rollforward", "statement", "proof", "modes", "alarms", "events", "audit",
]  # fmt: skip
Step = Literal["day", "month", "year", "all"]


Row = TypeVar("Row")


class MadeRows(Sequence[Row]):
    """Rows that are made as they are read, each time anew: a hundred thousand need no more room than their figures."""

    def __init__(self, count: int, make: Callable[[], Iterator[Row]]) -> None:
        self._count = count
        self._make = make

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Row]:
        return self._make()

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...

    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            first, behind, step = place.indices(self._count)
            return list(islice(self._make(), first, behind, step))
        at = range(self._count)[place]
        return next(islice(self._make(), at, at + 1))


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its key (the word is looked up) and what kind of values it holds."""

    key: str
    kind: ValueKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTable:
    """Rows under columns. `total` has a value for each column, None where nothing is added up."""

    title: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Value, ...]]
    total: tuple[Value, ...] | None = None
    chart: tuple[int, int] | None = None
    """The columns of label and height where the table is worth drawing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """What the report does not hold: `lost` or `held` a meter, `silent` a box whose records end at `since_ms`, `parked`
    one whose batches wait for a person, `cut` rows beyond the most that are shown."""

    why: Literal["silent", "parked", "never", "cut", "lost", "held"]
    box_name: str = ""
    since_ms: Ms | None = None
    meter: str = ""
    """The supply point of a meter that is lost or held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One pair above the tables, such as the opening balance of a statement."""

    key: str
    kind: ValueKind
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportQuery:
    """What was asked. Days are of the site's calendar, both included."""

    kind: ReportKind
    from_day: str
    to_day: str
    step: Step = "day"
    place: str = ""
    """A building, box or bus."""
    operator: str = ""
    method: str = ""
    account: str = ""
    text: str = ""
    """A code or words that the report itself knows what to do with."""
    state: str = ""
    looks_at_lines: bool = True
    """False: only what a proof can show at once, before it has looked at every signed line and at the days before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report as of one moment."""

    query: ReportQuery
    made_at_ms: Ms
    tables: tuple[ReportTable, ...]
    facts: tuple[Fact, ...] = ()
    lacks: tuple[Lack, ...] = ()


def totals(columns: Sequence[Column], rows: Iterable[tuple[Value, ...]], keys: frozenset[str]) -> tuple[Value, ...]:
    """The sum of each column whose key is named; None for the others."""
    added = {place: 0 for place, column in enumerate(columns) if column.key in keys}
    for row in rows:
        for place in added:
            value = row[place]
            if isinstance(value, int):
                added[place] += value
    return tuple(added.get(place) for place in range(len(columns)))
