"""The step that adds memory lost: boxes behind their chain, revoked keys, recovery of the centre, backups."""

from typing import Final

import peewee

_STATEMENTS: Final = (
    'CREATE TABLE "heard_behind" ("site" TEXT NOT NULL, "box" TEXT NOT NULL, "nonce" TEXT NOT NULL, '
    '"noted_at_ms" BIGINT NOT NULL, PRIMARY KEY ("site", "box"))',
    'CREATE TABLE "revoked_key" ("site" TEXT NOT NULL, "keyid" TEXT NOT NULL, "box" TEXT NOT NULL, '
    '"revoked_at_ms" BIGINT NOT NULL, "revoked_by" TEXT NOT NULL, "reason" TEXT NOT NULL, '
    'PRIMARY KEY ("site", "keyid"))',
    'CREATE TABLE "box_recovery" ("site" TEXT NOT NULL, "box" TEXT NOT NULL, "term" BIGINT NOT NULL, '
    '"began_at_ms" BIGINT NOT NULL, "why" TEXT NOT NULL, "commands_taken" BIGINT NOT NULL, '
    '"batches_taken" BIGINT NOT NULL, "ended_at_ms" BIGINT, "opened_by" TEXT, "opened_second" TEXT, '
    '"opened_at_ms" BIGINT, PRIMARY KEY ("site", "box", "term"))',
    'CREATE TABLE "expected_part" ("site" TEXT NOT NULL, "sale" TEXT NOT NULL, "wallet" TEXT NOT NULL, '
    '"box" TEXT NOT NULL, "account" TEXT NOT NULL, "amount_micro" BIGINT NOT NULL, "made_at_ms" BIGINT NOT NULL, '
    '"state" TEXT NOT NULL, "ended_at_ms" BIGINT, PRIMARY KEY ("site", "sale", "wallet"))',
    'CREATE INDEX "expected_part_site_box_state" ON "expected_part" ("site", "box", "state")',
    'CREATE TABLE "recovery_question" ("site" TEXT NOT NULL, "question" TEXT NOT NULL, "kind" TEXT NOT NULL, '
    '"subject" TEXT NOT NULL, "box" TEXT, "detail" TEXT NOT NULL, "asked_at_ms" BIGINT NOT NULL, "answer" TEXT, '
    '"note" TEXT, "answered_at_ms" BIGINT, "answered_by" TEXT, PRIMARY KEY ("site", "question"))',
    'CREATE UNIQUE INDEX "recovery_question_site_kind_subject" ON "recovery_question" ("site", "kind", "subject")',
    'CREATE TABLE "void_line" ("site" TEXT NOT NULL, "hash" TEXT NOT NULL, "box" TEXT NOT NULL, '
    '"number" BIGINT NOT NULL, "line" BLOB NOT NULL, "voided_at_ms" BIGINT NOT NULL, PRIMARY KEY ("site", "hash"))',
    'DROP INDEX "signed_line_site_type_box_number"',
    'CREATE UNIQUE INDEX "signed_line_site_type_box_number_hash" ON "signed_line" '
    '("site", "type", "box", "number", "hash")',
    'CREATE TABLE "backup" ("site" TEXT NOT NULL, "backup" TEXT NOT NULL, "began_at_ms" BIGINT NOT NULL, '
    '"ended_at_ms" BIGINT NOT NULL, "file" TEXT NOT NULL, "size_bytes" BIGINT NOT NULL, "fault" TEXT, '
    'PRIMARY KEY ("site", "backup"))',
    'CREATE INDEX "backup_site_began_at_ms" ON "backup" ("site", "began_at_ms")',
)


def to_5(database: peewee.Database) -> None:
    """Add the tables."""
    for statement in _STATEMENTS:
        database.execute_sql(statement)  # type: ignore[no-untyped-call]  # the library has no types here
