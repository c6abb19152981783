"""Site descriptions for the tests of the simulator."""

from pathlib import Path
from typing import Any

# Fast enough that a test of registers does not wait for the line.
FAST_BAUD = 115200


def meter(name: str, model: str, unit: int, watts: float = 0, energy_wh: int = 0, **more: Any) -> dict[str, Any]:
    """One meter with a constant load and no turnaround."""
    return {
        "id": name,
        "model": model,
        "unit": unit,
        "serial": f"{unit:012}",
        "energy_wh": energy_wh,
        "load": {"kind": "constant", "watts": watts},
        "turnaround_ms": 0,
        "point": f"shop {name}",
    } | more


def site(folder: Path, *meters: dict[str, Any], baud: int = FAST_BAUD, **more: Any) -> dict[str, Any]:
    """One bus named A1 with these meters."""
    return {"buses": [{"name": "A1", "tty": str(folder / "A1"), "baud": baud, "meters": list(meters)} | more]}
