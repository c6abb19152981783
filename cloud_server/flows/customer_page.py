"""One account as its own customer sees it behind a link: balance with its age, use, sales, forecast. Read only.

Nothing here names another account, and nothing is answered to a token that does not hold but that it does not.
"""

import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cloud_server.core.forecast import DAY_MS
from cloud_server.flows.centre import Centre
from cloud_server.flows.keep_links import LinkKeeper
from cloud_server.flows.look import Look, Looker
from cloud_server.flows.message_story import WalletStory, tell_wallet
from cloud_server.flows.past_meters import past_meters
from cloud_server.ports import Unit
from protocol.units import Micro, Ms, Wh

DAYS_SHOWN: Final = 14
SALES_SHOWN: Final = 20
MISSES_MAX: Final = 20
MISSES_FORGOTTEN_MS: Final = 600_000
"""Twenty wrong links in ten minutes from one address are no mistyped ones; the links cannot be guessed anyway."""
ADDRESSES_MAX: Final = 10_000
"""Addresses remembered; beyond, all are forgotten rather than memory being filled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerSale:
    """One sale as the receipt has it."""

    at_ms: Ms
    amount_micro: Micro
    receipt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerPage:
    """What the link shows."""

    as_of_ms: Ms
    site_name: str
    number: str
    wallets: tuple[WalletStory, ...]
    relays: tuple[tuple[str, str], ...]
    """Shop, and whether its relay is closed, open or not known."""
    days: tuple[tuple[str, Wh], ...]
    """Energy by day of the site, oldest first."""
    sales: tuple[CustomerSale, ...]


class TooMany(Exception):
    """This address has tried too many links that do not hold."""


class CustomerPages:
    """Pages by token; remembers who guesses."""

    def __init__(self, centre: Centre, links: LinkKeeper) -> None:
        self._centre = centre
        self.links = links
        self._looker = Looker(centre)
        self._lock = threading.Lock()
        self._misses: dict[str, tuple[int, Ms]] = {}

    def page(self, token: str, address: str) -> CustomerPage | None:
        """The page of a link; None for one that does not hold. Raises TooMany."""
        self._check(address)
        account = self.links.account_of(token)
        page = self._of(account) if account is not None else None
        if page is None:
            self._miss(address)
        return page

    def _check(self, address: str) -> None:
        with self._lock:
            count, last_ms = self._misses.get(address, (0, 0))
        if count >= MISSES_MAX and self._centre.clock.wall_ms() - last_ms < MISSES_FORGOTTEN_MS:
            raise TooMany

    def _miss(self, address: str) -> None:
        now_ms = self._centre.clock.wall_ms()
        with self._lock:
            if len(self._misses) >= ADDRESSES_MAX:
                self._misses.clear()
            count, last_ms = self._misses.get(address, (0, now_ms))
            self._misses[address] = (1 if now_ms - last_ms >= MISSES_FORGOTTEN_MS else count + 1, now_ms)

    def _of(self, account: str) -> CustomerPage | None:
        with self._centre.store.read() as unit:
            look = self._looker.look_at_account(unit, account)
            plan = look.site.accounts.get(account) if look is not None else None
            if look is None or plan is None or look.account_states.get(account) == "closed":
                return None
            wallets = look.site.wallets_of.get(account, ())
            meters = [meter for wallet in wallets for meter in wallet.meters]
            return CustomerPage(
                as_of_ms=look.now_ms,
                site_name=self._centre.site.name,
                number=plan.number,
                wallets=tuple(tell_wallet(self._centre, unit, look, wallet) for wallet in wallets),
                relays=tuple((_shop(look, meter), look.facts_of(meter).seen) for meter in meters),
                days=self._days(unit, look, [wallet.wallet for wallet in wallets], meters),
                sales=tuple(
                    CustomerSale(at_ms=sale.paid_at_ms, amount_micro=sale.amount_micro, receipt=sale.receipt)
                    for sale in unit.books.sales(account=account, limit=SALES_SHOWN)
                ),
            )

    def _days(self, unit: Unit, look: Look, wallets: list[str], meters: list[str]) -> tuple[tuple[str, Wh], ...]:
        """What was charged to the account alone: another may have had the same meter the week before. With what a meter
        counted that was replaced meanwhile."""
        book, past = look.site.book, past_meters(self._centre, unit, look.site)
        served = [one for meter in meters for one in past.of(look.site.point_of[meter].point, meter)]
        today = book.local_day(look.now_ms)
        days = {(today - timedelta(days=back)).isoformat(): 0 for back in reversed(range(DAYS_SHOWN))}
        for from_ms, energy_wh in unit.reports.uses_of(wallets, served, look.now_ms - DAYS_SHOWN * DAY_MS):
            day = book.local_day(from_ms).isoformat()
            if day in days:
                days[day] += energy_wh
        return tuple(days.items())


def _shop(look: Look, meter: str) -> str:
    point = look.site.point_of.get(meter)
    return f"{point.number} {point.name}" if point is not None else ""
