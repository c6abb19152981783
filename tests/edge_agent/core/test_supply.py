"""The table of supply rules against an independently written statement of them, over all combinations."""

import itertools

import pytest

from edge_agent.core.supply import RULES, Credit, SupplyInputs, credit_of, decide
from protocol.commands import Mode
from tests.edge_agent.core.drawing import PAGE, draw

YES_NO = (False, True)
MODES: tuple[Mode, ...] = ("prepaid", "protected", "forced_off")
EVERY = [
    SupplyInputs(locked, mode, account, unopened, arrears, credit, may_trip, latched, overload, hold)
    for locked, mode, account, unopened, arrears, credit, may_trip, latched, overload, hold in itertools.product(
        YES_NO, MODES, YES_NO, YES_NO, YES_NO, tuple(Credit), YES_NO, YES_NO, YES_NO, YES_NO
    )
]


def stated(i: SupplyInputs) -> tuple[str, str, str]:
    """box.md, Enforcement, told as an electrician would: safety, then orders of people, then load, then money."""
    if i.locked_out:
        return "open", "lock_out", "none"
    if i.mode == "forced_off":
        return "open", "forced_off", "none"
    if i.mode == "protected":
        return "closed", "protected", "none"
    if not i.has_account:
        return ("closed" if i.unopened_closed else "open"), "unopened", "none"
    if i.overload_latched:
        return "open", "overload_latched", "none"
    if i.overload_begins:
        return "open", "overload", "overload"
    paid_enough = i.credit is Credit.ABOVE
    if i.arrears_open and not paid_enough:
        return "open", "arrears", "none"
    if i.credit is Credit.AT_TRIP and i.may_trip:
        return "open", "arrears", "arrears"
    if i.alarm2_hold:
        return "open", "alarm2", "none"
    return "closed", "normal", "none"


def test_table_says_what_the_statement_says() -> None:
    differ = [
        (inputs, rule, stated(inputs))
        for inputs in EVERY
        if ((rule := decide(inputs)).wanted, rule.cause, rule.latches) != stated(inputs)
    ]
    assert differ == []
    assert len(EVERY) == 2**8 * 3 * 4, "every combination was looked at"


def test_every_rule_is_reached() -> None:
    assert {decide(inputs) for inputs in EVERY} == set(RULES)


def test_not_knowing_never_opens_for_money() -> None:
    for inputs in EVERY:
        if inputs.credit is Credit.UNKNOWN and not inputs.arrears_open and inputs.has_account:
            assert decide(inputs).cause != "arrears"


@pytest.mark.parametrize(
    ("running", "trip", "reconnect", "expected"),
    [
        (None, 0, 10_000, Credit.UNKNOWN),
        (0, 0, 10_000, Credit.AT_TRIP),
        (-1, 0, 10_000, Credit.AT_TRIP),
        (1, 0, 10_000, Credit.BETWEEN),
        (9_999, 0, 10_000, Credit.BETWEEN),
        (10_000, 0, 10_000, Credit.ABOVE),
        (-50_000_000, -50_000_000, 0, Credit.AT_TRIP),
        (-49_999_999, -50_000_000, 0, Credit.BETWEEN),
    ],
)
def test_levels_of_credit(running: int | None, trip: int, reconnect: int, expected: Credit) -> None:
    assert credit_of(running, trip, reconnect) is expected


def test_the_drawing_is_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == draw(), "run python -m tests.edge_agent.core.drawing"
