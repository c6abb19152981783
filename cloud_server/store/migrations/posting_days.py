"""The step that writes an entry's posting day beside each of its postings, and indexes what pages and lists go by: the
few batches that wait, the few alarms that stand, sales and commands by time."""

from typing import Final

import peewee

from cloud_server.store.database import run_ddl

_GUARD: Final = 'DROP TRIGGER IF EXISTS "posting_never_changes"'
"""Put back, as all guards are, behind the last step."""
_STATEMENTS: Final = (
    'ALTER TABLE "posting" ADD COLUMN "posting_day" TEXT NOT NULL DEFAULT \'\'',
    'DROP INDEX "posting_site_account"',
    "UPDATE posting SET posting_day = e.posting_day FROM ledger_transaction e "
    "WHERE e.site = posting.site AND e.transaction_id = posting.transaction_id",
    'CREATE INDEX "posting_site_account_posting_day" ON "posting" ("site", "account", "posting_day")',
    'CREATE INDEX "batch_waiting" ON "batch" ("site", "box") WHERE state IN (\'parked\', \'behind_parked\')',
    'CREATE INDEX "alarm_standing" ON "alarm" ("site", "raised_at_ms") WHERE "cleared_at_ms" IS NULL',
    'CREATE INDEX "sale_site_paid_at_ms_sale" ON "sale" ("site", "paid_at_ms", "sale")',
    'CREATE INDEX "command_site_issued_at_ms_box_seq" ON "command" ("site", "issued_at_ms", "box", "seq")',
)


def to_16(database: peewee.Database) -> None:
    """Add column and indexes, and fill the column: a year of two thousand meters takes some minutes."""
    of_table = ' ON "posting"' if isinstance(database, peewee.PostgresqlDatabase) else ""
    for statement in (_GUARD + of_table, *_STATEMENTS):
        run_ddl(database, statement)
