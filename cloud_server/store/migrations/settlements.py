"""The step that keeps what came of matching a payment provider's daily file."""

from typing import Final

import peewee

from cloud_server.store.database import run_ddl

_STATEMENTS: Final = (
    'CREATE TABLE "provider_settlement" ("site" TEXT NOT NULL, "settlement" TEXT NOT NULL, "day" TEXT NOT NULL, '
    '"method" TEXT NOT NULL, "operator" TEXT NOT NULL, "matched_at_ms" BIGINT NOT NULL, "file_sha256" TEXT NOT NULL, '
    '"agrees" BIGINT NOT NULL, "matched" BIGINT NOT NULL, "differing" BIGINT NOT NULL, "ours_only" BIGINT NOT NULL, '
    '"theirs_only" BIGINT NOT NULL, "ours_micro" BIGINT NOT NULL, "theirs_micro" BIGINT NOT NULL, '
    'PRIMARY KEY ("site", "settlement"))',
    'CREATE INDEX "providersettlement_site_day_method" ON "provider_settlement" ("site", "day", "method")',
    'CREATE TABLE "provider_payment" ("site" TEXT NOT NULL, "settlement" TEXT NOT NULL, "n" BIGINT NOT NULL, "found" '
    'TEXT NOT NULL, "transaction_name" TEXT NOT NULL, "ours_micro" BIGINT, "theirs_micro" BIGINT, "about" TEXT NOT '
    'NULL, PRIMARY KEY ("site", "settlement", "n"))',
)


def to_11(database: peewee.Database) -> None:
    """Add the tables."""
    for statement in _STATEMENTS:
        run_ddl(database, statement)
