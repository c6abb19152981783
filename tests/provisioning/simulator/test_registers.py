"""Each model's registers as a raw master reads them over the line, against the printed maps."""

from collections.abc import Iterator

import pytest

from provisioning.simulator import SimulatedSite
from tests.provisioning.simulator.master import Master, Refused, framed
from tests.provisioning.simulator.sites import FAST_BAUD, meter, site

SINGLE, THREE, DTSY, WITH_CT = 1, 4, 10, 20


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedSite]:
    folder = tmp_path_factory.mktemp("registers")
    described = site(
        folder,
        meter("single", "adf400l_1ph", SINGLE, watts=3000, energy_wh=1_234_560, serial="202401020304"),
        meter("three", "adf400l_3ph", THREE, watts=9000, energy_wh=98_765_430, serial="202401020305"),
        meter("dtsy", "dtsy1352", DTSY, watts=9000, energy_wh=55_555_550, serial="202401020306"),
        meter("ct", "dtsy1352", WITH_CT, watts=90_000, energy_wh=1000, serial="202401020307", ct=40),
    )
    with SimulatedSite(described, folder / "state") as running:
        yield running


@pytest.fixture
def master(running: SimulatedSite) -> Iterator[Master]:
    with Master(running.bus("A1").tty, FAST_BAUD) as master:
        yield master


def signed(word: int) -> int:
    return word - 0x10000 if word & 0x8000 else word


# ---------------------------------------------------------------------------------------------- ADF400L single-phase


def test_adf400l_single_phase_live_block(master: Master) -> None:
    words = master.read(SINGLE, 0x0300, 0x21)
    assert 2200 <= words[0] <= 2400
    assert words[2] == 3000
    assert 900 <= words[4] <= 999
    assert abs(words[0] / 10 * words[1] / 100 * words[4] / 1000 - 3000) < 30
    assert 4980 <= words[5] <= 5020
    assert 0 <= (words[6] << 16 | words[7]) - 123_456 <= 10
    assert words[0x11] == 0x0300
    assert words[0x19:0x1B] == words[6:8]
    assert words[0x1B:0x1D] == (0, 0)


def test_adf400l_single_phase_energies_by_rate_add_up(master: Master) -> None:
    words = master.read(SINGLE, 0x0400, 0x30)
    rates = [words[index] << 16 | words[index + 1] for index in range(0, 8, 2)]
    total = master.read32(SINGLE, 0x0306)
    # Each rate is cut off by itself: up to one count each is lost in the sum.
    assert 0 <= total - sum(rates) <= 4
    assert words[0x10:0x18] == words[0:8]
    assert words[0x18:0x20] == (0,) * 8


def test_adf400l_answers_only_in_the_area_of_its_kind(master: Master) -> None:
    for unit, address in [(SINGLE, 0x033F), (SINGLE, 0x0536), (SINGLE, 0x0804), (THREE, 0x0300), (THREE, 0x0500)]:
        with pytest.raises(Refused) as refused:
            master.read(unit, address, 1)
        assert refused.value.code == 2


def test_adf400l_system_area(master: Master) -> None:
    assert master.read(SINGLE, 0x0900, 1) == (SINGLE,)
    assert master.read(SINGLE, 0x0901, 1) == (0,)
    assert master.read(SINGLE, 0x0909, 1) == (0,)
    serial = b"".join(word.to_bytes(2, "big") for word in master.read(SINGLE, 0x0947, 7))
    assert serial == b"202401020304\0\0"
    assert master.read(SINGLE, 0x0951, 2) == (1, 1)
    assert master.read(THREE, 0x0800, 1) == (0,)
    assert master.read(SINGLE, 0x0800, 1) == (1,)


def test_adf400l_clock_is_binary_and_is_set_as_a_whole(master: Master) -> None:
    master.write(SINGLE, 0x090B, 58 << 8 | 59, 23 << 8, 31 << 8 | 12, 26 << 8)
    second_minute, hour_week, day_month, year = master.read(SINGLE, 0x090B, 4)
    assert second_minute & 0xFF in (59, 0)
    assert hour_week in (23 << 8 | 4, 5)  # 31 December 2026 is a Thursday
    assert (day_month, year) in [(31 << 8 | 12, 26 << 8), (1 << 8 | 1, 27 << 8)]
    for address, words in [(0x090D, (1 << 8 | 1,)), (0x090B, (0, 0))]:
        with pytest.raises(Refused) as refused:
            master.write(SINGLE, address, *words)
        assert refused.value.code == 2
    with pytest.raises(Refused) as refused:
        master.write(SINGLE, 0x090B, 0, 0, 30 << 8 | 2, 26 << 8)
    assert refused.value.code == 3


