"""The step that adds tills, posting days, second persons, adjustments, closings, moves, and meters that left."""

from typing import Final

import peewee

from cloud_server.store.database import run_ddl

_STATEMENTS: Final = (
    'CREATE TABLE "till_shift" ("site" TEXT NOT NULL, "shift" TEXT NOT NULL, "operator" TEXT NOT NULL, '
    '"opened_at_ms" BIGINT, "float_micro" BIGINT NOT NULL, "key" TEXT NOT NULL, "closed_at_ms" BIGINT, '
    '"closed_day" TEXT, "closed_by" TEXT, "second" TEXT, "note" TEXT, "expected" TEXT, "counted" TEXT, '
    'PRIMARY KEY ("site", "shift"))',
    'CREATE INDEX "till_shift_site_operator_closed_at_ms" ON "till_shift" ("site", "operator", "closed_at_ms")',
    'CREATE INDEX "till_shift_site_closed_day" ON "till_shift" ("site", "closed_day")',
    'CREATE TABLE "day_closed" ("site" TEXT NOT NULL, "day" TEXT NOT NULL, "closed_at_ms" BIGINT NOT NULL, '
    '"who" TEXT NOT NULL, "key" TEXT NOT NULL, "receipts" BIGINT NOT NULL, "open_tills" TEXT NOT NULL, '
    'PRIMARY KEY ("site", "day"))',
    'CREATE TABLE "day_sealed" ("site" TEXT NOT NULL, "day" TEXT NOT NULL, "entries" BIGINT NOT NULL, '
    '"digest" TEXT NOT NULL, "breaches" BIGINT NOT NULL, "audit_number" BIGINT NOT NULL, "sealed_at_ms" '
    'BIGINT NOT NULL, PRIMARY KEY ("site", "day"))',
    'CREATE TABLE "second_request" ("site" TEXT NOT NULL, "request" TEXT NOT NULL, "kind" TEXT NOT NULL, '
    '"about" TEXT NOT NULL, "amount_micro" BIGINT, "contents" TEXT NOT NULL, "maker" TEXT NOT NULL, "key" '
    'TEXT NOT NULL, "reason" TEXT NOT NULL, "asked_at_ms" BIGINT NOT NULL, "state" TEXT NOT NULL, "checker" '
    'TEXT, "checked_at_ms" BIGINT, "note" TEXT, "answer" TEXT, PRIMARY KEY ("site", "request"))',
    'CREATE INDEX "second_request_site_state_asked_at_ms" ON "second_request" ("site", "state", "asked_at_ms")',
    'CREATE TABLE "adjustment" ("site" TEXT NOT NULL, "adjustment" TEXT NOT NULL, "account" TEXT NOT NULL, '
    '"wallet" TEXT NOT NULL, "amount_micro" BIGINT NOT NULL, "energy_wh" BIGINT, "from_day" TEXT, "to_day" '
    'TEXT, "grant_id" TEXT NOT NULL, "operator" TEXT NOT NULL, "second" TEXT, "reason" TEXT NOT NULL, "key" '
    'TEXT NOT NULL, "made_at_ms" BIGINT NOT NULL, PRIMARY KEY ("site", "adjustment"))',
    'CREATE INDEX "adjustment_site_account_made_at_ms" ON "adjustment" ("site", "account", "made_at_ms")',
    'CREATE TABLE "closing" ("site" TEXT NOT NULL, "closing" TEXT NOT NULL, "account" TEXT NOT NULL, '
    '"operator" TEXT NOT NULL, "second" TEXT, "reason" TEXT NOT NULL, "key" TEXT NOT NULL, "asked_at_ms" '
    'BIGINT NOT NULL, "next_tenant" TEXT, "next_account" TEXT, "cancelled_at_ms" BIGINT, "settled_at_ms" '
    'BIGINT, "settled_by" TEXT, "settled_second" TEXT, "how" TEXT, "settled_micro" BIGINT NOT NULL, '
    '"refund" TEXT, PRIMARY KEY ("site", "closing"))',
    'CREATE INDEX "closing_site_account_asked_at_ms" ON "closing" ("site", "account", "asked_at_ms")',
    'CREATE INDEX "closing_site_settled_at_ms" ON "closing" ("site", "settled_at_ms")',
    'CREATE TABLE "closing_wallet" ("site" TEXT NOT NULL, "closing" TEXT NOT NULL, "wallet" TEXT NOT NULL, '
    '"reclaim" TEXT NOT NULL, PRIMARY KEY ("site", "closing", "wallet"))',
    'CREATE INDEX "closing_wallet_site_reclaim" ON "closing_wallet" ("site", "reclaim")',
    'CREATE TABLE "wallet_settlement" ("site" TEXT NOT NULL, "wallet" TEXT NOT NULL, "account" TEXT NOT NULL, '
    '"box" TEXT NOT NULL, "how" TEXT NOT NULL, "charged_micro" BIGINT NOT NULL, "moved_micro" BIGINT NOT '
    'NULL, "in_flight_micro" BIGINT NOT NULL, "who" TEXT NOT NULL, "second" TEXT, "reason" TEXT, "key" TEXT '
    'NOT NULL, "at_ms" BIGINT NOT NULL, PRIMARY KEY ("site", "wallet"))',
    'CREATE TABLE "credit_move" ("site" TEXT NOT NULL, "move" TEXT NOT NULL, "account" TEXT NOT NULL, '
    '"from_wallet" TEXT NOT NULL, "to_wallet" TEXT NOT NULL, "amount_micro" BIGINT NOT NULL, "reclaim" TEXT '
    'NOT NULL, "operator" TEXT NOT NULL, "reason" TEXT NOT NULL, "key" TEXT NOT NULL, "asked_at_ms" BIGINT '
    'NOT NULL, "grant_id" TEXT, PRIMARY KEY ("site", "move"))',
    'CREATE INDEX "credit_move_site_account_asked_at_ms" ON "credit_move" ("site", "account", "asked_at_ms")',
    'CREATE INDEX "credit_move_site_reclaim" ON "credit_move" ("site", "reclaim")',
    'CREATE TABLE "meter_change" ("site" TEXT NOT NULL, "change" TEXT NOT NULL, "kind" TEXT NOT NULL, "meter" '
    'TEXT NOT NULL, "point" TEXT NOT NULL, "box" TEXT NOT NULL, "command" BIGINT NOT NULL, "contents" TEXT '
    'NOT NULL, "operator" TEXT NOT NULL, "second" TEXT, "reason" TEXT NOT NULL, "key" TEXT NOT NULL, '
    '"asked_at_ms" BIGINT NOT NULL, "state" TEXT NOT NULL, "ended_at_ms" BIGINT, "why" TEXT, PRIMARY KEY '
    '("site", "change"))',
    'CREATE INDEX "meter_change_site_state" ON "meter_change" ("site", "state")',
    'CREATE INDEX "meter_change_site_point_asked_at_ms" ON "meter_change" ("site", "point", "asked_at_ms")',
    'CREATE TABLE "meter_binding" ("site" TEXT NOT NULL, "meter" TEXT NOT NULL, "point" TEXT NOT NULL, "box" '
    'TEXT NOT NULL, "name" TEXT NOT NULL, "until_ms" BIGINT NOT NULL, "last_raw_wh" BIGINT, "why" TEXT NOT '
    'NULL, PRIMARY KEY ("site", "meter", "until_ms"))',
    'CREATE INDEX "meter_binding_site_point_until_ms" ON "meter_binding" ("site", "point", "until_ms")',
)


def to_6(database: peewee.Database) -> None:
    """Add the tables."""
    for statement in _STATEMENTS:
        run_ddl(database, statement)
