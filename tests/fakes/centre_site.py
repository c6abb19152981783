"""A street of shops in every state, in memory: implements the console's ports, and lets a test move it."""

import asyncio
import hashlib
from collections import Counter
from dataclasses import replace
from typing import Any, Literal

from cloud_server.core.mistakes import FieldError
from cloud_server.core.views import (
    AccountFound,
    AccountView,
    AlarmRow,
    BoxRow,
    BuildingRow,
    BusRow,
    CommandRow,
    DayOfSales,
    IntervalRow,
    LiveValue,
    MeterView,
    Monitor,
    PointPage,
    PointRow,
    PriceNow,
    SaleLimitsView,
    SalePartRow,
    SaleRow,
    SaleSheet,
    SiteView,
    SwitchingRow,
    WalletView,
)
from cloud_server.ports import Actor, KeyReused, LooksLikeDuplicate, Operation, Refused, SaleOrder
from protocol.units import UNIT_MICRO, amount_from_text
from tests.fakes.centre_clock import FakeClock

YUAN = UNIT_MICRO
SHOPS = (
    "鲜果铺", "老街面馆", "云裳服饰", "晨光文具", "百味烧烤", "蓝海渔具", "小满咖啡", "好运彩票",
    "福记糕点", "青禾药房",
    "金牛五金", "悦读书店", "花间集", "大树家电", "阿婆豆花", "星光影像", "德盛茶庄", "贝贝母婴",
    "顺达快递", "江南丝绸",
)  # fmt: skip
OWNERS = ("李淑芬", "王建国", "张海燕", "刘洋", "陈志强", "杨丽", "赵敏", "黄晓东", "周涛", "吴桂英")
STATES: dict[int, dict[str, Any]] = {
    3: {"state": "alarm1", "balance": 18_40},
    7: {"state": "alarm2", "balance": 4_85},
    11: {"state": "arrears", "balance": -35, "relay": "open", "power_w": 0},
    14: {"state": "not_opened", "balance": None, "account": False, "power_w": 35},
    17: {"state": "lost"},
    23: {"state": "normal", "badges": ("protected",), "balance": 9_02},
    26: {"state": "normal", "badges": ("observe",)},
    31: {"state": "arrears", "balance": -12_70, "relay": "open", "power_w": 0},
    33: {"state": "normal", "badges": ("overload",), "relay": "open", "power_w": 0},
    36: {"state": "alarm1", "balance": 15_00},
    37: {"state": "not_opened", "balance": None, "account": False, "power_w": 0},
    44: {"state": "normal", "badges": ("locked_out",), "relay": "open", "power_w": 0},
    52: {"state": "alarm2", "balance": 1_20},
}


def made_id(what: str) -> str:
    """A fixed id with the form of one of ours."""
    return hashlib.sha256(what.encode()).hexdigest()[:32]


class FakeFeed:
    """Implements `LiveFeed`: moves when a test says so."""

    def __init__(self) -> None:
        self._number = 0
        self.looks = 0

    def number(self) -> int:
        return self._number

    async def wait(self, after: int, timeout_s: float) -> int:
        for _ in range(int(timeout_s / 0.02)):
            if self._number > after:
                break
            await asyncio.sleep(0.02)
        return self._number

    def look(self) -> None:
        self.looks += 1

    def announce(self) -> None:
        self._number += 1


