"""What the shops draw: a constant, or the day of a shop. Pure functions of the local time."""

from dataclasses import dataclass
from datetime import datetime

from provisioning.simulator.chance import scattered

# Loads, voltages and rates hold still for this long, so energy is the same however often a meter is asked.
SLOT_SECONDS = 10
MINUTES_OF_DAY = 1440

# Share of the peak at each full hour, 0..23, in per cent; in between it runs straight.
DAY_PERCENT: dict[str, tuple[int, ...]] = {
    "restaurant": (12, 10, 9, 9, 9, 10, 18, 30, 35, 45, 70, 95, 100, 75, 45, 35, 50, 85, 100, 98, 80, 55, 30, 16),
    "boutique": (5, 5, 5, 5, 5, 5, 5, 6, 12, 55, 80, 85, 85, 85, 88, 88, 90, 95, 100, 100, 95, 80, 15, 6),
    "grocery": (35, 34, 33, 33, 34, 38, 60, 80, 90, 92, 90, 90, 92, 90, 88, 90, 95, 100, 100, 95, 85, 70, 50, 40),
    "office": (6, 6, 6, 6, 6, 6, 8, 20, 70, 95, 100, 98, 70, 85, 100, 98, 92, 75, 35, 20, 14, 10, 8, 6),
    "night": (100, 95, 85, 60, 25, 10, 8, 8, 8, 8, 8, 9, 10, 10, 12, 15, 20, 30, 45, 60, 80, 90, 98, 100),
}
# On Saturday and Sunday an office draws this share of its usual day; the shops keep theirs.
OFFICE_WEEKEND_PERCENT = 20
# Switching of coolers and kettles: a slot's load lies this far around the curve.
SCATTER_SHARE = 0.12
# More than any shop: ten megawatts is a small town.
GREATEST_WATTS = 10_000_000


@dataclass(frozen=True, slots=True)
class ConstantLoad:
    """Draws `watts`, always."""

    watts: float


@dataclass(frozen=True, slots=True)
class ShopLoad:
    """Draws the day of a shop of this `profile` (a key of DAY_PERCENT), never above `peak_w`."""

    peak_w: float
    profile: str
    seed: int


Load = ConstantLoad | ShopLoad


def watts_at(load: Load, local_time: datetime, slot: int) -> float:
    """The load in the slot that begins at `local_time`."""
    if isinstance(load, ConstantLoad):
        return load.watts
    curve = DAY_PERCENT[load.profile]
    hour, into_hour = local_time.hour, (local_time.minute * 60 + local_time.second) / 3600
    percent = curve[hour] + (curve[(hour + 1) % 24] - curve[hour]) * into_hour
    if load.profile == "office" and local_time.isoweekday() >= 6:
        percent = percent * OFFICE_WEEKEND_PERCENT / 100
    share = percent / 100 * (1 + SCATTER_SHARE * scattered(load.seed, slot))
    return load.peak_w * min(share, 1.0)
