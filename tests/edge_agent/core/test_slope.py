"""Power of meters that tell none: estimated from the slope of energy, sinking when the next step does not come."""

from edge_agent.core.views import live_values
from tests.edge_agent.core.street import METERS, Street

STEP_WH = 10


def shown(street: Street) -> tuple[int | None, bool]:
    (line,) = live_values(street.place, street.state)
    return line.power_w, line.power_estimated


def test_a_steady_load_is_shown_within_a_step() -> None:
    street = Street()
    for second in range(0, 400, 4):
        street.at_s = second
        street.read(0, 3_600 * second // 3_600 // STEP_WH * STEP_WH)
    power_w, estimated = shown(street)
    assert estimated
    assert power_w is not None
    assert abs(power_w - 3_600) <= 1_200, "a step of 10 Wh in half a minute is 1.2 kW"


def test_nothing_is_shown_before_two_readings_far_enough_apart() -> None:
    street = Street()
    street.read(0, 0)
    assert shown(street) == (None, True)


def test_a_load_that_goes_off_sinks_towards_nothing() -> None:
    street = Street()
    for second in range(0, 100, 4):
        street.at_s = second
        street.read(0, second * 10)
    before, _ = shown(street)
    for second in range(100, 2_000, 4):
        street.at_s = second
        street.read(0, 960)
    after, _ = shown(street)
    assert before is not None
    assert after is not None
    assert before > 30_000
    assert after < 30


def test_a_measured_power_is_shown_as_it_is() -> None:
    street = Street()
    street.read(0, 0, 1_234)
    assert shown(street) == (1_234, False)
    assert street.state.latest[METERS[0]].max_power_w == 1_234
