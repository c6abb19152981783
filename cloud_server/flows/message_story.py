"""What a message says of a wallet: shop, balance and its time, days left, the earliest cut, what restores supply."""

from dataclasses import dataclass

from cloud_server.core.cut_time import earliest_cut_ms
from cloud_server.core.message_settings import Language
from cloud_server.core.message_texts import days_text, moment_text, money_text, word
from cloud_server.flows.centre import Centre
from cloud_server.flows.foresee import foresee
from cloud_server.flows.look import Look
from cloud_server.ports import Unit
from protocol.site_plan import AccountPlan, CustomerPlan, WalletPlan
from protocol.units import FEN_MICRO, Micro, Ms


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletStory:
    """One wallet as a message tells it. Times are None where they are not known."""

    wallet: WalletPlan
    account: AccountPlan
    customer: CustomerPlan
    shop: str
    now_ms: Ms
    balance_micro: Micro | None
    balance_at_ms: Ms | None
    is_foreseen: bool
    zero_at_ms: Ms | None
    cut_at_ms: Ms | None


def tell_wallet(centre: Centre, unit: Unit, look: Look, wallet: WalletPlan, meter: str | None = None) -> WalletStory:
    """Everything about a wallet at this moment; `meter` names the one shop of several that it is about."""
    account = look.site.accounts[wallet.account]
    point = look.site.point_of.get(meter or "")
    shop = f"{point.number} {point.name}" if point is not None else "、".join(look.site.shops(wallet))
    balance_micro, at_ms = look.balance(wallet.wallet, tuple(wallet.meters), wallet.box)
    found = foresee(centre, unit, look, wallet)
    zero_at_ms = found[0].zero_at_ms if found is not None else None
    if balance_micro is not None and balance_micro <= -wallet.credit_limit_micro:
        zero_at_ms = look.now_ms
    facts = look.wallet_facts.get(wallet.wallet)
    plan = look.site.plan
    cut_at_ms = None
    if zero_at_ms is not None:
        cut_at_ms = earliest_cut_ms(
            max(zero_at_ms, look.now_ms),
            alarm2_at_ms=facts.alarm2_at_ms if facts is not None else None,
            notice_s=plan.defaults.trip_notice_s,
            zone=centre.zone,
            windows=plan.friendly_hours,
            holidays=plan.holidays,
        )
    return WalletStory(
        wallet=wallet,
        account=account,
        customer=look.site.customers[account.customer],
        shop=shop,
        now_ms=look.now_ms,
        balance_micro=balance_micro,
        balance_at_ms=at_ms,
        is_foreseen=found is not None,
        zero_at_ms=zero_at_ms,
        cut_at_ms=cut_at_ms,
    )


def story_values(centre: Centre, story: WalletStory, language: Language, pay: str, link: str) -> dict[str, str]:
    """The variables that every text about a wallet may name."""
    unknown = word(language, "unknown")
    missing = story.wallet.reconnect_micro - (story.balance_micro or 0)
    needed = max(-(-missing // FEN_MICRO) * FEN_MICRO, 0)
    if story.cut_at_ms is None:
        cut = unknown
    else:
        cut = moment_text(story.cut_at_ms, centre.zone) if story.cut_at_ms > story.now_ms else word(language, "now")
    return {
        "site": centre.site.name,
        "shop": story.shop,
        "balance": money_text(story.balance_micro) if story.balance_micro is not None else unknown,
        "at": moment_text(story.balance_at_ms, centre.zone) if story.balance_at_ms is not None else unknown,
        "needed": money_text(needed),
        "reconnect": money_text(story.wallet.reconnect_micro),
        "cut": cut,
        "pay": pay,
        "days": days_text(language, story.zero_at_ms, story.now_ms, known=story.is_foreseen),
        "link": link,
    }
