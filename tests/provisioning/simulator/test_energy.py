"""Energy: it follows the load while the relay is closed, by rate and by phase, and wraps at its width."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from provisioning.simulator.loads import DAY_PERCENT, ShopLoad, watts_at
from tests.provisioning.simulator.meters import Bench, MovedClock

# model, total energy, total power (words, offset)
TOTALS = {"adf400l_1ph": 0x0306, "adf400l_3ph": 0x035E, "dtsy1352": 0x0000}
MODELS = sorted(TOTALS)


@pytest.mark.parametrize("model", MODELS)
def test_a_kilowatt_for_an_hour_is_a_kilowatt_hour(tmp_path: Path, model: str) -> None:
    bench = Bench(tmp_path, model, watts=1000, energy_wh=50_000)
    bench.wait(3600)
    assert bench.read32(TOTALS[model]) == 5000 + 100


@pytest.mark.parametrize("asks", [1, 7, 1000])
def test_energy_does_not_depend_on_how_often_someone_asks(tmp_path: Path, asks: int) -> None:
    bench = Bench(tmp_path, "dtsy1352", watts=1234.567)
    for _ in range(asks):
        bench.wait(7000 / asks)
        bench.read(0x0000, 10)
    assert bench.meter.memory.total_energy_uj == 1_234_567 * 7_000_000


def test_energy_behind_a_transformer_is_the_meters_own_side(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "dtsy1352", watts=40_000, ct=40)
    bench.wait(3600)
    assert bench.read32(0x0000) == 100
    assert bench.meter.real_energy_wh == 40_000


@pytest.mark.parametrize("model", MODELS)
def test_the_total_wraps_at_its_width(tmp_path: Path, model: str) -> None:
    bench = Bench(tmp_path, model, watts=1000, energy_wh=((1 << 32) - 1) * 10)
    assert bench.read32(TOTALS[model]) == 0xFFFFFFFF
    bench.wait(36)
    assert bench.read32(TOTALS[model]) == 0
    bench.wait(360)
    assert bench.read32(TOTALS[model]) == 10


def test_energy_goes_to_the_rate_of_the_meters_own_calendar(tmp_path: Path) -> None:
    # Factory: flat until ten, peak from ten, tip from eleven.
    bench = Bench(tmp_path, "adf400l_1ph", watts=6000, clock=MovedClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC)))
    before = [bench.read32(address) for address in range(0x0400, 0x0408, 2)]
    bench.wait(2.5 * 3600)
    after = [bench.read32(address) for address in range(0x0400, 0x0408, 2)]
    assert [new - old for new, old in zip(after, before, strict=True)] == [300, 600, 600, 0]


def test_a_new_calendar_holds_at_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "adf400l_1ph", watts=6000, clock=MovedClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC)))
    valley = bytes((4, 0, 0)) * 14
    bench.write(0x0914, *[valley[index] << 8 | valley[index + 1] for index in range(0, 42, 2)])
    before = bench.read32(0x0406)
    bench.wait(3600)
    assert bench.read32(0x0406) - before == 600


def test_a_clock_set_wrong_counts_at_the_wrong_rate(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "adf400l_1ph", watts=6000, clock=MovedClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC)))
    bench.write(0x090B, 0, 2 << 8, 2 << 8 | 3, 26 << 8)
    before = bench.read32(0x0406)
    bench.wait(3600)
    assert bench.read32(0x0406) - before == 600
    assert bench.read(0x090C, 1) == (3 << 8 | 1,)


def test_the_second_season_has_the_second_table(tmp_path: Path) -> None:
    # From 1 June: tip between 19:00 and 20:00.
    bench = Bench(tmp_path, "dtsy1352", watts=6000, clock=MovedClock(datetime(2026, 6, 1, 19, 0, tzinfo=UTC)))
    before = bench.read32(0x0002)
    bench.wait(3600)
    assert bench.read32(0x0002) - before == 600


def test_a_load_changes_from_now_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "adf400l_1ph", watts=1000)
    bench.wait(1800)
    bench.meter.draw(4000)
    assert bench.read(0x0302, 1) == (4000,)
    bench.wait(1800)
    assert bench.read32(0x0306) == 50 + 200


def test_speed_multiplies_power_and_energy_alike(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "adf400l_1ph", watts=100)
    bench.meter.run_at(60)
    assert bench.read(0x0302, 1) == (6000,)
    bench.wait(60)
    assert bench.read32(0x0306) == 10


def test_power_beyond_its_register_shows_its_limit(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "adf400l_3ph", watts=50_000)
    assert bench.read(0x0345, 1) == (32_767,)
    bench = Bench(tmp_path / "dtsy", "dtsy1352", watts=50_000)
    assert bench.read32(0x016A) == 50_000


def test_a_jump_and_a_reset_are_told_as_they_are(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "dtsy1352", watts=0, energy_wh=1_000_000)
    bench.meter.set_energy_wh(5_000_000)
    assert bench.read32(0x0000) == 500_000
    bench.meter.set_energy_wh(0)
    assert bench.read32(0x0000) == 0


@pytest.mark.parametrize("profile", sorted(DAY_PERCENT))
def test_a_shop_draws_its_day_and_never_more_than_its_peak(profile: str) -> None:
    load = ShopLoad(10_000, profile, seed=7)
    day = [watts_at(load, datetime(2026, 3, 2, hour, 30, tzinfo=UTC), hour * 360) for hour in range(24)]
    assert 0 < min(day) < 6000
    assert 8000 < max(day) <= 10_000
    assert day == [watts_at(load, datetime(2026, 3, 2, hour, 30, tzinfo=UTC), hour * 360) for hour in range(24)]


def test_an_office_rests_on_sunday() -> None:
    load = ShopLoad(10_000, "office", seed=7)
    monday, sunday = (watts_at(load, datetime(2026, 3, day, 10, 0, tzinfo=UTC), 1) for day in (2, 1))
    assert sunday < monday / 3


def test_two_shops_of_one_kind_differ() -> None:
    moment = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
    assert len({watts_at(ShopLoad(5000, "grocery", seed), moment, 5) for seed in range(20)}) == 20
