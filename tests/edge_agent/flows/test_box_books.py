"""The books of a store, read back whole or in their newest part, hold; one that was bent does not."""

from pathlib import Path

import msgspec

from edge_agent.core.decision import Decision
from edge_agent.core.invariants import breaches
from edge_agent.flows.apply_commands import apply_commands
from edge_agent.flows.box_books import BookReader, book_breaches
from edge_agent.flows.seal_batches import seal_pending
from tests.edge_agent.core.street import WALLETS
from tests.edge_agent.rig import Rig, rig
from tests.edge_agent.whole_box.whole_box import grant_of

HALF_HOUR_MS = 1_800_000


def a_day(a: Rig) -> None:
    a.sealing.head_confirmed = True
    for half_hour in range(48):
        if half_hour % 10 == 0:
            apply_commands(a.box, a.sync.ring, [a.command(grant_of(0, 10, half_hour))])
        a.read(0, 1_000 + half_hour * 150)
        seal_pending(a.box, a.sealing)
        a.clock.go_on(HALF_HOUR_MS)


def test_a_days_books_hold_in_whole_and_in_their_newest_part(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a_day(a)
        whole, part = BookReader().read(a.store), BookReader(newest=7).read(a.store)
        assert breaches(whole) == breaches(part) == []
        assert len(whole.headers) > len(part.headers) == 7
        assert part.first_seq == len(whole.headers) - 6
        assert book_breaches(a.store) == []


def test_a_wallet_that_its_records_do_not_give_is_named(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a_day(a)
        row = a.box.state.wallets[WALLETS[0]]
        richer = msgspec.structs.replace(row.state, book_micro=row.state.book_micro + 1)
        a.box.take(Decision(wallets=(msgspec.structs.replace(row, state=richer),)))
        (breach,) = book_breaches(a.store)
        assert breach.startswith(f"2 wallet {WALLETS[0]}: holds")
