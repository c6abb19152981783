"""How money, energy, power and time are written on pages. Numbers in, text out; words come through the catalog."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final

from protocol.units import FEN_MICRO, UNIT_MICRO, Micro, Ms, Wh
from protocol.zone import site_zone

MINUS: Final = "\u2212"
"""The minus sign: as wide as a digit, so that columns stand."""
UNKNOWN: Final = "\u2013"
_SIGNS: Final = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "HKD": "HK$"}
FRESH_MS: Final = 60_000
"""A value older than this says how old it is: a minute is what `decision_max_age` allows the box itself."""


class Show:
    """Writes values for one page: its language, the site's zone and currency, and the page's own moment."""

    def __init__(self, translate: Callable[[str], str], zone: str, currency: str, now_ms: Ms) -> None:
        self._translate = translate
        self._zone = site_zone(zone)
        self.sign = _SIGNS.get(currency, f"{currency} ")
        self.now_ms = now_ms

    def money(self, micro: Micro | None) -> str:
        """ "−¥1,234.50": sign before the currency, two decimals, never rounded up."""
        if micro is None:
            return UNKNOWN
        fen = micro // FEN_MICRO
        return f"{MINUS if fen < 0 else ''}{self.sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"

    def figure(self, micro: Micro | None) -> str:
        """Money without its currency, for columns whose head names it."""
        return UNKNOWN if micro is None else self.money(micro).replace(self.sign, "", 1)

    def exact(self, micro: Micro) -> str:
        """Money to a hundredth of a fen, without its currency; the same digits above and below zero."""
        whole, rest = divmod(abs(micro), UNIT_MICRO)
        return f"{MINUS if micro < 0 else ''}{whole:,}.{rest // 100:04d}"

    def price(self, micro: Micro) -> str:
        """A price a kilowatt-hour with four decimals."""
        return f"{self.sign}{micro // UNIT_MICRO}.{micro % UNIT_MICRO // 100:04d}"

    def plain(self, micro: Micro) -> str:
        """An amount as it is typed into a field: "1234.50"."""
        fen = micro // FEN_MICRO
        return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"

    def power(self, watts: int | None) -> str:
        """Kilowatts with two decimals (one from 10 kW on), without the unit."""
        if watts is None:
            return UNKNOWN
        decimals = 2 if abs(watts) < 10_000 else 1
        return f"{MINUS if watts < 0 else ''}{abs(watts) / 1000:,.{decimals}f}"

    def energy(self, wh: Wh | None) -> str:
        """Kilowatt-hours with two decimals, without the unit."""
        if wh is None:
            return UNKNOWN
        return f"{MINUS if wh < 0 else ''}{abs(wh) // 1000:,}.{abs(wh) % 1000 // 10:02d}"

    def scaled(self, value: int, divisor: int, decimals: int) -> str:
        """A measured quantity in its shown unit."""
        return f"{MINUS if value < 0 else ''}{abs(value) / divisor:,.{decimals}f}"

    def local(self, at_ms: Ms) -> datetime:
        """An instant on the site's clock."""
        return datetime.fromtimestamp(at_ms / 1000, self._zone)

    def clock(self, at_ms: Ms | None) -> str:
        """ "14:03:05" of today, "11-21 14:03" of another day, "2025-11-21 14:03" of another year."""
        if at_ms is None:
            return UNKNOWN
        local, now = self.local(at_ms), self.local(self.now_ms)
        if local.date() == now.date():
            return local.strftime("%H:%M:%S")
        return local.strftime("%m-%d %H:%M" if local.year == now.year else "%Y-%m-%d %H:%M")

    def minute(self, at_ms: Ms) -> str:
        """Hours and minutes; the end of a day is 24:00 only by its context."""
        return self.local(at_ms).strftime("%H:%M")

    def full(self, at_ms: Ms | None) -> str:
        """Date and time to the second, for receipts and titles."""
        return UNKNOWN if at_ms is None else self.local(at_ms).strftime("%Y-%m-%d %H:%M:%S")

    def iso(self, at_ms: Ms) -> str:
        """For the `datetime` attribute of <time>."""
        return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def today(self) -> str:
        """The site's day at the page's moment."""
        return self.local(self.now_ms).date().isoformat()

    def day_before(self, day: str, days: int = 1) -> str:
        """A day some days earlier (later, where `days` is below 0)."""
        return (date.fromisoformat(day) - timedelta(days=days)).isoformat()

    def days_left(self, zero_at_ms: Ms | None) -> str:
        """Whole days until then; empty where it is not foreseen."""
        return "" if zero_at_ms is None else str(max(zero_at_ms - self.now_ms, 0) // 86_400_000)

    def age(self, at_ms: Ms | None) -> str:
        """How old, in the largest unit that says enough."""
        _ = self._translate
        if at_ms is None:
            return _("never")
        seconds = max(0, self.now_ms - at_ms) // 1000
        for least, length, words in (
            (86_400 * 2, 86_400, _("%(n)s d")),
            (3_600, 3_600, _("%(n)s h")),
            (60, 60, _("%(n)s min")),
        ):
            if seconds >= least:
                return words % {"n": seconds // length}
        return _("%(n)s s") % {"n": seconds}

    def is_old(self, at_ms: Ms | None, limit_ms: int = FRESH_MS) -> bool:
        """Whether a value has to fade and say its age."""
        return at_ms is None or self.now_ms - at_ms > limit_ms


def parse_day(text: str | None) -> str | None:
    """A day as an address carries it, or None where it is none."""
    if not text:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None
