"""What pages and the API show: frozen rows, ready to be read by people. Values only: no words, no layout, no queries.

Money is micro-units, energy Wh, power W, instants UTC ms. `None` beside a value always means "not known"; the age
of a value stands beside it (`..._at_ms`), because a value without its age is taken for a live one.
"""

from dataclasses import dataclass
from typing import Final, Literal

from protocol.ids import Id
from protocol.records import AlarmKind, Cause, CentreAlarmKind, Contact, MeterTestKind, RefusalReason
from protocol.units import Micro, Ms, Wh

PointState = Literal["normal", "alarm1", "alarm2", "arrears", "not_opened", "lost", "measured"]
STATES: Final[tuple[PointState, ...]] = ("arrears", "alarm2", "alarm1", "lost", "not_opened", "normal", "measured")
"""The states in the order in which they want attention; lost goes before arrears where a point is both. `measured` is a
main or public supply point: measured, and sold to nobody."""
PointUse = Literal["tenant", "main", "public"]
Badge = Literal["overload", "protected", "forced_off", "locked_out", "observe", "held", "deaf"]
LostWith = Literal["box", "bus", "device"]
SaleState = Literal["sold", "waiting", "delivered", "on", "refused", "credit"]
"""`credit`: the money was taken elsewhere, and a bound of the site keeps it at the centre until a person sees to it."""
Method = Literal["cash", "card", "wechat", "alipay", "transfer", "other"]
METHODS: Final[tuple[Method, ...]] = ("cash", "wechat", "alipay", "card", "transfer", "other")
"""In the order of the desk's keys 1 to 6."""
BoxStanding = Literal["planned", "claimed", "waiting", "enrolled"]
CommandState = Literal["queued", "delivered", "done", "refused", "expired"]
AccountState = Literal["in_use", "closing", "closed"]


# ------------------------------------------------------------------------------------------------------------ monitor


