"""What energy costs, from registers to records: wraps, boundaries, late readings, vacant use, versions of a price."""

from protocol.records import Interval
from protocol.wallet import replay
from tests.edge_agent.core.street import (
    FLAT,
    WALLETS,
    Street,
    box_config,
    tariff,
)

TOU = """
name = "tou"
starts_at = 2025-01-01T00:00:00
fallback_rate = "flat"
[rates.flat]
price_micro = 800000
[rates.peak]
price_micro = 1200000
[days.all]
switches = ["00:00 flat", "10:20 peak", "12:00 flat"]
[calendar]
default = "all"
"""


def test_a_register_that_wraps_goes_on_counting() -> None:
    street = Street()
    wrap = street.place.profiles["acrel_dtsy1352"].energy.wrap
    assert wrap is not None
    street.read(0, wrap - 20)
    street.grant(0, 30)
    street.at_s = 60
    street.read(0, 30)
    street.at_s = 1801
    street.read(0, 30)
    assert [r.energy_wh for r in street.of(Interval) if isinstance(r, Interval)] == [50]


def test_intervals_end_on_the_grid_and_at_changes_of_rate() -> None:
    street = Street(box_config(tariffs=(tariff(TOU),)))
    street.grant(0, 100)
    street.records.clear()
    for minute, raw_wh in ((0, 0), (10, 1_000), (20, 2_000), (30, 3_000), (50, 5_000), (60, 6_000)):
        street.at_s = minute * 60 + 4
        street.read(0, raw_wh)
    cut = [
        (
            (r.to.at_ms - street.now.wall_ms) // 60_000 + 60,
            r.energy_wh,
            [p.rate for p in r.parts],
            r.charge_micro,
            r.flags,
        )
        for r in street.of(Interval)
        if isinstance(r, Interval)
    ]
    assert cut == [
        (19, 2_000, ["flat"], 1_600_000, []),
        (29, 1_000, ["peak"], 1_200_000, []),
        (59, 3_000, ["peak"], 3_600_000, []),
    ]


def test_a_reading_that_comes_late_splits_by_time_and_says_so() -> None:
    street = Street(box_config(tariffs=(tariff(TOU),)))
    street.grant(0, 100)
    street.read(0, 0)
    street.records.clear()
    street.at_s = 40 * 60
    street.read(0, 8_000)
    (record,) = street.of(Interval)
    assert isinstance(record, Interval)
    assert [(p.rate, p.energy_wh, p.charge_micro) for p in record.parts] == [
        ("flat", 4_000, 3_200_000),
        ("peak", 4_000, 4_800_000),
    ]
    assert record.flags == ["estimated_split", "catch_up"]


def test_vacant_use_is_recorded_and_charged_to_nobody() -> None:
    street = Street(box_config(wallets=()))
    street.read(0, 0)
    street.at_s = 1801
    street.read(0, 5_000)
    (record,) = street.of(Interval)
    assert isinstance(record, Interval)
    assert (record.wallet, record.energy_wh, record.charge_micro) == (None, 5_000, 0)


def test_the_wallet_replayed_from_records_is_the_wallet() -> None:
    street = Street()
    street.read(0, 1000)
    street.grant(0, 30)
    street.in_service(0)
    street.records.clear()
    before = {WALLETS[0]: street.book(0)}
    for minute in range(1, 120):
        street.at_s = minute * 60
        street.read(0, 1000 + minute * 100)
        if minute % 25 == 0:
            street.grant(0, 3)
    assert replay(before, street.records) == {WALLETS[0]: street.book(0)}


def test_old_energy_at_the_old_price() -> None:
    later = FLAT.replace("2025-01-01T00:00:00", "2025-11-22T10:15:00").replace("1000000", "2000000")
    street = Street(box_config(tariffs=(tariff(FLAT), tariff(later, 2))))
    street.grant(0, 100)
    street.read(0, 0)
    for minute, raw_wh in ((15, 1_000), (30, 2_000)):
        street.at_s = minute * 60 + 3
        street.read(0, raw_wh)
    charges = [(r.parts[0].tariff_version, r.charge_micro) for r in street.of(Interval) if isinstance(r, Interval)]
    assert charges[-2:] == [(1, 1_000_000), (2, 2_000_000)]
