"""Warnings that come from forecasts: few days left, and the estimate for a box that is out of reach.

Once a minute a pass over all wallets begins, box after box, in pieces: what changes behind it, the next pass finds. A
program that is started anew begins a pass; what was told before is known by its cause.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from cloud_server.core.batch_facts import WalletFacts
from cloud_server.core.fleet import Box, BoxState
from cloud_server.core.forecast import DAY_MS, WEEK_MS
from cloud_server.core.message_texts import money_text
from cloud_server.core.site_map import SiteMap
from cloud_server.flows.message_desk import read_settings
from cloud_server.flows.message_story import WalletStory, tell_wallet
from cloud_server.flows.note_numbers import numbers_of
from cloud_server.ports import Unit
from cloud_server.ports.outbox import ForecastRow
from protocol.site_plan import WalletPlan
from protocol.units import Micro, Ms

if TYPE_CHECKING:
    from cloud_server.flows.note_occasions import Noter

OUT_OF_REACH_MS: Final = 600_000
"""Ten minutes without the box: before that its own alarm may still be on its way."""
PASS_EVERY_MS: Final = 60_000
"""A minute is nothing to a warning of days."""
WALLETS_AT_ONCE: Final = 300
"""Wallets of one piece, by whole boxes: some 10 ms where all of their boxes are silent, a few where they are not."""
TOLD_AT_ONCE: Final = 2
"""Warnings that are told in one piece: 10 ms each for what is foreseen of their wallet, and 5 for the message."""
LEVELS: Final = ("zero", "alarm2", "alarm1")

BoxWallets = tuple[str, Sequence[WalletPlan]]


@dataclass(frozen=True, slots=True)
class _Warning:
    """Something to tell. The same is told once between two sales: in a week, or on one level."""

    cause: str
    wallet: WalletPlan
    occasion: Literal["forecast", "estimated"]
    more: dict[str, str]


class Foreteller:
    """Part of the noter: what it finds goes out through it."""

    def __init__(self, noter: "Noter") -> None:
        self._noter = noter
        self._site: SiteMap | None = None
        self._boxes: list[BoxWallets] = []
        """By name, as of that site."""
        self._began_ms: Ms | None = None
        self._behind: str | None = None
        """The last box that the pass under way has looked at; None where none is."""
        self._tried: set[str] = set()
        """Causes of the pass under way: none holds it up, whatever comes of it."""

    def piece(self) -> bool:
        """Look at the next wallets of the pass; whether there are more."""
        centre, now_ms = self._noter.centre, self._noter.centre.clock.wall_ms()
        if self._behind is None:
            if self._began_ms is not None and 0 <= now_ms - self._began_ms < PASS_EVERY_MS:
                return False
            self._began_ms, self._behind, self._tried = now_ms, "", set()
        with centre.store.read() as unit:
            days = read_settings(unit).forecast_days
            some = self._next(unit) if days else []
            if not some:
                self._behind = None
                return False
            found = [one for one in self._found(unit, some, now_ms, days) if one.cause not in self._tried]
            stories = self._stories(unit, found[:TOLD_AT_ONCE])
        if stories:
            with centre.store.write() as unit:
                for one, story in stories:
                    self._noter.note(unit, story, one.occasion, one.cause, one.more)
            centre.fail_point("some_noted")
        self._tried |= {one.cause for one, _ in stories}
        if len(found) <= TOLD_AT_ONCE:
            self._behind = some[-1][0]
        return True

    def _next(self, unit: Unit) -> list[BoxWallets]:
        """The boxes behind the last, with as many wallets as one piece takes."""
        site = self._noter.looker.site_map(unit)
        if site is None:
            return []
        if site is not self._site:
            by_box: dict[str, list[WalletPlan]] = {}
            for wallet in site.plan.wallets:
                by_box.setdefault(wallet.box, []).append(wallet)
            self._site, self._boxes = site, sorted(by_box.items(), key=lambda pair: pair[0])
        place = bisect_right(self._boxes, self._behind or "", key=lambda pair: pair[0])
        some: list[BoxWallets] = []
        room = WALLETS_AT_ONCE
        while place < len(self._boxes) and (not some or len(self._boxes[place][1]) <= room):
            some.append(self._boxes[place])
            room -= len(self._boxes[place][1])
            place += 1
        return some

    def _found(self, unit: Unit, some: Sequence[BoxWallets], now_ms: Ms, days: int) -> list[_Warning]:
        """What the forecasts kept in rows say now of these boxes' wallets, without what was told."""
        assert self._site is not None
        boxes = {box.box: box for box in unit.fleet.boxes(name for name, _ in some)}
        silent = {name for name, box in boxes.items() if self._silent_ms(box, now_ms) >= OUT_OF_REACH_MS}
        rows = {
            **unit.messages.forecasts(_names(some, silent, within=True)),
            **unit.messages.forecasts(_names(some, silent, within=False), (now_ms, now_ms + days * DAY_MS)),
        }
        wallets = [wallet for _, own in some for wallet in own if wallet.wallet in rows]
        states = unit.books.account_states({wallet.account for wallet in wallets})
        wallets = [each for each in wallets if states.get(each.account) != "closed" and self._has_number(each)]
        if not wallets:
            return []
        facts = unit.books.wallet_facts(wallet.wallet for wallet in wallets)
        sales = unit.messages.last_sales({wallet.account for wallet in wallets})
        year, week, _ = self._site.book.local_day(now_ms).isocalendar()
        found = []
        for wallet in wallets:
            name, since = wallet.wallet, sales.get(wallet.account, "")
            if wallet.box not in silent:
                if not _told_by_box(facts, wallet, "alarm1"):
                    found.append(_Warning(f"forecast/{name}/{since}/{year}-{week}", wallet, "forecast", {}))
                continue
            estimate = estimate_micro(rows[name], now_ms)
            level = _level(wallet, estimate)
            if level is not None and not _told_by_box(facts, wallet, level):
                more = {"estimate": money_text(estimate)}
                found.append(_Warning(f"estimated/{name}/{level}/{since}", wallet, "estimated", more))
        told = unit.messages.known_causes(one.cause for one in found)
        return [one for one in found if one.cause not in told]

    def _stories(self, unit: Unit, found: Sequence[_Warning]) -> list[tuple[_Warning, WalletStory]]:
        """Made before the store's writer is held."""
        if not found:
            return []
        look = self._noter.looker.look_at_wallets(unit, (one.wallet for one in found))
        assert look is not None
        return [(one, tell_wallet(self._noter.centre, unit, look, one.wallet)) for one in found]

    def _silent_ms(self, box: Box, now_ms: Ms) -> int:
        if box.state is not BoxState.ENROLLED or self._noter.centre.wake.listening(box.box) or box.seen_at_ms is None:
            return 0
        return now_ms - box.seen_at_ms

    def _has_number(self, wallet: WalletPlan) -> bool:
        assert self._site is not None
        return bool(numbers_of(self._site.customers[self._site.accounts[wallet.account].customer].phones))


def estimate_micro(row: ForecastRow, now_ms: int) -> Micro:
    """The balance now, at the pace that was foreseen for the week."""
    return row.balance_micro - row.week_micro * max(now_ms - row.balance_at_ms, 0) // WEEK_MS


def _names(some: Sequence[BoxWallets], silent: set[str], *, within: bool) -> list[str]:
    """Wallets of boxes that are silent, or of those that are not."""
    return [wallet.wallet for name, wallets in some if (name in silent) is within for wallet in wallets]


def _level(wallet: WalletPlan, estimate: Micro) -> str | None:
    bounds = (-wallet.credit_limit_micro, wallet.alarm2_micro, wallet.alarm1_micro)
    return next((level for level, bound in zip(LEVELS, bounds, strict=True) if estimate <= bound), None)


def _told_by_box(facts: Mapping[str, WalletFacts], wallet: WalletPlan, level: str) -> bool:
    """The box itself has told of this level, and so has a message."""
    known = facts.get(wallet.wallet)
    if known is None:
        return False
    reached = 3 if known.arrears else known.alarm_level
    return reached >= 3 - LEVELS.index(level)
