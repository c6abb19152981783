"""A relay that is open although it should not be, or that lets power through although it is open. Alarms only. Pure."""

from typing import Final

from edge_agent.core.decision import Decision, join
from edge_agent.core.holds import meter_alarm, with_alarm
from edge_agent.core.place import Place
from edge_agent.core.readings import NOMINAL_VOLT
from edge_agent.core.state import BoxState, Now
from edge_agent.core.suspicion import suspect
from edge_agent.core.wiring import Says

LEAST_POWER_W: Final = 20
POWER_PERMILLE: Final = 2
"""Power through an open relay: 0.2 % of the rated one, which is the starting current of a class 1 meter, doubled."""
STEPS_OF_REGISTER: Final = 3
"""Where no power is told: steps of the register since it was seen open; one or two may have been under way."""


def watch_open(place: Place, state: BoxState, meter: str, now: Now) -> Decision:
    """After a reading: count what speaks for power through an open relay, and clear what is over."""
    row, latest = state.meters[meter], state.latest.get(meter)
    cleared = _own_control_over(place, state, meter, now)
    ordered_open = row.seen == "unknown" and row.wanted == "open" and meter not in state.trying
    if latest is None or not (row.seen == "open" or ordered_open):
        forget = Decision(opened_raw_wh=((meter, None),)) if meter in state.opened_raw_wh else Decision()
        if _quiet(state, meter):
            return join(cleared, forget)
        over = suspect(place, state, meter, (("power_while_open", Says.AGAINST),), now)
        return join(cleared, forget, over)
    opened = state.opened_raw_wh.get(meter, latest.raw_wh)
    says = _power_says(place, meter, latest.power_w, estimated=latest.power_estimated, rise_wh=latest.raw_wh - opened)
    value = latest.power_w if says is Says.FOR else None
    kept = Decision(opened_raw_wh=((meter, opened),))
    if says is Says.AGAINST and _quiet(state, meter):
        return join(cleared, kept)
    return join(cleared, kept, suspect(place, state, meter, (("power_while_open", says),), now, value))


def _quiet(state: BoxState, meter: str) -> bool:
    """Nothing stands and nothing is suspected: most readings of most meters."""
    suspected = state.suspicions.get(meter, {}).get("power_while_open", 0) > 0
    return not suspected and "power_while_open" not in state.meters[meter].alarms


def _power_says(place: Place, meter: str, power_w: int | None, *, estimated: bool, rise_wh: int) -> Says:
    if estimated or power_w is None:
        resolution_wh = max(int(place.profile_of[meter].energy.scale), 1)
        return Says.FOR if rise_wh >= STEPS_OF_REGISTER * resolution_wh else Says.NOTHING
    config = place.meters[meter]
    rated_w = config.rated_ma * config.phases * NOMINAL_VOLT // 1_000
    bound_w = max(LEAST_POWER_W, POWER_PERMILLE * rated_w // 1_000)
    if abs(power_w) > bound_w:
        return Says.FOR
    return Says.AGAINST if abs(power_w) <= bound_w // 2 else Says.NOTHING


def _own_control_over(place: Place, state: BoxState, meter: str, now: Now) -> Decision:
    """The meter's own opening is over when it is closed again, or when we want it open too."""
    row = state.meters[meter]
    if "meter_own_control" not in row.alarms or (row.seen == "open" and row.wanted == "closed"):
        return Decision()
    record = meter_alarm(place, meter, "meter_own_control", now, raised=False)
    return Decision(records=(record,), meters=(with_alarm(row, "meter_own_control", raised=False),), urgent=True)
