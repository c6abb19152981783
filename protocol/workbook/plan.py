"""PURE: the rows of an import workbook without mistakes to a plan of the site, with labels for ids."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from protocol.units import FEN_MICRO
from protocol.workbook.sheets import OWN
from protocol.workbook.table import Row, Rows

OVERLOAD_DELAY_S: Final = 60
"""A compressor's start is over by then."""
OVERLOAD_OPEN_S: Final = 300
"""Long enough for someone to switch something off."""
RATIOS_FROM_MS: Final = 0
"""The first ratio of a meter holds for all that it has counted."""


def plan_of(site_row: Row, rows: Rows, tzdata: str) -> dict[str, Any]:
    """The plan of a workbook, as `site_plan.give_ids` takes it."""
    site = site_row.values
    buildings = dict.fromkeys(row.values["building"] for row in rows.boxes)
    return {
        "site": site["site"],
        "name": site["name"],
        "settings": {"zone": site["zone"], "currency": site["currency"], "tzdata": tzdata},
        "defaults": {
            "interval_s": site["interval_minutes"] * 60,
            "unopened_supply": site["unopened_supply"],
            "trip_notice_s": site["trip_notice_minutes"] * 60,
        },
        "buildings": [{"building": name, "name": name} for name in buildings],
        "boxes": [_box(name, rows) for name in dict.fromkeys(row.values["box"] for row in rows.boxes)],
        "points": _points(rows),
        "customers": _customers(rows.customers),
        "accounts": _accounts(rows.customers),
        "wallets": _wallets(rows),
        "tariffs": _tariffs(rows.tariffs),
    }


def _box(name: str, rows: Rows) -> dict[str, Any]:
    of_box = [row.values for row in rows.boxes if row.values["box"] == name]
    buses = {values["bus"] for values in of_box}
    meters = [row.values for row in rows.meters if row.values["bus"] in buses]
    devices = {_device(values): values["bus"] for values in meters}
    return {
        "box": name,
        "name": name,
        "building": of_box[0]["building"],
        "buses": [
            {"bus": v["bus"], "name": v["bus"], "baud": v["baud"], "parity": v["parity"], "stop_bits": v["stop_bits"]}
            for v in of_box
        ],
        "devices": [{"device": device, "bus": bus, "name": device} for device, bus in devices.items()],
        "meters": [_meter(values) for values in meters],
    }


def _device(values: Mapping[str, Any]) -> str:
    return str(values["meter"] if values["device"] is OWN else f"{values['bus']} {values['device']}")


def _meter(values: Mapping[str, Any]) -> dict[str, Any]:
    meter = {
        "meter": values["meter"],
        "name": values["meter"],
        "device": _device(values),
        "bus": values["bus"],
        "unit": values["unit"],
        "profile": values["profile"],
        "point": values["number"],
        "use": values["use"],
        "rated_ma": values["rated_a"] * 1_000,
        "phases": values["phases"],
        "ratios": [{"version": 1, "from_ms": RATIOS_FROM_MS, "ct": list(values["ct"]), "pt": list(values["pt"])}],
        "tariff": values["tariff"],
    }
    if values["serial"] is not None:
        meter["serial"] = values["serial"]
    if values["overload_kw"] is not None:
        threshold_w = values["overload_kw"] // 1_000
        meter["overload"] = {"threshold_w": threshold_w, "delay_s": OVERLOAD_DELAY_S, "open_s": OVERLOAD_OPEN_S}
    return meter


def _points(rows: Rows) -> list[dict[str, Any]]:
    building = {row.values["bus"]: row.values["building"] for row in rows.boxes}
    points: dict[str, dict[str, Any]] = {}
    for row in rows.meters:
        values = row.values
        points.setdefault(
            values["number"],
            {
                "point": values["number"],
                "building": building[values["bus"]],
                "number": values["number"],
                "name": values["shop"],
                "use": values["use"],
            },
        )
    return list(points.values())


def _customers(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """One customer an account: two accounts of one name may be two people."""
    first = {row.values["account"]: row.values for row in reversed(rows)}
    return [
        {"customer": account, "name": values["customer"], "phones": list(values["phones"])}
        for account, values in reversed(first.items())
    ]


def _accounts(rows: Sequence[Row]) -> list[dict[str, Any]]:
    numbers = dict.fromkeys(row.values["account"] for row in rows)
    return [{"account": number, "number": number, "customer": number} for number in numbers]


def _wallets(rows: Rows) -> list[dict[str, Any]]:
    box_of_bus = {row.values["bus"]: row.values["box"] for row in rows.boxes}
    box_of = {row.values["meter"]: box_of_bus[row.values["bus"]] for row in rows.meters}
    wallets = []
    for row in rows.customers:
        values = row.values
        box = box_of[values["meters"][0]]
        wallet = {
            "wallet": f"{values['account']} {box}",
            "account": values["account"],
            "box": box,
            "meters": list(values["meters"]),
            "alarm1_micro": values["alarm1_micro"],
            "alarm2_micro": values["alarm2_micro"],
            "credit_limit_micro": values["credit_limit_micro"],
            "reconnect_micro": FEN_MICRO - values["credit_limit_micro"],
            "opening_micro": values["opening_micro"],
        }
        if values["daily_fee_micro"]:
            wallet["fees"] = [{"fee": "daily", "charge_micro": values["daily_fee_micro"]}]
        wallets.append(wallet)
    return wallets


def _tariffs(rows: Sequence[Row]) -> list[dict[str, Any]]:
    names = dict.fromkeys(row.values["tariff"] for row in rows)
    return [
        {
            "tariff": name,
            "version": 1,
            "text": _tariff_text(name, [r.values for r in rows if r.values["tariff"] == name]),
        }
        for name in names
    ]


def _tariff_text(name: str, rates: Sequence[Mapping[str, Any]]) -> str:
    """The tariff as its own text (`protocol.tariff_text`): one kind of day all year round."""
    switches = sorted((time, rate["rate"]) for rate in rates for time in (rate["times"] or ("00:00",)))
    if switches[0][0] != "00:00":
        # The rate that runs past midnight is the last of the day before.
        switches.insert(0, ("00:00", switches[-1][1]))
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    lines = [f'name = "{quoted}"', f"starts_at = {rates[0]['starts_at']}T00:00:00"]
    lines += [f'fallback_rate = "{_fallback(rates)}"', ""]
    for rate in rates:
        lines += [f"[rates.{rate['rate']}]", f"price_micro = {rate['price_micro']}"]
    shown = ", ".join(f'"{time} {rate}"' for time, rate in switches)
    lines += ["", "[days.every]", f"switches = [{shown}]", "", "[calendar]", 'default = "every"', ""]
    return "\n".join(lines)


def _fallback(rates: Sequence[Mapping[str, Any]]) -> str:
    """What holds when the time of use is not known: the flat rate, else the cheapest, to nobody's harm."""
    names = [rate["rate"] for rate in rates]
    return "flat" if "flat" in names else str(min(rates, key=lambda rate: rate["price_micro"])["rate"])
