"""The office's list of what waits for somebody, from one consistent look."""

from collections.abc import Iterator
from typing import Final

from cloud_server.core.fleet import GrantState
from cloud_server.core.money_requests import ReclaimState
from cloud_server.core.tasks import Task
from cloud_server.flows.centre import Centre
from cloud_server.flows.look import Looker
from cloud_server.flows.read_notes import open_notes
from cloud_server.ports import Unit
from protocol.units import FEN_MICRO

TASKS_MAX: Final = 500
"""More than a day of a large office; the rest is seen when these are done."""
REFUSED_WITHIN_MS: Final = 7 * 86_400_000
"""A change that its box refused stays on the list for a week; then nobody is waiting for it any more."""


def tasks(centre: Centre) -> tuple[Task, ...]:
    """Everything that waits, oldest first; to somebody who is limited to buildings, what is about those."""
    since_ms = centre.clock.wall_ms() - REFUSED_WITHIN_MS
    with centre.store.read() as unit:
        found = [*_seconds(unit), *_refunds(unit), *_closings(unit), *_moves(unit), *_changes(unit, since_ms)]
        found += [*_notes(centre, unit), *_credit(unit), *_tills(centre, unit)]
        if not centre.territory.is_whole:
            site = Looker(centre).site_map(unit)
            within = {*site.accounts, *site.meters} if site is not None else set()
            found = [task for task in found if task.about in within]
    return tuple(sorted(found, key=lambda task: (task.since_ms, task.task)))


def _seconds(unit: Unit) -> Iterator[Task]:
    for request in unit.contracts.requests(TASKS_MAX, waiting_only=True):
        yield Task(
            kind="second_person",
            task=request.request,
            about=request.about,
            amount_micro=request.amount_micro,
            since_ms=request.asked_at_ms,
            why=request.reason,
        )


def _refunds(unit: Unit) -> Iterator[Task]:
    for refund in unit.money.refunds(TASKS_MAX, unsettled_only=True):
        if refund.state == "payable":
            yield Task(
                kind="refund_payable",
                task=refund.fact.refund,
                about=refund.fact.account,
                amount_micro=refund.given_micro - refund.fact.settled_micro,
                since_ms=refund.fact.asked_at_ms,
                why=refund.fact.reason,
            )


def _closings(unit: Unit) -> Iterator[Task]:
    for closing in unit.contracts.open_closings():
        if closing.state not in ("refused", "ready"):
            continue
        reasons = {request.reason for request in closing.requests if request.reason is not None}
        yield Task(
            kind="closing_ready" if closing.state == "ready" else "closing_refused",
            task=closing.fact.closing,
            about=closing.fact.account,
            amount_micro=None,
            since_ms=closing.fact.asked_at_ms,
            why=", ".join(sorted(reasons)) or None,
        )


def _moves(unit: Unit) -> Iterator[Task]:
    moves = unit.contracts.open_moves(TASKS_MAX)
    requests = unit.money.reclaims(move.reclaim for move in moves)
    for move in moves:
        request = requests.get(move.reclaim)
        if request is None or request.is_open:
            continue
        wallets = {wallet.wallet: wallet for wallet in unit.fleet.wallets_of_account(move.account)}
        stuck = request.state is ReclaimState.ANSWERED and wallets[move.to_wallet].state != "in_use"
        if stuck:
            yield Task(
                kind="move_stuck",
                task=move.move,
                about=move.account,
                amount_micro=request.answered_micro,
                since_ms=move.asked_at_ms,
            )


def _changes(unit: Unit, since_ms: int) -> Iterator[Task]:
    for change in unit.contracts.refused_changes(since_ms):
        yield Task(
            kind="meter_change_refused",
            task=change.change,
            about=change.meter,
            amount_micro=None,
            since_ms=change.ended_at_ms or change.asked_at_ms,
            why=change.why,
        )


def _notes(centre: Centre, unit: Unit) -> Iterator[Task]:
    """Meters that were exchanged on the spot and whose replacement nobody has carried out."""
    site = Looker(centre).site_map(unit)
    notes = open_notes(unit, site, centre.clock.wall_ms()) if site is not None else {}
    for point, noted in notes.items():
        assert site is not None
        yield Task(
            kind="replacement_noted",
            task=point,
            about=site.meter_of[point],
            amount_micro=None,
            since_ms=noted.at_ms,
            why=noted.who,
        )


def _credit(unit: Unit) -> Iterator[Task]:
    """Credit that lies at the centre for nothing: refused grants, late payments; and what is owed there."""
    states = unit.books.account_states()
    for account, credit_micro in sorted(unit.books.balances("customer").items()):
        if abs(credit_micro) < FEN_MICRO or states.get(account) == "closing":
            continue
        grants = unit.ledger.grants_of_account(account, GrantState.WAITING, GrantState.REFUSED)
        free_micro = credit_micro - sum(grant.amount_micro for grant in grants if grant.state is GrantState.WAITING)
        if abs(free_micro) < FEN_MICRO:
            continue
        refused = [grant for grant in grants if grant.state is GrantState.REFUSED]
        yield Task(
            kind="credit_at_centre",
            task=account,
            about=account,
            amount_micro=free_micro,
            since_ms=max((grant.made_at_ms for grant in refused), default=0),
            why=refused[-1].reason if refused else None,
        )


def _tills(centre: Centre, unit: Unit) -> Iterator[Task]:
    """Tills that were opened under a day that is closed by now."""
    last = unit.tills.last_closed_day()
    for shift in unit.tills.open_shifts():
        if last is not None and shift.opened_at_ms is not None and centre.day_of(shift.opened_at_ms) <= last:
            yield Task(
                kind="till_open",
                task=shift.shift,
                about=shift.operator,
                amount_micro=None,
                since_ms=shift.opened_at_ms,
            )
    for closed in unit.tills.closed_days(7):
        sealed = unit.tills.sealed_day(closed.day)
        if sealed is not None and sealed.breaches:
            yield Task(
                kind="day_not_sealed_clean",
                task=closed.day,
                about=closed.day,
                amount_micro=None,
                since_ms=sealed.sealed_at_ms,
                breaches=sealed.breaches,
            )
