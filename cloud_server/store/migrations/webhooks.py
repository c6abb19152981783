"""The step that adds webhooks and their outbox."""

from typing import Final

import peewee

from cloud_server.store.database import run_ddl

_STATEMENTS: Final = (
    'CREATE TABLE "webhook" ("site" TEXT NOT NULL, "webhook" TEXT NOT NULL, "url" TEXT NOT NULL, "secret" TEXT NOT '
    'NULL, "events" TEXT NOT NULL, "made_at_ms" BIGINT NOT NULL, "made_by" TEXT NOT NULL, "ended_at_ms" BIGINT, '
    'PRIMARY KEY ("site", "webhook"))',
    'CREATE TABLE "webhook_delivery" ("site" TEXT NOT NULL, "delivery" TEXT NOT NULL, "webhook" TEXT NOT NULL, '
    '"event" TEXT NOT NULL, "subject" TEXT NOT NULL, "body" TEXT NOT NULL, "made_at_ms" BIGINT NOT NULL, "state" '
    'TEXT NOT NULL, "tries" INTEGER NOT NULL, "next_at_ms" BIGINT NOT NULL, "done_at_ms" BIGINT, "fault" TEXT, '
    'PRIMARY KEY ("site", "delivery"))',
    'CREATE INDEX "webhookdelivery_site_state_next_at_ms" ON "webhook_delivery" ("site", "state", "next_at_ms")',
    'CREATE INDEX "webhookdelivery_site_webhook_made_at_ms" ON "webhook_delivery" ("site", "webhook", "made_at_ms")',
)


def to_8(database: peewee.Database) -> None:
    """Add the tables."""
    for statement in _STATEMENTS:
        run_ddl(database, statement)
