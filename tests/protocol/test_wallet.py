"""A wallet replayed: grants less reclaims less charges."""

import msgspec
import pytest

from protocol.messages import Batch, read_records
from protocol.payload import read_payload
from protocol.records import Interval, Record
from protocol.wallet import change, replay
from tests.vectors.cast import WALLET
from tests.vectors.chronicle import (
    BOOK_BEFORE_MICRO,
    FEE_MICRO,
    FIRST_RECORDS,
    GRANT_MICRO,
    RECLAIM_MICRO,
    STRADDLING,
    UNCHARGED,
)
from tests.vectors.lines import FIRST_BATCH, SECOND_BATCH, SECOND_RECORDS

EVERY = (*FIRST_RECORDS, *SECOND_RECORDS)
MOVES = {
    "interval": -STRADDLING.charge_micro,
    "granted": GRANT_MICRO,
    "fee": -FEE_MICRO,
    "reclaimed": -RECLAIM_MICRO,
}


def kind_of(record: Record) -> str:
    kind: str = msgspec.to_builtins(record)["kind"]
    return kind


@pytest.mark.parametrize("record", EVERY, ids=kind_of)
def test_four_kinds_of_record_move_money_and_no_other(record: Record) -> None:
    amount = MOVES.get(kind_of(record))
    if amount is None or record is UNCHARGED:
        assert change(record) is None
    else:
        assert change(record) == (WALLET, amount)


def test_a_wallet_can_be_computed_again_from_its_records() -> None:
    before = {WALLET: BOOK_BEFORE_MICRO}
    assert replay(before, EVERY) == {WALLET: BOOK_BEFORE_MICRO + sum(MOVES.values())}
    assert before == {WALLET: BOOK_BEFORE_MICRO}, "what was given is left alone"


def test_a_wallet_that_nobody_named_begins_at_0() -> None:
    assert replay({}, EVERY) == {WALLET: sum(MOVES.values())}
    assert replay({"x": 5}, []) == {"x": 5}


def test_any_cut_of_the_records_gives_the_same_balances() -> None:
    whole = replay({WALLET: 1}, EVERY)
    for cut in range(len(EVERY) + 1):
        assert replay(replay({WALLET: 1}, EVERY[:cut]), EVERY[cut:]) == whole


def test_the_wallets_of_a_batch_follow_from_the_batch_before() -> None:
    books = {WALLET: BOOK_BEFORE_MICRO}
    for line in (FIRST_BATCH, SECOND_BATCH):
        batch = read_payload(line.payload, Batch)
        books = replay(books, read_records(batch))
        assert batch.wallets == books


def test_the_sum_of_its_parts_is_an_intervals_charge() -> None:
    assert isinstance(STRADDLING, Interval)
    assert STRADDLING.charge_micro == sum(part.charge_micro for part in STRADDLING.parts) > 0
