"""The made-up street itself: buildings, boxes, shops in every state, and what their meters show. Values only."""

import hashlib
from typing import Any, Literal

from cloud_server.core.views import (
    AlarmRow,
    BoxRow,
    BuildingRow,
    BusRow,
    IntervalRow,
    LiveValue,
    MeterView,
    PointRow,
    SwitchingRow,
)
from protocol.units import UNIT_MICRO

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
    46: {"power_w": 123_400, "balance": -98_765_432_10, "name": "Old Harbour Ship Chandlery & Rope Works"},
    47: {"state": "measured", "use": "main", "name": "A区总表", "balance": None, "account": False, "power_w": 95_400},
    52: {"state": "alarm2", "balance": 1_20},
}


def made_id(what: str) -> str:
    """A fixed id with the form of one of ours."""
    return hashlib.sha256(what.encode()).hexdigest()[:32]


def build_street(count: int, now_ms: int) -> tuple[tuple[BuildingRow, ...], dict[str, PointRow]]:
    """Three boxes in two buildings, and `count` points by id, all read a moment ago but the lost one."""
    rows: dict[str, PointRow] = {}
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
                seen_at_ms=now_ms - 1_200,
            )
        )
    buildings = (
        BuildingRow(building=made_id("building 1"), name="一号楼", boxes=tuple(boxes[:2])),
        BuildingRow(building=made_id("building 2"), name="二号楼", boxes=tuple(boxes[2:])),
    )
    for index in range(count):
        home = boxes[index * 3 // count]
        row = _row(now_ms, index, home, home.buses[index % (max(1, count // 3)) * 2 // max(1, count // 3) % 2])
        rows[row.point] = row
    return buildings, rows


def _row(now_ms: int, index: int, box: BoxRow, bus: BusRow) -> PointRow:
    now, special = now_ms, STATES.get(index, {})
    has_account = special.get("account", True)
    lost = special.get("state") == "lost"
    fen = special.get("balance", 30_00 + index * 37_31 % 900_00)
    number = f"{'ABC'[index // 20 % 3]}{index // 10 % 2 + 1}{index % 10 + 1:02d}" if index < 60 else f"D{index:04d}"
    return PointRow(
        point=made_id(f"point {index}"),
        number=number,
        name=special.get("name", SHOPS[index % len(SHOPS)]),
        building=box.building,
        box=box.box,
        bus=bus.bus,
        meter=made_id(f"meter {index}"),
        meter_number=f"2026{index:04d}",
        account=made_id(f"account {index}") if has_account else None,
        account_number=f"{100200 + index}" if has_account else None,
        customer=OWNERS[index % len(OWNERS)] if has_account else None,
        phones=(f"1380000{index:04d}",) if has_account else (),
        use=special.get("use", "tenant"),
        state=special.get("state", "normal"),
        badges=special.get("badges", ()),
        balance_micro=None if fen is None else fen * 10_000,
        balance_at_ms=None if fen is None else now - (7_400_000 if lost else 1_500 + index * 13),
        relay=special.get("relay", "unknown" if lost else "closed"),
        power_w=None if lost else special.get("power_w", 180 + index * 173 % 3_900),
        power_estimated=index % 20 in (5, 6),
        seen_at_ms=now - (7_400_000 if lost else 1_500 + index * 13),
        since_ms=now - 1_800_000,
    )


def meter_of(row: PointRow) -> MeterView:
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
            LiveValue(name="voltage_ab_mv", value=396_100),
            LiveValue(name="energy_a_raw_wh", value=4_321_000),
        ),
        values_at_ms=row.seen_at_ms,
    )


def switchings_of(row: PointRow) -> tuple[SwitchingRow, ...]:
    if row.state != "arrears":
        return ()
    return (
        SwitchingRow(
            at_ms=row.since_ms or 0, wanted="open", seen="open", cause="arrears", running_micro=row.balance_micro
        ),
    )


def alarms_of(row: PointRow) -> tuple[AlarmRow, ...]:
    reached = {"alarm1": 1, "alarm2": 2, "arrears": 3}.get(row.state, 0)
    kinds = ("arrears", "alarm2", "alarm1")[3 - reached :]
    since = row.since_ms or 0
    return tuple(
        AlarmRow(at_ms=since - index * 900_000, alarm=kind, state="raised", value=row.balance_micro)  # type: ignore[arg-type]  # literals by table
        for index, kind in enumerate(kinds)
    )


def intervals_of(row: PointRow, now_ms: int) -> tuple[IntervalRow, ...]:
    if row.state in {"lost", "not_opened"}:
        return ()
    midnight, half_hour = now_ms // 86_400_000 * 86_400_000 - 8 * 3_600_000, 1_800_000
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
