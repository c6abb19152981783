"""The monitor's rows: every supply point, box and bus as one look knows them. Part of `read_books`."""

from collections.abc import Iterable

from cloud_server.core.batch_facts import MeterFacts, WalletFacts
from cloud_server.core.fleet import BoxState
from cloud_server.core.fleet_health import PointFacts, point_state
from cloud_server.core.forecast import WEEK_MS
from cloud_server.core.shown import StandingAlarm
from cloud_server.core.site_map import PlacedMeter
from cloud_server.core.views import (
    Badge,
    BoxRow,
    BoxStanding,
    BuildingRow,
    BusRow,
    LostWith,
    Monitor,
    PointRow,
    PointState,
)
from cloud_server.flows.look import Look
from protocol.ids import Id
from protocol.records import Contact
from protocol.site_plan import AccountPlan, BoxPlan, CustomerPlan, PointPlan, WalletPlan
from protocol.units import Ms

_STANDING: dict[BoxState, BoxStanding] = {
    BoxState.PLANNED: "planned",
    BoxState.CLAIMED: "claimed",
    BoxState.WAITING: "waiting",
}
_ALARM_OF_STATE: dict[PointState, str] = {"arrears": "arrears", "alarm2": "alarm2", "alarm1": "alarm1"}


class _Standing:
    """Alarms that stand, by what they are about."""

    def __init__(self, alarms: Iterable[StandingAlarm]) -> None:
        self.buses = {a.bus: a.raised_at_ms for a in alarms if a.kind == "bus_lost" and a.bus is not None}
        self.devices = {a.device for a in alarms if a.kind == "device_lost" and a.device is not None}
        self.meters = {(a.kind, a.meter): a.raised_at_ms for a in alarms if a.meter is not None}
        self.wallets = {(a.kind, a.wallet): a.raised_at_ms for a in alarms if a.wallet is not None}


def monitor(look: Look) -> Monitor:
    """The whole site."""
    standing = _Standing(look.alarms)
    plan = look.site.plan
    return Monitor(
        as_of_ms=look.now_ms,
        buildings=tuple(
            BuildingRow(
                building=building.building,
                name=building.name,
                boxes=tuple(box_row(look, box, standing) for box in plan.boxes if box.building == building.building),
            )
            for building in plan.buildings
        ),
        points=tuple(_point_row(look, point, standing) for point in look.site.points),
    )


def point_row(look: Look, point: PointPlan) -> PointRow:
    """One supply point."""
    return _point_row(look, point, _Standing(look.alarms))


def one_box_row(look: Look, box: BoxPlan) -> BoxRow:
    """One box with its buses."""
    return box_row(look, box, _Standing(look.alarms))


def box_row(look: Look, planned: BoxPlan, standing: _Standing) -> BoxRow:
    """One box with its buses, given what stands."""
    box = look.boxes[planned.box]
    return BoxRow(
        box=planned.box,
        name=planned.name,
        building=planned.building,
        standing=_STANDING.get(box.state, "enrolled"),
        buses=tuple(
            BusRow(bus=bus.bus, name=bus.name, lost_since_ms=standing.buses.get(bus.bus)) for bus in planned.buses
        ),
        seen_at_ms=box.seen_at_ms,
        lost_since_ms=look.box_lost_since_ms(box),
        waiting=look.waiting.get(planned.box, 0),
        recovering=box.recovery,
    )


def _point_row(look: Look, point: PointPlan, standing: _Standing) -> PointRow:
    meter = look.site.meter_of.get(point.point)
    if meter is None:
        return PointRow(
            point=point.point,
            number=point.number,
            name=point.name,
            building=point.building,
            box="",
            bus="",
            meter=None,
            meter_number=None,
            account=None,
            account_number=None,
            customer=None,
            use=point.use,
            state="not_opened" if point.use == "tenant" else "measured",
        )
    return _metered_row(look, point, look.site.meters[meter], standing)


