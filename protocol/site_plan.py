"""The plan of a site: what provisioning sends to the centre's API. Types and the checks that need nothing else.

Ids are made by whoever writes the plan and stay the same when it is sent again, changed.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from protocol import plan_reasons as reasons
from protocol.box_config import (
    BusConfig,
    Defaults,
    DeviceConfig,
    FeeConfig,
    FriendlyHours,
    MeterConfig,
    ProfileText,
    SiteConfig,
    TariffText,
)
from protocol.payload import Count, Day, IdText, Int, Name, Payload
from protocol.reason import Reason


class BuildingPlan(Payload, frozen=True, kw_only=True):
    """Part of a site."""

    building: IdText
    name: Name


class BoxPlan(Payload, frozen=True, kw_only=True):
    """One electrical shaft: its box with buses, devices and meters."""

    box: IdText
    name: Name
    building: IdText
    buses: list[BusConfig]
    devices: list[DeviceConfig]
    meters: list[MeterConfig]


class PointPlan(Payload, frozen=True, kw_only=True):
    """A supply point. `number` is the shop number that staff type."""

    point: IdText
    building: IdText
    number: Name
    name: Name
    use: Literal["tenant", "main", "public"] = "tenant"


class CustomerPlan(Payload, frozen=True, kw_only=True):
    """Who pays. At most three phones."""

    customer: IdText
    name: Name
    phones: Annotated[tuple[Name, ...], msgspec.Meta(max_length=3)] = ()


class AccountPlan(Payload, frozen=True, kw_only=True):
    """A customer's contract."""

    account: IdText
    number: Name
    customer: IdText


class WalletPlan(Payload, frozen=True, kw_only=True):
    """Prepaid money on one box. `opening_micro` is the balance of an old system, entered once."""

    wallet: IdText
    account: IdText
    box: IdText
    meters: list[IdText]
    """At least one, but for a wallet that is closed and whose meters went elsewhere."""
    alarm1_micro: Int
    alarm2_micro: Int
    credit_limit_micro: Count = 0
    reconnect_micro: Int = 10_000
    fees: tuple[FeeConfig, ...] = ()
    opening_micro: Int = 0


class SaleLimits(Payload, frozen=True, kw_only=True):
    """What one sale, one balance and one operator's day may reach, and what one person decides alone.

    Above an `…_alone_max` a second person confirms; write-offs, typed registers and retired boxes always want two.
    """

    least_sale_micro: Count = 10_000
    greatest_sale_micro: Count = 50_000_000_000
    greatest_balance_micro: Count = 100_000_000_000
    operator_day_micro: Count = 1_000_000_000_000
    refund_alone_max_micro: Count = 1_000_000_000
    adjustment_alone_max_micro: Count = 100_000_000
    closing_alone_max_micro: Count = 1_000_000_000
    till_difference_alone_max_micro: Count = 10_000_000
    cut_off_alone_max: Count = 10
    protect_alone_max: Count = 10
    till_wanted: bool = False
    """Whether a person sells only with a till opened."""


class SitePlan(Payload, frozen=True, kw_only=True):
    """A whole site."""

    site: IdText
    name: Name
    settings: SiteConfig
    defaults: Defaults
    limits: SaleLimits = SaleLimits()
    buildings: list[BuildingPlan]
    boxes: list[BoxPlan]
    points: list[PointPlan]
    customers: list[CustomerPlan]
    accounts: list[AccountPlan]
    wallets: list[WalletPlan]
    tariffs: list[TariffText]
    profiles: tuple[ProfileText, ...] = ()
    holidays: tuple[Day, ...] = ()
    friendly_hours: tuple[FriendlyHours, ...] = ()


def find_mistakes(plan: SitePlan) -> list[Reason]:
    """Every reference that leads nowhere and every name that stands twice, with place and value."""
    buildings = {b.building for b in plan.buildings}
    boxes = {b.box: {m.meter for m in b.meters} for b in plan.boxes}
    points = {p.point for p in plan.points}
    customers = {c.customer for c in plan.customers}
    accounts = {a.account for a in plan.accounts}
    found = [reasons.TWICE[what](name=name) for what, name in _repeated(plan)]
    found += [reasons.BOX_BUILDING(box=b.name, building=b.building) for b in plan.boxes if b.building not in buildings]
    found += [
        reasons.POINT_BUILDING(point=p.number, building=p.building) for p in plan.points if p.building not in buildings
    ]
    found += [
        reasons.METER_POINT(box=b.name, meter=m.name, point=m.point)
        for b in plan.boxes
        for m in b.meters
        if m.point not in points
    ]
    found += [
        reasons.ACCOUNT_CUSTOMER(account=a.number, customer=a.customer)
        for a in plan.accounts
        if a.customer not in customers
    ]
    for wallet in plan.wallets:
        if wallet.account not in accounts:
            found.append(reasons.WALLET_ACCOUNT(wallet=wallet.wallet, account=wallet.account))
        if wallet.box not in boxes:
            found.append(reasons.WALLET_BOX(wallet=wallet.wallet, box=wallet.box))
        found += [
            reasons.WALLET_METER(wallet=wallet.wallet, meter=meter, box=wallet.box)
            for meter in wallet.meters
            if meter not in boxes.get(wallet.box, set())
        ]
    return found


def _repeated(plan: SitePlan) -> Iterable[tuple[str, str]]:
    for what, names in (
        ("building", [b.building for b in plan.buildings]),
        ("box", [b.box for b in plan.boxes]),
        ("box name", [b.name for b in plan.boxes]),
        ("meter", [m.meter for b in plan.boxes for m in b.meters]),
        ("point", [p.point for p in plan.points]),
        ("point number", [p.number for p in plan.points]),
        ("customer", [c.customer for c in plan.customers]),
        ("account", [a.account for a in plan.accounts]),
        ("account number", [a.number for a in plan.accounts]),
        ("wallet", [w.wallet for w in plan.wallets]),
    ):
        yield from ((what, name) for name, count in sorted(Counter(names).items()) if count > 1)
