"""Acrel's meters: register images written by hand from the makers' tables, not from the profiles."""

from fractions import Fraction

from edge_agent.core.measured import RelayOrdered
from tests.edge_agent.bus.meter_case import MeterCase
from tests.edge_agent.bus.register_image import f32, image, u32

# A word below 0 in two's complement.
MINUS = 0x1_0000

ADF400L_1PH = MeterCase(
    "acrel_adf400l_1ph",
    image(
        (0x0300, [2301, 1234, MINUS - 2840, 35, 988, 4998]),  # V 0.1, A 0.01, kW 0.001, kvar 0.001, PF 0.001, Hz 0.01
        (0x0306, [*u32(1_234_567), *u32(2_345)]),  # active, reactive energy 0.01
        (0x030A, [*u32(-10_000), *u32(50_000), 3, *u32(0)]),  # remaining, purchased, count, gift
        (
            0x0311,
            [0x0300, *u32(0), 0, *u32(0), 0, 60],
        ),  # status, gift left, (0314), over-limit, recovery, after overload
        (
            0x0319,
            [*u32(1_234_560), *u32(7), *u32(2_340), *u32(5)],
        ),  # forward, reverse active, forward, reverse reactive
        (0x0400, [*u32(1), *u32(20), *u32(300), *u32(1_234_246)]),  # tip, peak, flat, valley
        (0x0801, [0x0100]),  # forced, 0 = open
        (0x0947, [0x3230, 0x3236, 0x3031, 0x3030, 0x3432, 0x0000, 0x0000]),
    ),
    {
        "raw_wh": 12_345_670,
        "voltage_mv": 230_100,
        "current_ma": 12_340,
        "power_w": -2_840,
        "reactive_power_var": 35,
        "power_factor_milli": 988,
        "frequency_mhz": 49_980,
        "reactive_energy_raw_varh": 23_450,
        "status_word": 0x0300,
        "energy_forward_raw_wh": 12_345_600,
        "energy_reverse_raw_wh": 70,
        "reactive_energy_forward_raw_varh": 23_400,
        "reactive_energy_reverse_raw_varh": 50,
    },
    rates={"sharp": 10, "peak": 200, "flat": 3_000, "valley": 12_342_460},
    ordered=RelayOrdered.OPEN,
    serial="2026010042",
)

ADF400L_3PH = MeterCase(
    "acrel_adf400l_3ph",
    image(
        (0x033F, [2301, 2302, 2303]),  # Ua Ub Uc 0.1 V
        (0x0342, [101, 202, 303]),  # Ia Ib Ic 0.01 A
        (0x0345, [2_000, 700, 800, 500]),  # P total, Pa Pb Pc 1 W
        (0x0349, [MINUS - 60, 10, 20, MINUS - 90]),  # Q total, Qa Qb Qc
        (0x034D, [990, 991, 992, MINUS - 993]),  # PF total, a b c
        (0x0351, [5_001]),  # 0.01 Hz
        (0x0352, [*u32(11), *u32(22), *u32(33)]),  # A/B/C active energy
        (0x0358, [*u32(44), *u32(55), *u32(66)]),  # A/B/C reactive energy
        (0x035E, [*u32(100_000), *u32(777)]),  # total active, total reactive energy
        (0x0362, [*u32(-500), *u32(9_000), 12, *u32(0)]),  # balance, purchased, count, base
        (0x0369, [0x0300, *u32(0), 0, *u32(0), 0, 0]),  # status, base left, (036C), overdraft, recovery times
        (0x0371, [3_981, 3_982, 3_983, 4, 13, 27]),  # Uab Ubc Uca, zero-sequence 0.1 A; unbalance is left out
        (0x0377, [0] * 24),  # per phase
        (0x038F, [*u32(99_990), *u32(10), *u32(700), *u32(77)]),  # total forward, reverse active and reactive
        (0x0430, [*u32(1), *u32(2), *u32(3), *u32(99_994), *u32(0)]),  # tip, peak, flat, valley; reactive tip
        (0x0804, [0x0001]),  # released
        (0x0947, [0x3230, 0x3236, 0x3031, 0x3030, 0x3433, 0x2020, 0x2020]),
    ),
    {
        "raw_wh": 1_000_000,
        "voltage_a_mv": 230_100,
        "voltage_b_mv": 230_200,
        "voltage_c_mv": 230_300,
        "current_a_ma": 40_400,
        "current_b_ma": 80_800,
        "current_c_ma": 121_200,
        "power_w": 80_000,
        "power_a_w": 28_000,
        "power_b_w": 32_000,
        "power_c_w": 20_000,
        "reactive_power_var": -2_400,
        "reactive_power_a_var": 400,
        "reactive_power_b_var": 800,
        "reactive_power_c_var": -3_600,
        "power_factor_milli": 990,
        "power_factor_a_milli": 991,
        "power_factor_b_milli": 992,
        "power_factor_c_milli": -993,
        "frequency_mhz": 50_010,
        "energy_a_raw_wh": 110,
        "energy_b_raw_wh": 220,
        "energy_c_raw_wh": 330,
        "reactive_energy_a_raw_varh": 440,
        "reactive_energy_b_raw_varh": 550,
        "reactive_energy_c_raw_varh": 660,
        "reactive_energy_raw_varh": 7_770,
        "status_word": 0x0300,
        "voltage_ab_mv": 398_100,
        "voltage_bc_mv": 398_200,
        "voltage_ca_mv": 398_300,
        "current_zero_ma": 16_000,
        "energy_forward_raw_wh": 999_900,
        "energy_reverse_raw_wh": 100,
        "reactive_energy_forward_raw_varh": 7_000,
        "reactive_energy_reverse_raw_varh": 770,
    },
    rates={"sharp": 10, "peak": 20, "flat": 30, "valley": 999_940},
    ct=Fraction(200, 5),
    ordered=RelayOrdered.RELEASED,
    serial="2026010043",
)