class FakeSite:
    """Implements `Books`, `Desk` and `Operations` over one street of `count` shops in three boxes."""

    def __init__(self, clock: FakeClock, count: int = 60) -> None:
        self.clock = clock
        self.feed = FakeFeed()
        self.rows: dict[str, PointRow] = {}
        self.buildings: tuple[BuildingRow, ...] = ()
        self.sales: dict[str, SaleRow] = {}
        self.orders: dict[str, SaleOrder] = {}
        self.commands: dict[str, list[CommandRow]] = {}
        self.operations: dict[str, Operation] = {}
        self.out_of_reach: set[str] = set()
        self._build(count)

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
            meter=self._meter(row),
            price=PriceNow(
                tariff="商铺分时 2026", version=1, rate="flat", price_micro=812_300, until_ms=now + 6 * 3_600_000
            ),
            account=self._account(row.account) if row.account else None,
            sales=tuple(s for s in self._newest_first() if s.account == row.account) if is_today else (),
            switchings=self._switchings(row) if is_today else (),
            alarms=self._alarms(row) if is_today else (),
            intervals=self._intervals(row) if is_today else (),
            commands=tuple(reversed(self.commands.get(row.meter or "", []))) if is_today else (),
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
        amount = amount_from_text(order.amount)
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

    def _build(self, count: int) -> None:
        boxes = []
        for index, name in enumerate(("A1", "A2", "B1")):
            box = made_id(f"box {name}")
            buses = tuple(BusRow(bus=made_id(f"bus {name}-{n}"), name=f"{name}-{n}") for n in (1, 2))
            building = made_id("building 1" if index < 2 else "building 2")
            boxes.append(
                BoxRow(
                    box=box,
                    name=name,
                    building=building,
                    standing="enrolled",
                    buses=buses,
                    seen_at_ms=self.clock.wall_ms() - 1_200,
                )
            )
        self.buildings = (
            BuildingRow(building=made_id("building 1"), name="一号楼", boxes=tuple(boxes[:2])),
            BuildingRow(building=made_id("building 2"), name="二号楼", boxes=tuple(boxes[2:])),
        )
        for index in range(count):
            home = boxes[index * 3 // count]
            row = self._row(index, home, home.buses[index % (max(1, count // 3)) * 2 // max(1, count // 3) % 2])
            self.rows[row.point] = row

    def _row(self, index: int, box: BoxRow, bus: BusRow) -> PointRow:
        now, special = self.clock.wall_ms(), STATES.get(index, {})
        has_account = special.get("account", True)
        lost = special.get("state") == "lost"
        fen = special.get("balance", 30_00 + index * 37_31 % 900_00)
        number = f"{'ABC'[index // 20 % 3]}{index // 10 % 2 + 1}{index % 10 + 1:02d}" if index < 60 else f"D{index:04d}"
        return PointRow(
            point=made_id(f"point {index}"),
            number=number,
            name=SHOPS[index % len(SHOPS)],
            building=box.building,
            box=box.box,
            bus=bus.bus,
            meter=made_id(f"meter {index}"),
            meter_number=f"2026{index:04d}",
            account=made_id(f"account {index}") if has_account else None,
            account_number=f"{100200 + index}" if has_account else None,
            customer=OWNERS[index % len(OWNERS)] if has_account else None,
            phones=(f"1380000{index:04d}",) if has_account else (),
            state=special.get("state", "normal"),
            badges=special.get("badges", ()),
            balance_micro=None if fen is None else fen * 10_000,
            balance_at_ms=None if fen is None else now - (7_400_000 if lost else 1_500 + index * 13),
            relay=special.get("relay", "unknown" if lost else "closed"),
            power_w=None if lost else special.get("power_w", 180 + index * 173 % 3_900),
            power_estimated=index % 20 == 5,
            seen_at_ms=now - (7_400_000 if lost else 1_500 + index * 13),
            since_ms=now - 1_800_000,
        )

    def _place(self, row: PointRow) -> tuple[BuildingRow, BoxRow, BusRow]:
        building = next(b for b in self.buildings if b.building == row.building)
        box = next(b for b in building.boxes if b.box == row.box)
        return building, box, next(b for b in box.buses if b.bus == row.bus)

    def _meter(self, row: PointRow) -> MeterView:
        watts = row.power_w or 0
        wanted: Literal["open", "closed"] = "open" if row.relay == "open" else "closed"
        mode: Literal["prepaid", "protected", "forced_off"] = "prepaid"
        if "protected" in row.badges:
            mode = "protected"
        elif "forced_off" in row.badges:
            mode = "forced_off"
        return MeterView(
            meter=row.meter or "",
            number=row.meter_number or "",
            serial=f"SN{row.meter_number}",
            profile="acrel_adf400l",
            unit=int(row.meter_number or 1) % 20 + 1,
            phases=1,
            rated_ma=60_000,
            ct=(1, 1),
            pt=(1, 1),
            service="observe" if "observe" in row.badges else "in_service",
            mode=mode,
            locked_out_by="陈志强" if "locked_out" in row.badges else None,
            locked_out_at_ms=row.since_ms if "locked_out" in row.badges else None,
            relay_tested=True,
            relay_wanted=wanted,
            relay_seen=row.relay,
            relay_cause="arrears" if row.state == "arrears" else "normal",
            relay_at_ms=row.since_ms,
            register_wh=12_345_670 + int(row.meter_number or 0) % 1000 * 991,
            register_at_ms=row.seen_at_ms,
            values=(
                LiveValue(name="voltage_a_mv", value=228_400),
                LiveValue(name="current_a_ma", value=watts * 1000 // 228),
                LiveValue(name="power_w", value=watts),
                LiveValue(name="power_factor", value=967),
                LiveValue(name="frequency_mhz", value=50_010),
            ),
            values_at_ms=row.seen_at_ms,
        )

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

    def _switchings(self, row: PointRow) -> tuple[SwitchingRow, ...]:
        if row.state != "arrears":
            return ()
        return (
            SwitchingRow(
                at_ms=row.since_ms or 0, wanted="open", seen="open", cause="arrears", running_micro=row.balance_micro
            ),
        )

    def _alarms(self, row: PointRow) -> tuple[AlarmRow, ...]:
        reached = {"alarm1": 1, "alarm2": 2, "arrears": 3}.get(row.state, 0)
        kinds = ("arrears", "alarm2", "alarm1")[3 - reached :]
        since = row.since_ms or 0
        return tuple(
            AlarmRow(at_ms=since - index * 900_000, alarm=kind, state="raised", value=row.balance_micro)  # type: ignore[arg-type]  # literals by table
            for index, kind in enumerate(kinds)
        )

    def _intervals(self, row: PointRow) -> tuple[IntervalRow, ...]:
        if row.state in {"lost", "not_opened"}:
            return ()
        midnight, half_hour = self.clock.wall_ms() // 86_400_000 * 86_400_000 - 8 * 3_600_000, 1_800_000
        loads = (2, 2, 1, 1, 1, 1, 2, 2, 3, 3, 2, 3, 5, 8, 9, 11, 14, 16, 17, 18, 21, 24, 26, 25)
        register, rows = 12_300_000, []
        for index, load in enumerate(loads):
            energy = load * 40 + index * 7 % 13
            start = midnight + index * half_hour
            rate = "valley" if index < 16 else "flat" if index < 22 else "peak"
            rows.append(
                IntervalRow(
                    from_ms=start,
                    to_ms=start + half_hour,
                    from_wh=register,
                    to_wh=register + energy,
                    energy_wh=energy,
                    charge_micro=energy * 812,
                    rates=(rate,),
                    max_power_w=load * 95,
                    flags=("estimated_split",) if index == 9 else (),
                )
            )
            register += energy
        return tuple(rows)


def count_states(site: FakeSite) -> Counter[str]:
    """How many points are in which state, as people count them."""
    return Counter("lost" if row.lost_with else row.state for row in site.rows.values())
