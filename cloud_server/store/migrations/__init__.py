"""Steps from one schema version to the next, oldest first. A new database is made in its newest form at once."""

from collections.abc import Callable
from typing import Final

import peewee

from cloud_server.store.migrations.energy import to_9
from cloud_server.store.migrations.factors import to_7
from cloud_server.store.migrations.histories import to_14
from cloud_server.store.migrations.ledger_sums import to_15
from cloud_server.store.migrations.memory import to_5
from cloud_server.store.migrations.messages import to_4
from cloud_server.store.migrations.money_requests import to_3
from cloud_server.store.migrations.office import to_6
from cloud_server.store.migrations.overtaking import to_12
from cloud_server.store.migrations.posting_days import to_16
from cloud_server.store.migrations.profiles import to_13
from cloud_server.store.migrations.settlements import to_11
from cloud_server.store.migrations.territories import to_10
from cloud_server.store.migrations.webhooks import to_8
from cloud_server.store.tables_history import AlarmNote
from cloud_server.store.tables_people import PasswordLink

SCHEMA_VERSION: Final = 16


def _to_2(database: peewee.Database) -> None:
    """Notes on alarms; site-wide lists by time; one-time links of people."""
    for model in (AlarmNote, PasswordLink):
        peewee.SchemaManager(model, database).create_all(safe=False)
    for statement in (
        'CREATE INDEX "box_event_site_kind_at_ms" ON "box_event" ("site", "kind", "at_ms")',
        'CREATE INDEX "alarm_site_raised_at_ms" ON "alarm" ("site", "raised_at_ms")',
        'CREATE INDEX "meter_interval_site_from_ms" ON "meter_interval" ("site", "from_ms")',
    ):
        database.execute_sql(statement)  # type: ignore[no-untyped-call]  # the library has no types here


STEPS: Final[dict[int, Callable[[peewee.Database], None]]] = {
    2: _to_2,
    3: to_3,
    4: to_4,
    5: to_5,
    6: to_6,
    7: to_7,
    8: to_8,
    9: to_9,
    10: to_10,
    11: to_11,
    12: to_12,
    13: to_13,
    14: to_14,
    15: to_15,
    16: to_16,
}
"""Version reached -> what leads there from the one before. Guards are put back after each."""
