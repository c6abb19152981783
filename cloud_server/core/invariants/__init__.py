"""What must always hold at the centre: one function an invariant, for tests, the close of a day, and `verify`. Pure.

Each looks at evidence and answers with what it looked at and every breach, with the rows that show it.
"""

from collections.abc import Callable
from typing import Final

from cloud_server.core.invariants.chain_checks import (
    chains_have_no_holes,
    commands_are_answered_once,
    nothing_without_authority,
    one_writer,
    time_runs_forward,
)
from cloud_server.core.invariants.charge_checks import (
    charges_are_exact,
    energy_is_charged_once,
    wallets_follow_from_records,
)
from cloud_server.core.invariants.evidence import CheckResult, Evidence
from cloud_server.core.invariants.ledger_checks import (
    accounts_agree_with_boxes,
    entries_follow_from_lines,
    ledger_balances,
    nothing_was_changed,
    steps_name_who_and_why,
)
from cloud_server.core.invariants.office_checks import (
    closed_accounts_hold_nothing,
    closed_days_stay,
    moves_lose_nothing,
    two_people_are_two,
)
from cloud_server.core.invariants.refund_checks import refunds_are_covered
from cloud_server.core.invariants.sum_checks import energy_sums_follow, ledger_sums_follow

Check = Callable[[Evidence], CheckResult]

CHECKS: Final[tuple[Check, ...]] = (
    ledger_balances,
    ledger_sums_follow,
    wallets_follow_from_records,
    accounts_agree_with_boxes,
    moves_lose_nothing,
    commands_are_answered_once,
    chains_have_no_holes,
    nothing_without_authority,
    charges_are_exact,
    energy_is_charged_once,
    energy_sums_follow,
    refunds_are_covered,
    closed_accounts_hold_nothing,
    time_runs_forward,
    one_writer,
    nothing_was_changed,
    entries_follow_from_lines,
    closed_days_stay,
    steps_name_who_and_why,
    two_people_are_two,
)
"""In the order of their numbers: 1, 1, 2, 3, 4, 5 and 6, 7, 10, 11, 11, 15, 16, 17, 18, 19."""

__all__ = ["CHECKS", "Check", "CheckResult", "Evidence"]
