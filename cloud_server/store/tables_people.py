"""Tables of people who sign in: staff, sessions, the throttle's memory, one-time links. Columns only.

A session or link is known by the hash of its token: whoever reads the database can use none.
"""

import peewee as pw

from cloud_server.store.tables_fleet import Table


class Staff(Table):
    """A person. `folded` is the sign-in name without case, and unique. `buildings` are the ids of those that the person
    is limited to, with spaces between; null is the whole site."""

    staff = pw.TextField()
    name = pw.TextField()
    folded = pw.TextField()
    display_name = pw.TextField()
    roles = pw.TextField()
    password_hash = pw.TextField(null=True)
    active = pw.BooleanField()
    changed_at_ms = pw.BigIntegerField()
    buildings = pw.TextField(null=True)

    class Meta:
        table_name = "staff"
        primary_key = pw.CompositeKey("site", "staff")
        indexes = ((("site", "folded"), True),)


class StaffSession(Table):
    """An open session."""

    token_hash = pw.TextField()
    staff = pw.TextField()
    opened_at_ms = pw.BigIntegerField()
    seen_at_ms = pw.BigIntegerField()

    class Meta:
        table_name = "staff_session"
        primary_key = pw.CompositeKey("site", "token_hash")
        indexes = ((("site", "staff"), False),)


class SignInFailure(Table):
    """How often sign-in failed under one throttle key, and when it last did."""

    throttle_key = pw.TextField()
    count = pw.IntegerField()
    last_at_ms = pw.BigIntegerField()

    class Meta:
        table_name = "sign_in_failure"
        primary_key = pw.CompositeKey("site", "throttle_key")


class SetupLink(Table):
    """The first administrator's one-time link; never more than one."""

    token_hash = pw.TextField()
    ends_at_ms = pw.BigIntegerField()

    class Meta:
        table_name = "setup_link"
        primary_key = pw.CompositeKey("site", "token_hash")


class PasswordLink(Table):
    """A one-time link with which a person sets a new password; never more than one of a person."""

    token_hash = pw.TextField()
    staff = pw.TextField()
    ends_at_ms = pw.BigIntegerField()

    class Meta:
        table_name = "password_link"
        primary_key = pw.CompositeKey("site", "token_hash")


MODELS: tuple[type[pw.Model], ...] = (Staff, StaffSession, SignInFailure, SetupLink, PasswordLink)
