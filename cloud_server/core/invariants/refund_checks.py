"""Checks of refunds and reversals: never more paid than given back, never both for one sale. Pure."""

from collections import defaultdict

from cloud_server.core import accounts
from cloud_server.core.checkpoint import UNTOLD
from cloud_server.core.fleet import GrantState
from cloud_server.core.invariants.evidence import CheckResult, Evidence, told_batches, unheard_boxes
from cloud_server.core.money_requests import ReclaimState, Refund, ReversalFact, payable_of
from protocol.records import Reclaimed


def refunds_are_covered(evidence: Evidence) -> CheckResult:
    """15. Money refunded is at most what was given back for it; no sale is both refunded and reversed."""
    refunds = list(evidence.refunds())
    reversals = list(evidence.reversals())
    breaches = [*_requests_against_records(evidence), *_payments(evidence, refunds)]
    unheard = unheard_boxes(evidence)
    for refund in refunds:
        fact = refund.fact
        if refund.reclaim is not None and refund.reclaim.is_open and refund.reclaim.box in unheard:
            continue
        if fact.settled_micro > refund.given_micro:
            breaches.append(f"refund {fact.refund}: {fact.settled} {fact.settled_micro}, given {refund.given_micro}")
        if fact.settled is not None and refund.reclaim is not None and refund.reclaim.is_open:
            breaches.append(f"refund {fact.refund}: is {fact.settled}, its box has not answered")
    breaches += _reversed_sales(evidence, refunds, reversals)
    looked = f"{len(refunds)} refunds, {len(reversals)} reversals"
    return CheckResult("15 refunds are covered", looked, tuple(breaches))


def _requests_against_records(evidence: Evidence) -> list[str]:
    """Each answer of a box to its request, and each request that was answered to the box's record."""
    came: dict[str, list[int]] = defaultdict(list)
    for box in evidence.boxes():
        for batch in told_batches(evidence, box.box):
            for record in batch.records:
                if isinstance(record, Reclaimed):
                    came[record.reclaim].append(record.amount_micro)
    breaches = []
    known = set()
    for request in evidence.reclaims():
        known.add(request.reclaim)
        said = came.get(request.reclaim, [])
        is_told = request.state is ReclaimState.ANSWERED and request.reason != UNTOLD
        right = [request.answered_micro] if is_told and request.answered_micro else []
        if said != right:
            breaches.append(f"reclaim {request.reclaim}: is {request.state} with {right}, its box gave {said}")
    breaches += [f"reclaim {name}: a box gave {came[name]}, nobody asked" for name in sorted(came.keys() - known)]
    return breaches


def _payments(evidence: Evidence, refunds: list[Refund]) -> list[str]:
    """`payable` is what was given back and neither paid out nor returned; entries pay what their refund says."""
    wanted = {accounts.payable(account): micro for account, micro in payable_of(refunds).items()}
    held = {name: micro for name, micro in evidence.account_sums().items() if name.startswith("payable/")}
    return [
        f"{name}: {held.get(name, 0)}, refunds that are open come to {wanted.get(name, 0)}"
        for name in sorted(wanted.keys() | held.keys())
        if wanted.get(name, 0) != held.get(name, 0)
    ]


def _reversed_sales(evidence: Evidence, refunds: list[Refund], reversals: list[ReversalFact]) -> list[str]:
    sales = {sale.sale: sale for sale in evidence.sales()} if reversals else {}
    grants = list(evidence.grants()) if reversals else []
    undone = {grant.undoes for grant in grants if grant.undoes is not None}
    breaches = []
    for reversal in reversals:
        sale = sales.get(reversal.sale)
        if sale is None or sale.amount_micro != reversal.amount_micro:
            breaches.append(f"reversal {reversal.reversal}: sale {reversal.sale} is not there or of another amount")
            continue
        breaches += [
            f"sale {sale.receipt}: was reversed, and refund {refund.fact.refund} was paid in between"
            for refund in refunds
            if refund.fact.account == sale.account
            and refund.fact.settled == "paid"
            and sale.paid_at_ms <= (refund.fact.settled_at_ms or 0) < reversal.reversed_at_ms
        ]
        breaches += [
            f"sale {sale.receipt}: was reversed, its grant {grant.grant} is {grant.state} and nothing undoes it"
            for grant in grants
            if grant.sale == sale.sale
            and grant.state in (GrantState.WAITING, GrantState.SIGNED, GrantState.APPLIED)
            and grant.grant not in undone
        ]
    return breaches
