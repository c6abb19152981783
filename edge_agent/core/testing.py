"""Tests on the spot with a person's yes: whether one may begin, and what its outcome leaves behind. Pure.

How a relay is moved and read back for the test is told in `flows/relay_test`.
"""

from typing import Final

import msgspec

from edge_agent.core.decision import Decision
from edge_agent.core.foreign_master import foreign_master
from edge_agent.core.guard import has_account, may_guard
from edge_agent.core.limits import BoxLimits
from edge_agent.core.place import Place
from edge_agent.core.readings import fresh_reading
from edge_agent.core.refusal import Refusal
from edge_agent.core.state import BoxState, Now
from protocol.records import MeterTest, MeterTestKind

_FOREIGN: Final = Refusal("meter_in_use", "another master was heard on the meter's bus: nothing is written there")


def may_test_relay(place: Place, state: BoxState, limits: BoxLimits, meter: str, now: Now) -> Refusal | None:
    """Why the relay of this meter may not be moved for a test, or None where it may."""
    row = state.meters.get(meter)
    if row is None or meter not in place.meters:
        return Refusal("unknown_meter", f"meter {meter} is not in this box's configuration")
    if row.state.mode == "protected" or meter in limits.protected_always:
        return Refusal("protected_always", "the meter is protected: its relay is never opened")
    if row.state.locked_out is not None:
        return Refusal("locked_out", f"locked out by {row.state.locked_out.who}: the relay stays open")
    if place.profile_of[meter].relay is None:
        return Refusal("not_supported", f"profile {place.meters[meter].profile} has no relay")
    if foreign_master(state, place.bus_of[meter]):
        return _FOREIGN
    if not fresh_reading(place, state, meter, now):
        return Refusal("stale_reading", "the meter has not been read lately: what it does could not be seen")
    return None


def may_test_guard(place: Place, state: BoxState, meter: str, now: Now) -> Refusal | None:
    """Why this meter's own account may not be topped up by 0.01 for a test, or None where it may."""
    row = state.meters.get(meter)
    if row is None or meter not in place.meters:
        return Refusal("unknown_meter", f"meter {meter} is not in this box's configuration")
    profile = place.profile_of[meter]
    if not has_account(profile):
        return Refusal("not_supported", f"profile {profile.name} knows no account that can be topped up")
    if not may_guard(profile, place.config.defaults.guard_inferred):
        detail = f"the top-up of {profile.name} is of grade {profile.prepaid_grade}: guard_inferred must name it"
        return Refusal("not_supported", detail)
    if foreign_master(state, place.bus_of[meter]):
        return _FOREIGN
    if row.state.held or not fresh_reading(place, state, meter, now):
        return Refusal("stale_reading", "the meter has not been read lately, or is held")
    return None


def note_test(
    state: BoxState, meter: str, test: MeterTestKind, passed: bool, who: str, detail: str | None, now: Now
) -> Decision:
    """The test's record, also kept with the meter: of each kind the newest counts."""
    row = state.meters[meter]
    record = MeterTest(at_ms=now.wall_ms, meter=meter, test=test, passed=passed, who=who, detail=detail)
    tests = [kept for kept in row.state.tests if kept.test != test]
    after = msgspec.structs.replace(row, state=msgspec.structs.replace(row.state, tests=[*tests, record]))
    return Decision(records=(record,), meters=(after,), urgent=True)
