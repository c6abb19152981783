"""What voltages, currents and powers say about the wiring, bound by bound."""

import pytest

from edge_agent.core.wiring import (
    CHECKS,
    Electricity,
    Says,
    current_without_voltage,
    import_short,
    phase_lost,
    phase_reversed,
    unbalance,
)

FOR, AGAINST, NOTHING = Says.FOR, Says.AGAINST, Says.NOTHING
NOMINAL_MV = 230_000


def three(
    volts: tuple[int, ...] = (230, 230, 230),
    amps: tuple[int, ...] = (10, 10, 10),
    watts: tuple[int, ...] = (2_300, 2_300, 2_300),
    factors: tuple[int, ...] = (1_000, 1_000, 1_000),
    nominal_mv: int | None = NOMINAL_MV,
) -> Electricity:
    values: dict[str, int] = {}
    for name, unit, row in (
        ("voltage", "_mv", [each * 1_000 for each in volts]),
        ("current", "_ma", [each * 1_000 for each in amps]),
        ("power", "_w", watts),
        ("power_factor", "_milli", factors),
    ):
        values |= {f"{name}_{phase}{unit}": each for phase, each in zip("abc", row, strict=False)}
    return Electricity(values, None, 3, 60_000, nominal_mv)


def one(volt: int = 230, amp: int = 10, watts: int | None = 2_300, factor: int = 1_000) -> Electricity:
    values = {"voltage_mv": volt * 1_000, "current_ma": amp * 1_000, "power_factor_milli": factor}
    return Electricity(values, watts, 1, 60_000, NOMINAL_MV)


def test_a_sound_supply_says_nothing_against_itself() -> None:
    assert [check(three()) for _, check in CHECKS] == [AGAINST] * 5
    alone = {kind: check(one()) for kind, check in CHECKS}
    assert alone == {
        "phase_lost": NOTHING,
        "phase_reversed": NOTHING,
        "unbalance": NOTHING,
        "current_without_voltage": AGAINST,
        "import_short": AGAINST,
    }


def test_without_quantities_nothing_is_said() -> None:
    for phases in (1, 3):
        bare = Electricity({}, 1_000, phases, 60_000, NOMINAL_MV)
        assert [check(bare) for _, check in CHECKS] == [NOTHING] * 5


@pytest.mark.parametrize(
    ("volts", "lost", "apart"),
    [
        ((230, 230, 230), AGAINST, AGAINST),
        ((230, 230, 0), FOR, NOTHING),
        ((230, 114, 230), FOR, NOTHING),
        ((230, 115, 230), NOTHING, NOTHING),
        ((230, 137, 230), NOTHING, NOTHING),
        ((230, 138, 230), AGAINST, FOR),
        ((0, 0, 0), NOTHING, NOTHING),
        ((49, 0, 0), NOTHING, NOTHING),
        ((200, 200, 213), AGAINST, FOR),
        ((200, 200, 212), AGAINST, NOTHING),
        ((200, 200, 206), AGAINST, AGAINST),
        ((200, 200, 207), AGAINST, NOTHING),
    ],
)
def test_a_lost_phase_and_an_unbalanced_supply(volts: tuple[int, ...], lost: Says, apart: Says) -> None:
    assert phase_lost(three(volts)) is lost
    assert unbalance(three(volts)) is apart


@pytest.mark.parametrize(
    ("volts", "amps", "says"),
    [
        ((230, 230, 0), (10, 10, 10), FOR),
        ((230, 230, 45), (10, 10, 10), FOR),
        ((230, 230, 46), (10, 10, 10), NOTHING),
        ((230, 230, 69), (10, 10, 10), AGAINST),
        ((230, 230, 0), (10, 10, 1), AGAINST),
        ((230, 230, 0), (10, 10, -2), FOR),
        ((0, 0, 0), (0, 0, 0), AGAINST),
    ],
)
def test_current_without_voltage(volts: tuple[int, ...], amps: tuple[int, ...], says: Says) -> None:
    assert current_without_voltage(three(volts, amps)) is says


def test_behind_a_voltage_transformer_the_other_phases_are_the_measure() -> None:
    assert current_without_voltage(three((5_780, 5_780, 0), nominal_mv=None)) is FOR
    assert current_without_voltage(three((0, 0, 0), nominal_mv=None)) is NOTHING


@pytest.mark.parametrize(
    ("watts", "says"),
    [
        ((2_300, 2_300, -2_300), FOR),
        ((2_300, 2_300, -139), FOR),
        ((2_300, 2_300, -138), NOTHING),
        ((2_300, 2_300, -69), AGAINST),
        ((-2_300, -2_300, -2_300), NOTHING),
        ((0, 0, 0), NOTHING),
        ((138, 0, -2_000), NOTHING),
        ((139, 0, -2_000), FOR),
    ],
)
def test_a_phase_that_runs_backwards(watts: tuple[int, ...], says: Says) -> None:
    assert phase_reversed(three(watts=watts)) is says


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (three(watts=(2_300, 2_300, 0)), FOR),
        (three(watts=(2_300, 2_300, 919)), FOR),
        (three(watts=(2_300, 2_300, 920)), NOTHING),
        (three(watts=(2_300, 2_300, 1_610)), AGAINST),
        (three(watts=(1_150, 1_150, 1_150), factors=(500, -500, 500)), AGAINST),
        (three(amps=(1, 1, 1), watts=(0, 0, 0)), NOTHING),
        (one(watts=1_839), FOR),
        (one(watts=1_840), NOTHING),
        (one(watts=2_070), AGAINST),
        (one(watts=None), NOTHING),
    ],
)
def test_an_import_that_falls_short(seen: Electricity, says: Says) -> None:
    assert import_short(seen) is says
