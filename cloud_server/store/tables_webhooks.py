"""Tables of webhooks and of what was and is to be delivered to them. Columns only."""

import peewee as pw

from cloud_server.store.tables_fleet import Table


class Webhook(Table):
    """Where deliveries go. `events` are words with blanks between."""

    webhook = pw.TextField()
    url = pw.TextField()
    secret = pw.TextField()
    events = pw.TextField()
    made_at_ms = pw.BigIntegerField()
    made_by = pw.TextField()
    ended_at_ms = pw.BigIntegerField(null=True)

    class Meta:
        table_name = "webhook"
        primary_key = pw.CompositeKey("site", "webhook")


class WebhookDelivery(Table):
    """One event for one webhook; see core.webhooks.Delivery."""

    delivery = pw.TextField()
    webhook = pw.TextField()
    event = pw.TextField()
    subject = pw.TextField()
    body = pw.TextField()
    made_at_ms = pw.BigIntegerField()
    state = pw.TextField()
    tries = pw.IntegerField()
    next_at_ms = pw.BigIntegerField()
    done_at_ms = pw.BigIntegerField(null=True)
    fault = pw.TextField(null=True)

    class Meta:
        table_name = "webhook_delivery"
        primary_key = pw.CompositeKey("site", "delivery")
        indexes = (
            (("site", "state", "next_at_ms"), False),
            (("site", "webhook", "made_at_ms"), False),
        )


MODELS: tuple[type[pw.Model], ...] = (Webhook, WebhookDelivery)
