"""Tables of tills, posting days, second persons, adjustments, closings, moves, and meters that left. Columns only."""

import peewee as pw

from cloud_server.store.database import Guarded
from cloud_server.store.tables_fleet import Table


class TillShift(Table):
    """See core.tills.TillShift; `expected` and `counted` are JSON by method."""

    shift = pw.TextField()
    operator = pw.TextField()
    opened_at_ms = pw.BigIntegerField(null=True)
    float_micro = pw.BigIntegerField()
    key = pw.TextField()
    closed_at_ms = pw.BigIntegerField(null=True)
    closed_day = pw.TextField(null=True)
    closed_by = pw.TextField(null=True)
    second = pw.TextField(null=True)
    note = pw.TextField(null=True)
    expected = pw.TextField(null=True)
    counted = pw.TextField(null=True)

    class Meta:
        table_name = "till_shift"
        primary_key = pw.CompositeKey("site", "shift")
        indexes = ((("site", "operator", "closed_at_ms"), False), (("site", "closed_day"), False))


class DayClosed(Table):
    """See core.tills.ClosedDay; `open_tills` is JSON."""

    day = pw.TextField()
    closed_at_ms = pw.BigIntegerField()
    who = pw.TextField()
    key = pw.TextField()
    receipts = pw.BigIntegerField()
    open_tills = pw.TextField()

    class Meta:
        table_name = "day_closed"
        primary_key = pw.CompositeKey("site", "day")


class DaySealed(Table):
    """See core.tills.SealedDay."""

    day = pw.TextField()
    entries = pw.BigIntegerField()
    digest = pw.TextField()
    breaches = pw.BigIntegerField()
    audit_number = pw.BigIntegerField()
    sealed_at_ms = pw.BigIntegerField()

    class Meta:
        table_name = "day_sealed"
        primary_key = pw.CompositeKey("site", "day")


class SecondRequest(Table):
    """See core.second_person.SecondRequest; `maker` is JSON."""

    request = pw.TextField()
    kind = pw.TextField()
    about = pw.TextField()
    amount_micro = pw.BigIntegerField(null=True)
    contents = pw.TextField()
    maker = pw.TextField()
    key = pw.TextField()
    reason = pw.TextField()
    asked_at_ms = pw.BigIntegerField()
    state = pw.TextField()
    checker = pw.TextField(null=True)
    checked_at_ms = pw.BigIntegerField(null=True)
    note = pw.TextField(null=True)
    answer = pw.TextField(null=True)

    class Meta:
        table_name = "second_request"
        primary_key = pw.CompositeKey("site", "request")
        indexes = ((("site", "state", "asked_at_ms"), False),)


class Adjustment(Table):
    """See core.contracts.Adjustment."""

    adjustment = pw.TextField()
    account = pw.TextField()
    wallet = pw.TextField()
    amount_micro = pw.BigIntegerField()
    energy_wh = pw.BigIntegerField(null=True)
    from_day = pw.TextField(null=True)
    to_day = pw.TextField(null=True)
    grant_id = pw.TextField()
    operator = pw.TextField()
    second = pw.TextField(null=True)
    reason = pw.TextField()
    key = pw.TextField()
    made_at_ms = pw.BigIntegerField()

    class Meta:
        table_name = "adjustment"
        primary_key = pw.CompositeKey("site", "adjustment")
        indexes = ((("site", "account", "made_at_ms"), False),)


class Closing(Table):
    """See core.contracts.ClosingFact."""

    closing = pw.TextField()
    account = pw.TextField()
    operator = pw.TextField()
    second = pw.TextField(null=True)
    reason = pw.TextField()
    key = pw.TextField()
    asked_at_ms = pw.BigIntegerField()
    next_tenant = pw.TextField(null=True)
    next_account = pw.TextField(null=True)
    cancelled_at_ms = pw.BigIntegerField(null=True)
    settled_at_ms = pw.BigIntegerField(null=True)
    settled_by = pw.TextField(null=True)
    settled_second = pw.TextField(null=True)
    how = pw.TextField(null=True)
    settled_micro = pw.BigIntegerField()
    refund = pw.TextField(null=True)

    class Meta:
        table_name = "closing"
        primary_key = pw.CompositeKey("site", "closing")
        indexes = ((("site", "account", "asked_at_ms"), False), (("site", "settled_at_ms"), False))