DDSY1352 = MeterCase(
    "acrel_ddsy1352",
    image(
        (0x0000, [*u32(1_234_567), *u32(10_000), *u32(200_001), *u32(99), *u32(1_024_467)]),  # total, tip ... valley
        (0x000A, [0, 2301, 523, MINUS - 1_203]),  # code, V 0.1, A 0.01, kW 0.001
        (0x0010, [MINUS - 998]),  # PF 0.001
        (0x0043, [0x2021, 0x0501, 0x2345]),  # 12 digits BCD
        (0x0057, [1, 0]),  # force enabled, 0 = close
        (0x0059, u32(88)),  # price tip
        (0x5030, u32(7)),  # deep valley
    ),
    {
        "raw_wh": 12_345_670,
        "voltage_mv": 230_100,
        "current_ma": 5_230,
        "power_w": -1_203,
        "power_factor_milli": -998,
    },
    rates={"sharp": 100_000, "peak": 2_000_010, "flat": 990, "valley": 10_244_670, "deep_valley": 70},
    ordered=RelayOrdered.CLOSED,
    serial="202105012345",
)

DTSY1352 = MeterCase(
    "acrel_dtsy1352",
    image(
        (0x0000, [*u32(2**32 - 1), *u32(10), *u32(20), *u32(30), *u32(40)]),  # at its last step before it wraps
        (0x0043, [0x0000, 0x0001, 0x9999]),
        (0x0057, [1, 1]),  # force enabled, 1 = trip
    ),
    {"raw_wh": 42_949_672_950},
    rates={"sharp": 100, "peak": 200, "flat": 300, "valley": 400},
    ordered=RelayOrdered.OPEN,
    serial="000000019999",
)

DTSD1352 = MeterCase(
    "acrel_dtsd1352",
    image(
        (0x0000, [*u32(500_000), *u32(1), *u32(2), *u32(3), *u32(499_994)]),  # total, tip ... valley
        (0x000A, [*u32(499_900), *[0] * 8, *u32(100), *[0] * 8]),  # forward total, its rates; 0014 reverse total
        (0x001E, [*[0] * 10, *u32(1_200), *[0] * 8, *u32(34), *[0] * 8]),  # 0028 fwd, 0032 reverse reactive
        (0x0061, [2_301, 2_302, 2_303, 123, 124, 125]),  # V 0.1, A 0.01
        (0x0077, [4_999, 3_981, 3_982, 3_983]),  # Hz 0.01, line volts 0.1
        (0x0164, [*u32(500), *u32(744), *u32(-10), *u32(1_234)]),  # Pa Pb Pc P 0.001 kW
        (0x016C, [*[0] * 6, *u32(-321)]),  # 0172 Q
        (0x0174, [*[0] * 6, *u32(1_276)]),  # 017A S
        (0x017C, [0, 0, 0, 967]),  # 017F PF 0.001
    ),
    {
        "raw_wh": 5_000_000,
        "energy_forward_raw_wh": 4_999_000,
        "energy_reverse_raw_wh": 1_000,
        "reactive_energy_forward_raw_varh": 12_000,
        "reactive_energy_reverse_raw_varh": 340,
        "voltage_a_mv": 23_010_000,
        "voltage_b_mv": 23_020_000,
        "voltage_c_mv": 23_030_000,
        "current_a_ma": 49_200,
        "current_b_ma": 49_600,
        "current_c_ma": 50_000,
        "frequency_mhz": 49_990,
        "voltage_ab_mv": 39_810_000,
        "voltage_bc_mv": 39_820_000,
        "voltage_ca_mv": 39_830_000,
        "power_a_w": 2_000_000,
        "power_b_w": 2_976_000,
        "power_c_w": -40_000,
        "power_w": 4_936_000,
        "reactive_power_var": -1_284_000,
        "apparent_power_va": 5_104_000,
        "power_factor_milli": 967,
    },
    rates={"sharp": 10, "peak": 20, "flat": 30, "valley": 4_999_940},
    ct=Fraction(40),
    pt=Fraction(100),
)

ADL400 = MeterCase(
    "acrel_adl400",
    image(
        (0x0800, [*f32(230.5), *f32(231.25), *f32(229.75)]),  # V, primary side
        (0x0806, [0] * 6),
        (0x080C, [*f32(10.5), *f32(11.5), *f32(12.5)]),  # A
        (0x0812, [0, 0]),
        (0x0814, [*f32(2.5), *f32(2.75)]),  # kW, A and B
        (0x0818, f32(8.0)),  # total or C: disputed, so nothing may come of it
        (0x081A, [0] * 24),
        (0x0832, [*f32(0.875), *f32(50.0)]),  # PF, Hz
        (0x0842, [*u32(123_466), *[0] * 8]),  # total, 0.1 kWh: not charged
        (0x084C, [*u32(123_456), *[0] * 8]),  # import
        (0x0856, [*u32(10), *[0] * 8]),  # export
    ),
    {
        "raw_wh": 12_345_600,
        "energy_reverse_raw_wh": 1_000,
        "voltage_a_mv": 230_500,
        "voltage_b_mv": 231_250,
        "voltage_c_mv": 229_750,
        "current_a_ma": 10_500,
        "current_b_ma": 11_500,
        "current_c_ma": 12_500,
        "power_a_w": 2_500,
        "power_b_w": 2_750,
        "power_factor_milli": 875,
        "frequency_mhz": 50_000,
    },
)

ACREL = (ADF400L_1PH, ADF400L_3PH, DDSY1352, DTSY1352, DTSD1352, ADL400)
