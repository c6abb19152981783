"""Power from the slope of energy, for meters that tell none. Shown as estimated; never used for overload or charging.

A register moves in steps (10 Wh on the meters at hand), so the slope is taken over a stretch long enough to hold
several, and sinks when the next step does not come.
"""

from typing import Final

from edge_agent.core.measured import MeterReading
from edge_agent.core.place import Place
from edge_agent.core.state import Latest, MeterRow, Slope

STRETCH_MS: Final = 30_000
"""Least stretch for one slope: at 1 kW a step of 10 Wh comes every 36 s, so shorter ones would show 0 or double."""
HOUR_MS: Final = 3_600_000


def next_slope(place: Place, row: MeterRow, raw_wh: int, reading: MeterReading, before: Latest | None) -> Slope:
    """From where the slope is taken after this reading: moved on when the register moved and the stretch was long."""
    at_ms = reading.at_mono_ms
    if before is None or before.slope is None or raw_wh < before.slope.raw_wh or at_ms < before.slope.mono_ms:
        return Slope(raw_wh, at_ms, None)
    start = before.slope
    if raw_wh == start.raw_wh or at_ms - start.mono_ms < STRETCH_MS:
        return start
    return Slope(raw_wh, at_ms, _power_w(place, row, raw_wh - start.raw_wh, at_ms - start.mono_ms))


def slope_power_w(place: Place, row: MeterRow, slope: Slope, raw_wh: int, at_mono_ms: int) -> int | None:
    """The power to show: the last slope, and no more than what the missing next step still allows."""
    if slope.power_w is None:
        return None
    elapsed_ms = at_mono_ms - slope.mono_ms
    if elapsed_ms < STRETCH_MS:
        return slope.power_w
    resolution_wh = int(place.profiles[place.meters[row.meter].profile].energy.scale)
    most_wh = raw_wh - slope.raw_wh + max(resolution_wh, 1)
    return min(slope.power_w, _power_w(place, row, most_wh, elapsed_ms))


def _power_w(place: Place, row: MeterRow, register_wh: int, elapsed_ms: int) -> int:
    return int(register_wh * place.ratio(row.meter, row.state.ratio_version) * HOUR_MS / elapsed_ms)
