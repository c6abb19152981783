"""Selling: the order of a money step, keys, limits, duplicates, parts, boxes that cannot take commands."""

import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from cloud_server.core import accounts
from cloud_server.core.mistakes import NotNow
from cloud_server.core.views import SaleRow
from cloud_server.flows import plan_site
from cloud_server.ports import Actor, KeyReused, LooksLikeDuplicate, Refused, SaleOrder
from cloud_server.store.journal_file import FILE_NAME
from protocol.commands import Command, Grant, read_body
from protocol.envelope import read_line
from protocol.messages import Money
from protocol.money import SaleBody, read_money_body
from protocol.payload import read_payload
from protocol.site_plan import SaleLimits
from tests.cloud_server.site_rig import CASHIER, SiteRig, open_rig
from tests.cloud_server.street import YUAN, account_id, street, wallet_id

Change = Callable[..., SaleOrder]


def order(key: str = "k", account: str | None = None, amount: str = "100.00", **how: object) -> SaleOrder:
    return SaleOrder(
        key=key,
        account=account or account_id(1, 2),
        amount=amount,
        **({"method": "cash", "again": True} | how),  # type: ignore[arg-type]  # a test bends any field
    )


def journal_lines(rig: SiteRig) -> list[bytes]:
    return (rig.config.journal / FILE_NAME).read_bytes().splitlines()


@pytest.fixture
def street_rig(rig: SiteRig) -> SiteRig:
    rig.plan()
    rig.enrol(1)
    return rig


def test_everything_of_a_sale_stands_together(street_rig: SiteRig) -> None:
    row = street_rig.desk.sell(order(), CASHIER)
    assert (row.state, row.amount_micro, row.operator_name, row.shops) == ("sold", 100 * YUAN, "王芳", ("A02 商铺12",))
    with street_rig.centre.store.read() as unit:
        (grant,) = unit.ledger.grants_of_sale(row.sale)
        raw = unit.lines.line("command", grant.box, grant.command or 0)
        assert unit.lines.unjournaled(10) == []
    assert raw is not None
    command = read_payload(read_line(raw).payload, Command)
    body = read_body(command)
    assert isinstance(body, Grant)
    assert (body.sale, body.receipt, body.account) == (row.sale, row.receipt, account_id(1, 2))
    assert (body.method, body.operator, body.idempotency_key) == ("cash", "wang", "k")
    assert [part.amount_micro for part in body.parts] == [100 * YUAN]
    assert command.expires_at_ms is None
    journal = journal_lines(street_rig)
    assert raw in journal
    money = read_payload(read_line(journal[-2]).payload, Money)
    told = read_money_body(money)
    assert isinstance(told, SaleBody)
    assert (told.sale, told.receipt, told.till_day) == (row.sale, row.receipt, "2026-11-22")
    assert street_rig.ledger(accounts.till("wang", "cash")) == {"till/wang/cash": -100 * YUAN}
    assert street_rig.breaches() == []


def test_the_same_key_is_one_sale_for_ever(street_rig: SiteRig) -> None:
    first = street_rig.desk.sell(order(), CASHIER)
    street_rig.clock.advance(400 * 86_400_000)
    again = street_rig.desk.sell(order(amount="100"), CASHIER)
    assert (again.sale, again.receipt, again.state) == (first.sale, first.receipt, "sold")
    assert street_rig.ledger(accounts.till("wang", "cash")) == {"till/wang/cash": -100 * YUAN}


@pytest.mark.parametrize(
    "other",
    [
        order(amount="100.01"),
        order(method="card"),
        order(account=account_id(1, 3)),
        order(parts=((wallet_id(1, 2), "100.00"),)),
    ],
)
def test_a_key_with_other_contents_is_refused(street_rig: SiteRig, other: SaleOrder) -> None:
    street_rig.desk.sell(order(), CASHIER)
    with pytest.raises(KeyReused):
        street_rig.desk.sell(other, CASHIER)
    with pytest.raises(KeyReused):
        street_rig.desk.sell(order(), Actor(id="1" * 32, name="li", display_name="李雷"))


