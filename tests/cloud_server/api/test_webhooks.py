"""Webhooks: one delivery an event, signed, tried again over restarts, and given up in the end."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from cloud_server.core.webhooks import PAUSES_S
from cloud_server.messages.webhooks import LEASE_MS, WebhookSender
from protocol.records import Alarm, Subject
from tests.cloud_server.api.programs_rig import Programs, open_programs
from tests.cloud_server.site_rig import SiteRig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import YUAN, account_id, box_id, meter_id

API = "/api/v1"
URL = "https://gateway.example/tallybox"


class Receiver:
    """The other end: says what it is told to say, and keeps what it heard."""

    def __init__(self) -> None:
        self.heard: list[httpx.Request] = []
        self.says: int | Exception = 200

    def client(self) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.heard.append(request)
        if isinstance(self.says, Exception):
            raise self.says
        return httpx.Response(self.says)

    @property
    def events(self) -> list[str]:
        return [json.loads(request.content)["event"] for request in self.heard]


@pytest.fixture
def box(rig: SiteRig) -> SpeakingBox:
    rig.plan()
    return rig.enrol(1)


@pytest.fixture
def programs(rig: SiteRig, box: SpeakingBox) -> Iterator[Programs]:
    with open_programs(rig) as made:
        yield made


def make(programs: Programs, *events: str) -> dict[str, Any]:
    made = programs("admin").post(f"{API}/webhooks", json={"url": URL, "events": list(events)})
    assert made.status_code == 201, made.text
    answer: dict[str, Any] = made.json()
    return answer


def sender(rig: SiteRig, receiver: Receiver) -> WebhookSender:
    return WebhookSender(rig.store, rig.clock, receiver.client)


def test_a_sale_is_told_of_when_it_is_delivered_and_when_it_is_on(
    programs: Programs, rig: SiteRig, box: SpeakingBox
) -> None:
    webhook, receiver = make(programs, "sale.delivered", "sale.on"), Receiver()
    sale = rig.sell("100.00", key="wx-1")
    assert sender(rig, receiver).send_due() == 0
    rig.settle(box)
    assert sender(rig, receiver).send_due() == 2
    assert sorted(receiver.events) == ["sale.delivered", "sale.on"]
    told = json.loads(receiver.heard[0].content)
    assert told["data"]["sale"] == sale
    assert (told["data"]["key"], told["data"]["amount_micro"]) == ("wx-1", 100 * YUAN)
    # A receiver checks what a stranger cannot make: the second of sending and the body, under the shared secret.
    for request in receiver.heard:
        at_s, _, said = request.headers["tallybox-signature"].removeprefix("t=").partition(",v1=")
        expected = hmac.new(webhook["secret"].encode(), at_s.encode() + b"." + request.content, hashlib.sha256)
        assert said == expected.hexdigest()
        assert int(at_s) == rig.clock.now_ms // 1000
        assert request.headers["tallybox-delivery"] == json.loads(request.content)["id"]
    assert sender(rig, receiver).send_due() == 0
    rig.settle(box)
    assert sender(rig, receiver).send_due() == 0


def test_refunds_and_alarms(programs: Programs, rig: SiteRig, box: SpeakingBox) -> None:
    make(programs, "refund.payable", "refund.paid", "alarm.raised")
    receiver, gateway = Receiver(), programs("sell")
    sale = {"account": account_id(1, 2), "amount": "50.00", "method": "wechat"}
    gateway.post(f"{API}/sales", json=sale, headers={"Idempotency-Key": "s"})
    rig.settle(box)
    wish = {"amount": "20.00", "method": "wechat", "reason": "leaves"}
    asked = gateway.post(f"{API}/accounts/{account_id(1, 2)}/refunds", json=wish, headers={"Idempotency-Key": "r"})
    rig.settle(box)
    paid = gateway.post(f"{API}/refunds/{asked.json()['id']}/payment", headers={"Idempotency-Key": "p"})
    assert paid.json()["state"] == "paid"
    subject = Subject(box=box_id(1), meter=meter_id(1, 2))
    box.pending.append(Alarm(at_ms=rig.clock.now_ms, alarm="overload", subject=subject, state="raised", value=1))
    box.seal()
    rig.settle(box)
    sender(rig, receiver).send_due()
    assert sorted(receiver.events) == ["alarm.raised", "refund.paid", "refund.payable"]
    told = {json.loads(request.content)["event"]: json.loads(request.content)["data"] for request in receiver.heard}
    assert told["refund.paid"]["amount_micro"] == 20 * YUAN
    assert (told["alarm.raised"]["kind"], told["alarm.raised"]["meter"]) == ("overload", meter_id(1, 2))


@pytest.mark.parametrize("fault", [500, 301, httpx.ConnectError("refused"), httpx.ReadTimeout("slow")])
def test_what_was_not_taken_comes_again_under_its_name(
    programs: Programs, rig: SiteRig, box: SpeakingBox, fault: int | Exception
) -> None:
    webhook, receiver = make(programs, "sale.delivered"), Receiver()
    receiver.says = fault
    rig.sell("10.00")
    rig.settle(box)
    assert sender(rig, receiver).send_due() == 0
    assert sender(rig, receiver).send_due() == 0
    assert len(receiver.heard) == 1
    (row,) = programs.items(f"{API}/webhooks/{webhook['id']}/deliveries")
    assert (row["state"], row["tries"]) == ("waiting", 1)
    assert row["fault"]
    receiver.says = 204
    rig.clock.advance(PAUSES_S[0] * 1_000)
    assert sender(rig, receiver).send_due() == 1
    first, second = receiver.heard
    assert first.content == second.content
    assert first.headers["tallybox-signature"] != second.headers["tallybox-signature"]
    (row,) = programs.items(f"{API}/webhooks/{webhook['id']}/deliveries")
    assert (row["state"], row["tries"], row["fault"]) == ("delivered", 2, None)


def test_after_three_days_it_is_given_up(programs: Programs, rig: SiteRig, box: SpeakingBox) -> None:
    webhook, receiver = make(programs, "sale.delivered"), Receiver()
    receiver.says = 503
    rig.sell("10.00")
    rig.settle(box)
    for pause_s in (*PAUSES_S, 0):
        sender(rig, receiver).send_due()
        rig.clock.advance(pause_s * 1_000)
    rig.clock.advance(10 * 86_400_000)
    assert sender(rig, receiver).send_due() == 0
    assert len(receiver.heard) == len(PAUSES_S) + 1
    (row,) = programs.items(f"{API}/webhooks/{webhook['id']}/deliveries")
    assert (row["state"], row["fault"]) == ("given_up", "answered 503")


def test_a_sender_that_died_is_followed_by_another(programs: Programs, rig: SiteRig, box: SpeakingBox) -> None:
    make(programs, "sale.delivered")
    rig.sell("10.00")
    rig.settle(box)

    class Died(BaseException):
        pass

    receiver = Receiver()

    def die() -> httpx.Client:
        raise Died

    with pytest.raises(Died):
        WebhookSender(rig.store, rig.clock, die).send_due()
    assert sender(rig, receiver).send_due() == 0
    rig.clock.advance(LEASE_MS)
    assert sender(rig, receiver).send_due() == 1


def test_one_that_does_not_answer_holds_up_nobody_else(programs: Programs, rig: SiteRig, box: SpeakingBox) -> None:
    made = [make(programs, "sale.delivered") for _ in range(2)]
    for number in range(3):
        rig.sell("10.00", key=f"k{number}")
    rig.settle(box)
    heard: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        heard.append(request.headers["tallybox-delivery"])
        return httpx.Response(200 if mine(request, made[1]["secret"]) else 500)

    def mine(request: httpx.Request, secret: str) -> bool:
        at_s, _, said = request.headers["tallybox-signature"].removeprefix("t=").partition(",v1=")
        return hmac.new(secret.encode(), at_s.encode() + b"." + request.content, hashlib.sha256).hexdigest() == said

    sent = WebhookSender(rig.store, rig.clock, lambda: httpx.Client(transport=httpx.MockTransport(answer))).send_due()
    assert (sent, len(heard)) == (3, 4)


def test_a_webhook_that_was_ended_hears_nothing_more(programs: Programs, rig: SiteRig, box: SpeakingBox) -> None:
    webhook, receiver = make(programs, "sale.delivered"), Receiver()
    rig.sell("10.00")
    rig.settle(box)
    assert programs("admin").delete(f"{API}/webhooks/{webhook['id']}").status_code == 204
    rig.sell("10.00")
    rig.settle(box)
    assert sender(rig, receiver).send_due() == 0
    assert receiver.heard == []


@pytest.mark.parametrize(
    "url",
    [
        "http://gateway.example/x",
        "https://name:secret@gateway.example/x",
        "ftp://gateway.example",
        "https://",
        "https://gateway.example/a b",
        "https://[::1",
        "javascript:alert(1)",
        "https://gateway.example/x#y",
    ],
)
def test_addresses_that_are_none(programs: Programs, url: str) -> None:
    answer = programs("admin").post(f"{API}/webhooks", json={"url": url, "events": ["sale.on"]})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "url")
    assert programs("sell").post(f"{API}/webhooks", json={"url": URL, "events": ["sale.on"]}).status_code == 403
