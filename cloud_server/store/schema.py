"""The schema as a whole: making it, bringing an older one forward, and looking whether its guards are in place."""

import peewee as pw

from cloud_server.store import (
    tables_energy,
    tables_enrolment,
    tables_factors,
    tables_fleet,
    tables_gateway,
    tables_histories,
    tables_history,
    tables_ledger,
    tables_ledger_days,
    tables_memory,
    tables_messages,
    tables_money,
    tables_office,
    tables_people,
    tables_profiles,
    tables_webhooks,
)
from cloud_server.store.database import DatabaseFault, Engine
from cloud_server.store.migrations import SCHEMA_VERSION, STEPS
from cloud_server.store.partitions import make_months, make_table
from cloud_server.store.site import SiteRows
from cloud_server.store.tables_fleet import About

MODELS: tuple[type[pw.Model], ...] = (
    *tables_fleet.MODELS,
    *tables_enrolment.MODELS,
    *tables_ledger.MODELS,
    *tables_ledger_days.MODELS,
    *tables_history.MODELS,
    *tables_energy.MODELS,
    *tables_people.MODELS,
    *tables_factors.MODELS,
    *tables_money.MODELS,
    *tables_messages.MODELS,
    *tables_memory.MODELS,
    *tables_office.MODELS,
    *tables_webhooks.MODELS,
    *tables_gateway.MODELS,
    *tables_profiles.MODELS,
    *tables_histories.MODELS,
)
GUARDED = (
    *tables_ledger.GUARDED,
    *tables_history.GUARDED,
    *tables_money.GUARDED,
    *tables_office.GUARDED,
    *tables_gateway.GUARDED,
    *tables_profiles.GUARDED,
)


def make_schema(engine: Engine, site: str) -> bool:
    """Make all tables in an empty database, or bring an older one forward. True when something was done.

    Raises DatabaseFault for a database of a newer program.
    """
    with engine.read() as database:
        version = _version(database)
        known = version > 0 and SiteRows(database, site).fact("schema") is not None
    if version > SCHEMA_VERSION:
        raise DatabaseFault(f"the database has schema {version}; this program knows {SCHEMA_VERSION} and must be newer")
    if version == SCHEMA_VERSION and known:
        return False
    with engine.write() as database:
        if version == 0:
            for model in MODELS:
                make_table(database, model)
        elif version < SCHEMA_VERSION:
            for step in range(version + 1, SCHEMA_VERSION + 1):
                STEPS[step](database)
        engine.set_guards(database, GUARDED)
        SiteRows(database, site).put_fact("schema", str(SCHEMA_VERSION))
        SiteRows(database, site).put_fact("days", "locked by whoever books under one or closes one")
    return True


def make_months_ahead(engine: Engine, now_ms: int) -> list[str]:
    """Make the partitions that rows of these months go into, where the engine parts tables; names of the new ones."""
    with engine.write() as database:
        return make_months(database, now_ms, GUARDED)


def check_schema(engine: Engine, site: str) -> None:
    """Look, at each start, whether this program may use the database. Raises DatabaseFault."""
    with engine.read() as database:
        version = _version(database)
        known = version > 0 and SiteRows(database, site).fact("schema") is not None
    if not known:
        raise DatabaseFault("the database has not been set up for this site: run `cloud-server setup`")
    if version != SCHEMA_VERSION:
        raise DatabaseFault(f"the database has schema {version}, this program wants {SCHEMA_VERSION}")
    missing = engine.missing_guards(GUARDED)
    if missing:
        raise DatabaseFault(
            f"guards on rows that never change are missing or changed: {', '.join(missing)}; "
            "find out who took them off, then run `cloud-server setup` to put them back"
        )


def restore_guards(engine: Engine) -> list[str]:
    """Put guards back where they are missing; their names."""
    missing = engine.missing_guards(GUARDED)
    if missing:
        with engine.write() as database:
            engine.set_guards(database, GUARDED)
    return missing


def _version(database: pw.Database) -> int:
    """The schema of the database, whichever sites are in it; 0 where there is none."""
    if About._meta.table_name not in database.get_tables():  # noqa: SLF001  # the library's own way to tell the name
        return 0
    query = About.select(pw.fn.MAX(About.value.cast("INTEGER"))).where(About.name == "schema")
    return int(next(iter(query.tuples().execute(database)))[0] or 0)
