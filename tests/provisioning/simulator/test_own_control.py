"""What a meter does with its relay: forced control, its own account, alarm 2, overload."""

from pathlib import Path

import pytest

from tests.provisioning.simulator.master import Refused
from tests.provisioning.simulator.meters import Bench

FORCE = {"adf400l_1ph": 0x0801, "adf400l_3ph": 0x0804}
PREPAID = {"adf400l_1ph": 0x0500, "adf400l_3ph": 0x0536}
REMAINING = {"adf400l_1ph": 0x030A, "adf400l_3ph": 0x0362}
COUNT = {"adf400l_1ph": 0x030E, "adf400l_3ph": 0x0366}
OVERLOAD = {"adf400l_1ph": 0x0700, "adf400l_3ph": 0x0718}
TOTAL = {"adf400l_1ph": 0x0306, "adf400l_3ph": 0x035E, "dtsy1352": 0x0000}
POWER = {"adf400l_1ph": 0x0302, "adf400l_3ph": 0x0345}
ADF400L = sorted(FORCE)
CLOSED, OPEN, RELEASED = 0x0101, 0x0100, 0x0000


def prepaid(bench: Bench, price: int = 100, alarm_2: int = 0) -> None:
    """Prices of one yuan a kilowatt-hour at all rates, and the switch on."""
    base = PREPAID[bench.description.model]
    bench.write(base, 1, *(0, price) * 4, 0, 2000, 0, alarm_2)


def buy(bench: Bench, amount: int, count: int) -> None:
    bench.write(PREPAID[bench.description.model] + 0x0D, amount >> 16, amount & 0xFFFF, count)


def remaining(bench: Bench) -> int:
    return bench.read32(REMAINING[bench.description.model], signed=True)


# -------------------------------------------------------------------------------------------------- forced control


@pytest.mark.parametrize("model", ADF400L)
def test_adf400l_forced_open_cuts_the_load_and_closed_brings_it_back(tmp_path: Path, model: str) -> None:
    bench = Bench(tmp_path, model, watts=3600)
    bench.write(FORCE[model], OPEN)
    assert bench.read(FORCE[model], 1) == (OPEN,)
    assert bench.read(POWER[model], 1) == (0,)
    bench.wait(3600)
    assert bench.read32(TOTAL[model]) == 0
    bench.write(FORCE[model], CLOSED)
    assert bench.read(POWER[model], 1) == (3600,)
    bench.wait(100)
    assert bench.read32(TOTAL[model]) == 10
    bench.write(FORCE[model], RELEASED)
    assert bench.is_closed()
    assert bench.meter.why() == "released"


@pytest.mark.parametrize("word", [0x0200, 0x0102, 0x0001 | 0x8000, 0xFFFF])
def test_adf400l_control_words_that_mean_nothing_are_refused(tmp_path: Path, word: int) -> None:
    bench = Bench(tmp_path, "adf400l_1ph")
    with pytest.raises(Refused) as refused:
        bench.write(0x0801, word)
    assert refused.value.code == 3
    assert bench.read(0x0801, 1) == (RELEASED,)


def test_dtsy1352_force_and_status(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "dtsy1352", watts=3600)
    assert bench.read(0x0054, 1) == (0xE000,)
    bench.write(0x0057, 1, 1)
    assert bench.read(0x0054, 5) == (0x0008, 0, 0, 1, 1)
    bench.wait(3600)
    assert bench.read32(0x0000) == 0
    bench.write(0x0057, 1, 0)
    assert bench.read(0x0054, 5) == (0xE00F, 0, 0, 1, 0)
    bench.wait(100)
    assert bench.read32(0x0000) == 10
    bench.write(0x0057, 0, 0)
    assert bench.read(0x0054, 1) == (0xE000,)
    with pytest.raises(Refused) as refused:
        bench.write(0x0057, 2, 0)
    assert refused.value.code == 3


# -------------------------------------------------------------------------------------------------- its own account


@pytest.mark.parametrize("model", ADF400L)
def test_a_purchase_is_taken_once_and_only_with_the_next_count(tmp_path: Path, model: str) -> None:
    bench = Bench(tmp_path, model, watts=0)
    buy(bench, 10_000, 1)
    assert (remaining(bench), bench.read(COUNT[model], 1)) == (10_000, (1,))
    for count in (1, 3, 0):
        with pytest.raises(Refused) as refused:
            buy(bench, 10_000, count)
        assert refused.value.code == 3
    buy(bench, 70_000, 2)
    assert (remaining(bench), bench.read(COUNT[model], 1)) == (80_000, (2,))
    assert bench.read(PREPAID[model] + 0x0D, 3) == (1, 70_000 - 65_536, 2)
    assert bench.read32(REMAINING[model] + 2) == 80_000


def test_half_a_purchase_is_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "adf400l_1ph", watts=0)
    for address, words in [(0x050D, (0, 100)), (0x050F, (1,)), (0x050E, (100, 1))]:
        with pytest.raises(Refused) as refused:
            bench.write(address, *words)
        assert refused.value.code == 2
    assert remaining(bench) == 0


def test_the_count_of_purchases_wraps(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "adf400l_1ph", watts=0)
    bench.meter.memory.purchase_count = 0xFFFF
    buy(bench, 1, 0)
    assert bench.read(0x030E, 1) == (0,)


