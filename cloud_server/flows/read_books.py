"""The read side of the centre: what console and API show. Each call answers from one consistent look at the store."""

from dataclasses import dataclass, replace

from cloud_server.core.views import (
    AccountFound,
    AccountView,
    DayEnergy,
    DayOfSales,
    Monitor,
    PointPage,
    SaleLimitsView,
    SaleRow,
    SaleSheet,
    SiteView,
)
from cloud_server.flows.centre import Centre
from cloud_server.flows.look import Looker
from cloud_server.flows.open_selling import closed_boxes
from cloud_server.flows.read_monitor import monitor
from cloud_server.flows.read_point import energy_by_day, point_page
from cloud_server.flows.read_sales import account_view, all_accounts, find_accounts, sale_rows
from protocol.ids import Id


@dataclass(frozen=True, slots=True)
class _Kept:
    """A monitor that still holds: the change that it was made at, and when."""

    number: int
    monitor: Monitor


MONITOR_KEPT_MS = 1_000
"""Many screens ask at once after a change; one answer serves them all for a second."""


class ReadBooks:
    """Satisfies `ports.Books`."""

    def __init__(self, centre: Centre, whole: "ReadBooks | None" = None) -> None:
        """`whole`: the books of the whole site, of whose monitor somebody who is limited to buildings sees a part."""
        self._centre = centre
        self._whole = whole
        self._looker = Looker(centre)
        self._kept: _Kept | None = None

    def site(self) -> SiteView:
        """Name, zone and currency of the site."""
        site = self._centre.site
        return SiteView(name=site.name, zone=site.zone, currency=site.currency)

    def monitor(self) -> Monitor:
        """Every supply point, every box and bus, now."""
        if self._whole is not None:
            return self._part_of(self._whole.monitor())
        number, now_ms = self._centre.live.number(), self._centre.clock.wall_ms()
        kept = self._kept
        if kept is not None and kept.number == number and now_ms - kept.monitor.as_of_ms < MONITOR_KEPT_MS:
            return kept.monitor
        with self._centre.store.read() as unit:
            look = self._looker.look(unit)
        made = monitor(look) if look is not None else Monitor(as_of_ms=now_ms, buildings=(), points=())
        self._kept = _Kept(number, made)
        return made

    def point(self, point: Id, day: str | None = None) -> PointPage | None:
        """One supply point with the happenings of one day, today unless given."""
        with self._centre.store.read() as unit:
            look = self._looker.look(unit)
            planned = next((p for p in look.site.points if p.point == point), None) if look is not None else None
            if look is None or planned is None:
                return None
            return point_page(self._centre, unit, look, planned, day or self._centre.day_of(look.now_ms))

    def energy_by_day(self, point: Id, to_day: str, days: int) -> tuple[DayEnergy, ...]:
        """What a point used on each of the days up to and with one, oldest first."""
        with self._centre.store.read() as unit:
            look = self._looker.look(unit)
            return energy_by_day(self._centre, unit, look, point, to_day, days) if look is not None else ()

    def find_accounts(self, text: str, limit: int) -> tuple[AccountFound, ...]:
        """Accounts that answer a search, best first; closed ones last."""
        if not text.strip():
            return ()
        with self._centre.store.read() as unit:
            look = self._looker.look(unit)
        return find_accounts(look, text, limit) if look is not None else ()

    def accounts(self, limit: int) -> tuple[AccountFound, ...]:
        """The first accounts by number, closed ones last."""
        with self._centre.store.read() as unit:
            look = self._looker.look(unit)
        return all_accounts(look, limit) if look is not None else ()

    def account(self, account: Id) -> AccountView | None:
        """One account with its wallets."""
        with self._centre.store.read() as unit:
            look = self._looker.look_at_account(unit, account)
        planned = look.site.accounts.get(account) if look is not None else None
        return account_view(look, planned) if look is not None and planned is not None else None

    def sale_sheet(self, account: Id) -> SaleSheet | None:
        """What the desk shows before it takes money."""
        with self._centre.store.read() as unit:
            look = self._looker.look_at_account(unit, account)
            limits = unit.fleet.sale_limits()
            closed = tuple(box.name for box in closed_boxes(unit, unit.fleet.wallets_of_account(account)))
        planned = look.site.accounts.get(account) if look is not None else None
        if look is None or planned is None:
            return None
        bounds = SaleLimitsView(least_micro=limits.least_sale_micro, greatest_micro=limits.greatest_sale_micro)
        return SaleSheet(as_of_ms=look.now_ms, account=account_view(look, planned), limits=bounds, closed_boxes=closed)

    def sale(self, sale: Id) -> SaleRow | None:
        """One sale and how far it has come."""
        with self._centre.store.read() as unit:
            facts = unit.books.sales(sale=sale)
            grants = unit.books.grants_of_sales([sale]).get(sale, [])
            look = self._looker.look_at_boxes(unit, {grant.box for grant in grants})
            rows = sale_rows(look, unit, facts) if look is not None else ()
        return rows[0] if rows else None

    def sales_of_day(self, day: str | None = None) -> DayOfSales:
        """All sales of one till day, newest first; today's unless given."""
        wanted = day or self._centre.day_of(self._centre.clock.wall_ms())
        with self._centre.store.read() as unit:
            look = self._looker.look(unit)
            rows = sale_rows(look, unit, unit.books.sales(day=wanted)) if look is not None else ()
        return DayOfSales(day=wanted, sales=rows)

    def _part_of(self, whole: Monitor) -> Monitor:
        """The whole site's monitor, narrowed: so that it is made once, however many limits there are."""
        with self._centre.store.read() as unit:
            site = self._looker.site_map(unit)
        if site is None:
            return Monitor(as_of_ms=whole.as_of_ms, buildings=(), points=())
        points = {point.point for point in site.points}
        buildings = {building.building for building in site.plan.buildings}
        return Monitor(
            as_of_ms=whole.as_of_ms,
            buildings=tuple(
                replace(building, boxes=tuple(box for box in building.boxes if box.box in site.boxes))
                for building in whole.buildings
                if building.building in buildings
            ),
            points=tuple(row for row in whole.points if row.point in points),
        )
