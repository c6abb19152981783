"""Warnings that come from forecasts: few days left, and the estimate for a box that is out of reach."""

from typing import TYPE_CHECKING, Final

from cloud_server.core.fleet import BoxState
from cloud_server.core.forecast import DAY_MS, WEEK_MS
from cloud_server.core.message_texts import money_text
from cloud_server.flows.look import Look
from cloud_server.flows.message_desk import read_settings
from cloud_server.flows.message_story import tell_wallet
from cloud_server.ports import Unit
from cloud_server.ports.outbox import ForecastRow
from protocol.site_plan import WalletPlan
from protocol.units import Micro

if TYPE_CHECKING:
    from cloud_server.flows.note_occasions import Noter

OUT_OF_REACH_MS: Final = 600_000
"""Ten minutes without the box: before that its own alarm may still be on its way."""
LEVELS: Final = ("zero", "alarm2", "alarm1")


class Foreteller:
    """Part of the noter: what it finds goes out through it."""

    def __init__(self, noter: "Noter") -> None:
        self._noter = noter

    def look(self, unit: Unit, look: Look) -> int:
        """Note what the forecasts kept in rows say now. The same warning is noted once between two sales in a week."""
        days = read_settings(unit).forecast_days
        if not days:
            return 0
        sales = unit.messages.last_sales()
        wanted: dict[str, tuple[WalletPlan, str, dict[str, str]]] = {}
        for row in unit.messages.forecasts().values():
            wallet = look.site.wallets.get(row.wallet)
            if wallet is None or look.account_states.get(wallet.account) == "closed":
                continue
            since = sales.get(wallet.account, "")
            if _silent_ms(look, wallet) >= OUT_OF_REACH_MS:
                estimate = estimate_micro(row, look.now_ms)
                level = _level(wallet, estimate)
                if level is not None and not _told_by_box(look, wallet, level):
                    cause = f"estimated/{wallet.wallet}/{level}/{since}"
                    wanted[cause] = (wallet, "estimated", {"estimate": money_text(estimate)})
            elif row.zero_at_ms is not None and 0 < row.zero_at_ms - look.now_ms <= days * DAY_MS:
                year, week, _ = look.site.book.local_day(look.now_ms).isocalendar()
                wanted[f"forecast/{wallet.wallet}/{since}/{year}-{week}"] = (wallet, "forecast", {})
        told = unit.messages.known_causes(wanted)
        noted = 0
        for cause, (wallet, occasion, more) in wanted.items():
            if cause in told or (occasion == "forecast" and _told_by_box(look, wallet, "alarm1")):
                continue
            story = tell_wallet(self._noter.centre, unit, look, wallet)
            noted += self._noter.note(unit, story, "forecast" if occasion == "forecast" else "estimated", cause, more)
        return noted


def estimate_micro(row: ForecastRow, now_ms: int) -> Micro:
    """The balance now, at the pace that was foreseen for the week."""
    return row.balance_micro - row.week_micro * max(now_ms - row.balance_at_ms, 0) // WEEK_MS


def _silent_ms(look: Look, wallet: WalletPlan) -> int:
    box = look.boxes[wallet.box]
    if box.state is not BoxState.ENROLLED or wallet.box in look.listening or box.seen_at_ms is None:
        return 0
    return look.now_ms - box.seen_at_ms


def _level(wallet: WalletPlan, estimate: Micro) -> str | None:
    bounds = (-wallet.credit_limit_micro, wallet.alarm2_micro, wallet.alarm1_micro)
    return next((level for level, bound in zip(LEVELS, bounds, strict=True) if estimate <= bound), None)


def _told_by_box(look: Look, wallet: WalletPlan, level: str) -> bool:
    """The box itself has told of this level, and so has a message."""
    facts = look.wallet_facts.get(wallet.wallet)
    if facts is None:
        return False
    reached = 3 if facts.arrears else facts.alarm_level
    return reached >= 3 - LEVELS.index(level)
