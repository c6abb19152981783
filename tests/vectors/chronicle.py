"""One record of every kind, as they stand in the vectors' first two batches, and one state of an epoch. Values only.

The intervals are priced by `protocol.charging`; `tests/vectors/independent.py` prices them again by other means.
"""

from fractions import Fraction
from typing import Final

from protocol.box_config import text_hash
from protocol.charging import IntervalInput, price_interval
from protocol.ids import Hash
from protocol.records import (
    Alarm,
    Boot,
    ClockStep,
    CommandResult,
    ConfigApplied,
    Evidence,
    Fee,
    Granted,
    Interval,
    Link,
    LockOut,
    MeterEvent,
    MeterTest,
    Reading,
    Reclaimed,
    Record,
    Relay,
    Released,
    Replaced,
    ReplacementNoted,
    Subject,
    Would,
)
from protocol.state import EpochState, LockOutState, MeterState, OpenReclaim, WalletState
from protocol.tariff import TariffBook, read_tariff
from tests.vectors.cast import (
    BOOT,
    BOX,
    BUS,
    CONFIG_TEXT,
    DAY_MS,
    DEVICE,
    MAIN_METER,
    METER,
    NEW_METER,
    POINT,
    TARIFF,
    TARIFF_TEXT,
    WALLET,
    ZONE,
    an_id,
    at,
)

BOOK: Final = TariffBook(ZONE, {(TARIFF, 1): read_tariff(TARIFF_TEXT)})
BOOK_BEFORE_MICRO: Final = 6_500_000
"""The wallet's book balance in the epoch's state."""

STATE: Final = EpochState(
    wallets=[
        WalletState(
            wallet=WALLET,
            book_micro=BOOK_BEFORE_MICRO,
            arrears_open=False,
            alarm_level=1,
            alarm2_used=False,
            last_fee_day="2026-11-21",
        )
    ],
    meters=[
        MeterState(
            meter=METER,
            serial="24010101",
            raw_wh=1_234_567,
            rates_raw_wh={"peak": 400_000, "flat": 600_000, "valley": 234_567},
            read_at_ms=at(17, 30),
            energy_carry=(0, 1),
            money_carry_nano=321,
            month_wh=1_100_000,
            ratio_version=1,
            tariff=TARIFF,
            tariff_version=1,
            mode="prepaid",
            no_trip_before_ms=at(18),
            service="in_service",
            overload_latched=False,
            overload_restores=0,
            tests=[MeterTest(at_ms=at(9), meter=METER, test="relay", passed=True, who="wang", detail="0 W, 无人")],
            held=False,
        ),
        MeterState(
            meter=MAIN_METER,
            energy_carry=(1, 3),
            money_carry_nano=0,
            month_wh=0,
            ratio_version=1,
            tariff=TARIFF,
            tariff_version=1,
            mode="protected",
            service="observe",
            locked_out=LockOutState(who="li", at_ms=at(12)),
            overload_latched=True,
            overload_restores=3,
            tests=[],
            held=True,
        ),
    ],
    open_reclaims=[
        OpenReclaim(reclaim=an_id("reclaim 0"), wallet=WALLET, amount_micro=1_000_000, floor_micro=0, command=3)
    ],
)


def interval(
    meter: str, wallet: str | None, before: Reading, after: Reading, ratio: Fraction, carries: tuple[Fraction, int]
) -> Interval:
    """The record that a box makes of two readings."""
    given = IntervalInput(
        tariff=TARIFF,
        from_raw_wh=before.raw_wh,
        from_ms=before.at_ms,
        to_raw_wh=after.raw_wh,
        to_ms=after.at_ms,
        ratio=ratio,
        energy_carry=carries[0],
        money_carry_nano=carries[1],
        charged=wallet is not None,
    )
    priced = price_interval(BOOK, given)
    return Interval(
        at_ms=after.at_ms,
        meter=meter,
        wallet=wallet,
        from_=before,
        to=after,
        source="total",
        ratio_version=1,
        energy_wh=priced.energy_wh,
        energy_carry=(priced.energy_carry.numerator, priced.energy_carry.denominator),
        parts=list(priced.parts),
        charge_micro=priced.charge_micro,
        money_carry_nano=priced.money_carry_nano,
        rates_raw_wh={"peak": 400_100, "flat": 600_467, "valley": 234_567} if wallet is not None else None,
        max_power_w=1_500 if wallet is not None else None,
        flags=list(priced.flags),
    )


