"""The step that limits people and tokens to buildings where somebody says so."""

from typing import Final

import peewee

from cloud_server.store.database import run_ddl

_STATEMENTS: Final = (
    'ALTER TABLE "staff" ADD COLUMN "buildings" TEXT',
    'ALTER TABLE "api_token" ADD COLUMN "buildings" TEXT',
)


def to_10(database: peewee.Database) -> None:
    """Add the columns: null, so that whoever is there already has the whole site, as before."""
    for statement in _STATEMENTS:
        run_ddl(database, statement)
