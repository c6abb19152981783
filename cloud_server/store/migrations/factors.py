"""The step that adds second factors of people, their recovery codes, and proofs of sessions."""

from typing import Final

import peewee

_STATEMENTS: Final = (
    'CREATE TABLE "staff_factor" ("site" TEXT NOT NULL, "staff" TEXT NOT NULL, "secret" TEXT NOT NULL, '
    '"last_step" BIGINT NOT NULL, "confirmed" INTEGER NOT NULL, "made_at_ms" BIGINT NOT NULL, '
    'PRIMARY KEY ("site", "staff"))',
    'CREATE TABLE "recovery_code" ("site" TEXT NOT NULL, "staff" TEXT NOT NULL, "code_hash" TEXT NOT NULL, '
    'PRIMARY KEY ("site", "staff", "code_hash"))',
    'CREATE TABLE "session_proof" ("site" TEXT NOT NULL, "token_hash" TEXT NOT NULL, "staff" TEXT NOT NULL, '
    '"proven_at_ms" BIGINT NOT NULL, PRIMARY KEY ("site", "token_hash"))',
)


def to_7(database: peewee.Database) -> None:
    """Make the tables."""
    for statement in _STATEMENTS:
        database.execute_sql(statement)  # type: ignore[no-untyped-call]  # the library has no types here
