"""What the box makes of a detail reading: wiring alarms, the ratio that the meter holds, registers beside the total.

Nothing here is charged and nothing decides about a relay; but a meter whose ratio is another than planned is held.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from edge_agent.core.decision import NOTHING, Decision, join
from edge_agent.core.measured import DetailReading
from edge_agent.core.meter_profile import Ratio
from edge_agent.core.place import Place
from edge_agent.core.rates import mark_rates, rates_say, same_stretch
from edge_agent.core.readings import NOMINAL_VOLT
from edge_agent.core.state import BoxState, Noted, Now
from edge_agent.core.suspicion import suspect
from edge_agent.core.wiring import CHECKS, Electricity, Says
from protocol.box_config import Ratio as PlannedRatio
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
    marked = Decision()
    if detail.rates_raw_wh and now.sure and not row.state.held:
        marked = _compare_rates(place, state, detail, noted, said)
    return join(Decision(noted=((meter, noted),)), marked, suspect(place, state, meter, said, now))


def _compare_rates(
    place: Place, state: BoxState, detail: DetailReading, noted: Noted, said: list[tuple[AlarmKind, Says]]
) -> Decision:
    """Let the registers by rate say what they say, each time from the first reading of the stretch of the tariff."""
    mark = mark_rates(place, state, detail, noted)
    if mark is None:
        return Decision()
    before = state.rate_marks.get(detail.meter)
    says = rates_say(place, detail.meter, before, mark)
    said.append(("rates_differ", says))
    goes_on = before is not None and same_stretch(place, detail.meter, before, mark)
    return Decision() if goes_on else Decision(rate_marks=((detail.meter, mark),))


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
