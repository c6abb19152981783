"""The tables of the store as peewee sees them. Their exact form is made by `migrations`; no queries live here.

The models are bound to no database: each query names the one it runs on, so that two stores in one process
never mix.
"""

import peewee


class Head(peewee.Model):
    """The newest commit: its number, and the hashes of it and of some before it, newest first, parted by spaces.

    Each is over all that the store then held; the head file is compared with them. One row.
    """

    id = peewee.IntegerField(primary_key=True)
    epoch = peewee.IntegerField()
    step = peewee.IntegerField()
    hashes = peewee.TextField()

    class Meta:
        table_name = "head"


class Mark(peewee.Model):
    """The box's `Marks` as JSON, without the configuration's text. One row."""

    id = peewee.IntegerField(primary_key=True)
    body = peewee.BlobField()

    class Meta:
        table_name = "mark"


class Configuration(peewee.Model):
    """Every configuration that was in force since records of its time may still have to be sealed."""

    version = peewee.IntegerField(primary_key=True)
    hash = peewee.TextField()
    text = peewee.TextField()

    class Meta:
        table_name = "configuration"


class Meter(peewee.Model):
    """The durable facts of one meter, a `MeterRow` as JSON."""

    meter = peewee.TextField(primary_key=True)
    body = peewee.BlobField()

    class Meta:
        table_name = "meter"


class Wallet(peewee.Model):
    """The durable facts of one wallet, a `WalletRow` as JSON."""

    wallet = peewee.TextField(primary_key=True)
    body = peewee.BlobField()

    class Meta:
        table_name = "wallet"


class MoneyId(peewee.Model):
    """Grants and reclaims that were applied, for ever."""

    number = peewee.IntegerField(primary_key=True)
    money_id = peewee.TextField()

    class Meta:
        table_name = "money_id"


class KeptLine(peewee.Model):
    """Signed lines of the centre and the root, byte for byte: commands, epochs, keys, limits."""

    number = peewee.IntegerField(primary_key=True)
    type = peewee.TextField()
    seq = peewee.IntegerField(null=True)
    hash = peewee.TextField()
    prev = peewee.TextField(null=True)
    body = peewee.BlobField()

    class Meta:
        table_name = "line"


class Pending(peewee.Model):
    """Records that are committed and not yet sealed."""

    number = peewee.IntegerField(primary_key=True)
    step = peewee.IntegerField()
    commands_seq = peewee.IntegerField()
    commands_hash = peewee.TextField()
    body = peewee.BlobField()

    class Meta:
        table_name = "pending"


class Batch(peewee.Model):
    """Sealed batches, each line compressed as a body of its own. A row is written once and never changed."""

    epoch = peewee.IntegerField()
    seq = peewee.IntegerField()
    hash = peewee.TextField()
    prev = peewee.TextField()
    sealed_at_ms = peewee.IntegerField()
    body = peewee.BlobField()

    class Meta:
        table_name = "batch"
        primary_key = peewee.CompositeKey("epoch", "seq")


class Acknowledged(peewee.Model):
    """The newest batch of each epoch that the centre holds; all before it are held too."""

    epoch = peewee.IntegerField(primary_key=True)
    seq = peewee.IntegerField()

    class Meta:
        table_name = "acknowledged"
