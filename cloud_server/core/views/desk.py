"""What the sales desk shows before money is taken, and the site itself. Values only."""

from dataclasses import dataclass

from cloud_server.core.views.point import AccountView
from cloud_server.core.views.states import AccountState, PointState
from protocol.ids import Id
from protocol.units import Micro, Ms


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFound:
    """One answer of the desk's search. The worst state of its points stands for it."""

    account: Id
    number: str
    account_state: AccountState
    customer: str
    phones: tuple[str, ...]
    shops: tuple[str, ...]
    meter_numbers: tuple[str, ...]
    state: PointState
    balance_micro: Micro | None
    balance_at_ms: Ms | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleLimitsView:
    """What one sale may be, in micro-units."""

    least_micro: Micro
    greatest_micro: Micro


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleSheet:
    """What the desk needs before money is taken: the account with balances and their age, and the limits."""

    as_of_ms: Ms
    account: AccountView
    limits: SaleLimitsView
    closed_boxes: tuple[str, ...] = ()
    """Names of boxes that were not heard since the centre was restored: nothing is sold to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteView:
    """What every page needs of the site."""

    name: str
    zone: str
    currency: str
