"""Forecasts of wallets: made from the intervals that were posted, kept in rows for pages, renewed a few at a time."""

from datetime import datetime, timedelta
from typing import Final

from cloud_server.core.forecast import LOOKED_BACK_WEEKS, WEEK_MS, Forecast, MeterUse, forecast, profile_of
from cloud_server.flows.centre import Centre
from cloud_server.flows.look import Look, Looker
from cloud_server.ports import Unit
from cloud_server.ports.outbox import ForecastRow
from protocol.site_plan import WalletPlan
from protocol.units import Micro, Ms, Wh

RENEWED_AFTER_MS: Final = 3_600_000
"""An hour of use moves a forecast of days by little."""
REST_MS: Final = 60_000
"""With nothing to do it looks again in a minute."""
REST_FOLD: Final = 9
"""So many times as long as a turn took, the next one waits: a city of which no forecast is known yet gets a tenth of a
core for it, and sales the rest."""
AT_ONCE_MAX: Final = 25
"""Some 10 ms each: a quarter of a second in a turn of the worker, and two thousand shops within an hour."""


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
    """Keeps the forecasts of a site."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._looker = Looker(centre)
        self._not_before_ms: Ms = 0
        self._tried_ms: dict[str, Ms] = {}

    def renew(self) -> int:
        """Make the oldest forecasts anew; how many."""
        if self._centre.clock.wall_ms() < self._not_before_ms:
            return 0
        with self._centre.store.read() as unit:
            known = unit.messages.forecasts()
            site = self._looker.site_map(unit)
            now_ms = self._centre.clock.wall_ms()
            if site is None:
                return 0
            tried = {name: row.made_at_ms for name, row in known.items()} | self._tried_ms
            stale = [w for w in site.plan.wallets if now_ms - tried.get(w.wallet, 0) >= RENEWED_AFTER_MS]
            stale.sort(key=lambda wallet: tried.get(wallet.wallet, 0))
            if not stale:
                self._not_before_ms = now_ms + REST_MS
                return 0
            look = self._looker.look(unit)
            assert look is not None
            rows = [self._row(unit, look, wallet, now_ms) for wallet in stale[:AT_ONCE_MAX]]
        # Also those of which too little is known: they have had their turn.
        self._tried_ms |= {wallet.wallet: now_ms for wallet in stale[:AT_ONCE_MAX]}
        made = [row for row in rows if row is not None]
        if made:
            with self._centre.store.write() as unit:
                unit.messages.put_forecasts(made)
        done_at_ms = self._centre.clock.wall_ms()
        self._not_before_ms = done_at_ms + min(REST_FOLD * max(done_at_ms - now_ms, 0), REST_MS)
        return len(made)

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