STRADDLING: Final = interval(
    METER,
    WALLET,
    Reading(raw_wh=1_234_567, at_ms=at(17, 30)),
    Reading(raw_wh=1_235_134, at_ms=at(18, 30)),
    Fraction(1),
    (Fraction(0), 321),
)
"""567 Wh over the change from flat to peak at 18:00: the box was down at 18:00, so the split is by time."""
UNCHARGED: Final = interval(
    MAIN_METER,
    None,
    Reading(raw_wh=50_000, at_ms=at(18)),
    Reading(raw_wh=50_010, at_ms=at(18, 30)),
    Fraction(200, 3),
    (Fraction(1, 3), 0),
)
"""10 Wh on a main meter behind a 200:3 transformer: 667 Wh, charged to nobody."""

GRANT_MICRO: Final = 100_000_000
FEE_MICRO: Final = 500_000
RECLAIM_MICRO: Final = 2_340_000
_AFTER_CHARGE_MICRO: Final = BOOK_BEFORE_MICRO - STRADDLING.charge_micro

FIRST_RECORDS: Final[tuple[Record, ...]] = (
    Boot(at_ms=at(18, 29), boot_id=BOOT, agent="0.1.0", why="power", last_seen_ms=at(17, 59, 58)),
    ClockStep(at_ms=at(18, 29), from_ms=DAY_MS, to_ms=at(18, 29), source="server"),
    ConfigApplied(at_ms=at(18, 29, 1), config_version=7, hash=text_hash(CONFIG_TEXT)),
    STRADDLING,
    UNCHARGED,
    Link(
        at_ms=at(18, 30), meter=METER, from_ms=at(17, 30), to_ms=at(18, 30), tries=12, faults={"timeout": 2, "crc": 1}
    ),
    Granted(
        at_ms=at(18, 31),
        command=5,
        grant=an_id("grant 1"),
        wallet=WALLET,
        amount_micro=GRANT_MICRO,
        book_micro=_AFTER_CHARGE_MICRO + GRANT_MICRO,
    ),
    CommandResult(at_ms=at(18, 29, 1), command=4, outcome="done"),
    CommandResult(at_ms=at(18, 31), command=5, outcome="done"),
    Relay(
        at_ms=at(18, 31, 1),
        meter=METER,
        wanted="closed",
        seen="closed",
        cause="restored",
        command=5,
        raw_wh=1_235_134,
        running_micro=_AFTER_CHARGE_MICRO + GRANT_MICRO,
    ),
    Alarm(
        at_ms=at(18, 31, 1), alarm="alarm1", subject=Subject(box=BOX, wallet=WALLET), state="cleared", value=105_000_000
    ),
)


def second_records(evidence: tuple[Hash, ...]) -> tuple[Record, ...]:
    """The records of the second batch; the hashes are those of two lines with one number."""
    return (
        Fee(at_ms=at(24), wallet=WALLET, day="2026-11-22", fee="管理费", charge_micro=FEE_MICRO),
        Reclaimed(
            at_ms=at(24, 0, 5),
            command=6,
            reclaim=an_id("reclaim 1"),
            wallet=WALLET,
            amount_micro=RECLAIM_MICRO,
            book_micro=_AFTER_CHARGE_MICRO + GRANT_MICRO - FEE_MICRO - RECLAIM_MICRO,
        ),
        CommandResult(
            at_ms=at(24, 1),
            command=7,
            outcome="refused",
            reason="meter_not_released",
            detail="电表 101",
        ),
        Released(
            at_ms=at(24, 2),
            meter=METER,
            raw_wh=1_240_000,
            rates_raw_wh={"peak": 401_000, "flat": 604_433, "valley": 234_567},
            energy_carry=(1, 3),
            money_carry_nano=999,
        ),
        Replaced(
            at_ms=at(24, 3),
            point=POINT,
            old=METER,
            old_raw_wh=1_240_000,
            new=NEW_METER,
            serial="26000007",
            new_raw_wh=12,
        ),
        ReplacementNoted(
            at_ms=at(24, 3),
            point=POINT,
            old_serial="24010101",
            old_raw_wh=1_240_000,
            new_serial="26000007",
            new_raw_wh=12,
            who="wang",
        ),
        LockOut(at_ms=at(24, 4), meter=NEW_METER, on=True, who="wang", where="spot"),
        MeterTest(at_ms=at(24, 5), meter=NEW_METER, test="relay", passed=False, who="wang", detail="不动作"),
        MeterEvent(at_ms=at(24, 6), meter=NEW_METER, event="serial_differs"),
        Alarm(
            at_ms=at(24, 6),
            alarm="serial_differs",
            subject=Subject(box=BOX, bus=BUS, device=DEVICE, meter=NEW_METER),
            state="raised",
        ),
        Would(at_ms=at(24, 7), meter=MAIN_METER, wanted="open", cause="arrears"),
        Evidence(at_ms=at(24, 8), evidence="equivocation", lines=list(evidence), detail="two contents of command 8"),
    )
