"""The state of a box as an epoch line carries it: all that the next hardware must know to go on. Types only."""

from typing import Literal

from protocol.payload import Count, Day, IdText, Instant, Int, Name, Payload, Seq
from protocol.records import Fraction, MeterTest, NanoCarry


class WalletState(Payload, frozen=True, kw_only=True):
    """One wallet at the epoch's beginning."""

    wallet: IdText
    book_micro: Int
    arrears_open: bool
    alarm_level: Literal[0, 1, 2]
    alarm2_at_ms: Instant | None = None
    alarm2_used: bool
    last_fee_day: Day | None = None


class LockOutState(Payload, frozen=True, kw_only=True):
    """Who hung the lock-out, and when."""

    who: Name
    at_ms: Instant


class MeterState(Payload, frozen=True, kw_only=True):
    """One meter at the epoch's beginning. Without `raw_wh` its first reading opens its history.

    `month_wh`: energy, ratio included, of the site's calendar month of `read_at_ms` up to it; price steps count on it.
    """

    meter: IdText
    serial: Name | None = None
    raw_wh: Int | None = None
    rates_raw_wh: dict[Name, Int] | None = None
    other_raw: dict[Name, Int] | None = None
    read_at_ms: Instant | None = None
    energy_carry: Fraction
    money_carry_nano: NanoCarry
    month_wh: Count
    ratio_version: Count
    tariff: IdText
    tariff_version: Count
    mode: Literal["prepaid", "protected", "forced_off"]
    mode_until_ms: Instant | None = None
    no_trip_before_ms: Instant | None = None
    service: Literal["observe", "in_service"]
    locked_out: LockOutState | None = None
    overload_latched: bool
    overload_restores: Count
    tests: list[MeterTest]
    held: bool


class OpenReclaim(Payload, frozen=True, kw_only=True):
    """A reclaim that was signed and not yet answered when the epoch was opened."""

    reclaim: IdText
    wallet: IdText
    amount_micro: Count
    floor_micro: Int
    command: Seq


class EpochState(Payload, frozen=True, kw_only=True):
    """Wallets, meters and open reclaims of one box."""

    wallets: list[WalletState]
    meters: list[MeterState]
    open_reclaims: list[OpenReclaim]
