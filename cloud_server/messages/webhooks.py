"""Delivering webhooks from the outbox: one POST for each try, signed, tried again until it was taken or given up.

At least once on the wire: where the other end took a delivery and its answer was lost, it comes again under its id.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import httpx

from cloud_server.core.webhooks import (
    DELIVERY_HEADER,
    EVENT_HEADER,
    SIGNATURE_HEADER,
    Delivery,
    Webhook,
    next_try_ms,
    signature,
)
from cloud_server.ports import Store, WallClock
from protocol.units import DAY_MS, Ms

TIMEOUT_S: Final = 10.0
"""A program that cannot say yes in ten seconds is asked again later."""
AT_ONCE_MAX: Final = 50
"""Deliveries of one turn; the next turn comes within seconds."""
LEASE_MS: Final = 900_000
"""Fifty tries of ten seconds fit in; a sender that died within them is followed by another after this time."""
KEPT_MS: Final = 30 * DAY_MS
"""A month in which somebody may ask what was delivered."""
FAULT_CHARACTERS_MAX: Final = 200
AGENT: Final = "tallybox"

log = logging.getLogger(__name__)


class WebhookSender:
    """Takes what is due from the outbox. Called again and again by one thread of each process."""

    def __init__(self, store: Store, clock: WallClock, client: Callable[[], httpx.Client] | None = None) -> None:
        self._store = store
        self._clock = clock
        self._client = client or _client

    def send_due(self) -> int:
        """Try what is due; how many were delivered. After a failure the webhook's others wait for the next turn."""
        with self._store.read() as unit:
            if not unit.webhooks.is_due(self._clock.wall_ms()):
                return 0
        with self._store.write() as unit:
            due = unit.webhooks.claim_due(self._clock.wall_ms(), AT_ONCE_MAX, LEASE_MS)
            webhooks = {one.webhook: one for one in unit.webhooks.webhooks()} if due else {}
        done, failed = 0, set[str]()
        if not due:
            return done
        with self._client() as client:
            for delivery in due:
                if delivery.webhook in failed:
                    self._save(replace(delivery, next_at_ms=self._clock.wall_ms()))
                    continue
                fault = _post(client, webhooks[delivery.webhook], delivery, self._clock.wall_ms())
                if fault is not None:
                    failed.add(delivery.webhook)
                self._save(_after(delivery, fault, self._clock.wall_ms()))
                done += fault is None
        return done

    def forget(self) -> int:
        """Remove what was done with a month ago; how many."""
        with self._store.write() as unit:
            return unit.webhooks.forget(self._clock.wall_ms() - KEPT_MS)

    def _save(self, delivery: Delivery) -> None:
        with self._store.write() as unit:
            unit.webhooks.save(delivery)


def _client() -> httpx.Client:
    """Certificates are checked; a redirect is no delivery; no proxy of the machine sees what is sent."""
    return httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)


def _post(client: httpx.Client, webhook: Webhook, delivery: Delivery, now_ms: Ms) -> str | None:
    """Try once; why it did not come about, None where it was taken."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": AGENT,
        EVENT_HEADER: delivery.event,
        DELIVERY_HEADER: delivery.delivery,
        SIGNATURE_HEADER: signature(webhook.secret, now_ms // 1000, delivery.body),
    }
    try:
        with client.stream("POST", webhook.url, content=delivery.body.encode(), headers=headers) as answer:
            return None if answer.is_success else f"answered {answer.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL) as fault:
        return f"{type(fault).__name__}: {fault}"[:FAULT_CHARACTERS_MAX]


def _after(delivery: Delivery, fault: str | None, now_ms: Ms) -> Delivery:
    tries = delivery.tries + 1
    if fault is None:
        return replace(delivery, state="delivered", tries=tries, done_at_ms=now_ms, fault=None)
    again_ms = next_try_ms(tries, now_ms)
    if again_ms is None:
        log.warning("webhook_given_up", extra={"webhook": delivery.webhook, "delivery": delivery.delivery})
        return replace(delivery, state="given_up", tries=tries, done_at_ms=now_ms, fault=fault)
    return replace(delivery, tries=tries, next_at_ms=again_ms, fault=fault)
