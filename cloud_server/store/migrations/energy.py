"""The step that adds energy by day and month. The sums are built from the intervals by `flows.keep_energy`, which knows
the site's zone."""

from typing import Final

import peewee

from cloud_server.store.database import run_ddl

_HOURS: Final = "".join(f', "hour_{hour:02d}_wh" BIGINT NOT NULL' for hour in range(24))
_TABLES: Final = ("energy_day", "energy_month")


def to_9(database: peewee.Database) -> None:
    """Add the tables."""
    for table in _TABLES:
        run_ddl(
            database,
            f'CREATE TABLE "{table}" ("site" TEXT NOT NULL, "meter" TEXT NOT NULL, "period" TEXT NOT NULL, "rate" TEXT '
            'NOT NULL, "vacant" BIGINT NOT NULL, "energy_wh" BIGINT NOT NULL, "charge_micro" BIGINT NOT NULL, '
            f'"last_used_ms" BIGINT NOT NULL{_HOURS}, PRIMARY KEY ("site", "meter", "period", "rate", "vacant"))',
        )
        run_ddl(database, f'CREATE INDEX "{table}_site_period" ON "{table}" ("site", "period")')
