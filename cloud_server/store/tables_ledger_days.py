"""The table of what the ledger comes to by posting day, kept by whoever posts. Columns only."""

import peewee as pw

from cloud_server.store.tables_fleet import Table


class LedgerDay(Table):
    """What each ledger account was posted under a day, by kind of entry: how many postings, what they took from it and
    gave to it. Kept by the same transaction that posts; `verify` compares it."""

    posting_day = pw.TextField()
    account = pw.TextField()
    kind = pw.TextField()
    postings = pw.BigIntegerField()
    taken_micro = pw.BigIntegerField()
    given_micro = pw.BigIntegerField()

    class Meta:
        table_name = "ledger_day"
        primary_key = pw.CompositeKey("site", "posting_day", "account", "kind")
        indexes = ((("site", "account", "posting_day"), False),)


MODELS: tuple[type[pw.Model], ...] = (LedgerDay,)
