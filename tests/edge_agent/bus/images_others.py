"""Eastron's, Chint's, Orno's and Inepro's meters: images written by hand from the makers' tables, not from profiles."""

from tests.edge_agent.bus.meter_case import MeterCase
from tests.edge_agent.bus.register_image import Image, f32, image, u32

MINUS = 0x1_0000

# One phase: V 0000, A 0006, W 000C, VA 0012, var 0018, PF 001E, Hz 0046, kWh import 0048, export 004A, kvarh 004C 004E.
SDM_ONE_PHASE = image(
    (0x0000, [0] * 80),
    (0x0000, f32(229.5)),
    (0x0006, f32(5.25)),
    (0x000C, f32(-1_100.5)),
    (0x0012, f32(1_204.875)),
    (0x0018, f32(490.5)),
    (0x001E, f32(-0.90625)),
    (0x0046, f32(49.9375)),
    (0x0048, [*f32(1_234.5), *f32(0.25), *f32(12.5), *f32(0.75)]),
)
SDM_ONE_PHASE_VALUES = {
    "voltage_mv": 229_500,
    "current_ma": 5_250,
    "power_w": -1_100,
    "apparent_power_va": 1_205,
    "reactive_power_var": 491,
    "power_factor_milli": -906,
    "frequency_mhz": 49_938,
    "energy_reverse_raw_wh": 250,
    "reactive_energy_forward_raw_varh": 12_500,
    "reactive_energy_reverse_raw_varh": 750,
    "raw_wh": 1_234_500,
}
SDM120 = MeterCase("eastron_sdm120", {}, SDM_ONE_PHASE_VALUES, SDM_ONE_PHASE)
SDM230 = MeterCase("eastron_sdm230", {}, SDM_ONE_PHASE_VALUES, SDM_ONE_PHASE)

# Three phases: V, A, W, VA, var, PF from 0000 on, three of each; totals W 0034, VA 0038, var 003C, PF 003E.
SDM_THREE_PHASES: Image = image(
    (0x0000, [0] * 80),
    (0x0000, [*f32(230.0), *f32(231.0), *f32(232.0), *f32(1.5), *f32(2.5), *f32(3.5)]),
    (0x000C, [*f32(100.0), *f32(200.0), *f32(-300.0), *f32(110.0), *f32(210.0), *f32(310.0)]),
    (0x0018, [*f32(10.0), *f32(20.0), *f32(30.0), *f32(0.5), *f32(0.25), *f32(-0.75)]),
    (0x0034, f32(25_000.0)),
    (0x0038, f32(26_000.0)),
    (0x003C, f32(-7_000.0)),
    (0x003E, f32(0.96875)),
    (0x0046, [*f32(50.0), *f32(98_765.5), *f32(3.5), *f32(44.0), *f32(55.0)]),
)
SDM_THREE_PHASES_VALUES = {
    "voltage_a_mv": 230_000,
    "voltage_b_mv": 231_000,
    "voltage_c_mv": 232_000,
    "current_a_ma": 1_500,
    "current_b_ma": 2_500,
    "current_c_ma": 3_500,
    "power_a_w": 100,
    "power_b_w": 200,
    "power_c_w": -300,
    "power_factor_a_milli": 500,
    "power_factor_b_milli": 250,
    "power_factor_c_milli": -750,
    "power_w": 25_000,
    "frequency_mhz": 50_000,
    "energy_reverse_raw_wh": 3_500,
}
SDM630 = MeterCase(
    "eastron_sdm630",
    {},
    {
        **SDM_THREE_PHASES_VALUES,
        "apparent_power_a_va": 110,
        "apparent_power_b_va": 210,
        "apparent_power_c_va": 310,
        "reactive_power_a_var": 10,
        "reactive_power_b_var": 20,
        "reactive_power_c_var": 30,
        "apparent_power_va": 26_000,
        "reactive_power_var": -7_000,
        "power_factor_milli": 969,
        "raw_wh": 98_765_500,
        "reactive_energy_forward_raw_varh": 44_000,
        "reactive_energy_reverse_raw_varh": 55_000,
        "energy_forward_a_raw_wh": 1_500,
        "energy_forward_b_raw_wh": 2_500,
        "energy_forward_c_raw_wh": 3_500,
        "energy_reverse_a_raw_wh": 250,
        "energy_reverse_b_raw_wh": 500,
        "energy_reverse_c_raw_wh": 750,
    },
    {
        **SDM_THREE_PHASES,
        **image((0x0156, f32(98_769.0))),  # total, not charged
        **image((0x015A, [*f32(1.5), *f32(2.5), *f32(3.5), *f32(0.25), *f32(0.5), *f32(0.75)])),
    },
)

SDM320Y = MeterCase(
    "eastron_sdm320y",
    image((0xFC00, [0x0112, 0xA880])),
    {key: value for key, value in SDM_ONE_PHASE_VALUES.items() if not key.startswith("reactive_energy")}
    | {"energy_forward_raw_wh": 1_234_500, "raw_wh": 230_200},
    {**SDM_ONE_PHASE, **image((0x0156, [0x4366, 0x3334]))},  # the words that the manual prints
    serial="18000000",
)
SDM530Y = MeterCase(
    "eastron_sdm530y",
    image((0xFC00, [0x0112, 0xA881])),
    {**SDM_THREE_PHASES_VALUES, "energy_forward_raw_wh": 98_765_500, "raw_wh": 98_769_000},
    {**SDM_THREE_PHASES, **image((0x0156, f32(98_769.0)))},
    serial="18000001",
)