@dataclass(frozen=True, slots=True, kw_only=True)
class PointRow:
    """One supply point as a tile or a row shows it.

    `state` is what the newest facts say of the point itself: `lost` only where its own meter does not answer.
    Where something larger is lost, `lost_with` names it: it is shown once, and the point's last state fades.
    """

    point: Id
    number: str
    name: str
    building: Id
    box: Id
    bus: Id
    meter: Id | None
    meter_number: str | None
    account: Id | None
    account_number: str | None
    customer: str | None
    phones: tuple[str, ...] = ()
    use: PointUse = "tenant"
    state: PointState
    lost_with: LostWith | None = None
    badges: tuple[Badge, ...] = ()
    balance_micro: Micro | None = None
    balance_at_ms: Ms | None = None
    relay: Contact = "unknown"
    power_w: int | None = None
    power_estimated: bool = False
    seen_at_ms: Ms | None = None
    """When the meter was last read, as far as the centre has heard."""
    since_ms: Ms | None = None
    """Since when the state has been what it is."""
    zero_at_ms: Ms | None = None
    """When the wallet will have reached its trip level by its use, where that is foreseen within two months."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusRow:
    """One line of a box; lost when none of its meters answers."""

    bus: Id
    name: str
    lost_since_ms: Ms | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxRow:
    """One box with its buses. `waiting` counts signed commands that it has not fetched."""

    box: Id
    name: str
    building: Id
    standing: BoxStanding
    buses: tuple[BusRow, ...]
    seen_at_ms: Ms | None = None
    lost_since_ms: Ms | None = None
    waiting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildingRow:
    """Part of a site, with its boxes in the order of their names."""

    building: Id
    name: str
    boxes: tuple[BoxRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """The whole site at one moment. Points come in the order of building, box, bus, unit address."""

    as_of_ms: Ms
    buildings: tuple[BuildingRow, ...]
    points: tuple[PointRow, ...]


# ------------------------------------------------------------------------------------------------------- supply point


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveValue:
    """One measured quantity; its name carries the unit (`voltage_a_mv`, `power_w`, `total_wh`)."""

    name: str
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterView:
    """The meter on a supply point: where it hangs, what it is, what is ordered and what is seen."""

    meter: Id
    number: str
    serial: str | None
    profile: str
    unit: int
    phases: int
    rated_ma: int
    ct: tuple[int, int]
    pt: tuple[int, int]
    service: Literal["observe", "in_service"]
    mode: Literal["prepaid", "protected", "forced_off"]
    mode_until_ms: Ms | None = None
    locked_out_by: str | None = None
    locked_out_at_ms: Ms | None = None
    relay_tested: bool = False
    relay_wanted: Contact = "unknown"
    relay_seen: Contact = "unknown"
    relay_cause: Cause = "unknown"
    relay_at_ms: Ms | None = None
    register_wh: Wh | None = None
    register_at_ms: Ms | None = None
    values: tuple[LiveValue, ...] = ()
    values_at_ms: Ms | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceNow:
    """Which tariff and rate holds at this moment, and until when."""

    tariff: str
    version: int
    rate: str
    price_micro: Micro
    until_ms: Ms | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletView:
    """Prepaid money on one box. `needs_micro` is what switches supply on again: 0 where it is on or may be."""

    wallet: Id
    box: Id
    box_name: str
    shops: tuple[str, ...]
    """Number and name of each supply point that it feeds."""
    balance_micro: Micro | None
    balance_at_ms: Ms | None
    in_flight_micro: Micro
    """Sold, and not yet applied by the box."""
    alarm1_micro: Micro
    alarm2_micro: Micro
    trip_micro: Micro
    reconnect_micro: Micro
    arrears_open: bool
    needs_micro: Micro
    in_reach: bool
    """The box holds a long poll open or has synced within its limit: a sale is there within seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """A customer's contract with its wallets. `credit_micro` is money at the centre, not granted to any box."""

    account: Id
    number: str
    state: AccountState
    customer: str
    phones: tuple[str, ...]
    credit_micro: Micro
    wallets: tuple[WalletView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchingRow:
    """A relay changed, commanded or not. `tested_by` names who moved it for a relay test."""

    at_ms: Ms
    wanted: Contact
    seen: Contact
    cause: Cause
    tested_by: str | None = None
    running_micro: Micro | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRow:
    """An alarm was raised or cleared."""

    at_ms: Ms
    alarm: AlarmKind | CentreAlarmKind
    state: Literal["raised", "cleared"]
    value: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRow:
    """A test on the spot, with a person's yes."""

    at_ms: Ms
    test: MeterTestKind
    passed: bool
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalRow:
    """Energy and charge of one stretch of time, with the registers that prove them."""

    from_ms: Ms
    to_ms: Ms
    from_wh: Wh
    to_wh: Wh
    energy_wh: Wh
    charge_micro: Micro
    rates: tuple[str, ...]
    max_power_w: int | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DayEnergy:
    """What one supply point used on one day of the site, as far as its intervals have come."""

    day: str
    energy_wh: Wh
    charge_micro: Micro
    intervals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRow:
    """One command on its way to a meter: queued, delivered, then done or refused with its reason."""

    command: int
    kind: str
    what: str
    """The body's own word where the kind has several: mode (`protected`), `on`, `off`."""
    who: str
    issued_at_ms: Ms
    state: CommandState
    state_at_ms: Ms | None = None
    until_ms: Ms | None = None
    reason: RefusalReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PointPage:
    """Everything that one supply point's page shows of one day. Lists come newest first, but intervals oldest first."""

    as_of_ms: Ms
    day: str
    """YYYY-MM-DD in the site's zone."""
    row: PointRow
    building_name: str
    box: BoxRow
    bus: BusRow
    meter: MeterView | None
    price: PriceNow | None
    account: AccountView | None
    sales: "tuple[SaleRow, ...]"
    switchings: tuple[SwitchingRow, ...]
    alarms: tuple[AlarmRow, ...]
    tests: tuple[TestRow, ...] = ()
    intervals: tuple[IntervalRow, ...]
    commands: tuple[CommandRow, ...]


# --------------------------------------------------------------------------------------------------------- sales desk


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SalePartRow:
    """One wallet's share of a sale and how far it has come."""

    wallet: Id
    box_name: str
    shops: tuple[str, ...]
    amount_micro: Micro
    state: SaleState
    box: Id = ""
    reason: RefusalReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleRow:
    """One sale as lists, receipts and the desk's result page show it.

    `state` is that of the slowest part. `waiting_since_ms` stands while the box is out of reach.
    `balance_before_micro` is as the centre knew it when the money was taken, with its own age.
    """

    sale: Id
    receipt: str
    account: Id
    account_number: str
    customer: str
    shops: tuple[str, ...]
    amount_micro: Micro
    method: Method
    operator: str
    operator_name: str
    paid_at_ms: Ms
    till_day: str
    state: SaleState
    parts: tuple[SalePartRow, ...]
    waiting_since_ms: Ms | None = None
    delivered_at_ms: Ms | None = None
    on_at_ms: Ms | None = None
    balance_before_micro: Micro | None = None
    balance_before_at_ms: Ms | None = None
    balance_after_micro: Micro | None = None
    """As the box said when it applied the grant."""
    prints: int = 0
    """How often its receipt was printed; a reprint is marked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfSales:
    """The sales of one till day, newest first."""

    day: str
    sales: tuple[SaleRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteView:
    """What every page needs of the site."""

    name: str
    zone: str
    currency: str
