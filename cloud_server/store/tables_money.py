"""Tables of credit asked back, of refunds and of reversals. Columns only."""

import peewee as pw

from cloud_server.store.database import Guarded
from cloud_server.store.tables_fleet import Table


class ReclaimRequest(Table):
    """Unused credit asked back from a wallet; see core.money_requests.ReclaimRequest."""

    reclaim = pw.TextField()
    account = pw.TextField()
    wallet = pw.TextField()
    box = pw.TextField()
    purpose = pw.TextField()
    amount_micro = pw.BigIntegerField()
    floor_micro = pw.BigIntegerField()
    state = pw.TextField()
    command = pw.BigIntegerField(null=True)
    answered_micro = pw.BigIntegerField()
    reason = pw.TextField(null=True)
    made_at_ms = pw.BigIntegerField()
    answered_at_ms = pw.BigIntegerField(null=True)
    operator = pw.TextField()
    key = pw.TextField()

    class Meta:
        table_name = "reclaim_request"
        primary_key = pw.CompositeKey("site", "reclaim")
        indexes = ((("site", "box", "state"), False), (("site", "wallet"), False))


class Refund(Table):
    """Unused credit to be paid back, and how it ended."""

    refund = pw.TextField()
    account = pw.TextField()
    wallet = pw.TextField(null=True)
    method = pw.TextField()
    wanted_micro = pw.BigIntegerField()
    centre_micro = pw.BigIntegerField()
    reclaim = pw.TextField(null=True)
    operator = pw.TextField()
    second = pw.TextField(null=True)
    reason = pw.TextField(null=True)
    key = pw.TextField()
    asked_at_ms = pw.BigIntegerField()
    settled = pw.TextField(null=True)
    settled_micro = pw.BigIntegerField()
    settled_at_ms = pw.BigIntegerField(null=True)
    settled_by = pw.TextField(null=True)

    class Meta:
        table_name = "refund"
        primary_key = pw.CompositeKey("site", "refund")
        indexes = ((("site", "account", "asked_at_ms"), False), (("site", "asked_at_ms"), False))


class Reversal(Table):
    """A sale undone; one of each sale at most."""

    reversal = pw.TextField()
    sale = pw.TextField()
    account = pw.TextField()
    amount_micro = pw.BigIntegerField(constraints=[pw.Check("amount_micro > 0")])
    operator = pw.TextField()
    second = pw.TextField(null=True)
    reason = pw.TextField(null=True)
    key = pw.TextField()
    reversed_at_ms = pw.BigIntegerField()

    class Meta:
        table_name = "reversal"
        primary_key = pw.CompositeKey("site", "reversal")
        indexes = ((("site", "sale"), True),)


MODELS: tuple[type[pw.Model], ...] = (ReclaimRequest, Refund, Reversal)

GUARDED: tuple[Guarded, ...] = (Guarded("reversal"),)
