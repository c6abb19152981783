"""One entry of the ledger for a step of people: who, second, why and key around postings that a rule gave."""

from collections.abc import Sequence

from cloud_server.core.transaction import Posting, Transaction
from cloud_server.flows.centre import Centre
from cloud_server.flows.sign_lines import Asker
from cloud_server.ports import Unit


def post_entry(centre: Centre, unit: Unit, kind: str, cause: str, postings: Sequence[Posting], by: Asker) -> None:
    """Post now, under the day that is open; nothing where the rule gave no postings."""
    if not postings:
        return
    now_ms = centre.clock.wall_ms()
    unit.ledger.post(
        Transaction(
            kind=kind,
            cause=cause,
            effective_at_ms=now_ms,
            posting_day=centre.posting_day(unit, now_ms),
            who=by.operator,
            key=by.key,
            second=by.second,
            reason=by.reason,
            postings=tuple(postings),
        ),
        now_ms,
    )