DTSU666 = MeterCase(
    "chint_dtsu666",
    image(
        (0x101E, [*f32(1_500.25), *f32(500.0), *f32(600.0), *f32(400.25), *f32(1_500.0)]),  # import, a b c, net
        (0x1028, [*f32(0.25), *f32(0.125), *f32(0.0625), *f32(0.0625), *f32(0.0)]),  # export, a b c, net
        (0x2000, [0] * 6),
        (0x2006, [*f32(2_301.0), *f32(2_302.0), *f32(2_303.0)]),  # V / 10
        (0x200C, [*f32(1_500.0), *f32(2_500.0), *f32(3_500.0)]),  # A / 1000
        (0x2012, [*f32(15_000.0), *f32(3_000.0), *f32(5_000.0), *f32(7_000.0)]),  # W / 10
        (0x201A, [*f32(-600.0), *f32(-100.0), *f32(-200.0), *f32(-300.0)]),  # var / 10
        (0x202A, [*f32(950.0), *f32(951.0), *f32(952.0), *f32(-953.0)]),  # PF / 1000
        (0x2044, f32(5_002.0)),  # Hz / 100
    ),
    {
        "raw_wh": 1_500_250,
        "energy_forward_a_raw_wh": 500_000,
        "energy_forward_b_raw_wh": 600_000,
        "energy_forward_c_raw_wh": 400_250,
        "energy_reverse_raw_wh": 250,
        "energy_reverse_a_raw_wh": 125,
        "energy_reverse_b_raw_wh": 63,
        "energy_reverse_c_raw_wh": 63,
        "voltage_a_mv": 230_100,
        "voltage_b_mv": 230_200,
        "voltage_c_mv": 230_300,
        "current_a_ma": 1_500,
        "current_b_ma": 2_500,
        "current_c_ma": 3_500,
        "power_w": 1_500,
        "power_a_w": 300,
        "power_b_w": 500,
        "power_c_w": 700,
        "reactive_power_var": -60,
        "reactive_power_a_var": -10,
        "reactive_power_b_var": -20,
        "reactive_power_c_var": -30,
        "power_factor_milli": 950,
        "power_factor_a_milli": 951,
        "power_factor_b_milli": 952,
        "power_factor_c_milli": -953,
        "frequency_mhz": 50_020,
    },
)

OR_WE_504 = MeterCase(
    "orno_or_we_504",
    image(
        (0x0000, [2_298, 47, 500, 1_080, 12, 1_081, 999]),  # V 0.1, A 0.1, Hz 0.1, W, var, VA, PF 0.001
        (0x0007, [0x0001, 0x0ED3]),  # Wh
        (0x0009, [0x0000, 0x0011]),  # varh
    ),
    {
        "voltage_mv": 229_800,
        "current_ma": 4_700,
        "frequency_mhz": 50_000,
        "power_w": 1_080,
        "reactive_power_var": 12,
        "apparent_power_va": 1_081,
        "power_factor_milli": 999,
        "raw_wh": 65_536 + 3_795,
        "reactive_energy_raw_varh": 17,
    },
)

OR_WE_514 = MeterCase(
    "orno_or_we_514",
    image(
        (0x0130, [4_997, 23_045]),  # Hz 0.01, V 0.01
        (0x0139, [0] * 32),
        (0x0139, u32(5_234)),  # A 0.001
        (0x0140, u32(-1_150)),  # W
        (0x0148, u32(98)),  # var
        (0x0150, u32(1_206)),  # VA
        (0x0158, [953]),  # PF 0.001
        (0xA000, [*u32(123_456), *u32(23_456), *u32(100_000)]),  # total, T1, T2 0.01 kWh
    ),
    {
        "frequency_mhz": 49_970,
        "voltage_mv": 230_450,
        "current_ma": 5_234,
        "power_w": -1_150,
        "reactive_power_var": 98,
        "apparent_power_va": 1_206,
        "power_factor_milli": 953,
        "raw_wh": 1_234_560,
    },
)

PRO380 = MeterCase(
    "inepro_pro380",
    image(
        (0x5000, [0] * 50),
        (0x5002, [*f32(230.0), *f32(231.0), *f32(232.0), *f32(50.0)]),  # V L1-L3, Hz
        (0x500C, [*f32(1.5), *f32(2.5), *f32(3.5)]),  # A L1-L3
        (0x5012, [*f32(1.625), *f32(0.25), *f32(0.5), *f32(0.875)]),  # kW total, L1-L3
        (0x501A, f32(-0.125)),  # kvar
        (0x5022, f32(1.75)),  # kVA
        (0x502A, f32(0.9375)),  # PF
        (0x6000, [0] * 72),
        (0x6000, f32(2_000.5)),  # both directions: not charged
        (0x600C, [*f32(2_000.25), *f32(1_500.25), *f32(500.0)]),  # import, T1, T2
        (0x6018, f32(0.25)),  # export
        (0x6030, f32(12.5)),  # reactive import
        (0x603C, f32(3.5)),  # reactive export
    ),
    {
        "voltage_a_mv": 230_000,
        "voltage_b_mv": 231_000,
        "voltage_c_mv": 232_000,
        "frequency_mhz": 50_000,
        "current_a_ma": 1_500,
        "current_b_ma": 2_500,
        "current_c_ma": 3_500,
        "power_w": 1_625,
        "power_a_w": 250,
        "power_b_w": 500,
        "power_c_w": 875,
        "reactive_power_var": -125,
        "apparent_power_va": 1_750,
        "power_factor_milli": 938,
        "raw_wh": 2_000_250,
        "energy_reverse_raw_wh": 250,
        "reactive_energy_forward_raw_varh": 12_500,
        "reactive_energy_reverse_raw_varh": 3_500,
    },
    rates={"t1": 1_500_250, "t2": 500_000},
)

OTHERS = (SDM120, SDM230, SDM630, SDM320Y, SDM530Y, DTSU666, OR_WE_504, OR_WE_514, PRO380)
