"""The step to schema 3: credit asked back, refunds, reversals, and grants that no sale stands behind."""

from typing import Final

import peewee

_STATEMENTS: Final = (
    'CREATE TABLE "reclaim_request" ("site" TEXT NOT NULL, "reclaim" TEXT NOT NULL, "account" TEXT NOT NULL, '
    '"wallet" TEXT NOT NULL, "box" TEXT NOT NULL, "purpose" TEXT NOT NULL, "amount_micro" BIGINT NOT NULL, '
    '"floor_micro" BIGINT NOT NULL, "state" TEXT NOT NULL, "command" BIGINT, "answered_micro" BIGINT NOT NULL, '
    '"reason" TEXT, "made_at_ms" BIGINT NOT NULL, "answered_at_ms" BIGINT, "operator" TEXT NOT NULL, '
    '"key" TEXT NOT NULL, PRIMARY KEY ("site", "reclaim"))',
    'CREATE INDEX "reclaim_request_site_box_state" ON "reclaim_request" ("site", "box", "state")',
    'CREATE INDEX "reclaim_request_site_wallet" ON "reclaim_request" ("site", "wallet")',
    'CREATE TABLE "refund" ("site" TEXT NOT NULL, "refund" TEXT NOT NULL, "account" TEXT NOT NULL, "wallet" TEXT, '
    '"method" TEXT NOT NULL, "wanted_micro" BIGINT NOT NULL, "centre_micro" BIGINT NOT NULL, "reclaim" TEXT, '
    '"operator" TEXT NOT NULL, "second" TEXT, "reason" TEXT, "key" TEXT NOT NULL, "asked_at_ms" BIGINT NOT NULL, '
    '"settled" TEXT, "settled_micro" BIGINT NOT NULL, "settled_at_ms" BIGINT, "settled_by" TEXT, '
    'PRIMARY KEY ("site", "refund"))',
    'CREATE INDEX "refund_site_account_asked_at_ms" ON "refund" ("site", "account", "asked_at_ms")',
    'CREATE INDEX "refund_site_asked_at_ms" ON "refund" ("site", "asked_at_ms")',
    'CREATE TABLE "reversal" ("site" TEXT NOT NULL, "reversal" TEXT NOT NULL, "sale" TEXT NOT NULL, '
    '"account" TEXT NOT NULL, "amount_micro" BIGINT NOT NULL CHECK (amount_micro > 0), "operator" TEXT NOT NULL, '
    '"second" TEXT, "reason" TEXT, "key" TEXT NOT NULL, "reversed_at_ms" BIGINT NOT NULL, '
    'PRIMARY KEY ("site", "reversal"))',
    'CREATE UNIQUE INDEX "reversal_site_sale" ON "reversal" ("site", "sale")',
    'ALTER TABLE "wallet_grant" ADD COLUMN "undoes" TEXT',
    'ALTER TABLE "wallet_grant" ADD COLUMN "operator" TEXT',
    'ALTER TABLE "wallet_grant" ADD COLUMN "key" TEXT',
    'ALTER TABLE "wallet_grant" ADD COLUMN "second" TEXT',
)


def to_3(database: peewee.Database) -> None:
    """Add the tables and the columns."""
    for statement in _STATEMENTS:
        database.execute_sql(statement)  # type: ignore[no-untyped-call]  # the library has no types here
