"""What `ports.Desk` and `ports.Books` promise about a sale, held against the made-up street and against the centre."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloud_server.ports import Actor, Books, Desk, KeyReused, LooksLikeDuplicate, Refused, SaleOrder
from tests.cloud_server.site_rig import open_rig
from tests.cloud_server.street import account_id
from tests.engines import place_of_books
from tests.fakes.centre_clock import FakeClock
from tests.fakes.centre_site import FakeSite

WANG = Actor(id="1" * 32, name="wang", display_name="王芳", roles=frozenset({"cashier"}))
YUAN = 1_000_000


@dataclass
class Counter:
    """One desk with its books, its clock, and two accounts that it may sell to."""

    desk: Desk
    books: Books
    clock: FakeClock
    accounts: tuple[str, str]

    def order(self, key: str, amount: str = "100.00", *, other: bool = False, **how: object) -> SaleOrder:
        account = self.accounts[1 if other else 0]
        return SaleOrder(key=key, account=account, amount=amount, **({"method": "cash"} | how))  # type: ignore[arg-type]  # a test bends any field


@pytest.fixture(params=["fake", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def counter(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Counter]:
    if request.param == "fake":
        clock = FakeClock()
        site = FakeSite(clock)
        first, second = [row.account for row in site.rows.values() if row.account is not None][:2]
        yield Counter(site, site, clock, (first, second))
        return
    with open_rig(tmp_path, database=place_of_books(request)) as rig:
        rig.plan()
        rig.enrol(1)
        yield Counter(rig.desk, rig.books, rig.clock, (account_id(1, 2), account_id(1, 3)))


def test_a_sale_is_in_the_books_at_once(counter: Counter) -> None:
    row = counter.desk.sell(counter.order("k"), WANG)
    assert (row.account, row.amount_micro, row.method) == (counter.accounts[0], 100 * YUAN, "cash")
    assert (row.operator, row.operator_name, row.paid_at_ms) == ("wang", "王芳", counter.clock.wall_ms())
    found = counter.books.sale(row.sale)
    assert found is not None
    assert found.receipt == row.receipt
    assert [sale.sale for sale in counter.books.sales_of_day().sales] == [row.sale]
    assert counter.books.sale("9" * 32) is None


def test_the_same_key_gives_the_same_sale(counter: Counter) -> None:
    first = counter.desk.sell(counter.order("k"), WANG)
    again = counter.desk.sell(counter.order("k"), WANG)
    assert (again.sale, again.receipt) == (first.sale, first.receipt)
    assert len(counter.books.sales_of_day().sales) == 1


def test_a_key_is_for_one_content(counter: Counter) -> None:
    counter.desk.sell(counter.order("k"), WANG)
    with pytest.raises(KeyReused):
        counter.desk.sell(counter.order("k", "99.00"), WANG)
    with pytest.raises(KeyReused):
        counter.desk.sell(counter.order("k", other=True), WANG)


def test_the_same_again_within_two_minutes_is_asked_about(counter: Counter) -> None:
    first = counter.desk.sell(counter.order("a"), WANG)
    with pytest.raises(LooksLikeDuplicate) as asked:
        counter.desk.sell(counter.order("b"), WANG)
    assert asked.value.earlier.sale == first.sale
    counter.desk.sell(counter.order("b", again=True), WANG)
    counter.desk.sell(counter.order("c", other=True), WANG)
    counter.clock.advance(120_001)
    counter.desk.sell(counter.order("d"), WANG)
    assert len(counter.books.sales_of_day().sales) == 4


@pytest.mark.parametrize(
    ("amount", "code"),
    [("0", "not_above_zero"), ("-1", "not_above_zero"), ("0.005", "too_many_decimals"), ("abc", "not_a_number")],
)
def test_a_wrong_amount_sells_nothing(counter: Counter, amount: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        counter.desk.sell(counter.order("k", amount), WANG)
    assert [(error.field, error.code) for error in refused.value.errors] == [("amount", code)]
    assert counter.books.sales_of_day().sales == ()
    counter.desk.sell(counter.order("k"), WANG)


def test_prints_of_a_receipt_are_counted(counter: Counter) -> None:
    row = counter.desk.sell(counter.order("k"), WANG)
    assert [counter.desk.note_print(row.sale, WANG) for _ in range(2)] == [1, 2]
    found = counter.books.sale(row.sale)
    assert found is not None
    assert found.prints == 2
