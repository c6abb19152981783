"""Which rate and price hold at an instant: all versions of all tariffs of a site, in its zone.

Texts are read in `protocol.tariff_text`; money is made in `protocol.charging`: nothing here multiplies.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from protocol.ids import Id
from protocol.tariff_text import Tariff, read_tariff
from protocol.zone import site_zone

__all__ = ["Span", "Stretch", "Tariff", "TariffBook", "read_tariff"]

_CACHED_DAYS_MAX: Final = 512
"""Days of switches kept in memory: a year of one tariff and room."""
_CACHED_STRETCHES_MAX: Final = 32
"""A day with twelve changes of rate, twice over: what spans more is rare and need not be remembered."""
_CACHED_SPANS_MAX: Final = 4_096
"""Half hours of a month for two tariffs: what boxes that come back after a cut ask for over and over."""
Key = TypeVar("Key")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time at one rate and one price. `step` is 0: the tariff has no steps."""

    from_ms: int
    to_ms: int
    rate: str
    step: int
    version: int
    price_micro: int


@dataclass(frozen=True, slots=True)
class Span:
    """A whole interval at one rate and one price that no step changes. `within_month`: its end begins no new month."""

    rate: str
    version: int
    price_micro: int
    within_month: bool


@dataclass
class TariffBook:
    """All versions of all tariffs that a box holds, in the site's zone. Answers by instant."""

    zone: str
    tariffs: Mapping[tuple[Id, int], Tariff]
    _zone: ZoneInfo = field(init=False, repr=False)
    _versions: dict[Id, list[tuple[int, int]]] = field(init=False, repr=False)
    _days: dict[tuple[Id, int, date], list[tuple[int, str]]] = field(init=False, repr=False, default_factory=dict)
    _asked: dict[tuple[Id, int, int, int | None], tuple[Stretch, ...]] = field(
        init=False, repr=False, default_factory=dict
    )
    _months: dict[int, date] = field(init=False, repr=False, default_factory=dict)
    _spans: dict[tuple[Id, int, int], Span | None] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._zone = site_zone(self.zone)
        self._versions = {}
        for (tariff, version), text in self.tariffs.items():
            self._versions.setdefault(tariff, []).append((self._instant(text.starts_at), version))
        for versions in self._versions.values():
            versions.sort()

    def version_at(self, tariff: Id, at_ms: int) -> int:
        """The version in force: the newest that has started; before the first start, the first."""
        versions = self._versions[tariff]
        return versions[max(bisect_right(versions, (at_ms, 2**62)) - 1, 0)][1]

    def at(self, tariff: Id, at_ms: int) -> Stretch:
        """The stretch that holds at an instant, with the ends of its day's switch (never over midnight)."""
        version = self.version_at(tariff, at_ms)
        day = self.local_day(at_ms)
        switches = self._switches(tariff, version, day)
        index = bisect_right(switches, at_ms, key=lambda switch: switch[0]) - 1
        begin, rate = switches[max(index, 0)]
        end = switches[index + 1][0] if index + 1 < len(switches) else self.midnight_ms(day + timedelta(days=1))
        for start, _ in self._versions[tariff]:
            if at_ms < start < end:
                end = start
            if begin < start <= at_ms:
                begin = start
        return Stretch(begin, end, rate, 0, version, self.tariffs[tariff, version].price_micro[rate])

    def stretches(self, tariff: Id, from_ms: int, to_ms: int, most: int | None = None) -> list[Stretch]:
        """The stretches from one instant to a later one, cut at each change of rate or version and at midnight.

        Stops after `most` of them where that is set: a span out of all reason must not cost memory.
        """
        asked = (tariff, from_ms, to_ms, most)
        known = self._asked.get(asked)
        if known is None:
            known = tuple(islice(self._walk(tariff, from_ms, to_ms), most))
            if len(known) <= _CACHED_STRETCHES_MAX:
                _keep(self._asked, asked, known)
        return list(known)

    def span(self, tariff: Id, from_ms: int, to_ms: int) -> Span | None:
        """What holds from an instant to a later one where that is one thing; None where it is not, or not known."""
        asked = (tariff, from_ms, to_ms)
        try:
            return self._spans[asked]
        except KeyError:
            found = self._find_span(*asked)
            _keep(self._spans, asked, found, _CACHED_SPANS_MAX)
            return found

    def _find_span(self, tariff: Id, from_ms: int, to_ms: int) -> Span | None:
        if tariff not in self._versions or to_ms <= from_ms:
            return None
        here, *others = self.stretches(tariff, from_ms, to_ms, 2)
        if others or self.tariffs[tariff, here.version].steps:
            return None
        within_month = self.local_month(from_ms) == self.local_month(to_ms)
        return Span(here.rate, here.version, here.price_micro, within_month)

    def _walk(self, tariff: Id, from_ms: int, to_ms: int) -> Iterator[Stretch]:
        at_ms = from_ms
        while at_ms < to_ms:
            here = self.at(tariff, at_ms)
            end = min(here.to_ms, to_ms)
            yield Stretch(at_ms, end, here.rate, here.step, here.version, here.price_micro)
            at_ms = end

    def fallback(self, tariff: Id, at_ms: int) -> Stretch:
        """What holds while the clock is unsure: the fallback rate of the version that would be in force."""
        version = self.version_at(tariff, at_ms)
        text = self.tariffs[tariff, version]
        return Stretch(at_ms, at_ms, text.fallback_rate, 0, version, text.price_micro[text.fallback_rate])

    def next_change_ms(self, tariff: Id, after_ms: int) -> int:
        """The next instant at which rate, price version or the site's day changes."""
        return self.at(tariff, after_ms).to_ms

    def local_day(self, at_ms: int) -> date:
        """The site's calendar day of an instant."""
        return datetime.fromtimestamp(at_ms // 1000, self._zone).date()

    def local_month(self, at_ms: int) -> date:
        """The first day of the site's calendar month of an instant."""
        known = self._months.get(at_ms)
        if known is None:
            known = self.local_day(at_ms).replace(day=1)
            _keep(self._months, at_ms, known)
        return known

    def midnight_ms(self, day: date) -> int:
        """The instant at which a day of the site begins."""
        return self._instant(datetime.combine(day, time()))

    def _instant(self, local: datetime) -> int:
        """A local time as an instant: the first of two where clocks go back, the leap itself where they leap."""
        at_s = int(local.replace(tzinfo=self._zone).timestamp())
        if datetime.fromtimestamp(at_s, self._zone).replace(tzinfo=None) == local:
            return at_s * 1000
        before_s = int(local.replace(tzinfo=self._zone, fold=1).timestamp())
        after = self._offset(at_s)
        jump = bisect_left(range(before_s, at_s), True, key=lambda second: self._offset(second) == after)
        return (before_s + jump) * 1000

    def _offset(self, at_s: int) -> timedelta | None:
        return datetime.fromtimestamp(at_s, self._zone).utcoffset()

    def _switches(self, tariff: Id, version: int, day: date) -> list[tuple[int, str]]:
        key = (tariff, version, day)
        known = self._days.get(key)
        if known is None:
            text = self.tariffs[tariff, version]
            known = [
                (self._instant(datetime.combine(day, time(minute // 60, minute % 60))), rate)
                for minute, rate in text.days[text.day_name(day)]
            ]
            known.sort(key=lambda switch: switch[0])
            _keep(self._days, key, known)
        return known


def _keep(answers: dict[Key, Answer], asked: Key, answer: Answer, most: int = _CACHED_DAYS_MAX) -> None:
    """Remember an answer, within a bound. All meters of a box ask for the same stretches at the same boundaries."""
    if len(answers) >= most:
        answers.clear()
    answers[asked] = answer
