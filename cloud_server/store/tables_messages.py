"""Tables of messages: what is to be told to whom and how far each part is; texts, settings, links, forecasts. Columns
only."""

import peewee as pw

from cloud_server.store.tables_fleet import Table


class Message(Table):
    """One message to one address. `cause` says what it follows from: the same cause makes no second one."""

    message = pw.TextField()
    cause = pw.TextField()
    occasion = pw.TextField()
    way = pw.TextField()
    address = pw.TextField()
    customer = pw.TextField(null=True)
    account = pw.TextField(null=True)
    meter = pw.TextField(null=True)
    language = pw.TextField()
    title = pw.TextField()
    text = pw.TextField()
    urgent = pw.IntegerField()
    reference = pw.IntegerField()
    made_at_ms = pw.BigIntegerField()
    not_before_ms = pw.BigIntegerField()
    ends_at_ms = pw.BigIntegerField()
    state = pw.TextField()
    reason = pw.TextField(null=True)
    begun_at_ms = pw.BigIntegerField(null=True)
    done_at_ms = pw.BigIntegerField(null=True)

    class Meta:
        table_name = "message"
        primary_key = pw.CompositeKey("site", "message")
        indexes = (
            (("site", "cause"), True),
            (("site", "state", "not_before_ms"), False),
            (("site", "made_at_ms"), False),
            (("site", "begun_at_ms"), False),
            (("site", "meter", "made_at_ms"), False),
        )


class MessagePart(Table):
    """One part of a message as it goes out. `number` is the modem's own reference of it."""

    message = pw.TextField()
    n = pw.IntegerField()
    text = pw.TextField()
    state = pw.TextField()
    tries = pw.IntegerField()
    next_at_ms = pw.BigIntegerField()
    number = pw.IntegerField(null=True)
    handed_at_ms = pw.BigIntegerField(null=True)
    sent_at_ms = pw.BigIntegerField(null=True)
    reported_at_ms = pw.BigIntegerField(null=True)
    fault = pw.TextField(null=True)

    class Meta:
        table_name = "message_part"
        primary_key = pw.CompositeKey("site", "message", "n")
        indexes = ((("site", "state"), False),)


class MessageTemplate(Table):
    """A text that the site has changed; where there is none, the one that comes with the program holds."""

    occasion = pw.TextField()
    language = pw.TextField()
    text = pw.TextField()
    changed_at_ms = pw.BigIntegerField()
    changed_by = pw.TextField()

    class Meta:
        table_name = "message_template"
        primary_key = pw.CompositeKey("site", "occasion", "language")


class MessageMark(Table):
    """How far records were read for messages, the numbers last seen on file, and the site's settings, by name."""

    name = pw.TextField()
    value = pw.TextField()

    class Meta:
        table_name = "message_mark"
        primary_key = pw.CompositeKey("site", "name")


class CustomerLink(Table):
    """A link to one account's own page, known by the SHA-256 of its token, never by the token."""

    token_hash = pw.TextField()
    account = pw.TextField()
    generation = pw.BigIntegerField()
    made_at_ms = pw.BigIntegerField()
    revoked_at_ms = pw.BigIntegerField(null=True)
    revoked_by = pw.TextField(null=True)

    class Meta:
        table_name = "customer_link"
        primary_key = pw.CompositeKey("site", "token_hash")
        indexes = ((("site", "account", "generation"), True),)


class WalletForecast(Table):
    """When a wallet will have reached its trip level, from its use; `zero_at_ms` is null where that is far away."""

    wallet = pw.TextField()
    made_at_ms = pw.BigIntegerField()
    balance_micro = pw.BigIntegerField()
    balance_at_ms = pw.BigIntegerField()
    zero_at_ms = pw.BigIntegerField(null=True)
    week_micro = pw.BigIntegerField()

    class Meta:
        table_name = "wallet_forecast"
        primary_key = pw.CompositeKey("site", "wallet")


MODELS: tuple[type[pw.Model], ...] = (
    Message, MessagePart, MessageTemplate, MessageMark, CustomerLink, WalletForecast,
)  # fmt: skip