def test_adf400l_calendar_reads_back_and_refuses_what_is_no_calendar(master: Master) -> None:
    # rate, hour, minute: flat from 0:00, peak from 8:30; then padding.
    day = bytes((3, 0, 0, 2, 8, 30)) + bytes((2, 8, 30)) * 12
    words = [day[index] << 8 | day[index + 1] for index in range(0, 42, 2)]
    master.write(SINGLE, 0x0914, *words)
    assert master.read(SINGLE, 0x0914, 21) == tuple(words)
    wrong = bytes((3, 0, 0, 2, 24, 0)) + bytes((2, 8, 30)) * 12
    with pytest.raises(Refused) as refused:
        master.write(SINGLE, 0x0914, *[wrong[index] << 8 | wrong[index + 1] for index in range(0, 42, 2)])
    assert refused.value.code == 3
    with pytest.raises(Refused) as refused:
        master.write(SINGLE, 0x0914, *words[:5])
    assert refused.value.code == 2


@pytest.mark.parametrize(("unit", "switch"), [(SINGLE, 0x0500), (THREE, 0x0536)])
def test_adf400l_prepaid_parameters_read_back(master: Master, unit: int, switch: int) -> None:
    master.write(unit, switch + 1, 0, 123, 0, 100, 0, 80, 0, 40, 0, 5000, 0, 0)
    assert master.read(unit, switch, 13) == (0, 0, 123, 0, 100, 0, 80, 0, 40, 0, 5000, 0, 0)
    with pytest.raises(Refused) as refused:
        master.write(unit, switch + 1, 0)
    assert refused.value.code == 2


@pytest.mark.parametrize(("unit", "first"), [(SINGLE, 0x0700), (THREE, 0x0718)])
def test_adf400l_load_control_reads_back(master: Master, unit: int, first: int) -> None:
    master.write(unit, first, 0, 8000, 500, 0, 0, 3, 12, 1800)
    assert master.read(unit, first, 8) == (0, 8000, 500, 0, 0, 3, 12, 1800)
    overload_recovery = {SINGLE: 0x0318, THREE: 0x0370}[unit]
    assert master.read(unit, overload_recovery, 1) == (120,)


# ----------------------------------------------------------------------------------------------- ADF400L three-phase


def test_adf400l_three_phase_live_block(master: Master) -> None:
    words = master.read(THREE, 0x033F, 0x58)
    at = {address: words[address - 0x033F] for address in range(0x033F, 0x0397)}
    assert all(2200 <= at[address] <= 2400 for address in (0x033F, 0x0340, 0x0341))
    assert at[0x0345] == 9000
    assert abs(sum(at[address] for address in (0x0346, 0x0347, 0x0348)) - 9000) <= 3
    assert all(2000 <= at[address] <= 4000 for address in (0x0346, 0x0347, 0x0348))
    assert all(3900 <= at[address] <= 4100 for address in (0x0371, 0x0372, 0x0373))
    total = at[0x035E] << 16 | at[0x035F]
    assert 0 <= total - 9_876_543 <= 30
    phases = [at[address] << 16 | at[address + 1] for address in (0x0352, 0x0354, 0x0356)]
    assert 0 <= total - sum(phases) <= 3
    assert (at[0x038F], at[0x0390]) == (at[0x035E], at[0x035F])
    assert at[0x0369] == 0x0300
    rates = [master.read32(THREE, address) for address in range(0x0430, 0x0438, 2)]
    assert abs(master.read32(THREE, 0x035E) - sum(rates)) <= 12


# ---------------------------------------------------------------------------------------------------------- DTSY1352


