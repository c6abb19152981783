"""The meter as the last guard: what its own prepaid account should hold, so that it cuts off when the box is dead.

It acts after the box, never before: the account holds the distance to the trip level and a margin, prices are rounded
down, and what is there too much is shown and never taken away. A level and not a copy of sales: both sides are read
afresh before each top-up, so an answer that was lost is seen by what it did. Source: box.md, "The meter as the last
guard". Pure; money in micro-units.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from protocol.meter_profile.values import Grade, Profile, Quantity, RegisterType, RegisterWrite, WordOrder

TEST_TOP_UP_MICRO: Final = 10_000
"""The smallest amount that these meters know: 0.01 of the currency."""
LEAST_MARGIN_MICRO: Final = 1_000_000
"""Margin of a meter whose use is not known yet: one unit of the currency."""
COUNT_LIMIT: Final = 1 << 16
WRITE_FUNCTION: Final = 16
PRICE_PREFIX: Final = "price_"
_NEEDED: Final = ("switch", "alarm2_micro", "purchase_amount_micro", "purchase_count", "balance_micro")
_SURE: Final = (Grade.PROVEN, Grade.MANUAL, Grade.CODE)


@dataclass(frozen=True, slots=True)
class Account:
    """A meter's own account as it was read, and when (monotonic)."""

    on: bool
    prices_micro: Mapping[str, int]
    alarm2_micro: int
    purchase_count: int
    purchase_micro: int
    balance_micro: int
    at_mono_ms: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the account of a guard should be.

    Attributes:
        level_micro: balance to hold: distance to the trip level, and the margin.
        price_micro: greatest price per kWh that is not above any of ours.
        clear_alarm2: whether the meter's own second alarm, below which some makes open once, is to be 0.
        least_top_up_micro: less than this is not worth a purchase: the margin covers it, and a meter counts and keeps
            each one.
    """

    level_micro: int
    price_micro: int
    clear_alarm2: bool
    least_top_up_micro: int = 0


def has_account(profile: Profile) -> bool:
    """Whether the profile knows all of an account that can be topped up, and how the relay is left to the meter."""
    relay, prepaid = profile.relay, profile.prepaid
    if relay is None or relay.write_release is None or relay.order is None or relay.seat is not None:
        return False
    if any(key not in prepaid for key in _NEEDED) or not any(key.startswith(PRICE_PREFIX) for key in prepaid):
        return False
    amount, count = prepaid["purchase_amount_micro"], prepaid["purchase_count"]
    one_write = count.address == amount.address + amount.registers
    return one_write and all(q.type in _SIZES for key, q in prepaid.items() if key in _NEEDED or _is_price(key))


def may_guard(profile: Profile, inferred_allowed: tuple[str, ...]) -> bool:
    """Whether meters of this profile can be guards: the top-up is well known, or the site allows it by name."""
    return has_account(profile) and (profile.prepaid_grade in _SURE or profile.name in inferred_allowed)


def _is_price(key: str) -> bool:
    return key.startswith(PRICE_PREFIX)


def read_account(values: Mapping[str, int], at_mono_ms: int) -> Account | None:
    """The account from what a visit read; None where a part is missing."""
    if any(key not in values for key in _NEEDED):
        return None
    return Account(
        on=values["switch"] != 0,
        prices_micro={key: value for key, value in values.items() if key.startswith(PRICE_PREFIX)},
        alarm2_micro=values["alarm2_micro"],
        purchase_count=values["purchase_count"],
        purchase_micro=values["purchase_amount_micro"],
        balance_micro=values["balance_micro"],
        at_mono_ms=at_mono_ms,
    )


def wanted_level(running_micro: int, trip_micro: int, margin_micro: int) -> int:
    """What the account should hold, at least nothing."""
    return max(0, running_micro - trip_micro + margin_micro)


def exposure_micro(account: Account, level_micro: int) -> int:
    """By how much the meter would let its shop go on beyond what is wanted."""
    return max(0, account.balance_micro - level_micro) if account.on else 0


def writes_for(profile: Profile, account: Account, wanted: Wanted | None) -> tuple[RegisterWrite, ...]:
    """What is to be written so that the account is as wanted; None: its switch off. Nothing where it is so already.

    Prices and alarm first, then one top-up, the switch last: it must not find an empty account.
    """
    return tuple(_writes(profile.prepaid, account, wanted))


def _writes(prepaid: Mapping[str, Quantity], account: Account, wanted: Wanted | None) -> Iterator[RegisterWrite]:
    if wanted is None:
        if account.on:
            yield _write(prepaid["switch"], 0)
        return
    for key, told in account.prices_micro.items():
        if told != _floor(prepaid[key], wanted.price_micro):
            yield _write(prepaid[key], wanted.price_micro)
    if wanted.clear_alarm2 and account.alarm2_micro:
        yield _write(prepaid["alarm2_micro"], 0)
    amount_micro = top_up_micro(prepaid, account, wanted.level_micro)
    amount_micro = amount_micro if amount_micro >= wanted.least_top_up_micro else 0
    if amount_micro:
        yield top_up(prepaid, account, amount_micro)
    if not account.on and account.balance_micro + amount_micro > 0:
        yield _write(prepaid["switch"], 1)


def top_up_micro(prepaid: Mapping[str, Quantity], account: Account, level_micro: int) -> int:
    """How much is missing, in whole steps of the register; never below 0, so an account is never lowered."""
    quantity = prepaid["purchase_amount_micro"]
    missing = max(0, level_micro - account.balance_micro)
    return min(_floor(quantity, missing), int(((1 << 16 * quantity.registers) - 1) * quantity.scale))


def top_up(prepaid: Mapping[str, Quantity], account: Account, amount_micro: int) -> RegisterWrite:
    """One purchase: amount and the next count in one write, so that the meter itself refuses it a second time."""
    amount, count = prepaid["purchase_amount_micro"], prepaid["purchase_count"]
    words = _words(amount, amount_micro) + _words(count, (account.purchase_count + 1) % COUNT_LIMIT)
    return RegisterWrite(WRITE_FUNCTION, amount.address, words)


def price_for(profile: Profile, lowest_micro: int) -> int:
    """The lowest of our prices, rounded down to what every price register of the meter can say."""
    return min(_floor(q, lowest_micro) for key, q in profile.prepaid.items() if key.startswith(PRICE_PREFIX))


def judge_test(before: Account, after: Account) -> tuple[bool, str]:
    """Whether a top-up of 0.01 did what it should: count, unit, read-back. A switched-on account may fall meanwhile."""
    gained = after.balance_micro - before.balance_micro
    counted = after.purchase_count == (before.purchase_count + 1) % COUNT_LIMIT
    told = after.purchase_micro == TEST_TOP_UP_MICRO
    right = gained == TEST_TOP_UP_MICRO or (before.on and gained > TEST_TOP_UP_MICRO - LEAST_MARGIN_MICRO)
    detail = (
        f"count {before.purchase_count} to {after.purchase_count}, "
        f"balance {before.balance_micro} to {after.balance_micro}, last purchase {after.purchase_micro} micro-units"
    )
    return counted and told and right and gained <= TEST_TOP_UP_MICRO, detail


_SIZES: Final = {RegisterType.U16: 1, RegisterType.U32: 2, RegisterType.I32: 2}
"""Types that a whole number can be written to, with their words."""


def _floor(quantity: Quantity, value: int) -> int:
    """The greatest number not above `value` that the register can say."""
    return int(value // quantity.scale * quantity.scale)


def _write(quantity: Quantity, value: int) -> RegisterWrite:
    return RegisterWrite(WRITE_FUNCTION, quantity.address, _words(quantity, value))


def _words(quantity: Quantity, value: int) -> tuple[int, ...]:
    data = int(value // quantity.scale).to_bytes(2 * _SIZES[quantity.type], "big")
    words = tuple(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    return words if quantity.word_order is WordOrder.HIGH_FIRST else words[::-1]
