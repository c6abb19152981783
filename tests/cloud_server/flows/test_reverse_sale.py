"""A wrong sale undone: where its money is, whoever sold it, and when it is too late."""

import dataclasses

import pytest

from cloud_server.core import accounts
from cloud_server.core.fleet import BoxState
from cloud_server.core.mistakes import Conflict, NotFound
from cloud_server.core.transaction import transaction_id
from cloud_server.flows.refund_credit import Refunds
from cloud_server.flows.reverse_sale import Reversals
from cloud_server.ports import Actor, KeyReused, Refused
from cloud_server.ports.money import ReversalOrder
from cloud_server.store.database import run_sql
from protocol.commands import Grant, read_body
from tests.cloud_server.flows.test_refund_credit import NAMES, SUPERVISOR, WALLET, step, wish
from tests.cloud_server.site_rig import CASHIER, SiteRig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import YUAN, account_id, box_id, meter_id, wallet_id

OTHER = Actor(id="3" * 32, name="li", display_name="李雷", roles=frozenset({"cashier"}))


def undo(sale: str, key: str = "u1", **how: object) -> ReversalOrder:
    return ReversalOrder(key=key, sale=sale, **({"reason": "输错了"} | how))  # type: ignore[arg-type]  # bends any field


def street(rig: SiteRig) -> SpeakingBox:
    rig.plan()
    return rig.enrol(1)


def test_a_sale_still_on_its_way_is_undone_by_a_minus_grant(rig: SiteRig) -> None:
    box = street(rig)
    sale = rig.sell("100.00")
    done = Reversals(rig.centre).reverse(undo(sale), CASHIER)
    assert (done.amount_micro, done.second) == (100 * YUAN, None)
    assert rig.ledger(*NAMES) == {}
    rig.settle(box)
    assert box.book[WALLET] == 0
    plus, minus = (read_body(command) for command in box.taken)
    assert isinstance(plus, Grant)
    assert isinstance(minus, Grant)
    assert (minus.cause, minus.undoes, minus.amount_micro) == ("undo", plus.grant, -100 * YUAN)
    assert rig.ledger(*NAMES) == {}
    assert rig.breaches() == []


def test_it_takes_the_money_back_even_where_it_is_spent(rig: SiteRig) -> None:
    box = street(rig)
    sale = rig.sell("100.00")
    rig.settle(box)
    box.use(meter_id(1, 2), 50_000)
    box.seal()
    rig.settle(box)
    with pytest.raises(Conflict, match="a second person"):
        Reversals(rig.centre).reverse(undo(sale), CASHIER)
    done = Reversals(rig.centre).reverse(undo(sale, second=SUPERVISOR), CASHIER)
    assert done.second == "zhao"
    assert rig.ledger(*NAMES) == {accounts.wallet(WALLET): 60 * YUAN, accounts.in_flight(WALLET): -100 * YUAN}
    rig.settle(box)
    assert box.book[WALLET] == -40 * YUAN
    assert rig.ledger(*NAMES) == {accounts.wallet(WALLET): -40 * YUAN}
    assert rig.breaches() == []


def test_a_sale_that_its_box_refused_is_undone_at_the_centre(rig: SiteRig) -> None:
    box = street(rig)
    box.refuse = {1}
    sale = rig.sell("100.00")
    rig.settle(box)
    Reversals(rig.centre).reverse(undo(sale), CASHIER)
    rig.settle(box)
    assert (len(box.taken), rig.ledger(*NAMES)) == (1, {})
    assert rig.breaches() == []


def test_grant_and_minus_grant_refused_together_leave_nothing(rig: SiteRig) -> None:
    box = street(rig)
    box.refuse = {1, 2}
    sale = rig.sell("100.00")
    Reversals(rig.centre).reverse(undo(sale), CASHIER)
    rig.settle(box)
    assert rig.ledger(*NAMES) == {}
    assert rig.breaches() == []


def test_a_grant_never_signed_never_will_be(rig: SiteRig) -> None:
    rig.plan()
    sale = rig.sell("100.00")
    Reversals(rig.centre).reverse(undo(sale), CASHIER)
    assert rig.ledger(*NAMES) == {}
    box = rig.enrol(1)
    rig.settle(box)
    assert box.taken == []
    assert rig.breaches() == []


