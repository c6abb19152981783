"""Forecasts of wallets: made from the intervals that were posted, kept in rows for pages, renewed a few at a time."""

import heapq
from datetime import datetime, timedelta
from typing import Final

from cloud_server.core.forecast import LOOKED_BACK_WEEKS, WEEK_MS, Forecast, MeterUse, forecast, profile_of
from cloud_server.core.site_map import SiteMap
from cloud_server.flows.centre import Centre
from cloud_server.flows.give_way import Piece
from cloud_server.flows.look import Look, Looker
from cloud_server.ports import Unit
from cloud_server.ports.outbox import ForecastRow
from protocol.site_plan import WalletPlan
from protocol.units import Micro, Ms, Wh

RENEWED_AFTER_MS: Final = 3_600_000
"""An hour of use moves a forecast of days by little."""
AT_ONCE_MAX: Final = 25
"""Looked up together. Each takes 10 ms where much is known, so that a piece ends after a few; 1 ms where nothing is."""


def foresee(centre: Centre, unit: Unit, look: Look, wallet: WalletPlan) -> tuple[Forecast, Micro, Ms] | None:
    """The forecast of one wallet from its balance as known, with that and its time; None where too little is known."""
    balance_micro, at_ms = look.balance(wallet.wallet, tuple(wallet.meters), wallet.box)
    if balance_micro is None or at_ms is None:
        return None
    uses = _meter_uses(centre, unit, look, wallet, at_ms)
    if not uses:
        return None
    found = forecast(
        uses,
        look.site.book,
        centre.zone,
        left_micro=balance_micro + wallet.credit_limit_micro,
        now_ms=at_ms,
        day_fees_micro=sum(fee.charge_micro for fee in wallet.fees),
    )
    return found, balance_micro, at_ms


def _meter_uses(centre: Centre, unit: Unit, look: Look, wallet: WalletPlan, at_ms: Ms) -> list[MeterUse]:
    found = []
    for meter in wallet.meters:
        placed = look.site.meters.get(meter)
        if placed is None or placed.meter.tariff is None:
            continue
        past = unit.messages.uses(meter, at_ms - LOOKED_BACK_WEEKS * WEEK_MS)
        profile = profile_of(past, centre.zone, at_ms)
        if profile is not None:
            month = sum(use.energy_wh for use in past if use.from_ms >= _month_ms(centre, at_ms))
            found.append(MeterUse(tariff=placed.meter.tariff, profile=profile, month_wh=Wh(month)))
    return found


def _month_ms(centre: Centre, at_ms: Ms) -> Ms:
    """The begin of the calendar month; of a month's last days it lies behind what is looked back on, by little."""
    local = datetime.fromtimestamp(at_ms // 1000, centre.zone)
    first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(0)
    return int(first.timestamp()) * 1000


class Foresight:
    """Keeps the forecasts of a site: a queue of all wallets, by when each was made anew or had its turn."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._looker = Looker(centre)
        self._site: SiteMap | None = None
        self._queue: list[tuple[Ms, str]] = []
        """A heap; 0 where it is not known here whether there is a forecast, and of what time."""
        self._taken: list[tuple[Ms, str]] = []
        """Taken out of it by the piece under way: put back by the next one where that failed."""

    def piece(self) -> bool:
        """Make some of the oldest forecasts anew; whether more are due."""
        made: list[ForecastRow] = []
        piece, done = Piece(), 0
        with self._centre.store.read() as unit:
            site, now_ms = self._looker.site_map(unit), self._centre.clock.wall_ms()
            if site is None:
                return False
            self._keep_queue(site)
            due = self._take_due(unit, site, now_ms)
            look = self._looker.look_at_wallets(unit, (site.wallets[name] for _, name in due))
            assert look is not None
            for _, name in due:
                row = self._row(unit, look, site.wallets[name], now_ms)
                made += [row] if row is not None else []
                done += 1
                if piece.is_over:
                    break
        if made:
            with self._centre.store.note() as unit:
                unit.messages.put_forecasts(made)
        # Also those of which too little is known have had their turn.
        self._taken = [(now_ms, name) for _, name in due[:done]] + due[done:]
        self._put_back()
        return self._is_due(now_ms)

    def _put_back(self) -> None:
        for each in self._taken:
            heapq.heappush(self._queue, each)
        self._taken = []

    def _keep_queue(self, site: SiteMap) -> None:
        """Wallets that a new plan brings stand first; those that it has not any more are passed over later."""
        self._put_back()
        if site is self._site:
            return
        queued = {name for _, name in self._queue}
        self._queue += [(0, wallet.wallet) for wallet in site.plan.wallets if wallet.wallet not in queued]
        heapq.heapify(self._queue)
        self._site = site

    def _is_due(self, now_ms: Ms) -> bool:
        return bool(self._queue) and now_ms - self._queue[0][0] >= RENEWED_AFTER_MS

    def _take_due(self, unit: Unit, site: SiteMap, now_ms: Ms) -> list[tuple[Ms, str]]:
        """Take the oldest out of the queue. What another process made, or this one before it was started, is seen here
        and goes back."""
        while len(self._taken) < AT_ONCE_MAX and self._is_due(now_ms):
            tried_ms, name = heapq.heappop(self._queue)
            if name in site.wallets:
                self._taken.append((tried_ms, name))
        known = unit.messages.forecasts(name for _, name in self._taken)
        made_ms = {name: row.made_at_ms for name, row in known.items()}
        seen = [(max(tried_ms, made_ms.get(name, 0)), name) for tried_ms, name in self._taken]
        self._taken = [each for each in seen if now_ms - each[0] >= RENEWED_AFTER_MS]
        for each in seen:
            if now_ms - each[0] < RENEWED_AFTER_MS:
                heapq.heappush(self._queue, each)
        return self._taken

    def _row(self, unit: Unit, look: Look, wallet: WalletPlan, now_ms: Ms) -> ForecastRow | None:
        found = foresee(self._centre, unit, look, wallet)
        if found is None:
            return None
        seen, balance_micro, at_ms = found
        return ForecastRow(
            wallet=wallet.wallet,
            made_at_ms=now_ms,
            balance_micro=balance_micro,
            balance_at_ms=at_ms,
            zero_at_ms=seen.zero_at_ms,
            week_micro=seen.week_micro,
        )
