"""The page of a centre that was restored: boxes, what only people know, and who may answer."""

import json

from cloud_server.core.recovery import Question
from cloud_server.flows.restore_centre import raise_term
from tests.cloud_server.console_rig import ConsoleRig
from tests.cloud_server.street import YUAN, account_id, box_id, wallet_id
from tests.cloud_server.web.test_refund_pages import sold

PAID, GONE = "a" * 32, "b" * 32


def asked(console: ConsoleRig) -> None:
    """A refund of which nobody knows, and history that is gone."""
    paid = {"account": account_id(1, 2), "amount_micro": 20 * YUAN, "purpose": "refund", "wallet": wallet_id(1, 2)}
    gone = {"differences": {wallet_id(1, 2): -4_000_000}, "register_wh": {wallet_id(1, 2): 5_000}, "first": 1}
    at_ms = console.rig.clock.now_ms
    with console.rig.store.write() as unit:
        for name, kind, detail in ((PAID, "refund_paid", paid), (GONE, "history", gone)):
            unit.recovery.ask(
                Question(
                    question=name,
                    kind=kind,  # type: ignore[arg-type]  # two of the closed list
                    subject=f"subject-{name[:4]}",
                    box=box_id(1),
                    detail=json.dumps(detail),
                    asked_at_ms=at_ms,
                )
            )


def test_what_only_people_know_is_asked_and_answered_by_those_who_may(console: ConsoleRig) -> None:
    box, cashier = sold(console)
    assert "This centre was never restored" in cashier.get("/recovery")
    assert 'href="/recovery"' not in cashier.get("/desk")
    console.rig.clock.advance(60_000)
    raise_term(console.rig.centre, [])
    asked(console)
    assert 'href="/recovery"' in cashier.get("/desk"), "the banner leads there"
    page = cashier.get("/recovery")
    for text in ("to be heard", "nothing is sold", "20.00", "4.00", "5.00 kWh"):
        assert text in page, text
    assert "/recovery/questions/" not in page
    assert "Open selling" not in page
    cashier.post(f"/recovery/questions/{PAID}", answer="paid", note="asked the cashier")
    assert cashier.status == 403
    provisioner = console.browser("provisioner", "zh-CN")
    page = provisioner.get("/recovery")
    for text in ("恢复", "待联系", "退电款", f"/boxes/{box_id(1)}/selling", f"/recovery/questions/{GONE}"):
        assert text in page, text
    provisioner.post(f"/recovery/questions/{PAID}", answer="", note="")
    assert provisioner.status == 422
    provisioner.post(f"/recovery/questions/{PAID}", answer="paid", note="当班收款员确认")
    assert "当班收款员确认" in provisioner.text
    provisioner.post(f"/recovery/questions/{PAID}", answer="left", note="again")
    assert provisioner.status == 409
    provisioner.post(f"/recovery/questions/{'c' * 32}", answer="left", note="none such")
    assert provisioner.status == 404
    console.rig.settle(box)
    console.rig.clock.advance(10_000)
    assert "recovered" in cashier.get("/recovery")
    assert "Under way" in cashier.text, "one question is open still"
    provisioner.get("/recovery")
    provisioner.post(f"/recovery/questions/{GONE}", answer="left", note="与电表读数核对无误")
    console.rig.clock.advance(10_000)
    assert "Over" in cashier.get("/recovery")
    assert 'href="/recovery"' not in cashier.get("/desk")
