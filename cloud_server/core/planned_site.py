"""A site plan judged and taken apart: every mistake in it, what it may not change, each box's configuration. Pure."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Final

from cloud_server.core.mistakes import Mistake, mistake_at
from cloud_server.core.planned_profiles import NOT_ITS_HASH, TEXT_KEPT, newest_texts, profile_mistakes
from cloud_server.core.views import AccountState
from protocol import box_config, config_text
from protocol.box_config import BoxConfig, WalletConfig
from protocol.errors import BadTariff
from protocol.reason import Reason
from protocol.site_plan import BoxPlan, SitePlan, find_mistakes
from protocol.tariff_text import read_tariff

FEEDS_NONE: Final = Reason("feeds no meter; a wallet that is not closed feeds one at least")
CENTRE_SAYS: Final = Reason("the centre's own configuration says %(right)s")
OPENING_BELOW: Final = Reason("an opening balance is not below 0; a debt is an adjustment")
RATE_NAME: Final = Reason("a rate may not be named `fixed` or hold a slash: it names a ledger account")
BOX_STAYS: Final = Reason("is enrolled and cannot be left out")
METER_STAYS: Final = Reason("is known to box %(box)s and cannot be left out")
ACCOUNT_STAYS: Final = Reason("belongs to customer %(customer)s and stays")
WALLET_STAYS: Final = Reason("belongs to account %(account)s on box %(box)s and stays")
ENTERED_ONCE: Final = Reason("was entered once, as %(opening)s")
REASONS: Final = (
    FEEDS_NONE, CENTRE_SAYS, OPENING_BELOW, RATE_NAME, BOX_STAYS, METER_STAYS, ACCOUNT_STAYS, WALLET_STAYS,
    ENTERED_ONCE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class KnownSite:
    """What stands already and binds a new plan. `boxes` are those that were enrolled, with the meters they know."""

    site: str
    zone: str
    currency: str
    boxes: Mapping[str, Set[str]] = field(default_factory=dict)
    wallets: Mapping[str, tuple[str, str, int]] = field(default_factory=dict)
    """Wallet -> account, box, opening balance."""
    accounts: Mapping[str, str] = field(default_factory=dict)
    """Account -> customer."""
    account_states: Mapping[str, AccountState] = field(default_factory=dict)
    closed_wallets: Set[str] = frozenset()
    """Wallets that are closed for ever: no configuration has them any more."""
    tariffs: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """Tariff and version -> hash of its text."""
    profiles: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """The same of the site's own meter profiles."""


def plan_mistakes(plan: SitePlan, known: KnownSite) -> list[Mistake]:
    """Every mistake: references, names, tariffs, configurations, and what a plan cannot change."""
    found = [mistake_at("plan", "", reason) for reason in find_mistakes(plan)]
    found += _settings_mistakes(plan, known)
    found += _tariff_mistakes(plan, known)
    found += profile_mistakes(plan, known.profiles)
    found += _kept_mistakes(plan, known)
    found += [
        mistake_at(f"wallet {wallet.wallet}", "", FEEDS_NONE)
        for wallet in plan.wallets
        if not wallet.meters and wallet.wallet not in known.closed_wallets
    ]
    if found:
        return found
    for box in plan.boxes:
        config = config_of(plan, box, known.account_states, known.closed_wallets)
        found += [mistake_at(f"box {box.name}", "", reason) for reason in config_text.find_mistakes(config)]
    return found


def _settings_mistakes(plan: SitePlan, known: KnownSite) -> Iterable[Mistake]:
    for name, said, right in (
        ("site", plan.site, known.site),
        ("settings.zone", plan.settings.zone, known.zone),
        ("settings.currency", plan.settings.currency, known.currency),
    ):
        if said != right:
            yield mistake_at(name, said, CENTRE_SAYS(right=right))
    for wallet in plan.wallets:
        if wallet.opening_micro < 0:
            place = f"wallet {wallet.wallet}, opening_micro"
            yield mistake_at(place, str(wallet.opening_micro), OPENING_BELOW)


def _tariff_mistakes(plan: SitePlan, known: KnownSite) -> Iterable[Mistake]:
    for tariff in plan.tariffs:
        place = f"tariff {tariff.tariff} version {tariff.version}"
        try:
            read = read_tariff(tariff.text)
        except BadTariff as fault:
            yield from (mistake_at(place, "", reason) for reason in fault.reasons)
            continue
        for rate in read.price_micro:
            if "/" in rate or rate == "fixed":
                yield mistake_at(place, rate, RATE_NAME)
        if box_config.text_hash(tariff.text) != tariff.hash:
            yield mistake_at(place, tariff.hash, NOT_ITS_HASH)
        before = known.tariffs.get((tariff.tariff, tariff.version))
        if before is not None and before != tariff.hash:
            yield mistake_at(place, tariff.hash, TEXT_KEPT)


def _kept_mistakes(plan: SitePlan, known: KnownSite) -> Iterable[Mistake]:
    boxes = {box.box: {meter.meter for meter in box.meters} for box in plan.boxes}
    for box, meters in known.boxes.items():
        if box not in boxes:
            yield mistake_at(f"box {box}", "", BOX_STAYS)
            continue
        for meter in sorted(meters - boxes[box]):
            yield mistake_at(f"meter {meter}", "", METER_STAYS(box=box))
    accounts = {account.account: account.customer for account in plan.accounts}
    for account, customer in known.accounts.items():
        if accounts.get(account) != customer:
            yield mistake_at(f"account {account}", accounts.get(account, ""), ACCOUNT_STAYS(customer=customer))
    wallets = {w.wallet: (w.account, w.box, w.opening_micro) for w in plan.wallets}
    for wallet, (account, box, opening_micro) in known.wallets.items():
        now = wallets.get(wallet)
        if now is None or now[:2] != (account, box):
            yield mistake_at(f"wallet {wallet}", str(now), WALLET_STAYS(account=account, box=box))
        elif now[2] != opening_micro:
            yield mistake_at(f"wallet {wallet}, opening_micro", str(now[2]), ENTERED_ONCE(opening=opening_micro))


def config_of(
    plan: SitePlan, box: BoxPlan, account_states: Mapping[str, AccountState], closed: Set[str] = frozenset()
) -> BoxConfig:
    """The configuration of one box: its own meters and wallets, and the tariffs and profiles that they name.

    Wallets that are `closed` are left out: their meters are free for another.
    """
    tariffs = {meter.tariff for meter in box.meters}
    profiles = {meter.profile for meter in box.meters} | {m.relay.board for m in box.meters if m.relay is not None}
    return BoxConfig(
        site=plan.settings,
        defaults=plan.defaults,
        buses=box.buses,
        devices=box.devices,
        meters=box.meters,
        wallets=[
            WalletConfig(
                wallet=wallet.wallet,
                account=wallet.account,
                account_state=account_states.get(wallet.account, "in_use"),
                alarm1_micro=wallet.alarm1_micro,
                alarm2_micro=wallet.alarm2_micro,
                credit_limit_micro=wallet.credit_limit_micro,
                reconnect_micro=wallet.reconnect_micro,
                fees=wallet.fees,
                meters=wallet.meters,
            )
            for wallet in plan.wallets
            if wallet.box == box.box and wallet.wallet not in closed
        ],
        tariffs=[tariff for tariff in plan.tariffs if tariff.tariff in tariffs],
        profiles=newest_texts([profile for profile in plan.profiles if profile.profile in profiles]),
        holidays=plan.holidays,
        friendly_hours=plan.friendly_hours,
    )
