"""What other programs are told of by themselves: which events, how a delivery is signed, when it is tried again.

Pure. A delivery is made in the transaction that makes the event true, so that there is one for each or none.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from protocol.units import Ms

WebhookEvent = Literal["sale.delivered", "sale.on", "sale.refused", "refund.payable", "refund.paid", "alarm.raised"]
EVENTS: Final[tuple[WebhookEvent, ...]] = get_args(WebhookEvent)
SIGNATURE_HEADER: Final = "Tallybox-Signature"
EVENT_HEADER: Final = "Tallybox-Event"
DELIVERY_HEADER: Final = "Tallybox-Delivery"
PAUSES_S: Final = (5, 30, 120, 600, 3_600, 3_600, 14_400, 14_400, 43_200, 43_200, 86_400)
"""After each try that failed: quick for a restart at the other end, slow for a weekend without anybody. Some three days
in all; then it is given up, and polling shows what was missed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where deliveries go, and for which events. `secret` signs them; it is shown once, when the webhook is made."""

    webhook: str
    url: str
    secret: str
    events: frozenset[WebhookEvent]
    made_at_ms: Ms
    made_by: str
    ended_at_ms: Ms | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event for one webhook, and how it went. `body` is sent byte for byte at each try."""

    delivery: str
    webhook: str
    event: WebhookEvent
    subject: str
    body: str
    made_at_ms: Ms
    state: Literal["waiting", "delivered", "given_up"]
    tries: int
    next_at_ms: Ms
    done_at_ms: Ms | None = None
    fault: str | None = None


def delivery_id(webhook: str, event: WebhookEvent, subject: str) -> str:
    """The same event of the same thing is one delivery to a webhook, however often it comes up."""
    return hashlib.sha256(f"{webhook} {event} {subject}".encode()).hexdigest()[:32]


def body_of(delivery: str, event: WebhookEvent, at_ms: Ms, data: Mapping[str, Any]) -> str:
    """What is sent."""
    told = {"id": delivery, "event": event, "at_ms": at_ms, "data": dict(data)}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def signature(secret: str, at_s: int, body: str) -> str:
    """The header's value: the second of sending, and HMAC-SHA256 over it, a dot and the body.

    The time is inside, so that a delivery heard on the way cannot be played again later.
    """
    told = hmac.new(secret.encode(), f"{at_s}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={at_s},v1={told}"


def next_try_ms(tries: int, now_ms: Ms) -> Ms | None:
    """When to try again after so many tries, None for never."""
    return now_ms + PAUSES_S[tries - 1] * 1_000 if tries <= len(PAUSES_S) else None