def test_dtsy1352_energies_number_and_ratios(master: Master) -> None:
    words = master.read(DTSY, 0x0000, 10)
    total = words[0] << 16 | words[1]
    assert 0 <= total - 5_555_555 <= 30
    rates = [words[index] << 16 | words[index + 1] for index in range(2, 10, 2)]
    assert 0 <= total - sum(rates) <= 4
    assert master.read(DTSY, 0x0043, 3) == (0x2024, 0x0102, 0x0306)
    assert master.read(DTSY, 0x0037, 2) == (1, 1)
    assert master.read(WITH_CT, 0x0037, 2) == (1, 40)
    assert master.read32(DTSY, 0x5030) == 0


def test_dtsy1352_live_values_of_the_sister_meter(master: Master) -> None:
    assert all(2200 <= word <= 2400 for word in master.read(DTSY, 0x0061, 3))
    assert all(900 <= word <= 1700 for word in master.read(DTSY, 0x0064, 3))
    assert 4980 <= master.read(DTSY, 0x0077, 1)[0] <= 5020
    powers = master.read(DTSY, 0x0164, 8)
    assert powers[6:] == (0, 9000)
    assert 900 <= signed(master.read(DTSY, 0x017F, 1)[0]) <= 999


def test_dtsy1352_behind_a_transformer_tells_its_own_side(running: SimulatedSite, master: Master) -> None:
    assert master.read32(WITH_CT, 0x016A) == 90_000 // 40
    assert running.meter("ct").watts == 90_000


def test_dtsy1352_money_registers_cannot_be_written(master: Master) -> None:
    for address in (0x0046, 0x0059, 0x0400, 0x004F):
        with pytest.raises(Refused) as refused:
            master.write(DTSY, address, 0, 1)
        assert refused.value.code == 2


def test_dtsy1352_calendar_packs_minute_before_hour(master: Master) -> None:
    first, second = master.read(DTSY, 0x2000, 2)
    assert (first, second >> 8) == (0x0400, 0)
    assert master.read(DTSY, 0x0028, 6)[:2] == (0x0101, 0x0106)  # 1 January table 1, June ...


# ------------------------------------------------------------------------------------------------------- exceptions


@pytest.mark.parametrize(
    ("unit", "function"), [(SINGLE, 0x04), (DTSY, 0x04), (DTSY, 0x06), (DTSY, 0x20), (SINGLE, 0x2B)]
)
def test_functions_that_a_meter_does_not_know(master: Master, unit: int, function: int) -> None:
    request = framed(bytes((unit, function, 0, 0, 0, 1)))
    assert master.ask(request, 5) == framed(bytes((unit, function | 0x80, 1)))


def test_addresses_and_counts_that_do_not_exist(master: Master) -> None:
    for unit, address, count, code in [
        (SINGLE, 0x0321, 1, 2),
        (SINGLE, 0x0320, 2, 2),
        (SINGLE, 0x02FF, 2, 2),
        (DTSY, 0x000A, 1, 2),
        (DTSY, 0xFFFF, 2, 2),
        (SINGLE, 0x0300, 0, 3),
        (SINGLE, 0x0300, 126, 3),
    ]:
        with pytest.raises(Refused) as refused:
            master.read(unit, address, count)
        assert refused.value.code == code, (unit, hex(address), count)


def test_adf400l_takes_function_6(master: Master, running: SimulatedSite) -> None:
    request = framed(bytes.fromhex("01 06 08 01 01 00"))
    assert master.ask(request, 8) == request
    assert not running.meter("single").contact_closed
    master.write(SINGLE, 0x0801, 0x0000)
    assert running.meter("single").contact_closed


def test_nothing_of_a_refused_write_is_taken_in(master: Master) -> None:
    before = master.read(SINGLE, 0x0700, 8)
    with pytest.raises(Refused):
        master.write(SINGLE, 0x0700, *([1] * 9))
    assert master.read(SINGLE, 0x0700, 8) == before


def test_recharge_records_have_an_address_each(master: Master) -> None:
    assert master.read(SINGLE, 0x1B13, 10) == (0,) * 10
    with pytest.raises(Refused) as refused:
        master.read(SINGLE, 0x1B14, 10)
    assert refused.value.code == 2


def test_the_fixture_lost_nothing(running: SimulatedSite) -> None:
    counters = running.bus("A1").line.counters
    assert (counters.broken_silences, counters.bad_crc) == (0, 0)