def _metered_row(look: Look, point: PointPlan, placed: PlacedMeter, standing: _Standing) -> PointRow:
    meter = placed.meter.meter
    facts = look.facts_of(meter)
    live = look.live.get(meter)
    wallet, account, customer = _payer(look, meter)
    lost_with = _lost_with(look, placed, standing)
    state = _state(look, facts, wallet, lost_with, sold=point.use == "tenant")
    balance_micro, balance_at_ms = None, None
    if wallet is not None:
        balance_micro, balance_at_ms = look.balance(wallet.wallet, tuple(wallet.meters), wallet.box)
    read_at_ms = look.facts[meter][2] if meter in look.facts else None
    return PointRow(
        point=point.point,
        number=point.number,
        name=point.name,
        building=point.building,
        box=placed.box.box,
        bus=placed.meter.bus,
        meter=meter,
        meter_number=placed.number,
        account=account.account if account is not None else None,
        account_number=account.number if account is not None else None,
        customer=customer.name if customer is not None else None,
        phones=customer.phones if customer is not None else (),
        use=point.use,
        state=state,
        lost_with=lost_with,
        badges=_badges(look, facts, meter, standing),
        balance_micro=balance_micro,
        balance_at_ms=balance_at_ms,
        relay=relay_now(look, meter),
        power_w=live.power_w if live is not None else None,
        power_estimated=live.power_estimated if live is not None else False,
        seen_at_ms=live.at_ms if live is not None else read_at_ms,
        since_ms=_since_ms(state, meter, wallet, standing),
        zero_at_ms=_zero_at_ms(look, wallet),
    )


def _payer(look: Look, meter: str) -> tuple[WalletPlan | None, AccountPlan | None, CustomerPlan | None]:
    """Wallet, account and customer of a meter; nobody where the account was closed."""
    wallet = look.site.wallet_of.get(meter)
    if wallet is None or look.account_states.get(wallet.account) == "closed":
        return None, None, None
    account = look.site.accounts[wallet.account]
    return wallet, account, look.site.customers[account.customer]


def relay_now(look: Look, meter: str) -> Contact:
    """What the relay was last seen as: live where that is newer than the last record of it."""
    live = look.live_value(meter, look.site.meters[meter].box.box)
    if live is not None and live.relay != "unknown":
        return live.relay
    return look.facts_of(meter).seen


def _lost_with(look: Look, placed: PlacedMeter, standing: _Standing) -> LostWith | None:
    if look.box_lost_since_ms(look.boxes[placed.box.box]) is not None:
        return "box"
    if placed.meter.bus in standing.buses:
        return "bus"
    return "device" if placed.meter.device in standing.devices else None


def _state(
    look: Look, facts: MeterFacts, wallet: WalletPlan | None, lost_with: LostWith | None, *, sold: bool
) -> PointState:
    of_wallet = look.wallet_facts.get(wallet.wallet) if wallet is not None else None
    known = of_wallet if of_wallet is not None else WalletFacts(wallet="")
    return point_state(
        PointFacts(
            has_account=wallet is not None,
            sold=sold,
            lost=facts.lost and lost_with is None,
            arrears=known.arrears,
            alarm_level=known.alarm_level,
        )
    )


def _badges(look: Look, facts: MeterFacts, meter: str, standing: _Standing) -> tuple[Badge, ...]:
    mode = mode_now(facts, look.now_ms)
    wanted: tuple[tuple[Badge, bool], ...] = (
        ("locked_out", facts.locked_out_by is not None),
        ("overload", facts.overload),
        ("forced_off", mode == "forced_off"),
        ("protected", mode == "protected"),
        ("held", facts.held),
        ("deaf", ("relay_deaf", meter) in standing.meters),
        ("observe", facts.service == "observe"),
    )
    return tuple(badge for badge, stands in wanted if stands)


def mode_now(facts: MeterFacts, now_ms: Ms) -> str:
    """The mode that holds: one whose end has come is over."""
    over = facts.mode_until_ms is not None and now_ms >= facts.mode_until_ms
    return "prepaid" if over else facts.mode


def _zero_at_ms(look: Look, wallet: WalletPlan | None) -> Ms | None:
    """As foreseen, moved by what came and went since: in proportion to the balance."""
    row = look.forecasts.get(wallet.wallet) if wallet is not None else None
    if wallet is None or row is None or row.zero_at_ms is None:
        return None
    now_micro, _ = look.balance(wallet.wallet, tuple(wallet.meters), wallet.box)
    left_micro = row.balance_micro + wallet.credit_limit_micro
    if now_micro is None or left_micro <= 0:
        return row.zero_at_ms
    gone_ms = max(look.now_ms - row.balance_at_ms, 0)
    expected_micro = left_micro - row.week_micro * gone_ms // WEEK_MS
    more_micro = now_micro + wallet.credit_limit_micro - expected_micro
    return row.zero_at_ms + (more_micro * WEEK_MS // row.week_micro if row.week_micro > 0 else 0)


def _since_ms(state: PointState, meter: Id, wallet: WalletPlan | None, standing: _Standing) -> Ms | None:
    if state == "lost":
        return standing.meters.get(("meter_lost", meter))
    alarm = _ALARM_OF_STATE.get(state)
    if alarm is None or wallet is None:
        return None
    return standing.wallets.get((alarm, wallet.wallet))
