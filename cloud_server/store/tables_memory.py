"""Tables of memory lost: boxes behind their chain, keys believed no more, a centre that was set back. Columns only."""

import peewee as pw

from cloud_server.store.tables_fleet import Table


class HeardBehind(Table):
    """A box that knew less than it had told, and the request in which it said so first."""

    box = pw.TextField()
    nonce = pw.TextField()
    noted_at_ms = pw.BigIntegerField()

    class Meta:
        table_name = "heard_behind"
        primary_key = pw.CompositeKey("site", "box")


class RevokedKey(Table):
    """A record key that is believed no more, whatever it signs."""

    keyid = pw.TextField()
    box = pw.TextField()
    revoked_at_ms = pw.BigIntegerField()
    revoked_by = pw.TextField()
    reason = pw.TextField()

    class Meta:
        table_name = "revoked_key"
        primary_key = pw.CompositeKey("site", "keyid")


class BoxRecovery(Table):
    """One stretch in which a box knew, or may have known, more than this centre; see core.recovery."""

    box = pw.TextField()
    term = pw.BigIntegerField()
    began_at_ms = pw.BigIntegerField()
    why = pw.TextField()
    commands_taken = pw.BigIntegerField()
    batches_taken = pw.BigIntegerField()
    ended_at_ms = pw.BigIntegerField(null=True)
    opened_by = pw.TextField(null=True)
    opened_second = pw.TextField(null=True)
    opened_at_ms = pw.BigIntegerField(null=True)

    class Meta:
        table_name = "box_recovery"
        primary_key = pw.CompositeKey("site", "box", "term")


class ExpectedPart(Table):
    """A share of a sale, told of by another box or by the journal, whose own grant was not heard of yet."""

    sale = pw.TextField()
    wallet = pw.TextField()
    box = pw.TextField()
    account = pw.TextField()
    amount_micro = pw.BigIntegerField()
    made_at_ms = pw.BigIntegerField()
    state = pw.TextField()
    ended_at_ms = pw.BigIntegerField(null=True)

    class Meta:
        table_name = "expected_part"
        primary_key = pw.CompositeKey("site", "sale", "wallet")
        indexes = ((("site", "box", "state"), False),)


class RecoveryQuestion(Table):
    """What no signed line can prove and only people know, and what they answered."""

    question = pw.TextField()
    kind = pw.TextField()
    subject = pw.TextField()
    box = pw.TextField(null=True)
    detail = pw.TextField()
    asked_at_ms = pw.BigIntegerField()
    answer = pw.TextField(null=True)
    note = pw.TextField(null=True)
    answered_at_ms = pw.BigIntegerField(null=True)
    answered_by = pw.TextField(null=True)

    class Meta:
        table_name = "recovery_question"
        primary_key = pw.CompositeKey("site", "question")
        indexes = ((("site", "kind", "subject"), True),)


class VoidLine(Table):
    """A command that was signed under a number which its box holds with other contents: it counts for nothing."""

    hash = pw.TextField()
    box = pw.TextField()
    number = pw.BigIntegerField()
    line = pw.BlobField()
    voided_at_ms = pw.BigIntegerField()

    class Meta:
        table_name = "void_line"
        primary_key = pw.CompositeKey("site", "hash")


class Backup(Table):
    """Each backup that was made or tried; the newest good one is what the alarm looks at."""

    backup = pw.TextField()
    began_at_ms = pw.BigIntegerField()
    ended_at_ms = pw.BigIntegerField()
    file = pw.TextField()
    size_bytes = pw.BigIntegerField()
    fault = pw.TextField(null=True)

    class Meta:
        table_name = "backup"
        primary_key = pw.CompositeKey("site", "backup")
        indexes = ((("site", "began_at_ms"), False),)


MODELS: tuple[type[pw.Model], ...] = (
    HeardBehind, RevokedKey, BoxRecovery, ExpectedPart, RecoveryQuestion, VoidLine, Backup,
)  # fmt: skip
