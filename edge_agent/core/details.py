"""What the box makes of a detail reading: wiring alarms, the ratio that the meter holds, registers beside the total.

Nothing here is charged and nothing decides about a relay; but a meter whose ratio is another than planned is held.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from edge_agent.core.decision import NOTHING, Decision, Steps
from edge_agent.core.measured import DetailReading
from edge_agent.core.place import Place
from edge_agent.core.rates import compare_rates, mark_rates
from edge_agent.core.readings import NOMINAL_VOLT
from edge_agent.core.state import BoxState, Noted, Now
from edge_agent.core.suspicion import suspect
from edge_agent.core.wiring import CHECKS, Electricity, Says
from protocol.box_config import Ratio as PlannedRatio
from protocol.meter_profile.values import Ratio
from protocol.records import AlarmKind

RECORDED: Final = (
    "energy_reverse_raw_wh",
    "reactive_energy_raw_varh",
    "reactive_energy_forward_raw_varh",
    "reactive_energy_reverse_raw_varh",
)
"""Registers that an interval carries beside the charged one; those of single phases are shown only."""


def take_detail(place: Place, state: BoxState, detail: DetailReading, now: Now) -> Decision:
    """A detail block was read."""
    meter = detail.meter
    row = state.meters.get(meter)
    if row is None or row.released or meter not in place.meters or meter not in state.identified:
        return NOTHING
    noted = _note(state.noted.get(meter, Noted()), detail)
    seen = _electricity(place, state, detail)
    said: list[tuple[AlarmKind, Says]] = [(kind, check(seen)) for kind, check in CHECKS]
    said += _ratio_says(place, detail, now)
    steps = Steps(state)
    steps.take(Decision(noted=((meter, noted),)))
    if detail.rates_raw_wh:
        steps.take(compare_rates(place, steps.state, meter, mark_rates(place, state, detail, noted), now))
    steps.take(suspect(place, steps.state, meter, said, now))
    return steps.decision()


def _note(before: Noted, detail: DetailReading) -> Noted:
    """The newest of each register, with its instant."""
    at_ms = detail.at_wall_ms
    rates = {**before.rates, **{rate: (raw, at_ms) for rate, raw in detail.rates_raw_wh.items()}}
    other = {**before.other, **{name: (raw, at_ms) for name, raw in detail.other_raw.items() if name in RECORDED}}
    return Noted(rates, other)


def _electricity(place: Place, state: BoxState, detail: DetailReading) -> Electricity:
    config, latest = place.meters[detail.meter], state.latest.get(detail.meter)
    pt = Fraction(*place.ratio_version_at(detail.meter, detail.at_wall_ms).pt)
    measured_w = latest.power_w if latest is not None and not latest.power_estimated else None
    return Electricity(
        values=detail.values,
        power_w=measured_w,
        phases=config.phases if place.profile_of[detail.meter].phases == 3 else 1,
        rated_ma=config.rated_ma,
        nominal_mv=NOMINAL_VOLT * 1_000 if pt == 1 else None,
    )


def _ratio_says(place: Place, detail: DetailReading, now: Now) -> Iterator[tuple[AlarmKind, Says]]:
    """Whether the ratio in the meter is the planned one, where its energy is still to be multiplied by it."""
    planned = place.ratio_version_at(detail.meter, now.wall_ms)
    held = place.profile_of[detail.meter].energy.ratio
    told = [
        differs
        for key, kinds, right in _ratios(planned)
        if held in kinds and key in detail.values
        for differs in (Fraction(detail.values[key], 1_000) != right,)
    ]
    if told:
        yield "ratio_differs", Says.FOR if any(told) else Says.AGAINST


def _ratios(planned: PlannedRatio) -> Iterator[tuple[str, tuple[Ratio, Ratio], Fraction]]:
    yield "ct_milli", (Ratio.CT, Ratio.CT_PT), Fraction(*planned.ct)
    yield "pt_milli", (Ratio.PT, Ratio.CT_PT), Fraction(*planned.pt)
