"""Whether a register is believed: unwrapping, and what a supply point's rated current could have carried.

Pure judgement of one reading against the last one believed. Money is made of it in `core/intervals`.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from edge_agent.core.measured import MeterReading
from edge_agent.core.place import Place
from edge_agent.core.state import BoxState, Latest, MeterRow, Now
from protocol.display import unwrapped_wh
from protocol.records import Display

NOMINAL_VOLT: Final = 230
"""Phase voltage of the low-voltage grid (GB/T 156, IEC 60038)."""
PLAUSIBLE_FACTOR: Final = Fraction(3, 2)
"""Room above the rated current: grid at +10 %, breakers that carry 1.13 times their rating for an hour."""
OUTAGE_MS_MAX: Final = 400 * 86_400_000
"""The greatest outage that is thought possible where the clock cannot tell: as long as lines are kept."""


@dataclass(frozen=True, slots=True)
class Believed:
    """The register counts; unwrapped, without ratio."""

    raw_wh: int
    wrapped: bool


@dataclass(frozen=True, slots=True)
class Typed:
    """A register that people read on the display; unwrapped. `display`: where that is another number."""

    raw_wh: int
    display: Display | None
    wrapped: bool


@dataclass(frozen=True, slots=True)
class Doubted:
    """The register cannot be right: it ran back, or further than the rated current could have carried."""

    reason: str
    told_raw_wh: int


def judge_register(
    place: Place, row: MeterRow, latest: Latest | None, reading: MeterReading, now: Now
) -> Believed | Doubted:
    """Judge a cumulative register against the last one believed (in memory, else as sealed)."""
    meter = place.meters[row.meter]
    profile = place.profiles[meter.profile]
    if row.state.raw_wh is None:
        return Believed(reading.raw_wh, wrapped=False)
    before = latest.raw_wh if latest is not None else row.state.raw_wh
    wrap = profile.energy.wrap
    step = reading.raw_wh - (before % wrap if wrap else before)
    most = _most_wh(place, row, latest, reading, now)
    if step >= 0 and (step <= most or row.accept_next):
        return Believed(before + step, wrapped=False)
    if step < 0 and wrap and step + wrap <= most:
        return Believed(before + step + wrap, wrapped=True)
    if step < 0:
        return Doubted(f"ran back by {-step} Wh from {before} to {reading.raw_wh}", reading.raw_wh)
    return Doubted(f"rose by {step} Wh; the rated current carries at most {most} Wh in that time", reading.raw_wh)


def judge_typed(place: Place, state: BoxState, meter: str, shown_wh: int, now: Now) -> Typed | Doubted:
    """Judge what people read on a display against the register charged last: unwrapped, and not more than could be.

    Where the meter is held, a number that is not below the last one is their judgement, whatever its size; that a
    display began anew is believed in no case where the wiring could not have carried it there.
    """
    row, wrap = state.meters[meter], place.profiles[place.meters[meter].profile].energy.wrap
    charged = row.state.raw_wh
    raw_wh = unwrapped_wh(shown_wh, charged or 0, wrap)
    if raw_wh is None:
        return Doubted(f"{shown_wh} Wh is no register after the {charged} Wh charged last", shown_wh)
    if charged is None:
        return Typed(shown_wh, display=None, wrapped=False)
    most = _most_since_charged(place, state, row, now)
    if raw_wh - charged > most and (raw_wh != shown_wh or not row.state.held):
        used = f"{shown_wh} Wh would mean {raw_wh - charged} Wh since {charged} Wh was charged"
        return Doubted(f"{used}; the rated current carries at most {most} Wh in that time", shown_wh)
    if raw_wh == shown_wh or wrap is None:
        return Typed(raw_wh, display=None, wrapped=False)
    wrapped = raw_wh // wrap != charged // wrap
    return Typed(raw_wh, Display(raw_wh=shown_wh, wrap_wh=wrap), wrapped)


def fresh_reading(place: Place, state: BoxState, meter: str, now: Now) -> bool:
    """Whether the meter was read recently enough to decide about its relay or its money."""
    latest = state.latest.get(meter)
    age_max_ms = place.config.defaults.decision_max_age_s * 1000
    return latest is not None and now.mono_ms - latest.mono_ms <= age_max_ms


def _most_wh(place: Place, row: MeterRow, latest: Latest | None, reading: MeterReading, now: Now) -> int:
    """The most that the register may have risen by since the last reading that was believed."""
    if latest is not None:
        elapsed_ms = max(reading.at_mono_ms - latest.mono_ms, 0)
    elif now.sure and row.state.read_at_ms is not None:
        since_ms = row.state.read_at_ms if row.hung_since_ms is None else row.hung_since_ms
        elapsed_ms = max(reading.at_wall_ms - since_ms, 0)
    else:
        elapsed_ms = OUTAGE_MS_MAX
    return _carried_wh(place, row, elapsed_ms)


def _most_since_charged(place: Place, state: BoxState, row: MeterRow, now: Now) -> int:
    """The most that the register may have risen by since it was charged last, told by whichever clock says more."""
    latest, since_ms = state.latest.get(row.meter), row.state.read_at_ms
    if not now.sure or since_ms is None:
        return _carried_wh(place, row, OUTAGE_MS_MAX)
    if row.hung_since_ms is not None:
        since_ms = row.hung_since_ms
    running_ms = now.mono_ms - latest.mono_ms if latest is not None else 0
    return _carried_wh(place, row, max(now.wall_ms - since_ms, running_ms, 0))


def _carried_wh(place: Place, row: MeterRow, elapsed_ms: int) -> int:
    """What the wiring carries in a time, as the register tells it; rounded up, with two steps of its resolution."""
    meter = place.meters[row.meter]
    rated_w = Fraction(meter.rated_ma * meter.phases * NOMINAL_VOLT, 1000)
    primary_wh = rated_w * PLAUSIBLE_FACTOR * elapsed_ms / 3_600_000
    resolution_wh = place.profiles[meter.profile].energy.scale
    return int(primary_wh / place.ratio(row.meter, row.state.ratio_version) + 2 * max(resolution_wh, Fraction(1))) + 1
