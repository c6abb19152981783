"""A site plan as look-ups: which meter serves which point, on which box, fed by which wallet. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from protocol.box_config import MeterConfig
from protocol.site_plan import AccountPlan, BoxPlan, CustomerPlan, PointPlan, SitePlan, WalletPlan
from protocol.tariff import TariffBook
from protocol.tariff_text import read_tariff


@dataclass(frozen=True, slots=True)
class PlacedMeter:
    """A meter with the box that it hangs on."""

    box: BoxPlan
    meter: MeterConfig

    @property
    def number(self) -> str:
        """What stands on the meter's plate, where it is known: what a person at the meter reads and types."""
        return self.meter.serial or self.meter.name


@dataclass(frozen=True)
class SiteMap:
    """Look-ups in one plan. `points` come in the order of building, box, bus, unit address; those without a meter last.

    `meter_of` is by point, `wallet_of` by meter; wallets of an account keep the plan's order.
    """

    plan: SitePlan
    points: tuple[PointPlan, ...]
    boxes: Mapping[str, BoxPlan]
    meters: Mapping[str, PlacedMeter]
    meter_of: Mapping[str, str]
    point_of: Mapping[str, PointPlan]
    """By meter."""
    wallets: Mapping[str, WalletPlan]
    wallet_of: Mapping[str, WalletPlan]
    accounts: Mapping[str, AccountPlan]
    customers: Mapping[str, CustomerPlan]
    wallets_of: Mapping[str, tuple[WalletPlan, ...]]
    """By account."""
    book: TariffBook

    def shops(self, wallet: WalletPlan) -> tuple[str, ...]:
        """Number and name of each point that a wallet feeds."""
        points = [self.point_of[meter] for meter in wallet.meters if meter in self.point_of]
        return tuple(f"{point.number} {point.name}" for point in points)


def map_site(plan: SitePlan) -> SiteMap:
    """Make the look-ups of a plan that was judged."""
    points = {point.point: point for point in plan.points}
    meters = {meter.meter: PlacedMeter(box, meter) for box in plan.boxes for meter in box.meters}
    meter_of: dict[str, str] = {}
    for placed in meters.values():
        meter_of.setdefault(placed.meter.point, placed.meter.meter)
    wallets_of: dict[str, tuple[WalletPlan, ...]] = {}
    for wallet in plan.wallets:
        wallets_of[wallet.account] = (*wallets_of.get(wallet.account, ()), wallet)
    return SiteMap(
        plan=plan,
        points=_in_order(plan, meters, meter_of),
        boxes={box.box: box for box in plan.boxes},
        meters=meters,
        meter_of=meter_of,
        point_of={meter: points[placed.meter.point] for meter, placed in meters.items()},
        wallets={wallet.wallet: wallet for wallet in plan.wallets},
        wallet_of={meter: wallet for wallet in plan.wallets for meter in wallet.meters},
        accounts={account.account: account for account in plan.accounts},
        customers={customer.customer: customer for customer in plan.customers},
        wallets_of=wallets_of,
        book=TariffBook(plan.settings.zone, {(t.tariff, t.version): read_tariff(t.text) for t in plan.tariffs}),
    )


def _in_order(plan: SitePlan, meters: Mapping[str, PlacedMeter], meter_of: Mapping[str, str]) -> tuple[PointPlan, ...]:
    buildings = {building.building: i for i, building in enumerate(plan.buildings)}
    boxes = {box.box: i for i, box in enumerate(plan.boxes)}
    buses = {bus.bus: i for box in plan.boxes for i, bus in enumerate(box.buses)}

    def place(point: PointPlan) -> tuple[int, int, int, int, str]:
        building = buildings.get(point.building, len(buildings))
        placed = meters.get(meter_of.get(point.point, ""))
        if placed is None:
            return building, len(boxes), 0, 0, point.number
        return building, boxes[placed.box.box], buses[placed.meter.bus], placed.meter.unit, point.number

    return tuple(sorted(plan.points, key=place))
