"""A street of shops in every state, in memory: implements the console's ports, and lets a test move it."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from cloud_server.core.mistakes import FieldError
from cloud_server.core.sale_order import read_amount
from cloud_server.core.views import (
    AccountFound,
    AccountView,
    BoxRow,
    BuildingRow,
    BusRow,
    CommandRow,
    DayEnergy,
    DayOfSales,
    Monitor,
    PointPage,
    PointRow,
    PriceNow,
    SaleLimitsView,
    SalePartRow,
    SaleRow,
    SaleSheet,
    SiteView,
    WalletView,
)
from cloud_server.ports import Actor, KeyReused, LooksLikeDuplicate, Operation, Refused, SaleOrder
from tests.fakes.centre_clock import FakeClock
from tests.fakes.centre_street import YUAN, alarms_of, build_street, intervals_of, made_id, meter_of, switchings_of


class FakeFeed:
    """Implements `LiveFeed`: moves when a test says so."""

    def __init__(self) -> None:
        self._number = 0
        self.looks = 0
        self.closed = False

    def number(self) -> int:
        return self._number

    async def wait(self, after: int, timeout_s: float) -> int:
        for _ in range(int(timeout_s / 0.02)):
            if self._number > after or self.closed:
                break
            await asyncio.sleep(0.02)
        return self._number

    def look(self) -> None:
        self.looks += 1

    def is_closed(self) -> bool:
        return self.closed

    def announce(self) -> None:
        self._number += 1


class FakeSite:
    """Implements `Books`, `Desk` and `Operations` over one street of `count` shops in three boxes."""

    def __init__(self, clock: FakeClock, count: int = 60) -> None:
        self.clock = clock
        self.feed = FakeFeed()
        self.sales: dict[str, SaleRow] = {}
        self.orders: dict[str, SaleOrder] = {}
        self.commands: dict[str, list[CommandRow]] = {}
        self.operations: dict[str, Operation] = {}
        self.out_of_reach: set[str] = set()
        self.buildings, self.rows = build_street(count, clock.wall_ms())

    # ------------------------------------------------------------------------------------------------------- moving it

    def change(self, point: str, **values: Any) -> None:
        """Something about a point is different now."""
        self.rows[point] = replace(self.rows[point], **values)
        self.feed.announce()

    def lose_box(self, box: str, since_ms: int | None) -> None:
        """The box says nothing any more, or is back."""
        self.buildings = tuple(
            replace(b, boxes=tuple(replace(x, lost_since_ms=since_ms) if x.box == box else x for x in b.boxes))
            for b in self.buildings
        )
        for point, row in self.rows.items():
            if row.box == box:
                self.rows[point] = replace(row, lost_with=None if since_ms is None else "box")
        (self.out_of_reach.discard if since_ms is None else self.out_of_reach.add)(box)
        self.feed.announce()

    def numbered(self, number: str) -> PointRow:
        """The shop with this number."""
        return next(row for row in self.rows.values() if row.number == number)

    def move_sale(self, sale: str, **values: Any) -> None:
        """A sale has come further."""
        row = self.sales[sale]
        parts = tuple(replace(part, state=values.get("state", part.state)) for part in row.parts)
        self.sales[sale] = replace(row, parts=parts, **values)
        self.feed.announce()

    # ----------------------------------------------------------------------------------------------------------- Books

    def site(self) -> SiteView:
        return SiteView(name="和平商业街", zone="Asia/Shanghai", currency="CNY")

    def monitor(self) -> Monitor:
        return Monitor(as_of_ms=self.clock.wall_ms(), buildings=self.buildings, points=tuple(self.rows.values()))

    def point(self, point: str, day: str | None = None) -> PointPage | None:
        row = self.rows.get(point)
        if row is None:
            return None
        now = self.clock.wall_ms()
        building, box, bus = self._place(row)
        is_today = day in (None, "2026-11-22")
        return PointPage(
            as_of_ms=now,
            day=day or "2026-11-22",
            row=row,
            building_name=building.name,
            box=box,
            bus=bus,
            meter=meter_of(row),
            price=PriceNow(
                tariff="商铺分时 2026", version=1, rate="flat", price_micro=812_300, until_ms=now + 6 * 3_600_000
            ),
            account=self._account(row.account) if row.account else None,
            sales=tuple(s for s in self._newest_first() if s.account == row.account) if is_today else (),
            switchings=switchings_of(row) if is_today else (),
            alarms=alarms_of(row) if is_today else (),
            intervals=intervals_of(row, now) if is_today else (),
            commands=tuple(reversed(self.commands.get(row.meter or "", []))) if is_today else (),
        )

    def energy_by_day(self, point: str, to_day: str, days: int) -> tuple[DayEnergy, ...]:
        row = self.rows.get(point)
        if row is None or row.meter is None:
            return ()
        last = date.fromisoformat(to_day)
        names = [last - timedelta(days=back) for back in reversed(range(days))]
        used = [0 if row.state == "not_opened" else 9_000 + name.day * 137 + name.weekday() * 1_900 for name in names]
        return tuple(
            DayEnergy(day=name.isoformat(), energy_wh=wh, charge_micro=wh * 812, intervals=48 if wh else 0)
            for name, wh in zip(names, used, strict=True)
        )

    def find_accounts(self, text: str, limit: int) -> tuple[AccountFound, ...]:
        folded = text.casefold()
        if not folded:
            return ()
        found = [
            AccountFound(
                account=row.account,
                number=row.account_number or "",
                account_state="in_use",
                customer=row.customer or "",
                phones=row.phones,
                shops=(f"{row.number} {row.name}",),
                meter_numbers=(row.meter_number or "",),
                state=row.state,
                balance_micro=row.balance_micro,
                balance_at_ms=row.balance_at_ms,
            )
            for row in self.rows.values()
            if row.account
            and folded
            in " ".join((row.number, row.name, row.customer or "", row.meter_number or "", *row.phones)).casefold()
        ]
        return tuple(found[:limit])

    def accounts(self, limit: int) -> tuple[AccountFound, ...]:
        return self.find_accounts(" ", limit)

    def sale_sheet(self, account: str) -> SaleSheet | None:
        if not any(row.account == account for row in self.rows.values()):
            return None
        limits = SaleLimitsView(least_micro=YUAN, greatest_micro=50_000 * YUAN)
        return SaleSheet(as_of_ms=self.clock.wall_ms(), account=self._account(account), limits=limits)

    def sale(self, sale: str) -> SaleRow | None:
        return self.sales.get(sale)

    def sales_of_day(self, day: str | None = None) -> DayOfSales:
        shown = self._newest_first() if day in (None, "2026-11-22") else ()
        return DayOfSales(day=day or "2026-11-22", sales=tuple(shown))

    # ------------------------------------------------------------------------------------------------------------ Desk

    def sell(self, order: SaleOrder, by: Actor) -> SaleRow:
        sale = made_id(f"sale {order.key}")
        if order.key in self.orders:
            if replace(self.orders[order.key], again=order.again) != order:
                raise KeyReused(order.key)
            return self.sales[sale]
        account = self._account(order.account)
        amount = read_amount("amount", order.amount)
        if isinstance(amount, FieldError):
            raise Refused([amount])
        if amount > 50_000 * YUAN:
            raise Refused(
                [
                    FieldError(
                        field="amount",
                        value=order.amount,
                        code="above_greatest",
                        message="above the greatest sale",
                        limit_micro=50_000 * YUAN,
                    )
                ]
            )
        if not order.again:
            for earlier in self._newest_first():
                within = self.clock.wall_ms() - earlier.paid_at_ms < 120_000
                if within and earlier.account == order.account and earlier.amount_micro == amount:
                    raise LooksLikeDuplicate(earlier)
        self.orders[order.key] = order
        self.sales[sale] = self._sold(sale, order, account, amount, by)
        self.feed.announce()
        return self.sales[sale]

    def note_print(self, sale: str, by: Actor) -> int:
        self.sales[sale] = replace(self.sales[sale], prints=self.sales[sale].prints + 1)
        return self.sales[sale].prints

    # ------------------------------------------------------------------------------------------------------ Operations

    def order(self, operation: Operation, by: Actor) -> tuple[CommandRow, ...]:
        earlier = self.operations.get(operation.key)
        if earlier is not None and earlier != operation:
            raise KeyReused(operation.key)
        if earlier is None:
            self.operations[operation.key] = operation
            for meter in operation.meters:
                queue = self.commands.setdefault(meter, [])
                queue.append(
                    CommandRow(
                        command=len(queue) + 1,
                        kind="set_mode" if operation.kind in {"prepaid", "protected", "forced_off"} else operation.kind,
                        what=operation.kind,
                        who=by.display_name,
                        issued_at_ms=self.clock.wall_ms(),
                        state="queued",
                        until_ms=operation.until_ms,
                    )
                )
            self.feed.announce()
        return tuple(self.commands[meter][-1] for meter in operation.meters)

    # ---------------------------------------------------------------------------------------------------------- inside

    def _place(self, row: PointRow) -> tuple[BuildingRow, BoxRow, BusRow]:
        building = next(b for b in self.buildings if b.building == row.building)
        box = next(b for b in building.boxes if b.box == row.box)
        return building, box, next(b for b in box.buses if b.bus == row.bus)

    def _account(self, account: str) -> AccountView:
        row = next(row for row in self.rows.values() if row.account == account)
        _, box, _ = self._place(row)
        balance = row.balance_micro or 0
        return AccountView(
            account=account,
            number=row.account_number or "",
            state="in_use",
            customer=row.customer or "",
            phones=row.phones,
            credit_micro=0,
            wallets=(
                WalletView(
                    wallet=made_id(f"wallet {account}"),
                    box=box.box,
                    box_name=box.name,
                    shops=(f"{row.number} {row.name}",),
                    balance_micro=row.balance_micro,
                    balance_at_ms=row.balance_at_ms,
                    in_flight_micro=0,
                    alarm1_micro=20 * YUAN,
                    alarm2_micro=5 * YUAN,
                    trip_micro=0,
                    reconnect_micro=10_000,
                    arrears_open=row.state == "arrears",
                    needs_micro=max(0, 10_000 - balance) if row.state == "arrears" else 0,
                    in_reach=box.box not in self.out_of_reach,
                ),
            ),
        )

    def _sold(self, sale: str, order: SaleOrder, account: AccountView, amount: int, by: Actor) -> SaleRow:
        wallet, now = account.wallets[0], self.clock.wall_ms()
        state = "sold" if wallet.in_reach else "waiting"
        return SaleRow(
            sale=sale,
            receipt=f"S1-20261122-thpkzs-{len(self.sales) + 1:04d}",
            account=account.account,
            account_number=account.number,
            customer=account.customer,
            shops=wallet.shops,
            amount_micro=amount,
            method=order.method,  # type: ignore[arg-type]  # the form has checked it
            operator=by.name,
            operator_name=by.display_name,
            paid_at_ms=now,
            till_day="2026-11-22",
            state=state,  # type: ignore[arg-type]  # one of two literals
            parts=(
                SalePartRow(
                    wallet=wallet.wallet,
                    box_name=wallet.box_name,
                    shops=wallet.shops,
                    amount_micro=amount,
                    state=state,  # type: ignore[arg-type]  # one of two literals
                ),
            ),
            waiting_since_ms=None if wallet.in_reach else now,
            balance_before_micro=wallet.balance_micro,
            balance_before_at_ms=wallet.balance_at_ms,
        )

    def _newest_first(self) -> list[SaleRow]:
        return sorted(self.sales.values(), key=lambda row: (row.paid_at_ms, row.receipt), reverse=True)


def count_states(site: FakeSite) -> Counter[str]:
    """How many points are in which state, as people count them."""
    return Counter("lost" if row.lost_with else row.state for row in site.rows.values())
