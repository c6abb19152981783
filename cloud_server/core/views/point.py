"""What one supply point's page shows, and accounts with their wallets. Values only."""

from dataclasses import dataclass
from typing import Literal

from cloud_server.core.views.monitor import BoxRow, BusRow, PointRow
from cloud_server.core.views.sale import SaleRow
from cloud_server.core.views.states import AccountState, CommandState
from protocol.ids import Id
from protocol.records import AlarmKind, Cause, CentreAlarmKind, Contact, MeterTestKind, RefusalReason
from protocol.units import Micro, Ms, Wh


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
    meter_number: str = ""
    """The plate of the meter, where several served the point; else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapRow:
    """A meter taken off and another put there, with the registers that close the one and open the other."""

    at_ms: Ms
    old_number: str
    closing_wh: Wh
    new_number: str
    opening_wh: Wh


@dataclass(frozen=True, slots=True, kw_only=True)
class PastMeterRow:
    """A meter that served the point before. Instants and registers are None where nobody knows them."""

    number: str
    from_ms: Ms | None
    first_wh: Wh | None
    until_ms: Ms | None
    last_wh: Wh | None


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
class NotedReplacement:
    """Somebody on the spot exchanged the meter and noted both registers, as displays show them; None: not read. It has
    no effect until a person at the centre carries it out."""

    at_ms: Ms
    who: str
    old_serial: str
    old_wh: Wh | None
    new_serial: str
    new_wh: Wh | None


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
    swaps: tuple[SwapRow, ...] = ()
    past_meters: tuple[PastMeterRow, ...] = ()
    """All that served the point before, of any day."""
    intervals: tuple[IntervalRow, ...]
    commands: tuple[CommandRow, ...]
    noted: NotedReplacement | None = None
