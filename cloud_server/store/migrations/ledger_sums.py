"""The step that keeps what the ledger comes to by posting day and account, added up from the postings there are."""

from typing import Final

import peewee

from cloud_server.store.database import run_ddl

_STATEMENTS: Final = (
    'CREATE TABLE "ledger_day" ("site" TEXT NOT NULL, "posting_day" TEXT NOT NULL, "account" TEXT NOT NULL, '
    '"kind" TEXT NOT NULL, "postings" BIGINT NOT NULL, "taken_micro" BIGINT NOT NULL, "given_micro" BIGINT NOT NULL, '
    'PRIMARY KEY ("site", "posting_day", "account", "kind"))',
    'ALTER TABLE "account_balance" ADD COLUMN "taken_micro" BIGINT NOT NULL DEFAULT 0',
    'ALTER TABLE "account_balance" ADD COLUMN "given_micro" BIGINT NOT NULL DEFAULT 0',
    'CREATE INDEX "ledger_day_site_account_posting_day" ON "ledger_day" ("site", "account", "posting_day")',
    "INSERT INTO ledger_day (site, posting_day, account, kind, postings, taken_micro, given_micro) "
    "SELECT p.site, e.posting_day, p.account, e.kind, COUNT(*), "
    "SUM(CASE WHEN p.amount_micro < 0 THEN -p.amount_micro ELSE 0 END), "
    "SUM(CASE WHEN p.amount_micro > 0 THEN p.amount_micro ELSE 0 END) FROM posting p "
    "JOIN ledger_transaction e ON e.site = p.site AND e.transaction_id = p.transaction_id "
    "GROUP BY p.site, e.posting_day, p.account, e.kind",
    "UPDATE account_balance SET taken_micro = s.taken_micro, given_micro = s.given_micro FROM "
    "(SELECT site, account, SUM(taken_micro) AS taken_micro, SUM(given_micro) AS given_micro FROM ledger_day "
    "GROUP BY site, account) s WHERE s.site = account_balance.site AND s.account = account_balance.account",
)


def to_15(database: peewee.Database) -> None:
    """Add table and columns, and fill both: a year of two thousand meters takes some minutes."""
    for statement in _STATEMENTS:
        run_ddl(database, statement)