class ClosingWallet(Table):
    """The newest request of a closing to each of its wallets."""

    closing = pw.TextField()
    wallet = pw.TextField()
    reclaim = pw.TextField()

    class Meta:
        table_name = "closing_wallet"
        primary_key = pw.CompositeKey("site", "closing", "wallet")
        indexes = ((("site", "reclaim"), False),)


class WalletSettlement(Table):
    """See core.contracts.WalletSettlement."""

    wallet = pw.TextField()
    account = pw.TextField()
    box = pw.TextField()
    how = pw.TextField()
    charged_micro = pw.BigIntegerField()
    moved_micro = pw.BigIntegerField()
    in_flight_micro = pw.BigIntegerField()
    who = pw.TextField()
    second = pw.TextField(null=True)
    reason = pw.TextField(null=True)
    key = pw.TextField()
    at_ms = pw.BigIntegerField()

    class Meta:
        table_name = "wallet_settlement"
        primary_key = pw.CompositeKey("site", "wallet")


class CreditMove(Table):
    """See core.contracts.CreditMove."""

    move = pw.TextField()
    account = pw.TextField()
    from_wallet = pw.TextField()
    to_wallet = pw.TextField()
    amount_micro = pw.BigIntegerField()
    reclaim = pw.TextField()
    operator = pw.TextField()
    reason = pw.TextField()
    key = pw.TextField()
    asked_at_ms = pw.BigIntegerField()
    grant_id = pw.TextField(null=True)

    class Meta:
        table_name = "credit_move"
        primary_key = pw.CompositeKey("site", "move")
        indexes = ((("site", "account", "asked_at_ms"), False), (("site", "reclaim"), False))


class MeterChange(Table):
    """See core.contracts.MeterChange."""

    change = pw.TextField()
    kind = pw.TextField()
    meter = pw.TextField()
    point = pw.TextField()
    box = pw.TextField()
    command = pw.BigIntegerField()
    contents = pw.TextField()
    operator = pw.TextField()
    second = pw.TextField(null=True)
    reason = pw.TextField()
    key = pw.TextField()
    asked_at_ms = pw.BigIntegerField()
    state = pw.TextField()
    ended_at_ms = pw.BigIntegerField(null=True)
    why = pw.TextField(null=True)

    class Meta:
        table_name = "meter_change"
        primary_key = pw.CompositeKey("site", "change")
        indexes = ((("site", "state"), False), (("site", "point", "asked_at_ms"), False))


class MeterBinding(Table):
    """See core.contracts.MeterBinding."""

    meter = pw.TextField()
    point = pw.TextField()
    box = pw.TextField()
    name = pw.TextField()
    until_ms = pw.BigIntegerField()
    last_raw_wh = pw.BigIntegerField(null=True)
    why = pw.TextField()

    class Meta:
        table_name = "meter_binding"
        primary_key = pw.CompositeKey("site", "meter", "until_ms")
        indexes = ((("site", "point", "until_ms"), False),)


MODELS: tuple[type[pw.Model], ...] = (
    TillShift, DayClosed, DaySealed, SecondRequest, Adjustment, Closing, ClosingWallet, WalletSettlement, CreditMove,
    MeterChange, MeterBinding,
)  # fmt: skip

GUARDED: tuple[Guarded, ...] = (
    Guarded("day_closed"),
    Guarded("day_sealed"),
    Guarded("adjustment"),
    Guarded("wallet_settlement"),
    Guarded("meter_binding"),
)
