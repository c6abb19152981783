"""The step that keeps what boxes have not got any more of their history, and who has accepted it."""

import peewee

from cloud_server.store.database import run_ddl


def to_14(database: peewee.Database) -> None:
    """Add the table; a box whose recovery is under way fills it with its next request."""
    run_ddl(
        database,
        'CREATE TABLE "lost_history" ("site" TEXT NOT NULL, "box" TEXT NOT NULL, "epoch" BIGINT NOT NULL, '
        '"last" BIGINT NOT NULL, "prev" TEXT NOT NULL, "line_hash" TEXT NOT NULL, "line" BLOB, '
        '"heard_at_ms" BIGINT NOT NULL, "accepted_by" TEXT, "second" TEXT, "reason" TEXT, "accepted_at_ms" BIGINT, '
        'PRIMARY KEY ("site", "box", "epoch"))',
    )
