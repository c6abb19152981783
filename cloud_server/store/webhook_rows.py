"""Rows of webhooks and their outbox."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import peewee as pw

from cloud_server.core.webhooks import Delivery, Webhook, WebhookEvent, body_of, delivery_id
from cloud_server.store import tables_webhooks as t
from cloud_server.store.rows import Rows
from protocol.units import Ms


class WebhookRows(Rows):
    """The outbox is written in the transaction that makes an event true, and read by one sender after the other."""

    def tell(self, event: WebhookEvent, subject: str, at_ms: Ms, data: Mapping[str, Any]) -> int:
        """Put an event into the outbox of every webhook that wants it, once; how many were new."""
        w, rows = t.Webhook, {}
        for webhook, events in self._tuples(self._of(w, w.webhook, w.events).where(w.ended_at_ms.is_null())):
            if event not in events.split():
                continue
            name = delivery_id(webhook, event, subject)
            delivery = Delivery(
                delivery=name,
                webhook=webhook,
                event=event,
                subject=subject,
                body=body_of(name, event, at_ms, data),
                made_at_ms=at_ms,
                state="waiting",
                tries=0,
                # At once: `at_ms` may be a box's, whose clock may run ahead of ours.
                next_at_ms=0,
            )
            rows[name] = asdict(delivery)
        return self._add_missing(t.WebhookDelivery, "delivery", rows)

    def add(self, webhook: Webhook) -> None:
        """Store a webhook."""
        self._insert(t.Webhook, [asdict(webhook) | {"events": " ".join(sorted(webhook.events))}])

    def webhooks(self) -> list[Webhook]:
        """All that were ever made, by id."""
        return [_webhook(row) for row in self._all(self._of(t.Webhook).order_by(t.Webhook.webhook))]

    def webhook(self, webhook: str) -> Webhook | None:
        """One of them, whether it was ended or not."""
        row = self._one(self._of(t.Webhook).where(t.Webhook.webhook == webhook))
        return _webhook(row) if row is not None else None

    def end(self, webhook: str, at_ms: Ms) -> bool:
        """End one; what waits for it is given up. False where there is none that holds."""
        w, d = t.Webhook, t.WebhookDelivery
        which = (w.site == self._site) & (w.webhook == webhook) & w.ended_at_ms.is_null()
        if self._run(w.update(ended_at_ms=at_ms).where(which)) == 0:
            return False
        waiting = (d.site == self._site) & (d.webhook == webhook) & (d.state == "waiting")
        self._run(d.update(state="given_up", done_at_ms=at_ms, fault="the webhook was ended").where(waiting))
        return True

    def is_due(self, now_ms: Ms) -> bool:
        """Whether a delivery is to be tried now."""
        d = t.WebhookDelivery
        due = self._of(d, d.delivery).where((d.state == "waiting") & (d.next_at_ms <= now_ms))
        return bool(self._tuples(due.limit(1)))

    def claim_due(self, now_ms: Ms, limit: int, lease_ms: Ms) -> list[Delivery]:
        """Deliveries to be tried now, each put off by the lease so that no other process takes it meanwhile."""
        d = t.WebhookDelivery
        due = self._of(d).where((d.state == "waiting") & (d.next_at_ms <= now_ms))
        rows = self._all(self._locked(due.order_by(d.next_at_ms, d.delivery).limit(limit)))
        names = [row["delivery"] for row in rows]
        mine = (d.site == self._site) & d.delivery.in_(names)
        if names:
            self._run(d.update(next_at_ms=now_ms + lease_ms).where(mine))
        return [Delivery(**row) for row in rows]

    def save(self, delivery: Delivery) -> None:
        """Write how a try went; one that was ended meanwhile stays as it is."""
        d = t.WebhookDelivery
        mine = (d.site == self._site) & (d.delivery == delivery.delivery) & (d.state == "waiting")
        changed = {
            "state": delivery.state,
            "tries": delivery.tries,
            "next_at_ms": delivery.next_at_ms,
            "done_at_ms": delivery.done_at_ms,
            "fault": delivery.fault,
        }
        self._run(d.update(**changed).where(mine))

    def deliveries(self, webhook: str, after: Sequence[str | int] | None, limit: int) -> list[Delivery]:
        """Deliveries of a webhook, newest first, by (when made, id)."""
        d = t.WebhookDelivery
        query = self._of(d).where(d.webhook == webhook)
        if after is not None:
            made_at_ms, name = after
            query = query.where((d.made_at_ms < made_at_ms) | ((d.made_at_ms == made_at_ms) & (d.delivery < name)))
        rows = self._all(query.order_by(d.made_at_ms.desc(), d.delivery.desc()).limit(limit))
        return [Delivery(**row) for row in rows]

    def forget(self, before_ms: Ms) -> int:
        """Remove what was done with before an instant; how many."""
        d = t.WebhookDelivery
        old = (d.site == self._site) & (d.state != "waiting") & (d.done_at_ms < before_ms)
        return self._run(d.delete().where(old))

    def counts(self) -> dict[str, int]:
        """Deliveries by state."""
        d = t.WebhookDelivery
        query = self._of(d, d.state, pw.fn.COUNT(d.delivery)).group_by(d.state)
        return {state: int(count) for state, count in self._tuples(query)}


def _webhook(row: dict[str, Any]) -> Webhook:
    return Webhook(**(row | {"events": frozenset(row["events"].split())}))
