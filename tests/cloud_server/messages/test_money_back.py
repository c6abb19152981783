"""Refunds and reversals by message: told once, when the money moved, in the customer's language, never of before."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud_server.core.message_texts import TEXTS, VARIABLES, text_mistakes
from cloud_server.flows.note_money_back import BACK_MS, JOURNALED_WITHIN_MS, LOOK_EVERY_MS
from cloud_server.flows.note_occasions import Noter
from cloud_server.flows.office import open_office
from cloud_server.ports.money import RefundOrder, RefundStep, ReversalOrder
from tests.cloud_server.messages.outbox_rig import OutboxRig, served_street
from tests.cloud_server.site_rig import CASHIER
from tests.cloud_server.street import account_id, wallet_id

PAUSE_MS = max(LOOK_EVERY_MS, JOURNALED_WITHIN_MS) + 1_000


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[OutboxRig]:
    with served_street(tmp_path) as made:
        made.site.clock.advance(PAUSE_MS)
        yield made


def sold(rig: OutboxRig, amount: str) -> str:
    sale = rig.site.sell(amount)
    rig.site.settle(rig.boxes[1])
    return sale


def refunded(rig: OutboxRig, key: str) -> None:
    """Thirty of the wallet's money come back from the box and are handed out."""
    refunds, before = open_office(rig.site.centre).refunds, texts(rig, "refund")
    order = RefundOrder(
        key=key, account=account_id(1, 2), amount="30", method="cash", reason="搬走", wallet=wallet_id(1, 2)
    )
    asked = refunds.ask(order, CASHIER)
    rig.site.settle(rig.boxes[1])
    rig.site.clock.advance(PAUSE_MS)
    rig.noter.look()
    assert texts(rig, "refund") == before, "asked for is not paid"
    refunds.pay(RefundStep(key=f"{key}-paid", refund=asked.refund), CASHIER)


def texts(rig: OutboxRig, occasion: str) -> list[str]:
    return [row.text for row in rig.rows() if row.occasion == occasion]


def look(rig: OutboxRig, pause_ms: int = PAUSE_MS) -> None:
    rig.site.clock.advance(pause_ms)
    rig.noter.look()


def test_a_refund_is_told_when_it_is_paid_and_once(rig: OutboxRig) -> None:
    sold(rig, "100.00")
    refunded(rig, "first")
    look(rig)
    (text,) = texts(rig, "refund")
    assert text.startswith("测试街：A02 商铺12退电30.00元已付，截至")
    assert "余额70.00元" in text
    for pause_ms in (PAUSE_MS, 3 * BACK_MS, PAUSE_MS):
        look(rig, pause_ms)
    again = Noter(rig.site.centre, rig.links, to_phones=True)
    rig.site.clock.advance(PAUSE_MS)
    assert again.look() == 0, "a centre that begins anew finds it told"
    refunded(rig, "second")
    look(rig)
    assert len(texts(rig, "refund")) == 2
    rig.turn()
    assert len([one for _, one in rig.texts() if "退电" in one]) == 2, "and they leave"


def test_a_reversal_is_told_with_its_receipt_in_the_customers_language(rig: OutboxRig) -> None:
    assert rig.desk.set_language("K1002", "en", CASHIER)
    rig.desk.save_text("reversal", "en", "{shop}: {receipt} undone, {amount}, {balance} ({at})", CASHIER)
    sale = sold(rig, "50.00")
    with rig.site.store.read() as unit:
        (fact,) = unit.books.sales(sale=sale)
    open_office(rig.site.centre).reversals.reverse(ReversalOrder(key="r", sale=sale, reason="输错了"), CASHIER)
    rig.site.settle(rig.boxes[1])
    for _ in range(3):
        look(rig)
    (text,) = texts(rig, "reversal")
    assert text.startswith(f"A02 商铺12: {fact.receipt} undone, 50.00, 0.00 (")


def test_what_was_paid_before_anybody_looked_is_nobodys_news(rig: OutboxRig) -> None:
    sold(rig, "100.00")
    refunded(rig, "before")
    rig.site.clock.advance(PAUSE_MS)
    with rig.site.store.write() as unit:
        unit.messages.put_mark("money_back", str(rig.site.clock.now_ms))
    rig.noter.look()
    look(rig)
    assert texts(rig, "refund") == []


@pytest.mark.parametrize("occasion", ["refund", "reversal"])
def test_texts_name_what_they_are_about(occasion: str) -> None:
    for language in ("zh-CN", "en"):
        assert text_mistakes(occasion, TEXTS[language][occasion]) == []
    must, _ = VARIABLES[occasion]
    assert {"shop", "amount", "balance", "at"} <= set(must)