def test_parts_on_two_boxes_one_of_them_unheard(rig: SiteRig) -> None:
    rig.plan()
    first = rig.enrol(1)
    parts = ((wallet_id(1, 1), "30.00"), (wallet_id(2, 1), "70.00"))
    sale = rig.sell("100.00", shop=1, parts=parts)
    rig.settle(first)
    Reversals(rig.centre).reverse(undo(sale), CASHIER)
    rig.settle(first)
    second = rig.enrol(2)
    rig.settle(second)
    assert (first.book[wallet_id(1, 1)], second.taken) == (0, [])
    assert rig.ledger("till/wang/cash", accounts.customer(account_id(1, 1))) == {}
    assert rig.breaches() == []


def test_a_box_that_takes_no_commands_gets_its_minus_grant_later(rig: SiteRig) -> None:
    box = street(rig)
    sale = rig.sell("100.00")
    rig.settle(box)
    with rig.centre.store.write() as unit:
        row = unit.fleet.box(box_id(1))
        assert row is not None
        unit.fleet.save_box(dataclasses.replace(row, state=BoxState.QUARANTINED))
    Reversals(rig.centre).reverse(undo(sale), CASHIER)
    customer = accounts.customer(account_id(1, 2))
    assert rig.ledger(*NAMES) == {customer: -100 * YUAN, accounts.wallet(WALLET): 100 * YUAN}
    assert rig.breaches() == []


def test_the_entry_mirrors_and_names_its_sale(rig: SiteRig) -> None:
    street(rig)
    sale = rig.sell("100.00")
    done = Reversals(rig.centre).reverse(undo(sale, second=SUPERVISOR), OTHER)
    with rig.engine.read() as database:
        which = f"WHERE cause = 'reversal/{done.reversal}'"
        rows = run_sql(database, f"SELECT who, second, reason, corrects, key FROM ledger_transaction {which}")
    assert rows == [("li", "zhao", "输错了", transaction_id("sale", f"sale/{sale}"), "u1")]
    assert rig.ledger("till/wang/cash", "till/li/cash") == {}


def test_another_s_sale_wants_a_supervisor_who_is_not_the_maker(rig: SiteRig) -> None:
    street(rig)
    sale = rig.sell("100.00")
    reversals = Reversals(rig.centre)
    for second, text in ((None, "a second person"), (OTHER, "cannot confirm it too"), (CASHIER, "is no supervisor")):
        with pytest.raises(Conflict, match=text):
            reversals.reverse(undo(sale, second=second), OTHER)
    with pytest.raises(Conflict, match="cannot confirm it too"):
        reversals.reverse(undo(sale, second=SUPERVISOR), SUPERVISOR)


def test_it_is_one_reversal_for_its_key_and_one_for_its_sale(rig: SiteRig) -> None:
    street(rig)
    sale = rig.sell("100.00")
    reversals = Reversals(rig.centre)
    first = reversals.reverse(undo(sale), CASHIER)
    assert reversals.reverse(undo(sale), CASHIER) == first
    with pytest.raises(KeyReused):
        reversals.reverse(undo(sale, reason="别的"), CASHIER)
    with pytest.raises(Conflict, match="has been reversed"):
        reversals.reverse(undo(sale, "u2"), CASHIER)
    with pytest.raises(NotFound):
        reversals.reverse(undo("9" * 32, "u3"), CASHIER)
    with pytest.raises(Refused, match="reason"):
        reversals.reverse(undo(sale, "u4", reason=""), CASHIER)


def test_on_the_next_day_it_is_too_late(rig: SiteRig) -> None:
    street(rig)
    sale = rig.sell("100.00")
    rig.clock.advance(86_400_000)
    with pytest.raises(Conflict, match="is over"):
        Reversals(rig.centre).reverse(undo(sale), CASHIER)


def test_money_that_was_refunded_or_is_asked_back_is_not_reversed(rig: SiteRig) -> None:
    box, desk, reversals = street(rig), Refunds(rig.centre), Reversals(rig.centre)
    sale = rig.sell("100.00")
    rig.settle(box)
    asked = desk.ask(wish(amount="10.00"), CASHIER)
    with pytest.raises(Conflict, match="asked back"):
        reversals.reverse(undo(sale), CASHIER)
    rig.settle(box)
    desk.pay(step(asked, "p"), CASHIER)
    with pytest.raises(Conflict, match="was refunded"):
        reversals.reverse(undo(sale), CASHIER)
    rig.clock.advance(1_000)
    later = rig.sell("5.00")
    reversals.reverse(undo(later, "u2"), CASHIER)
    rig.settle(box)
    assert box.book[WALLET] == 90 * YUAN
    assert rig.breaches() == []
