"""The table of history that is on no machine any more, and of who has accepted that. Columns only."""

import peewee as pw

from cloud_server.store.tables_fleet import Table


class LostHistory(Table):
    """Batches of an epoch that their box has not got any more; see core.rest_of_history."""

    box = pw.TextField()
    epoch = pw.BigIntegerField()
    last = pw.BigIntegerField()
    prev = pw.TextField()
    line_hash = pw.TextField()
    line = pw.BlobField(null=True)
    heard_at_ms = pw.BigIntegerField()
    accepted_by = pw.TextField(null=True)
    second = pw.TextField(null=True)
    reason = pw.TextField(null=True)
    accepted_at_ms = pw.BigIntegerField(null=True)

    class Meta:
        table_name = "lost_history"
        primary_key = pw.CompositeKey("site", "box", "epoch")


MODELS: tuple[type[pw.Model], ...] = (LostHistory,)
