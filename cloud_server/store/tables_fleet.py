"""Tables of the site, its boxes, meters, customers and contracts, and of tokens. Columns only.

Every key begins with the site, so that a distributed database can shard by it. Ids come from the program.
"""

import peewee as pw


class Table(pw.Model):
    """Base of all tables; bound to no database: every query ends in `.execute(database)`."""

    site = pw.TextField()

    class Meta:
        legacy_table_names = False


class About(Table):
    """Facts on this database itself: schema, term, journal mark."""

    name = pw.TextField()
    value = pw.TextField()

    class Meta:
        table_name = "about"
        primary_key = pw.CompositeKey("site", "name")


class Plan(Table):
    """Every site plan that was taken, as its exact text."""

    version = pw.BigIntegerField()
    text = pw.TextField()
    made_at_ms = pw.BigIntegerField()
    made_by = pw.TextField()

    class Meta:
        table_name = "site_plan"
        primary_key = pw.CompositeKey("site", "version")


class Building(Table):
    building = pw.TextField()
    name = pw.TextField()
    position = pw.IntegerField()

    class Meta:
        table_name = "building"
        primary_key = pw.CompositeKey("site", "building")


class Box(Table):
    """One row a box; see core.fleet.Box for what the columns mean."""

    box = pw.TextField()
    name = pw.TextField()
    building = pw.TextField()
    position = pw.IntegerField()
    state = pw.TextField()
    epoch = pw.BigIntegerField()
    record_key = pw.TextField(null=True)
    batch_seq = pw.BigIntegerField()
    batch_hash = pw.TextField()
    posted_seq = pw.BigIntegerField()
    command_seq = pw.BigIntegerField()
    command_hash = pw.TextField()
    fetched_seq = pw.BigIntegerField()
    applied_seq = pw.BigIntegerField()
    config_version = pw.BigIntegerField()
    config_hash = pw.TextField()
    held_version = pw.BigIntegerField()
    key_generation = pw.BigIntegerField()
    term_seen = pw.BigIntegerField()
    agent = pw.TextField()
    seen_at_ms = pw.BigIntegerField(null=True)
    posted_at_ms = pw.BigIntegerField(null=True)
    said_at_ms = pw.BigIntegerField(null=True)
    recovery = pw.BooleanField()

    class Meta:
        table_name = "box"
        primary_key = pw.CompositeKey("site", "box")


class Bus(Table):
    bus = pw.TextField()
    box = pw.TextField()
    name = pw.TextField()
    position = pw.IntegerField()

    class Meta:
        table_name = "bus"
        primary_key = pw.CompositeKey("site", "bus")


class Device(Table):
    device = pw.TextField()
    box = pw.TextField()
    bus = pw.TextField()
    name = pw.TextField()

    class Meta:
        table_name = "device"
        primary_key = pw.CompositeKey("site", "device")


class Point(Table):
    """A supply point."""

    point = pw.TextField()
    building = pw.TextField()
    number = pw.TextField()
    name = pw.TextField()
    use = pw.TextField()

    class Meta:
        table_name = "point"
        primary_key = pw.CompositeKey("site", "point")


class Meter(Table):
    """A meter as planned; `config` is the JSON of its MeterConfig."""

    meter = pw.TextField()
    box = pw.TextField()
    bus = pw.TextField()
    device = pw.TextField()
    point = pw.TextField()
    unit = pw.IntegerField()
    name = pw.TextField()
    use = pw.TextField()
    tariff = pw.TextField()
    config = pw.TextField()

    class Meta:
        table_name = "meter"
        primary_key = pw.CompositeKey("site", "meter")
        indexes = ((("site", "box"), False), (("site", "point"), False))


class Customer(Table):
    customer = pw.TextField()
    name = pw.TextField()
    phones = pw.TextField()

    class Meta:
        table_name = "customer"
        primary_key = pw.CompositeKey("site", "customer")


class Account(Table):
    """A customer's contract."""

    account = pw.TextField()
    number = pw.TextField()
    customer = pw.TextField()
    state = pw.TextField()

    class Meta:
        table_name = "account"
        primary_key = pw.CompositeKey("site", "account")


class Wallet(Table):
    """Prepaid money on one box; `fees` is JSON."""

    wallet = pw.TextField()
    account = pw.TextField()
    box = pw.TextField()
    state = pw.TextField()
    alarm1_micro = pw.BigIntegerField()
    alarm2_micro = pw.BigIntegerField()
    credit_limit_micro = pw.BigIntegerField()
    reconnect_micro = pw.BigIntegerField()
    opening_micro = pw.BigIntegerField()

    class Meta:
        table_name = "wallet"
        primary_key = pw.CompositeKey("site", "wallet")
        indexes = ((("site", "account"), False), (("site", "box"), False))


class WalletMeter(Table):
    """Which wallet feeds a meter: one active binding a meter."""

    meter = pw.TextField()
    wallet = pw.TextField()

    class Meta:
        table_name = "wallet_meter"
        primary_key = pw.CompositeKey("site", "meter")
        indexes = ((("site", "wallet"), False),)


class TariffVersion(Table):
    """One version of a tariff as its exact text; a version never changes."""

    tariff = pw.TextField()
    version = pw.BigIntegerField()
    text = pw.TextField()
    hash = pw.TextField()

    class Meta:
        table_name = "tariff_version"
        primary_key = pw.CompositeKey("site", "tariff", "version")


class ApiToken(Table):
    """Tokens of other programs, kept as hashes. `buildings` are the ids of those that a token is limited to; null is
    the whole site."""

    token = pw.TextField()
    name = pw.TextField()
    token_hash = pw.TextField()
    scopes = pw.TextField()
    made_at_ms = pw.BigIntegerField()
    made_by = pw.TextField()
    ends_at_ms = pw.BigIntegerField()
    revoked_at_ms = pw.BigIntegerField(null=True)
    buildings = pw.TextField(null=True)

    class Meta:
        table_name = "api_token"
        primary_key = pw.CompositeKey("site", "token")
        indexes = ((("site", "token_hash"), True),)


MODELS: tuple[type[pw.Model], ...] = (
    About, Plan, Building, Box, Bus, Device, Point, Meter, Customer, Account, Wallet, WalletMeter, TariffVersion,
    ApiToken,
)  # fmt: skip
