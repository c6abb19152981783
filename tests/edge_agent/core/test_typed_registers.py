"""Registers that people read on a display and type: taken where they can be, unwrapped, charged once; tables."""

import msgspec
import pytest

from edge_agent.bus.packaged import builtin_profile
from protocol.commands import Body, CloseWallet, ReleaseMeter, ReplaceMeter, TypedReading
from protocol.records import CommandResult, Display, Interval, Reclaimed, Released, Replaced
from tests.edge_agent.core.street import METERS, WALLETS, YUAN, Street, box_config, meter_config

WRAP = builtin_profile("acrel_dtsy1352").energy.wrap or 0
RATED_MA = 80_000
"""Three phases of it carry 55.2 kW, and half as much again is believed: 27.6 kWh in twenty minutes."""


def outcome(street: Street) -> str:
    last = street.of(CommandResult)[-1]
    assert isinstance(last, CommandResult)
    return last.reason or last.outcome


def lost(charged_wh: int, rated_ma: int = RATED_MA) -> Street:
    """A shop that paid 100, whose meter stood at a register when it was charged last and is lost since 1,200 s."""
    street = Street(box_config(meters=(meter_config(0, rated_ma=rated_ma),)))
    street.read(0, charged_wh % WRAP)
    row = street.state.meters[METERS[0]]
    based = msgspec.structs.replace(row.state, raw_wh=charged_wh)
    street.state.meters[METERS[0]] = msgspec.structs.replace(row, state=based)
    street.state.latest.clear()
    street.grant(0, 100)
    street.in_service(0)
    street.at_s = 1_200
    street.records.clear()
    return street


def typed(raw_wh: int) -> TypedReading:
    return TypedReading(meter=METERS[0], raw_wh=raw_wh, who="Li", second="Wang", reason="display photo")


def replaced_by(raw_wh: int) -> ReplaceMeter:
    return ReplaceMeter(
        point=meter_config(0).point, old=METERS[0], old_raw_wh=raw_wh, new="7" * 32, serial="42", new_raw_wh=0
    )


def last_interval(street: Street) -> Interval:
    (record,) = street.of(Interval)
    assert isinstance(record, Interval)
    return record


TAKEN = [
    # charged last, display, means
    (1_000, 1_500, 1_500),
    (1_000, 1_000, 1_000),
    (WRAP - 500, 0, WRAP),
    (WRAP, 0, WRAP),
    (WRAP - 500, 20_000, WRAP + 20_000),
    (WRAP + 500, 20_000, WRAP + 20_000),
    (2 * WRAP - 500, 300, 2 * WRAP + 300),
    (2 * WRAP + 500, WRAP + 300, None),
    (WRAP + 500, WRAP + 20_000, WRAP + 20_000),
    (WRAP + 500, 499, None),
    (1_000, 999, None),
    (1_000, 28_600, 28_600),
    (1_000, 28_700, None),
    (WRAP - 500, 27_200, None),
    (1_000, WRAP + 2_000, None),
    (1_000, -1, None),
]
"""The rated current has carried 27.6 kWh at most since the last charge, and two steps of the register of 10 Wh."""
BODIES: dict[str, Body] = {
    "replace": replaced_by(0),
    "close": CloseWallet(wallet=WALLETS[0], request="9" * 32),
    "release": ReleaseMeter(meter=METERS[0]),
}


def order(kind: str, shown_wh: int) -> Body:
    if kind == "replace":
        return replaced_by(shown_wh)
    register = typed(shown_wh)
    return msgspec.structs.replace(BODIES[kind], typed=[register] if kind == "close" else register)


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize(("charged", "shown", "means"), TAKEN)
def test_what_stands_on_the_display_is_charged_unwrapped_or_refused(
    kind: str, charged: int, shown: int, means: int | None
) -> None:
    street = lost(charged)
    street.command(order(kind, shown))
    if means is None:
        assert outcome(street) == "register_impossible"
        assert street.book(0) == 100 * YUAN
        assert [type(record) for record in street.records] == [CommandResult]
        return
    assert outcome(street) == "done"
    said = last_interval(street)
    assert (said.to.raw_wh, said.energy_wh, said.charge_micro) == (means, means - charged, (means - charged) * 1_000)
    display = None if means == shown else Display(raw_wh=shown, wrap_wh=WRAP)
    assert said.display == display
    assert ("wrap" in said.flags) == (means // WRAP != charged // WRAP and display is not None)
    for told in street.of(Replaced):
        assert isinstance(told, Replaced)
        assert (told.old_raw_wh, told.old_display) == (means, display)
    for told in street.of(Released):
        assert isinstance(told, Released)
        assert told.raw_wh == means
    for told in street.of(Reclaimed):
        assert isinstance(told, Reclaimed)
        assert told.amount_micro == (100 * YUAN - said.charge_micro) // 10_000 * 10_000


def held(told_wh: int) -> Street:
    """The register ran back, or jumped, and is held."""
    street = lost(50_000)
    for _ in range(2):
        street.at_s += 1
        street.read(0, told_wh)
    assert street.state.meters[METERS[0]].state.held
    street.records.clear()
    return street


@pytest.mark.parametrize("kind", BODIES)
def test_on_a_held_meter_what_people_read_is_their_judgement(kind: str) -> None:
    street = held(5_000_000)
    street.command(order(kind, 5_000_000))
    assert outcome(street) == "done"
    assert last_interval(street).to.raw_wh == 5_000_000
    assert street.book(0) == 100 * YUAN - 4_950_000_000, "what was held is charged, and not lost"
    assert not street.state.meters[METERS[0]].state.held


@pytest.mark.parametrize("kind", BODIES)
def test_a_register_that_ran_back_has_not_begun_anew(kind: str) -> None:
    street = held(49_000)
    street.command(order(kind, 49_000))
    assert outcome(street) == "register_impossible"
    assert street.state.meters[METERS[0]].state.held


def test_with_the_clock_unsure_the_greatest_outage_is_thought_possible() -> None:
    street = lost(WRAP - 500)
    street.sure = False
    street.command(replaced_by(1_000_000))
    assert outcome(street) == "done"
    assert last_interval(street).to.raw_wh == WRAP + 1_000_000


def test_a_display_read_before_the_newest_reading_of_an_interval_that_went_over_the_end() -> None:
    street = lost(WRAP - 500)
    street.read(0, 700)
    assert street.state.latest[METERS[0]].raw_wh == WRAP + 700
    street.command(replaced_by(690))
    assert last_interval(street).to.raw_wh == WRAP + 690
