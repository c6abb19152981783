"""The step that keeps every version of a site's own meter profiles."""

import peewee

from cloud_server.store.database import run_ddl


def to_13(database: peewee.Database) -> None:
    """Add the table; what the plan in force has is kept when the next one is taken."""
    run_ddl(
        database,
        'CREATE TABLE "site_profile" ("site" TEXT NOT NULL, "profile" TEXT NOT NULL, "version" BIGINT NOT NULL, '
        '"text" TEXT NOT NULL, "hash" TEXT NOT NULL, "saved_at_ms" BIGINT NOT NULL, "saved_by" TEXT NOT NULL, '
        'PRIMARY KEY ("site", "profile", "version"))',
    )
