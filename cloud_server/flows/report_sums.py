"""Figures by period, supply point and rate, held tightly, and their rows made as they are read. Part of `read_reports`.

A quarter day by day at two thousand points is two hundred thousand rows: here they are some tens of bytes each.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cloud_server.core.report_table import MadeRows, Value
from cloud_server.flows.report_basis import Basis

_RATES_FIRST = ("sharp", "peak", "flat", "valley", "deep_valley")


def rate_order(rate: str) -> tuple[int, str]:
    """Where a rate stands among the columns: the usual ones by price, others by name."""
    return (_RATES_FIRST.index(rate) if rate in _RATES_FIRST else len(_RATES_FIRST), rate)


@dataclass(frozen=True, slots=True)
class Place:
    """A supply point, as rows name it."""

    building: str
    box: str
    number: str
    name: str
    use: str


@dataclass(slots=True)
class _Period:
    """One period: for each place whether anything is known of it, and its figure by column."""

    known: bytearray
    columns: dict[str, "array[int]"] = field(default_factory=dict)


class PeriodSums:
    """Figures of all places of a report, by period and column."""

    def __init__(self, basis: Basis) -> None:
        self.places: list[Place] = []
        self.place_of: dict[str, int] = {}
        """Which place a meter serves or served; one that is not in this report is not in it."""
        self._periods: dict[str, _Period] = {}
        self._names: dict[str, str] = {}
        for point, meters, box in basis.served():
            building = self._names.setdefault(point.building, basis.building_name(point.building))
            self.place_of |= dict.fromkeys(meters, len(self.places))
            self.places.append(Place(building, box.name, point.number, point.name, point.use))

    def figures(self, period: str, columns: Sequence[str]) -> tuple[bytearray, list["array[int]"]]:
        """Of one period which places are known, and figures of some columns by place, to be added to where they are.

        A week of two thousand points is sixty thousand sums, each of which belongs in several columns.
        """
        found = self._periods.get(period)
        if found is None:
            found = self._periods[period] = _Period(bytearray(len(self.places)))
        for column in columns:
            if column not in found.columns:
                found.columns[column] = array("q", bytes(8 * len(self.places)))
        return found.known, [found.columns[column] for column in columns]

    def read(self, columns: Sequence[str]) -> Iterator[tuple[str, Place, list[int]]]:
        """Each period in order, each of its places in the site's order, with the figures of these columns."""
        for period, known, figures in self._figures(columns):
            for place, is_known in enumerate(known):
                if is_known:
                    yield period, self.places[place], [column[place] for column in figures]

    def whole(self, columns: Sequence[str]) -> Iterator[tuple[str, list[int]]]:
        """Each period in order, with the sum of each of these columns over all places."""
        for period, _, figures in self._figures(columns):
            yield period, [sum(column) for column in figures]

    def by_building(self, columns: Sequence[str]) -> Iterator[tuple[str, tuple[str, str], list[int]]]:
        """Each period in order, with the sums of these columns by building and use, in the site's order."""
        groups: dict[tuple[str, str], list[int]] = {}
        for at, place in enumerate(self.places):
            groups.setdefault((place.building, place.use), []).append(at)
        for period, known, figures in self._figures(columns):
            for group, places in groups.items():
                if any(map(known.__getitem__, places)):
                    yield period, group, [sum(map(column.__getitem__, places)) for column in figures]

    def _figures(self, columns: Sequence[str]) -> Iterator[tuple[str, bytearray, list["array[int]"]]]:
        nothing = array("q", bytes(8 * len(self.places)))
        for period, found in sorted(self._periods.items()):
            yield period, found.known, [found.columns.get(column, nothing) for column in columns]

    def rows(self, columns: Sequence[str], *, with_use: bool) -> MadeRows[tuple[Value, ...]]:
        """Rows of a report by point: period, building, box, number, name (and use), then the figures."""

        def make() -> Iterator[tuple[Value, ...]]:
            for period, place, figures in self.read(columns):
                head = (period, place.building, place.box, place.number, place.name)
                yield (*head, place.use, *figures) if with_use else (*head, *figures)

        return MadeRows(sum(sum(found.known) for found in self._periods.values()), make)
