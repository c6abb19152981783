"""Tables of payment providers' daily files as they were matched against a till; only ever added to. Columns only."""

import peewee as pw

from cloud_server.store.database import Guarded
from cloud_server.store.tables_fleet import Table


class ProviderSettlement(Table):
    """One file of a till day, matched once; see core.settlement.KeptSettlement."""

    settlement = pw.TextField()
    day = pw.TextField()
    method = pw.TextField()
    operator = pw.TextField()
    matched_at_ms = pw.BigIntegerField()
    file_sha256 = pw.TextField()
    agrees = pw.BigIntegerField()
    matched = pw.BigIntegerField()
    differing = pw.BigIntegerField()
    ours_only = pw.BigIntegerField()
    theirs_only = pw.BigIntegerField()
    ours_micro = pw.BigIntegerField()
    theirs_micro = pw.BigIntegerField()

    class Meta:
        table_name = "provider_settlement"
        primary_key = pw.CompositeKey("site", "settlement")
        indexes = ((("site", "day", "method"), False),)


class ProviderPayment(Table):
    """One payment of such a file or of our till beside it."""

    settlement = pw.TextField()
    n = pw.BigIntegerField()
    found = pw.TextField()
    transaction_name = pw.TextField()
    ours_micro = pw.BigIntegerField(null=True)
    theirs_micro = pw.BigIntegerField(null=True)
    about = pw.TextField()

    class Meta:
        table_name = "provider_payment"
        primary_key = pw.CompositeKey("site", "settlement", "n")


MODELS: tuple[type[pw.Model], ...] = (ProviderSettlement, ProviderPayment)
GUARDED: tuple[Guarded, ...] = (Guarded("provider_settlement"), Guarded("provider_payment"))
