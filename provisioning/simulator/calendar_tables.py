"""The meter's own calendar: day tables and seasons packed as its registers hold them, and the rate that they name.

The factory's calendar is somebody else's tariff on purpose: a box that believes rate registers without having
written and read back the calendar is wrong, and shows it here. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from provisioning.simulator.frames import ExceptionCode, Refusal
from provisioning.simulator.memory import RATES

SLOTS_OF_DAY = 14
SEASONS = 4
# A rate that no table names.
_FLAT = RATES.index("flat")


class ByteOrder(Enum):
    """In which order a slot of a day packs its three bytes."""

    RATE_HOUR_MINUTE = (0, 1, 2)
    RATE_MINUTE_HOUR = (0, 2, 1)


class SeasonOrder(Enum):
    """In which order a season packs its three bytes."""

    TABLE_DAY_MONTH = (0, 1, 2)
    MONTH_DAY_TABLE = (2, 1, 0)


# (rate, hour, minute); rates as on the meters: 1 tip, 2 peak, 3 flat, 4 valley.
FACTORY_DAYS = (
    ((4, 0, 0), (3, 7, 0), (2, 10, 0), (1, 11, 0), (2, 12, 0), (3, 13, 0), (2, 18, 0), (3, 21, 0), (4, 23, 0)),
    ((4, 0, 0), (3, 6, 0), (2, 9, 0), (3, 12, 0), (1, 19, 0), (2, 20, 0), (3, 22, 0)),
)
# (table, day, month)
FACTORY_SEASONS = ((1, 1, 1), (2, 1, 6), (1, 1, 10))


def pack(triples: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Triples of bytes as words, two bytes in each."""
    flat = [byte for triple in triples for byte in triple]
    return tuple(high << 8 | low for high, low in zip(flat[::2], flat[1::2], strict=True))


def unpack(words: Sequence[int]) -> list[tuple[int, int, int]]:
    """Words as triples of bytes."""
    flat = [byte for word in words for byte in (word >> 8, word & 0xFF)]
    return [(flat[index], flat[index + 1], flat[index + 2]) for index in range(0, len(flat), 3)]


@dataclass(frozen=True, slots=True)
class CalendarFormat:
    """How one model packs its calendar, and the greatest rate number that it knows."""

    day_order: ByteOrder
    season_order: SeasonOrder
    greatest_rate: int

    def factory_day(self, number: int) -> tuple[int, ...]:
        """Day table 1 or 2 as it leaves the factory; unused slots repeat the last."""
        slots = list(FACTORY_DAYS[number - 1])
        slots += [slots[-1]] * (SLOTS_OF_DAY - len(slots))
        return pack([[slot[place] for place in self.day_order.value] for slot in slots])

    def factory_seasons(self) -> tuple[int, ...]:
        """The season table as it leaves the factory; unused entries repeat the last."""
        seasons = list(FACTORY_SEASONS)
        seasons += [seasons[-1]] * (SEASONS - len(seasons))
        return pack([[season[place] for place in self.season_order.value] for season in seasons])

    def check_day(self, words: Sequence[int]) -> None:
        """Raises Refusal 3 for a slot that is no rate or no time of day, or earlier than the one before."""
        before = -1
        for rate, hour, minute in self._day(words):
            if not 1 <= rate <= self.greatest_rate or hour > 23 or minute > 59 or hour * 60 + minute < before:
                raise Refusal(ExceptionCode.ILLEGAL_VALUE, f"slot rate {rate} at {hour}:{minute} after minute {before}")
            before = hour * 60 + minute

    def check_seasons(self, words: Sequence[int]) -> None:
        """Raises Refusal 3 for an entry that is no table or no date."""
        for number, day, month in self._seasons(words):
            if number not in (1, 2) or not 1 <= day <= 31 or not 1 <= month <= 12:
                raise Refusal(ExceptionCode.ILLEGAL_VALUE, f"season: table {number} from {day}.{month}.")

    def rate_at(self, moment: datetime, seasons: Sequence[int], days: Sequence[Sequence[int]]) -> int:
        """Index into RATES of the rate that holds at `moment` by these tables; flat where they name none."""
        entries = sorted((month, day, number) for number, day, month in self._seasons(seasons))
        begun = [number for month, day, number in entries if (month, day) <= (moment.month, moment.day)]
        number = begun[-1] if begun else entries[-1][2]
        if not 1 <= number <= len(days):
            return _FLAT
        slots = [(hour * 60 + minute, rate) for rate, hour, minute in self._day(days[number - 1])]
        minute_of_day = moment.hour * 60 + moment.minute
        holding = [rate for start, rate in slots if start <= minute_of_day] or [slots[-1][1]]
        return holding[-1] - 1 if 1 <= holding[-1] <= len(RATES) else _FLAT

    def _day(self, words: Sequence[int]) -> list[tuple[int, int, int]]:
        rate, hour, minute = (self.day_order.value.index(place) for place in range(3))
        return [(slot[rate], slot[hour], slot[minute]) for slot in unpack(words)]

    def _seasons(self, words: Sequence[int]) -> list[tuple[int, int, int]]:
        number, day, month = (self.season_order.value.index(place) for place in range(3))
        return [(entry[number], entry[day], entry[month]) for entry in unpack(words)]
