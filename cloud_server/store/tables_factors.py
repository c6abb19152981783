"""Tables of second factors: the secret that a person's phone holds too, recovery codes by hash, proofs by session.

The secret of a one-time code has to be readable by who checks it; whoever reads the database still lacks the password.
"""

import peewee as pw

from cloud_server.store.tables_fleet import Table


class StaffFactor(Table):
    """A person's second factor."""

    staff = pw.TextField()
    secret = pw.TextField()
    last_step = pw.BigIntegerField()
    confirmed = pw.IntegerField()
    made_at_ms = pw.BigIntegerField()

    class Meta:
        table_name = "staff_factor"
        primary_key = pw.CompositeKey("site", "staff")


class RecoveryCode(Table):
    """One recovery code that is not used up."""

    staff = pw.TextField()
    code_hash = pw.TextField()

    class Meta:
        table_name = "recovery_code"
        primary_key = pw.CompositeKey("site", "staff", "code_hash")


class SessionProof(Table):
    """When a session last proved who it is, beyond its sign-in."""

    token_hash = pw.TextField()
    staff = pw.TextField()
    proven_at_ms = pw.BigIntegerField()

    class Meta:
        table_name = "session_proof"
        primary_key = pw.CompositeKey("site", "token_hash")


MODELS: tuple[type[pw.Model], ...] = (StaffFactor, RecoveryCode, SessionProof)
