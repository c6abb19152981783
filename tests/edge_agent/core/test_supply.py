"""The table of supply rules against an independently written statement of them, over all combinations."""

import itertools

import pytest

from edge_agent.core.supply import RULES, Credit, SupplyInputs, credit_of, decide
from protocol.commands import Mode

YES_NO = (False, True)
MODES: tuple[Mode, ...] = ("prepaid", "protected", "forced_off")
EVERY = [
    SupplyInputs(locked_out, mode, has_account, unopened_closed, arrears_open, credit, may_trip)
    for locked_out, mode, has_account, unopened_closed, arrears_open, credit, may_trip in itertools.product(
        YES_NO, MODES, YES_NO, YES_NO, YES_NO, tuple(Credit), YES_NO
    )
]


def stated(i: SupplyInputs) -> tuple[str, str, bool]:
    """box.md, Enforcement, told as an electrician would: safety, then orders of people, then money."""
    if i.locked_out:
        return "open", "lock_out", False
    if i.mode == "forced_off":
        return "open", "forced_off", False
    if i.mode == "protected":
        return "closed", "protected", False
    if not i.has_account:
        return ("closed" if i.unopened_closed else "open"), "unopened", False
    paid_enough = i.credit is Credit.ABOVE
    if i.arrears_open and not paid_enough:
        return "open", "arrears", False
    if i.credit is Credit.AT_TRIP and i.may_trip:
        return "open", "arrears", True
    return "closed", "normal", False


@pytest.mark.parametrize("inputs", EVERY, ids=lambda i: repr(i)[13:60])
def test_table_says_what_the_statement_says(inputs: SupplyInputs) -> None:
    rule = decide(inputs)
    assert (rule.wanted, rule.cause, rule.latches) == stated(inputs)


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
