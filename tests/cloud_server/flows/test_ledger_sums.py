"""Sums of money by posting day: kept in the transaction of the postings, equal to them, and made for older books."""

from cloud_server.core.report_table import ReportKind
from cloud_server.store.database import run_ddl, run_sql
from cloud_server.store.schema import make_schema
from cloud_server.store.tables_ledger_days import LedgerDay
from protocol.units import DAY_MS
from tests.cloud_server.flows.test_reports import make
from tests.cloud_server.site_rig import SiteRig
from tests.cloud_server.store.test_migrations import INDEXES_OF
from tests.cloud_server.street import meter_id

BEFORE = 14
"""The schema that kept no sums of money by day."""


def live_two_days(rig: SiteRig) -> None:
    """Sales and use: entries of several kinds under two posting days."""
    rig.plan()
    box = rig.enrol(1)
    for _ in range(2):
        rig.sell("100.00")
        rig.sell("40.00", shop=3)
        rig.settle(box)
        for shop in (2, 3):
            box.use(meter_id(1, shop), 2_500)
        box.seal()
        rig.settle(box)
        rig.clock.advance(DAY_MS)


def test_books_of_an_older_schema_come_forward_with_the_sums_of_their_postings(rig: SiteRig) -> None:
    live_two_days(rig)
    kinds: tuple[ReportKind, ...] = ("trial", "rollforward", "sales")
    before = [make(rig, kind).tables for kind in kinds]
    with rig.engine.write() as database:
        kept = run_sql(database, "SELECT * FROM ledger_day ORDER BY posting_day, account, kind")
        turnover = run_sql(database, "SELECT * FROM account_balance ORDER BY account")
        postings = run_sql(database, POSTINGS)
        for statement in INDEXES_OF[16]:
            run_ddl(database, statement)
        database.execute_sql("ALTER TABLE posting DROP COLUMN posting_day")
        database.execute_sql(f'DROP TABLE "{LedgerDay._meta.table_name}"')  # the library's own way
        for column in ("taken_micro", "given_micro"):
            database.execute_sql(f"ALTER TABLE account_balance DROP COLUMN {column}")
        database.execute_sql(f"UPDATE about SET value = '{BEFORE}' WHERE name = 'schema'")
    assert make_schema(rig.engine, rig.site)
    with rig.engine.read() as database:
        assert run_sql(database, "SELECT * FROM ledger_day ORDER BY posting_day, account, kind") == kept
        assert run_sql(database, "SELECT * FROM account_balance ORDER BY account") == turnover
        assert run_sql(database, POSTINGS) == postings
    assert len(kept) > len(turnover) > 0
    assert [make(rig, kind).tables for kind in kinds] == before
    assert rig.breaches() == []


POSTINGS = "SELECT transaction_id, n, account, amount_micro, posting_day FROM posting ORDER BY transaction_id, n"


def test_a_trial_balance_of_an_earlier_day_is_that_of_its_postings(rig: SiteRig) -> None:
    live_two_days(rig)
    day = rig.centre.day_of(rig.clock.now_ms - 2 * DAY_MS)
    posted = (
        "SELECT p.account, SUM(CASE WHEN p.amount_micro < 0 THEN -p.amount_micro ELSE 0 END), "
        "SUM(CASE WHEN p.amount_micro > 0 THEN p.amount_micro ELSE 0 END) FROM posting p JOIN ledger_transaction e "
        f"ON e.transaction_id = p.transaction_id WHERE e.posting_day <= '{day}' GROUP BY p.account"
    )
    with rig.engine.read() as database:
        wanted = {(account, int(taken), int(given)) for account, taken, given in run_sql(database, posted)}
    with rig.store.read() as unit:
        found = unit.reports.trial(day)
        assert unit.reports.trial("2020-01-01") == []
    assert set(found) == wanted
    assert len(found) == len(wanted) > 0


def test_a_stretch_of_days_is_two_trial_balances_and_what_moved_between_them(rig: SiteRig) -> None:
    live_two_days(rig)
    days = [rig.centre.day_of(rig.clock.now_ms - back * DAY_MS) for back in (3, 2, 1, 0)]
    with rig.store.read() as unit:
        for first in range(1, len(days)):
            for last in range(first, len(days)):
                before, after, moved = unit.reports.stretch(days[first], days[last])
                assert sorted(before) == sorted(unit.reports.trial(days[first - 1])), (first, last)
                assert sorted(after) == sorted(unit.reports.trial(days[last])), (first, last)
                assert {(account, kind): micro for account, kind, micro in moved} == owed(rig, days[first], days[last])
        assert unit.reports.stretch(days[-1], days[-1])[2] == [], "nothing was posted today"
        assert unit.reports.stretch("2020-01-01", days[1])[2] != []


def owed(rig: SiteRig, from_day: str, to_day: str) -> dict[tuple[str, str], int]:
    """From the postings one by one: what moved that customers are owed."""
    sql = (
        "SELECT p.account, e.kind, SUM(p.amount_micro) FROM posting p JOIN ledger_transaction e "
        "ON e.transaction_id = p.transaction_id WHERE (p.account LIKE 'wallet/%' OR p.account LIKE 'customer/%' "
        "OR p.account LIKE 'in_flight/%' OR p.account LIKE 'payable/%') "
        f"AND e.posting_day >= '{from_day}' AND e.posting_day <= '{to_day}' GROUP BY p.account, e.kind"
    )
    with rig.engine.read() as database:
        return {(account, kind): int(micro) for account, kind, micro in run_sql(database, sql.replace("%", "%%"))}
