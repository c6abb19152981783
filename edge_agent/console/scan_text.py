"""What a scan found, for a terminal, and as a draft for the plan of the site. Values in, text out; prints nothing."""

import json
from typing import Any, Final

_COLUMNS: Final = ("unit", "profile", "grade", "serial number", "kWh", "shows", "may also be")
_SHOWN: Final = (
    ("voltage_mv", "V", 1_000),
    ("voltage_a_mv", "V", 1_000),
    ("power_w", "W", 1),
    ("frequency_mhz", "Hz", 1_000),
)
RATED_MA: Final = 40_000
"""A stand-in: what a breaker lets through is written on it, not in the meter."""


def scan_text(found: dict[str, Any]) -> str:
    """The table, what is odd, and the draft."""
    how = f"{found['baud']} 8{found['parity']}{found['stop_bits']}"
    lent = ", lent by the running agent" if found["lent"] else ""
    over = "" if found["complete"] else "; the time was over before the end"
    lines = [f"{found['port']} at {how}{lent}: {len(found['meters'])} found, {found['asked']} unit ids asked{over}"]
    if found["meters"]:
        rows = [_COLUMNS, *(_row(meter) for meter in found["meters"])]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
        lines += [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
        ]
    lines += [f"WARNING: {warning}" for warning in found["warnings"]]
    if found["draft"]:
        lines += ["", found["draft"].rstrip()]
    return "\n".join(lines)


def _row(meter: dict[str, Any]) -> tuple[str, ...]:
    energy_wh = meter["energy_wh"]
    shown = [f"{meter['values'][key] / divisor:g} {unit}" for key, unit, divisor in _SHOWN if key in meter["values"]]
    return (
        str(meter["unit"]),
        meter["profile"] or ("two meters?" if meter["doubled"] else "none fits"),
        meter["grade"] or "",
        meter["serial"] or "",
        "" if energy_wh is None else f"{energy_wh / 1_000:.2f}",
        ", ".join(shown),
        ", ".join(meter["also"]),
    )


def draft_text(found: dict[str, Any]) -> str:
    """Buses, devices and meters as they stand in the plan of a site; what no meter tells is to be filled in."""
    meters = [meter for meter in found["meters"] if meter["profile"] and not meter["doubled"]]
    if not meters:
        return ""
    bus = found["bus"] or "A1-1"
    devices: dict[str, str] = {}
    for meter in meters:
        devices.setdefault(meter["serial"] or f"unit {meter['unit']}", f"{bus}-d{meter['unit']}")
    lines = [
        "# A draft for the plan of the site, within [[boxes]]: look through each line, above all where it says CHECK.",
        f"buses = [{{ bus = {_text(bus)}, name = {_text(bus)}, baud = {found['baud']}, "
        f"parity = {_text(found['parity'])}, stop_bits = {found['stop_bits']} }}]",
        "devices = [",
        *(
            f"    {{ device = {_text(device)}, bus = {_text(bus)}, name = {_text(name)} }},"
            for name, device in devices.items()
        ),
        "]",
    ]
    for meter in meters:
        device = devices[meter["serial"] or f"unit {meter['unit']}"]
        lines += ["", *_meter_lines(meter, bus, device)]
    return "\n".join(lines) + "\n"


def _meter_lines(meter: dict[str, Any], bus: str, device: str) -> list[str]:
    name = f"{bus}-{meter['unit']}"
    also = f"  # CHECK: or {', '.join(meter['also'])}" if meter["also"] else ""
    lines = [
        "[[boxes.meters]]",
        f"meter = {_text(name)}",
        f"name = {_text(name)}",
        f"device = {_text(device)}",
        f"bus = {_text(bus)}",
        f"unit = {meter['unit']}",
        f"profile = {_text(meter['profile'])}{also}",
    ]
    lines += [f"serial = {_text(meter['serial'])}"] if meter["serial"] else []
    return [
        *lines,
        f"point = {_text(name)}  # CHECK: the shop that it feeds",
        f"rated_ma = {RATED_MA}  # CHECK: the breaker's rating",
        f"phases = {meter['phases']}",
        'tariff = "flat"  # CHECK',
        "ratios = [{ version = 1, from_ms = 0, ct = [1, 1], pt = [1, 1] }]  # CHECK: transformers",
    ]


def _text(value: str) -> str:
    """A TOML text: as JSON writes it, which TOML reads."""
    return json.dumps(value, ensure_ascii=False)