def test_purchases_are_on_record_newest_first(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "adf400l_1ph", watts=0, energy_wh=7000)
    for count in range(1, 23):
        buy(bench, 100 * count, count)
    record = bench.read(0x1B00, 10)
    # 2026-03-02 09:05:00, count, amount, remaining after, total energy
    assert record == (26 << 8 | 3, 2 << 8 | 9, 5 << 8, 22, 0, 2200, 0, 100 * 253, 0, 700)
    assert bench.read(0x1B13, 10)[3] == 3


@pytest.mark.parametrize("model", ADF400L)
def test_the_account_falls_with_energy_and_opens_the_relay_at_zero(tmp_path: Path, model: str) -> None:
    bench = Bench(tmp_path, model, watts=3600)
    buy(bench, 1000, 1)
    prepaid(bench, price=100)
    assert bench.is_closed()
    # Ten yuan at one yuan a kilowatt-hour and 3.6 kW: ten thousand seconds.
    bench.wait(9999)
    assert bench.is_closed()
    assert remaining(bench) == 0
    bench.wait(5000)
    assert not bench.is_closed()
    assert bench.meter.why() == "released, arrears"
    assert remaining(bench) == 0
    assert bench.read32(TOTAL[model]) == 1000
    assert bench.read(POWER[model], 1) == (0,)
    buy(bench, 1, 2)
    assert bench.is_closed()


def test_the_account_is_the_real_energy_behind_a_transformer(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "adf400l_3ph", watts=36_000, ct=10)
    buy(bench, 1000, 1)
    prepaid(bench)
    bench.wait(500)
    assert remaining(bench) == 500


def test_switched_on_without_money_it_opens_at_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "adf400l_1ph")
    prepaid(bench)
    assert not bench.is_closed()
    bench.write(0x0500, 0)
    assert bench.is_closed()


def test_metering_mode_has_no_account(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "adf400l_1ph")
    bench.write(0x0908, 0x0100)
    prepaid(bench)
    bench.wait(3600)
    assert bench.is_closed()
    assert remaining(bench) == 0


def test_forced_control_overrides_the_account(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "adf400l_1ph", watts=3600)
    bench.write(0x0801, CLOSED)
    prepaid(bench)
    assert bench.is_closed()
    bench.wait(1000)
    assert bench.is_closed()
    assert remaining(bench) == -100
    bench.write(0x0801, RELEASED)
    assert not bench.is_closed()
    buy(bench, 5000, 1)
    bench.write(0x0801, OPEN)
    assert not bench.is_closed()


def test_each_rate_has_its_price(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "adf400l_1ph", watts=6000)
    bench.write(0x0500, 1, 0, 400, 0, 300, 0, 200, 0, 100)
    buy(bench, 100_000, 1)
    # From five past nine: 55 minutes flat, an hour peak, half an hour tip.
    bench.wait((55 + 60 + 30) * 60)
    assert remaining(bench) == 100_000 - round(5.5 * 200 + 6 * 300 + 3 * 400)


def test_below_alarm_2_it_opens_once_and_closes_after_its_recovery_time(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "adf400l_1ph", watts=3600)
    buy(bench, 1000, 1)
    prepaid(bench, alarm_2=500)
    bench.wait(5000)
    assert bench.is_closed(), "exactly at alarm 2 is not below it"
    bench.wait(1)
    assert not bench.is_closed()
    assert bench.meter.why() == "released, alarm 2"
    bench.wait(58)
    assert not bench.is_closed()
    bench.wait(2)
    assert bench.is_closed()
    bench.wait(4000)
    assert bench.is_closed()
    bench.wait(2000)
    assert bench.meter.why() == "released, arrears"


def test_a_purchase_ends_the_warning_and_arms_the_next(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "adf400l_1ph", watts=3600)
    bench.meter.memory.settings["recovery_time_s"] = 0
    buy(bench, 501, 1)
    prepaid(bench, alarm_2=500)
    bench.wait(3600)
    assert bench.meter.why() == "released, alarm 2"
    buy(bench, 500, 2)
    assert bench.is_closed()
    bench.wait(6000)
    assert bench.meter.why() == "released, alarm 2"
    assert remaining(bench) == 499


@pytest.mark.parametrize("model", ADF400L)
def test_overload_opens_restores_as_often_as_allowed_and_then_stays_open(tmp_path: Path, model: str) -> None:
    bench = Bench(tmp_path, model, watts=5000)
    # switch, 4 kW, no increment, no power factor, count 0, one restore, 2 x 10 s
    bench.write(OVERLOAD[model], 1, 4000, 0, 0, 0, 1, 2)
    assert bench.meter.why() == "released, overload"
    bench.wait(19)
    assert not bench.is_closed()
    bench.wait(2)
    assert not bench.is_closed(), "it closed, saw 5 kW, and opened again"
    assert bench.read(OVERLOAD[model] + 4, 1) == (2,)
    bench.wait(3600)
    assert not bench.is_closed()
    bench.write(OVERLOAD[model], 0)
    assert bench.is_closed()


def test_a_load_that_went_down_is_restored(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "adf400l_1ph", watts=5000)
    bench.write(0x0700, 1, 4000, 0, 0, 0, 1, 2)
    bench.meter.draw(3000)
    bench.wait(21)
    assert bench.is_closed()
