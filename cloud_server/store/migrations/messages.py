"""The step that adds messages: outbox, texts, links to customers' pages, forecasts; and alarms that come and go."""

from typing import Final

import peewee

from cloud_server.store.database import run_ddl

_STATEMENTS: Final = (
    'CREATE TABLE "message" ("site" TEXT NOT NULL, "message" TEXT NOT NULL, "cause" TEXT NOT NULL, "occasion" '
    'TEXT NOT NULL, "way" TEXT NOT NULL, "address" TEXT NOT NULL, "customer" TEXT, "account" TEXT, "meter" '
    'TEXT, "language" TEXT NOT NULL, "title" TEXT NOT NULL, "text" TEXT NOT NULL, "urgent" INTEGER NOT NULL, '
    '"reference" INTEGER NOT NULL, "made_at_ms" BIGINT NOT NULL, "not_before_ms" BIGINT NOT NULL, '
    '"ends_at_ms" BIGINT NOT NULL, "state" TEXT NOT NULL, "reason" TEXT, "begun_at_ms" BIGINT, "done_at_ms" '
    'BIGINT, PRIMARY KEY ("site", "message"))',
    'CREATE UNIQUE INDEX "message_site_cause" ON "message" ("site", "cause")',
    'CREATE INDEX "message_site_state_not_before_ms" ON "message" ("site", "state", "not_before_ms")',
    'CREATE INDEX "message_site_made_at_ms" ON "message" ("site", "made_at_ms")',
    'CREATE INDEX "message_site_begun_at_ms" ON "message" ("site", "begun_at_ms")',
    'CREATE INDEX "message_site_meter_made_at_ms" ON "message" ("site", "meter", "made_at_ms")',
    'CREATE TABLE "message_part" ("site" TEXT NOT NULL, "message" TEXT NOT NULL, "n" INTEGER NOT NULL, "text" '
    'TEXT NOT NULL, "state" TEXT NOT NULL, "tries" INTEGER NOT NULL, "next_at_ms" BIGINT NOT NULL, "number" '
    'INTEGER, "handed_at_ms" BIGINT, "sent_at_ms" BIGINT, "reported_at_ms" BIGINT, "fault" TEXT, PRIMARY '
    'KEY ("site", "message", "n"))',
    'CREATE INDEX "message_part_site_state" ON "message_part" ("site", "state")',
    'CREATE TABLE "message_template" ("site" TEXT NOT NULL, "occasion" TEXT NOT NULL, "language" TEXT NOT '
    'NULL, "text" TEXT NOT NULL, "changed_at_ms" BIGINT NOT NULL, "changed_by" TEXT NOT NULL, PRIMARY KEY '
    '("site", "occasion", "language"))',
    'CREATE TABLE "message_mark" ("site" TEXT NOT NULL, "name" TEXT NOT NULL, "value" TEXT NOT NULL, PRIMARY '
    'KEY ("site", "name"))',
    'CREATE TABLE "customer_link" ("site" TEXT NOT NULL, "token_hash" TEXT NOT NULL, "account" TEXT NOT NULL, '
    '"generation" BIGINT NOT NULL, "made_at_ms" BIGINT NOT NULL, "revoked_at_ms" BIGINT, "revoked_by" TEXT, '
    'PRIMARY KEY ("site", "token_hash"))',
    'CREATE UNIQUE INDEX "customer_link_site_account_generation" ON "customer_link" ("site", "account", "generation")',
    'CREATE TABLE "wallet_forecast" ("site" TEXT NOT NULL, "wallet" TEXT NOT NULL, "made_at_ms" BIGINT NOT '
    'NULL, "balance_micro" BIGINT NOT NULL, "balance_at_ms" BIGINT NOT NULL, "zero_at_ms" BIGINT, '
    '"week_micro" BIGINT NOT NULL, PRIMARY KEY ("site", "wallet"))',
    'ALTER TABLE "alarm" ADD COLUMN "cleared_by" TEXT',
    'ALTER TABLE "alarm" ADD COLUMN "times" BIGINT NOT NULL DEFAULT 1',
)


def to_4(database: peewee.Database) -> None:
    """Add the tables and the columns."""
    for statement in _STATEMENTS:
        run_ddl(database, statement)
