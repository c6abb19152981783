"""No page, no request of a box and no background work reads all that a site ever had: each statement on SQLite is
explained, and one that looks through a whole table that grows with the years is a fault.

SQLite chooses its ways by the schema alone, so a site of two boxes shows what a site of twenty does.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from cloud_server.api.program_routes import OPENAPI_URL
from cloud_server.core.roles import Role
from cloud_server.flows.watch_fleet import watch_fleet
from cloud_server.store.unit_memory import Remembering
from tests.cloud_server.api.programs_rig import open_programs
from tests.cloud_server.console_rig import ConsoleRig, open_console_rig
from tests.cloud_server.flows.test_moves_and_meters import two_boxes
from tests.cloud_server.site_rig import SiteRig
from tests.cloud_server.street import meter_id
from tests.cloud_server.web.test_chinese_pages import Walk

GROWING: Final = frozenset(
    (
        *("alarm", "alarm_note", "audit", "batch", "batch_line", "box_event", "command", "energy_day", "evidence_line"),
        *("finding", "idempotency", "ledger_day", "ledger_transaction", "message", "message_part", "meter_interval"),
        *("posting", "receipt_print", "sale", "signed_line", "wallet_grant", "webhook_delivery"),
    )
)
"""Tables that have more rows with each day, or with each sale."""
MAY: Final[dict[str, str]] = {
    "SEARCH t1 USING INDEX sqlite_autoindex_audit_1 (site=?)": "by its number downwards, until the page is full",
    "SEARCH t1 USING INDEX sale_site_paid_at_ms_sale (site=?)": "newest first, until the page is full",
    "SEARCH t1 USING INDEX command_site_issued_at_ms_box_seq (site=?)": "newest first, until the page is full",
    "SEARCH t1 USING INDEX webhook_delivery_site_state_next_at_ms (site=?)": "counted by state; old ones are forgotten",
    "SEARCH t1 USING INDEX message_site_made_at_ms (site=?)": "newest first, until the page is full",
    "SEARCH t1 USING INDEX message_site_state_not_before_ms (site=?)": "counted by state, on the page of messages",
    "SEARCH t1 USING COVERING INDEX sale_site_account_paid_at_ms (site=?)": "the last sale of each account",
}
"""Steps of a plan, and why they may."""
_TABLE: Final = re.compile(r'"(\w+)" AS "(\w+)"')
_WHOLE: Final = re.compile(
    r"^SCAN (\w+)|^SEARCH (\w+) USING (?:COVERING )?INDEX (?!\w+_waiting|\w+_standing)\S+ \(site=\?\)$"
)


@dataclass
class Explained:
    """What was explained, and the statements that go through a whole table."""

    statements: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)

    def explain(self, database: Any, statement: str, values: Any) -> None:
        if statement in self.statements or not statement.startswith(("SELECT", "WITH", "UPDATE", "DELETE")):
            return
        self.statements.add(statement)
        tables = {alias: table for table, alias in _TABLE.findall(statement)}
        cursor = database.connection().cursor()
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", values or ())
        for *_, step in cursor.fetchall():
            found = _WHOLE.match(step)
            name = (found[1] or found[2]) if found and step not in MAY else ""
            if tables.get(name, name) in GROWING:
                self.whole.add(f"{tables.get(name, name)}: {step}: {statement}")


@pytest.fixture
def explained(monkeypatch: pytest.MonkeyPatch) -> Explained:
    found = Explained()
    execute = Remembering.execute_sql

    def explain_first(database: Any, sql: str, params: Any = None, **options: Any) -> Any:
        found.explain(database, sql, params)
        return execute(database, sql, params, **options)

    monkeypatch.setattr(Remembering, "execute_sql", explain_first)
    return found


@pytest.fixture
def street(tmp_path: Path) -> Iterator[ConsoleRig]:
    """On SQLite whatever the others run on: PostgreSQL goes by what it knows of the rows, and here there are none."""
    with open_console_rig(tmp_path) as made:
        yield made


def test_what_goes_through_a_whole_table_is_seen(street: ConsoleRig, explained: Explained) -> None:
    with street.rig.engine.read() as database:
        for condition, is_fault in (("", True), (" AND kind = 'sale'", False), (" AND who = 'wang'", True)):
            explained.whole.clear()
            statement = f'SELECT COUNT(*) FROM "ledger_transaction" AS "t1" WHERE site = ?{condition}'
            database.execute_sql(statement, (street.rig.site,))
            assert bool(explained.whole) is is_fault, statement


def live(rig: SiteRig) -> None:
    """Sales, use, background work."""
    boxes, office = two_boxes(rig)
    boxes[0].use(meter_id(1, 1), 500)
    for box in boxes:
        box.seal()
        rig.settle(box)
    rig.sell("10.00", shop=2)
    office.work()
    watch_fleet(rig.centre)


@pytest.mark.parametrize("role", ["supervisor", "administrator"])
def test_no_page_goes_through_a_whole_table(role: Role, street: ConsoleRig, explained: Explained) -> None:
    live(street.rig)
    Walk(street.browser(role), junk=("1",)).go()
    assert len(explained.statements) > 150
    assert explained.whole == set(), "\n".join(sorted(explained.whole))


def test_no_program_s_request_goes_through_a_whole_table(street: ConsoleRig, explained: Explained) -> None:
    live(street.rig)
    known = len(explained.statements)
    with open_programs(street.rig) as programs:
        client = programs("admin")
        lists = [
            path for path, ways in client.get(OPENAPI_URL).json()["paths"].items() if "get" in ways and "{" not in path
        ]
        for path in lists:
            found = client.get(path, params={"limit": 1})
            after = found.json().get("next") if found.headers["content-type"] == "application/json" else None
            if after is not None:
                client.get(path, params={"limit": 1, "after": after})
    assert len(lists) > 10
    assert len(explained.statements) > known + 20
    assert explained.whole == set(), "\n".join(sorted(explained.whole))
