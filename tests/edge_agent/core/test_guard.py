"""The last guard's arithmetic: what an account should hold, what is written to it, and what a lost answer does."""

import itertools
from dataclasses import replace

import pytest

from edge_agent.bus.packaged import builtin_profile
from edge_agent.core.guard import (
    Account,
    Wanted,
    exposure_micro,
    has_account,
    judge_test,
    may_guard,
    price_for,
    read_account,
    top_up_micro,
    wanted_level,
    writes_for,
)
from protocol.meter_profile.values import Grade, Profile, RegisterWrite
from tests.edge_agent.core.street import YUAN

ADF = builtin_profile("acrel_adf400l_3ph")
FEN = 10_000
PRICES = ("price_sharp_micro", "price_peak_micro", "price_flat_micro", "price_valley_micro")


def account(
    balance: int = 0, *, on: bool = True, price: int = 800_000, alarm2: int = 0, count: int = 7, purchase: int = 0
) -> Account:
    return Account(on, dict.fromkeys(PRICES, price), alarm2, count, purchase, balance, 0)


@pytest.mark.parametrize(
    ("running", "trip", "margin", "level"),
    [
        (30 * YUAN, 0, 5 * YUAN, 35 * YUAN),
        (0, 0, 5 * YUAN, 5 * YUAN),
        (-3 * YUAN, 0, 5 * YUAN, 2 * YUAN),
        (-8 * YUAN, 0, 5 * YUAN, 0),
        (10 * YUAN, -50 * YUAN, 5 * YUAN, 65 * YUAN),
    ],
)
def test_the_level_is_the_distance_to_the_trip_and_a_margin(running: int, trip: int, margin: int, level: int) -> None:
    assert wanted_level(running, trip, margin) == level