def test_pressing_enter_twice_is_one_sale(street_rig: SiteRig) -> None:
    rows: list[SaleRow] = []
    begin = threading.Barrier(6)

    def press() -> None:
        begin.wait()
        rows.append(street_rig.desk.sell(order(), CASHIER))

    threads = [threading.Thread(target=press) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({row.sale for row in rows}) == 1
    assert len(rows) == 6
    assert street_rig.ledger(accounts.till("wang", "cash")) == {"till/wang/cash": -100 * YUAN}
    assert street_rig.breaches() == []


def test_many_sales_at_once_have_receipts_without_holes(street_rig: SiteRig) -> None:
    rows: list[SaleRow] = []

    def sell(number: int) -> None:
        rows.extend(street_rig.desk.sell(order(key=f"{number}-{i}", amount="1.00"), CASHIER) for i in range(5))

    threads = [threading.Thread(target=sell, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = sorted(int(row.receipt.rpartition("-")[2]) for row in rows)
    assert numbers == list(range(1, 31))
    assert street_rig.ledger(accounts.in_flight(wallet_id(1, 2))) == {accounts.in_flight(wallet_id(1, 2)): 30 * YUAN}
    assert street_rig.breaches() == []


def test_the_desk_is_asked_again_and_the_api_is_not(street_rig: SiteRig) -> None:
    first = street_rig.desk.sell(order("k1"), CASHIER)
    with pytest.raises(LooksLikeDuplicate) as asked:
        street_rig.desk.sell(order("k2", again=False), CASHIER)
    assert asked.value.earlier.receipt == first.receipt
    street_rig.desk.sell(order("k3", again=False, amount="99.00"), CASHIER)
    street_rig.desk.sell(order("k2", again=True), CASHIER)
    street_rig.clock.advance(120_001)
    street_rig.desk.sell(order("k4", again=False), CASHIER)
    assert street_rig.ledger(accounts.till("wang", "cash")) == {"till/wang/cash": -399 * YUAN}


@pytest.mark.parametrize(
    ("wrong", "codes"),
    [
        (order(amount="0"), ["not_above_zero"]),
        (order(amount="-1"), ["not_above_zero"]),
        (order(amount="0.005"), ["too_many_decimals"]),
        (order(amount="1000000000000"), ["too_great"]),
        (order(amount="abc"), ["not_a_number"]),
        (order(amount="60000"), ["above_greatest"]),
        (order(account="9" * 32, amount="abc", method="gold"), ["unknown", "unknown", "not_a_number"]),
        (order(key=""), ["required"]),
        (order(parts=((wallet_id(2, 2), "100.00"),)), ["wallet_not_of_account"]),
    ],
)
def test_a_wrong_sale_does_nothing(street_rig: SiteRig, wrong: SaleOrder, codes: list[str]) -> None:
    before = len(journal_lines(street_rig))
    with pytest.raises(Refused) as refused:
        street_rig.desk.sell(wrong, CASHIER)
    assert [error.code for error in refused.value.errors] == codes
    assert len(journal_lines(street_rig)) == before
    street_rig.desk.sell(order("right"), CASHIER)
    assert street_rig.breaches() == []


def test_limits_of_the_site_hold(rig: SiteRig) -> None:
    bounds = SaleLimits(greatest_balance_micro=150 * YUAN, operator_day_micro=200 * YUAN)
    plan_site.take_plan(rig.centre, msgspec.structs.replace(street(rig.site), limits=bounds), "p")
    rig.enrol(1)
    rig.desk.sell(order("1"), CASHIER)
    with pytest.raises(Refused, match="balance would be"):
        rig.desk.sell(order("2"), CASHIER)
    rig.desk.sell(order("3", account=account_id(1, 3)), CASHIER)
    with pytest.raises(Refused, match="operator's day"):
        rig.desk.sell(order("4", account=account_id(1, 3), amount="1.00"), CASHIER)
    rig.clock.advance(86_400_000)
    rig.desk.sell(order("4", account=account_id(1, 3), amount="1.00"), CASHIER)


def test_a_sale_in_parts_goes_to_both_boxes(street_rig: SiteRig) -> None:
    box = street_rig.enrol(2)
    account = account_id(1, 1)
    with pytest.raises(Refused, match="2 wallets"):
        street_rig.desk.sell(order("a", account=account), CASHIER)
    parts = ((wallet_id(1, 1), "60.00"), (wallet_id(2, 1), "40.00"))
    row = street_rig.desk.sell(order("b", account=account, parts=parts), CASHIER)
    assert [part.amount_micro for part in row.parts] == [60 * YUAN, 40 * YUAN]
    street_rig.settle(box)
    after = street_rig.books.sale(row.sale)
    assert after is not None
    assert [part.state for part in after.parts] == ["sold", "on"]
    assert after.state == "sold"
    (granted,) = [read_body(command) for command in box.taken]
    assert isinstance(granted, Grant)
    assert [part.wallet for part in granted.parts] == [wallet_id(1, 1), wallet_id(2, 1)]
    assert street_rig.breaches() == []


def test_a_box_that_is_not_there_yet_gets_its_grants_when_it_comes(rig: SiteRig) -> None:
    rig.plan()
    sale = rig.sell("30.00")
    row = rig.books.sale(sale)
    assert row is not None
    assert row.state == "waiting"
    assert rig.ledger(accounts.customer(account_id(1, 2))) == {accounts.customer(account_id(1, 2)): 30 * YUAN}
    box = rig.enrol(1)
    rig.settle(box)
    assert box.book[wallet_id(1, 2)] == 30 * YUAN
    row = rig.books.sale(sale)
    assert row is not None
    assert row.state == "on"
    assert rig.breaches() == []


def test_a_sale_to_a_box_out_of_reach_says_that_it_waits(street_rig: SiteRig) -> None:
    street_rig.clock.advance(61_000)
    sale = street_rig.sell("10.00")
    row = street_rig.books.sale(sale)
    assert row is not None
    assert (row.state, row.waiting_since_ms) == ("waiting", row.paid_at_ms)


def test_a_refused_grant_comes_back_to_the_customer(rig: SiteRig) -> None:
    rig.plan()
    box = rig.enrol(1)
    box.refuse = {1}
    sale = rig.sell("10.00")
    rig.settle(box)
    row = rig.books.sale(sale)
    assert row is not None
    assert (row.state, row.parts[0].reason) == ("refused", "unknown_wallet")
    customer, in_flight = accounts.customer(account_id(1, 2)), accounts.in_flight(wallet_id(1, 2))
    assert rig.ledger(customer, in_flight) == {customer: 10 * YUAN}
    rig.sell("20.00")
    rig.settle(box)
    assert box.book[wallet_id(1, 2)] == 20 * YUAN
    assert rig.breaches() == []


def test_a_journal_that_cannot_be_written_stops_selling(street_rig: SiteRig) -> None:
    street_rig.sell("1.00", key="before")
    path = street_rig.config.journal / FILE_NAME
    kept = path.read_bytes()
    street_rig.centre.journal._journal.close()  # type: ignore[attr-defined]  # the file must be opened anew
    path.unlink()
    path.mkdir()
    with pytest.raises(NotNow, match="journal"):
        street_rig.sell("2.00", key="now")
    with pytest.raises(NotNow, match="selling is stopped"):
        street_rig.sell("3.00", key="later")
    path.rmdir()
    path.write_bytes(kept)
    street_rig.centre.journal.append_unmarked()
    again = street_rig.sell("2.00", key="now")
    assert street_rig.ledger(accounts.till("wang", "cash")) == {"till/wang/cash": -3 * YUAN}
    assert again
    assert street_rig.breaches() == []


def test_a_journal_that_is_shorter_than_its_mark_stops_selling(tmp_path: Path) -> None:
    with open_rig(tmp_path) as rig:
        rig.plan()
        rig.sell("1.00")
        path = rig.config.journal / FILE_NAME
        whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    with open_rig(tmp_path) as rig:
        rig.centre.journal.check_at_start()
        with pytest.raises(NotNow, match="was lost or set back"):
            rig.sell("1.00", key="another")
    path.write_bytes(whole)
    with open_rig(tmp_path) as rig:
        rig.centre.journal.check_at_start()
        rig.sell("1.00", key="another")
        assert rig.breaches() == []
