"""The step that keeps of each box when it sent its newest request."""

import peewee

from cloud_server.store.database import run_ddl


def to_12(database: peewee.Database) -> None:
    """Add the column: null, until the box is heard again."""
    run_ddl(database, 'ALTER TABLE "box" ADD COLUMN "said_at_ms" BIGINT')