def play(before: Account, writes: tuple[RegisterWrite, ...]) -> Account:
    """What a meter does with these writes, by the makers' registers of a three-phase user: 0536 and on."""
    on, balance, count, alarm2, purchase = (
        before.on, before.balance_micro, before.purchase_count, before.alarm2_micro, before.purchase_micro,
    )  # fmt: skip
    prices = dict(before.prices_micro)
    for write in writes:
        assert write.function == 16
        number = write.values[0] << 16 | write.values[1] if len(write.values) > 1 else write.values[0]
        if write.address == 0x0536:
            on = write.values[0] != 0
        elif write.address == 0x0541:
            alarm2 = number * FEN
        elif write.address == 0x0543:
            assert len(write.values) == 3, "amount and count in one write"
            if write.values[2] == (count + 1) % 65_536:
                balance, count, purchase = balance + number * FEN, write.values[2], number * FEN
        else:
            prices[PRICES[(write.address - 0x0537) // 2]] = number * FEN
    return Account(on, prices, alarm2, count, purchase, balance, 0)


def test_every_account_comes_to_its_level_in_one_visit_and_stays_there() -> None:
    balances = (-5 * YUAN, -1, 0, 9_999, 10_000, 3 * YUAN, 35 * YUAN - 1, 35 * YUAN, 90 * YUAN)
    levels = (0, 1, FEN, 35 * YUAN, 35 * YUAN + 4_321)
    for balance, level, on, alarm2, price, count in itertools.product(
        balances, levels, (True, False), (0, 5 * YUAN), (800_000, 810_000), (0, 65_535)
    ):
        before = account(balance // FEN * FEN, on=on, alarm2=alarm2, price=price, count=count)
        wanted = Wanted(level, 800_000, clear_alarm2=True)
        after = play(before, writes_for(ADF, before, wanted))
        assert after.balance_micro >= before.balance_micro, "never downwards"
        assert after.balance_micro <= max(before.balance_micro, level), "never above its level by our hand"
        assert level - after.balance_micro < FEN, "at its level, but for what the register cannot say"
        assert (after.purchase_count - count) % 65_536 in (0, 1), "one top-up"
        assert after.alarm2_micro == 0
        assert set(after.prices_micro.values()) == {800_000}
        assert after.on or after.balance_micro <= 0
        assert writes_for(ADF, after, wanted) == (), "nothing is left to do"


def test_an_answer_that_was_lost_costs_nothing() -> None:
    """The write took effect, its answer did not come: the next visit reads, and finds nothing missing."""
    wanted = Wanted(35 * YUAN, 800_000, clear_alarm2=True)
    before = account(3 * YUAN)
    writes = writes_for(ADF, before, wanted)
    taken = play(before, writes)
    assert writes_for(ADF, taken, wanted) == ()
    assert play(taken, writes) == taken, "and were it sent again, its count is used up"


@pytest.mark.parametrize(("missing", "writes"), [(299_999, 0), (300_000, 1)])
def test_a_trifle_is_not_bought(missing: int, writes: int) -> None:
    wanted = Wanted(20 * YUAN, 800_000, clear_alarm2=True, least_top_up_micro=300_000)
    assert len(writes_for(ADF, account(20 * YUAN - missing), wanted)) == writes


def test_the_switch_comes_last_and_never_finds_an_empty_account() -> None:
    before = account(0, on=False)
    writes = writes_for(ADF, before, Wanted(3 * YUAN, 800_000, clear_alarm2=True))
    assert [write.address for write in writes] == [0x0543, 0x0536]
    assert writes_for(ADF, before, Wanted(0, 800_000, clear_alarm2=True)) == ()


@pytest.mark.parametrize(("on", "writes"), [(True, (RegisterWrite(16, 0x0536, (0,)),)), (False, ())])
def test_a_guard_that_is_none_any_more_is_switched_off(on: bool, writes: tuple[RegisterWrite, ...]) -> None:
    assert writes_for(ADF, account(3 * YUAN, on=on), None) == writes


def test_a_warning_cut_of_the_site_keeps_the_meters_own_second_alarm() -> None:
    assert writes_for(ADF, account(YUAN, alarm2=YUAN), Wanted(YUAN, 800_000, clear_alarm2=False)) == ()


@pytest.mark.parametrize(
    ("balance", "level", "on", "exposed"),
    [(9 * YUAN, 4 * YUAN, True, 5 * YUAN), (4 * YUAN, 9 * YUAN, True, 0), (9 * YUAN, 4 * YUAN, False, 0)],
)
def test_what_is_too_much_is_shown(balance: int, level: int, on: bool, exposed: int) -> None:
    assert exposure_micro(account(balance, on=on), level) == exposed


@pytest.mark.parametrize(
    ("lowest", "told"), [(800_000, 800_000), (809_999, 800_000), (9_999, 0), (10_000, 10_000), (1_234_567, 1_230_000)]
)
def test_prices_are_rounded_down(lowest: int, told: int) -> None:
    assert price_for(ADF, lowest) == told


def test_a_top_up_stays_within_its_register() -> None:
    assert top_up_micro(ADF.prepaid, account(0), 10**18) == (2**32 - 1) * FEN


@pytest.mark.parametrize(
    ("profile", "allowed", "may"),
    [
        (ADF, (), False),
        (ADF, ("acrel_adf400l_3ph",), True),
        (ADF, ("acrel_adf400l_1ph",), False),
        (builtin_profile("acrel_adf400l_1ph"), ("acrel_adf400l_1ph",), True),
        (replace(ADF, prepaid_grade=Grade.TOOL), (), False),
        (replace(ADF, prepaid_grade=Grade.MANUAL), (), True),
        (replace(ADF, prepaid_grade=Grade.CODE), (), True),
        (replace(ADF, relay=None, prepaid_grade=Grade.PROVEN), (), False),
        (builtin_profile("acrel_dtsy1352"), ("acrel_dtsy1352",), False),
        (builtin_profile("eastron_sdm630"), ("eastron_sdm630",), False),
    ],
)
def test_which_meters_may_be_guards(profile: Profile, allowed: tuple[str, ...], may: bool) -> None:
    assert may_guard(profile, allowed) is may
    assert has_account(profile) or not may


def test_an_account_that_was_read_in_part_is_none() -> None:
    values = {
        "switch": 1, "alarm2_micro": 2, "purchase_amount_micro": 3, "purchase_count": 4, "balance_micro": 5,
        "price_flat_micro": 6,
    }  # fmt: skip
    assert read_account(values, 9) == Account(True, {"price_flat_micro": 6}, 2, 4, 3, 5, 9)
    for missing in ("switch", "alarm2_micro", "purchase_amount_micro", "purchase_count", "balance_micro"):
        assert read_account({key: value for key, value in values.items() if key != missing}, 9) is None


@pytest.mark.parametrize(
    ("gained", "counted", "told", "on", "passed"),
    [
        (FEN, 1, FEN, False, True),
        (0, 1, FEN, False, False),
        (100 * FEN, 1, FEN, False, False),
        (FEN, 0, FEN, False, False),
        (FEN, 2, FEN, False, False),
        (FEN, 1, 0, False, False),
        (-FEN, 1, FEN, False, False),
        (-FEN, 1, FEN, True, True),
        (2 * FEN, 1, FEN, True, False),
        (-2 * YUAN, 1, FEN, True, False),
    ],
)
def test_a_guard_is_proved_by_count_unit_and_read_back(
    gained: int, counted: int, told: int, on: bool, passed: bool
) -> None:
    before = account(YUAN, on=on, count=65_535)
    after = account(YUAN + gained, on=on, count=(65_535 + counted) % 65_536, purchase=told)
    assert judge_test(before, after)[0] is passed
