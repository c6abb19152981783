"""Tables of what boxes told: batches as signed, intervals, events, and the facts that follow. Columns only."""

from typing import Final

import peewee as pw

from cloud_server.store.database import Guarded
from cloud_server.store.tables_fleet import Table


class BatchLine(Table):
    """Every batch that was kept, byte for byte."""

    box = pw.TextField()
    epoch = pw.BigIntegerField()
    seq = pw.BigIntegerField()
    hash = pw.TextField()
    line = pw.BlobField()
    received_at_ms = pw.BigIntegerField()

    class Meta:
        table_name = "batch_line"
        primary_key = pw.CompositeKey("site", "box", "epoch", "seq")


class Batch(Table):
    """What became of each batch kept: posted, parked (with its fault), behind_parked, or fenced."""

    box = pw.TextField()
    epoch = pw.BigIntegerField()
    seq = pw.BigIntegerField()
    state = pw.TextField()
    fault = pw.TextField(null=True)
    sealed_at_ms = pw.BigIntegerField()
    posted_at_ms = pw.BigIntegerField(null=True)

    class Meta:
        table_name = "batch"
        primary_key = pw.CompositeKey("site", "box", "epoch", "seq")


WAITING: Final = ("parked", "behind_parked")
"""States of batches that are kept and not posted yet."""
IS_WAITING: Final = pw.SQL(f"state IN {WAITING}")
"""A batch that is kept and not posted yet. Written out: an engine uses the index below for this very text alone."""
Batch.add_index(Batch.index(Batch.site, Batch.box, where=IS_WAITING, name="batch_waiting"))
"""Each request asks for those of its box, each report for all: a handful among a year's thousands."""


class EvidenceLine(Table):
    """Lines that were signed by a box and that its chain does not take: forked, superseded, ahead."""

    box = pw.TextField()
    hash = pw.TextField()
    verdict = pw.TextField()
    line = pw.BlobField()
    received_at_ms = pw.BigIntegerField()

    class Meta:
        table_name = "evidence_line"
        primary_key = pw.CompositeKey("site", "box", "hash")


class MeterInterval(Table):
    """One interval record; `parts`, `rates_raw_wh`, `other_raw` and `flags` are JSON as they stood in the record."""

    meter = pw.TextField()
    from_ms = pw.BigIntegerField()
    box = pw.TextField()
    epoch = pw.BigIntegerField()
    seq = pw.BigIntegerField()
    n = pw.IntegerField()
    to_ms = pw.BigIntegerField()
    wallet = pw.TextField(null=True)
    from_raw_wh = pw.BigIntegerField()
    to_raw_wh = pw.BigIntegerField()
    energy_wh = pw.BigIntegerField()
    charge_micro = pw.BigIntegerField()
    ratio_version = pw.IntegerField()
    max_power_w = pw.BigIntegerField(null=True)
    parts = pw.TextField()
    flags = pw.TextField()

    class Meta:
        table_name = "meter_interval"
        # The month is told from `from_ms`, and where a table is partitioned its key has to name what it is parted by.
        primary_key = pw.CompositeKey("site", "box", "epoch", "seq", "n", "from_ms")
        indexes = ((("site", "meter", "from_ms"), False), (("site", "from_ms"), False))


class BoxEvent(Table):
    """Every other record of a batch; `body` is its JSON."""

    box = pw.TextField()
    epoch = pw.BigIntegerField()
    seq = pw.BigIntegerField()
    n = pw.IntegerField()
    kind = pw.TextField()
    at_ms = pw.BigIntegerField()
    meter = pw.TextField(null=True)
    wallet = pw.TextField(null=True)
    body = pw.TextField()

    class Meta:
        table_name = "box_event"
        primary_key = pw.CompositeKey("site", "box", "epoch", "seq", "n")
        indexes = (
            (("site", "meter", "kind", "at_ms"), False),
            (("site", "wallet", "kind", "at_ms"), False),
            (("site", "kind", "at_ms"), False),
        )


class MeterState(Table):
    """Facts and charging of each meter as of the last posted batch; see core.batch_facts and core.charge_audit."""

    meter = pw.TextField()
    box = pw.TextField()
    facts = pw.TextField()
    raw_wh = pw.BigIntegerField(null=True)
    read_at_ms = pw.BigIntegerField(null=True)
    energy_carry_num = pw.BigIntegerField()
    energy_carry_den = pw.BigIntegerField()
    money_carry_nano = pw.BigIntegerField()
    month_wh = pw.BigIntegerField()

    class Meta:
        table_name = "meter_state"
        primary_key = pw.CompositeKey("site", "meter")
        indexes = ((("site", "box"), False),)


class WalletState(Table):
    """Facts of each wallet as of the last posted batch."""

    wallet = pw.TextField()
    box = pw.TextField()
    facts = pw.TextField()

    class Meta:
        table_name = "wallet_state"
        primary_key = pw.CompositeKey("site", "wallet")
        indexes = ((("site", "box"), False),)


class Alarm(Table):
    """An alarm from raised to cleared; at most one stands for a kind and subject. `box` is empty for the centre itself,
    `cleared_by` for all that ended by itself; `times` counts how often it was raised anew within minutes."""

    alarm_id = pw.TextField()
    kind = pw.TextField()
    box = pw.TextField()
    bus = pw.TextField(null=True)
    device = pw.TextField(null=True)
    meter = pw.TextField(null=True)
    wallet = pw.TextField(null=True)
    value = pw.BigIntegerField(null=True)
    raised_at_ms = pw.BigIntegerField()
    cleared_at_ms = pw.BigIntegerField(null=True)
    cleared_by = pw.TextField(null=True)
    times = pw.BigIntegerField()

    class Meta:
        table_name = "alarm"
        primary_key = pw.CompositeKey("site", "alarm_id")
        indexes = (
            (("site", "box", "cleared_at_ms"), False),
            (("site", "meter", "raised_at_ms"), False),
            (("site", "raised_at_ms"), False),
        )


Alarm.add_index(Alarm.index(Alarm.site, Alarm.raised_at_ms, where=Alarm.cleared_at_ms.is_null(), name="alarm_standing"))
"""Every page tells how many stand: a handful among all there ever were."""


class AlarmNote(Table):
    """Somebody has seen to an alarm; `n` counts the notes of one alarm."""

    alarm_id = pw.TextField()
    n = pw.IntegerField()
    at_ms = pw.BigIntegerField()
    who = pw.TextField()
    note = pw.TextField()

    class Meta:
        table_name = "alarm_note"
        primary_key = pw.CompositeKey("site", "alarm_id", "n")


class Finding(Table):
    """A difference that the centre found and did not mend."""

    finding = pw.TextField()
    kind = pw.TextField()
    box = pw.TextField()
    epoch = pw.BigIntegerField()
    seq = pw.BigIntegerField()
    meter = pw.TextField(null=True)
    wallet = pw.TextField(null=True)
    detail = pw.TextField()
    raised_at_ms = pw.BigIntegerField()

    class Meta:
        table_name = "finding"
        primary_key = pw.CompositeKey("site", "finding")
        indexes = ((("site", "wallet"), False), (("site", "box", "epoch", "seq"), False))


MODELS: tuple[type[pw.Model], ...] = (
    BatchLine, Batch, EvidenceLine, MeterInterval, BoxEvent, MeterState, WalletState, Alarm, AlarmNote, Finding,
)  # fmt: skip

GUARDED: tuple[Guarded, ...] = (
    Guarded("batch_line"),
    Guarded("evidence_line"),
    Guarded("meter_interval"),
    Guarded("box_event"),
    Guarded("alarm_note"),
)
