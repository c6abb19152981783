"""Tables of hardware: how a box came in, its epochs and certificates, what it was configured with. Columns only."""

import peewee as pw

from cloud_server.store.tables_fleet import Table


class BoxConfiguration(Table):
    """Every configuration that was signed for a box."""

    box = pw.TextField()
    version = pw.BigIntegerField()
    hash = pw.TextField()
    text = pw.TextField()
    made_at_ms = pw.BigIntegerField()

    class Meta:
        table_name = "box_configuration"
        primary_key = pw.CompositeKey("site", "box", "version")


class Claim(Table):
    """The claim file made last for a box: its token is kept as a hash, and bound to the first key that used it."""

    box = pw.TextField()
    token_hash = pw.TextField()
    made_at_ms = pw.BigIntegerField()
    expires_at_ms = pw.BigIntegerField()
    made_by = pw.TextField()
    keyid = pw.TextField(null=True)

    class Meta:
        table_name = "claim"
        primary_key = pw.CompositeKey("site", "box")


class Enrolment(Table):
    """A box that asked to be taken in, with its own signed line."""

    box = pw.TextField()
    keyid = pw.TextField()
    record_key = pw.TextField()
    csr = pw.TextField()
    agent = pw.TextField()
    model = pw.TextField()
    serial = pw.TextField()
    line = pw.BlobField()
    asked_at_ms = pw.BigIntegerField()

    class Meta:
        table_name = "enrolment"
        primary_key = pw.CompositeKey("site", "box")


class Epoch(Table):
    """One row an epoch; its line stands among the signed lines."""

    box = pw.TextField()
    epoch = pw.BigIntegerField()
    hash = pw.TextField()
    record_key = pw.TextField()
    keyid = pw.TextField()
    closes_epoch = pw.BigIntegerField(null=True)
    closes_seq = pw.BigIntegerField(null=True)
    closes_hash = pw.TextField(null=True)
    why = pw.TextField()
    opened_at_ms = pw.BigIntegerField()
    fenced_at_ms = pw.BigIntegerField(null=True)

    class Meta:
        table_name = "epoch"
        primary_key = pw.CompositeKey("site", "box", "epoch")
        indexes = ((("site", "keyid"), False),)


class Certificate(Table):
    """TLS client certificates of boxes, with their chain as PEM."""

    box = pw.TextField()
    serial = pw.TextField()
    keyid = pw.TextField()
    pem = pw.TextField()
    made_at_ms = pw.BigIntegerField()
    ends_at_ms = pw.BigIntegerField()

    class Meta:
        table_name = "certificate"
        primary_key = pw.CompositeKey("site", "box", "serial")


MODELS: tuple[type[pw.Model], ...] = (BoxConfiguration, Claim, Enrolment, Epoch, Certificate)
