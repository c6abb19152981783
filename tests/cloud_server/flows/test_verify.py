"""Each check of the books can fail: a breach is planted behind the program's back, and found by name."""

import dataclasses
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from psycopg.conninfo import conninfo_to_dict

from cloud_server.core.invariants import CHECKS
from cloud_server.flows.close_day import SEALED_AFTER_MS
from cloud_server.flows.office import open_office
from cloud_server.flows.refund_credit import Refunds
from cloud_server.flows.reverse_sale import Reversals
from cloud_server.flows.verify import verify
from cloud_server.ports.database import PostgresAddress
from cloud_server.ports.ledger import AdjustmentOrder, CheckStep, ClosingOrder, SettleOrder
from cloud_server.ports.money import RefundOrder, RefundStep, ReversalOrder
from cloud_server.ports.tills import DayOrder, TillCount
from cloud_server.store.database import Engine, SqliteEngine, run_sql
from cloud_server.store.engines import open_engine
from cloud_server.store.schema import restore_guards
from cloud_server.store.unit import StoredBooks
from protocol.signing import PublicKey
from protocol.units import DAY_MS
from tests.cloud_server.flows.test_refund_credit import SUPERVISOR
from tests.cloud_server.site_rig import CASHIER, SiteRig, open_rig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import YUAN, account_id, meter_id, wallet_id
from tests.postgres_server import PostgresServer

Lived = tuple[Path | PostgresAddress, str, Mapping[str, PublicKey]]


@dataclass(frozen=True)
class Archive:
    """A copy of a lived-in site's database, open, and the keys that its lines are checked with."""

    engine: Engine
    store: StoredBooks
    keys: Mapping[str, PublicKey]

    def broken(self) -> list[str]:
        return [result.name for result in verify(self.store, self.keys) if result.breaches]


@pytest.fixture(scope="module")
def lived_in_site(tmp_path_factory: pytest.TempPathFactory, module_database: PostgresAddress | None) -> Lived:
    """A site with openings, sales on two boxes, energy, a refusal, an order, and differences with their findings."""
    folder = tmp_path_factory.mktemp("lived-in")
    with open_rig(folder, database=module_database) as rig:
        rig.plan(opening_micro=5 * YUAN)
        for number in (1, 2):
            box = rig.enrol(number)
            box.refuse = {5}
            rig.sell("20.00", box=number)
            rig.settle(box)
            _use(rig, box, number)
            rig.sell("30.00", box=number, shop=3)
            rig.settle(box)
            _pay_back_and_undo(rig, box, number)
            _keep_office(rig, box, number)
        return rig.config.database, rig.site, rig.centre.authority.command_keys


@pytest.fixture
def lived_in(lived_in_site: Lived, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Archive]:
    database, site, keys = lived_in_site
    if isinstance(database, PostgresAddress):
        server: PostgresServer = request.getfixturevalue("postgres_server")
        copied = server.make_database(str(conninfo_to_dict(database.text)["dbname"]))
        engine = open_engine(copied)
        yield Archive(engine, StoredBooks(engine, site), keys)
        engine.close()
        server.drop(copied)
    else:
        engine = open_engine(Path(shutil.copy(database, tmp_path / "centre.db")))
        yield Archive(engine, StoredBooks(engine, site), keys)
        engine.close()


def _pay_back_and_undo(rig: SiteRig, box: SpeakingBox, number: int) -> None:
    """A refund that is paid, one that lies ready, and a sale that is reversed."""
    refunds = Refunds(rig.centre)
    wish = RefundOrder(
        key=f"refund-{number}", account=account_id(number, 2), amount="2.00", method="cash", reason="tenant leaves"
    )
    asked = refunds.ask(wish, CASHIER)
    rig.settle(box)
    refunds.pay(RefundStep(key=f"paid-{number}", refund=asked.refund), CASHIER)
    refunds.ask(dataclasses.replace(wish, key=f"refund-{number}b", amount="1.00"), CASHIER)
    rig.settle(box)
    sale = rig.sell("7.00", box=number, shop=3)
    rig.clock.advance(1_000)
    Reversals(rig.centre).reverse(ReversalOrder(key=f"undo-{number}", sale=sale, reason="typed wrong"), CASHIER)
    rig.settle(box)


def _keep_office(rig: SiteRig, box: SpeakingBox, number: int) -> None:
    """Two adjustments, one of them by two people, a till counted, a day closed and sealed."""
    office = open_office(rig.centre)
    wish = AdjustmentOrder(key=f"adjust-{number}", account=account_id(number, 2), amount="-1.00", reason="wrong ratio")
    office.adjustments.adjust(wish, CASHIER)
    great = dataclasses.replace(wish, key=f"great-{number}", amount="150.00")
    asked = office.adjustments.adjust(great, CASHIER)
    office.second.approve(CheckStep(key=f"yes-{number}", request=asked.request or ""), SUPERVISOR)
    rig.settle(box)
    if number == 2:
        empty = office.closings.close(ClosingOrder(key="closing", account=account_id(2, 1), reason="leaves"), CASHIER)
        office.settlements.settle(SettleOrder(key="settled", closing=empty.closing or "", how="even"), CASHIER)
    office.tills.close_till(TillCount(key=f"count-{number}", counted={"cash": "45.50"}), CASHIER)
    office.days.close_day(DayOrder(key=f"day-{number}"), CASHIER)
    rig.clock.advance(SEALED_AFTER_MS)
    office.days.seal_due_days()
    rig.clock.advance(DAY_MS)


def _use(rig: SiteRig, box: SpeakingBox, number: int) -> None:
    for _ in range(2):
        for shop in (1, 2, 3):
            box.use(meter_id(number, shop), 1_234)
        box.seal()
    rig.settle(box)
    right = box.use(meter_id(number, 1), 1_000)
    dear = msgspec.structs.replace(right.parts[0], charge_micro=900_000)
    box.pending = [msgspec.structs.replace(right, parts=[dear], charge_micro=900_000)]
    box.registers[meter_id(number, 2)] += 5
    box.use(meter_id(number, 2), 1_000)
    box.book[wallet_id(number, 3)] += 1
    box.seal()
    rig.settle(box)


def test_a_lived_in_site_holds_and_every_check_has_looked_at_something(lived_in: Archive) -> None:
    report = verify(lived_in.store, lived_in.keys)
    assert len(report) == len(CHECKS) == 20
    for result in report:
        assert result.breaches == (), result.name
        assert any(character in "123456789" for character in result.looked_at), result


PLANTED: dict[str, tuple[str, str]] = {
    "a posting grew": ("UPDATE posting SET amount_micro = amount_micro + 1 WHERE n = 0", "1 "),
    "a posting went to another day": ("UPDATE posting SET posting_day = '2026-01-01' WHERE n = 0", "1 "),
    "a posting was left out": ("DELETE FROM posting WHERE n = 0 AND account LIKE 'till/%'", "1 "),
    "a day's sum of money was changed": (
        "UPDATE ledger_day SET given_micro = given_micro + 1 WHERE kind = 'sale'",
        "1 sums",
    ),
    "a day's sum of money was left out": ("DELETE FROM ledger_day WHERE kind = 'batch'", "1 sums"),
    "a turnover was changed": ("UPDATE account_balance SET taken_micro = taken_micro + 1", "1 sums"),
    "a sum was changed": ("UPDATE account_balance SET balance_micro = 7 WHERE account LIKE 'wallet/%'", "1 "),
    "a wallet and its sum were changed": (
        "UPDATE account_balance SET balance_micro = balance_micro + 1 WHERE account LIKE 'wallet/%'",
        "3 ",
    ),
    "a grant was called answered": ("UPDATE wallet_grant SET state = 'signed' WHERE cause = 'sale'", "3 "),
    "a grant was doubled in its state": ("UPDATE wallet_grant SET state = 'applied' WHERE state = 'refused'", "4 "),
    "a batch was left out": ("DELETE FROM batch_line WHERE seq = 2", "5, 6"),
    "a batch line was changed": (
        "UPDATE batch_line SET line = (SELECT line FROM batch_line b WHERE b.seq = 1 AND b.box = batch_line.box) "
        "WHERE seq = 2",
        "5, 6",
    ),
    "a batch hash was changed": ("UPDATE batch_line SET hash = 'x' WHERE seq = 1", "5, 6"),
    "a command was left out": ("DELETE FROM signed_line WHERE type = 'command' AND number = 2", "5, 6"),
    "a money line was left out": ("DELETE FROM signed_line WHERE type = 'money' AND number = 3", "5, 6"),
    "a grant's command is another": (
        "UPDATE signed_line SET line = (SELECT line FROM signed_line s WHERE s.type = 'command' AND s.number = 1 "
        "AND s.box = signed_line.box) WHERE type = 'command' AND number = 2",
        "7 ",
    ),
    "a wrong charge was hidden": ("DELETE FROM finding WHERE kind = 'charge'", "10 "),
    "a gap in a register was hidden": ("DELETE FROM finding WHERE kind = 'continuity'", "11 "),
    "a day's energy was changed": (
        "UPDATE energy_day SET energy_wh = energy_wh + 1 WHERE energy_wh > 0",
        "11 sums",
    ),
    "an hour's energy was changed": (
        "UPDATE energy_month SET hour_03_wh = hour_03_wh + 1",
        "11 sums",
    ),
    "a month's energy was left out": ("DELETE FROM energy_month", "11 sums"),
    "an interval was left out": ("DELETE FROM meter_interval WHERE energy_wh > 0", "11 sums"),
    "a wallet that differs was hidden": ("DELETE FROM finding WHERE kind = 'wallet'", "2 "),
    "a refund was paid that nobody gave back": ("UPDATE refund SET settled_micro = settled_micro + 1", "15 "),
    "a box's answer was raised": (
        "UPDATE reclaim_request SET answered_micro = answered_micro + 1 WHERE state = 'answered'",
        "15 ",
    ),
    "a request was forgotten": ("DELETE FROM reclaim_request", "15 "),
    "a refund was forgotten": ("DELETE FROM refund WHERE settled IS NULL", "15 "),
    "a reversed sale has its money": ("UPDATE wallet_grant SET undoes = NULL", "15 "),
    "a reversal of another amount": ("UPDATE reversal SET amount_micro = amount_micro + 1", "15 "),
    "a refund of a sale that was reversed": (
        "UPDATE refund SET account = (SELECT account FROM reversal LIMIT 1), settled_at_ms = (SELECT reversed_at_ms "
        "FROM reversal LIMIT 1) - 1 WHERE settled = 'paid'",
        "15 ",
    ),
    "a line became a text": ("UPDATE batch_line SET line = 'lorem ipsum' WHERE seq = 1", "5, 6"),
    "an epoch line was changed": ("UPDATE signed_line SET line = 'x' WHERE type = 'epoch'", "10 "),
    "an epoch is open beside another": (
        "INSERT INTO epoch SELECT site, box, 9, hash, record_key, keyid, NULL, NULL, NULL, why, opened_at_ms, NULL "
        "FROM epoch LIMIT 1",
        "17 ",
    ),
    "an audit row was changed": ("UPDATE audit SET who = 'eve' WHERE number = 2", "18 nothing"),
    "an audit row was left out": ("DELETE FROM audit WHERE number = 2", "18 nothing"),
    "an entry nobody signed": (
        "INSERT INTO ledger_transaction SELECT site, 'f' || substr(transaction_id, 2), kind, 'sale/x', effective_at_ms,"
        " posting_day, who, key, second, reason, corrects, posted_at_ms FROM ledger_transaction WHERE kind = 'sale'"
        " LIMIT 1",
        "18 entries",
    ),
    "an entry was left out": ("DELETE FROM ledger_transaction WHERE kind = 'opening'", "18 entries"),
    "an entry was moved to another day": ("UPDATE ledger_transaction SET posting_day = '2026-01-01'", "18 closed"),
    "a seal was made anew": ("UPDATE day_sealed SET digest = 'x'", "18 closed"),
    "a closed account has credit again": (
        f"INSERT INTO account_balance SELECT site, 'customer/{account_id(2, 1)}', 5, 0, 5 FROM account_balance LIMIT 1",
        "15 closed",
    ),
    "an adjustment of another amount": ("UPDATE adjustment SET amount_micro = amount_micro + 1", "3 moves"),
    "a second person who was the first": (
        "UPDATE ledger_transaction SET second = who WHERE second IS NOT NULL",
        "19 two",
    ),
    "a request that its maker confirmed": ("UPDATE second_request SET checker = 'wang'", "19 two"),
    "a sale without its answer": ("DELETE FROM idempotency", "19 "),
    "a receipt was left out": ("DELETE FROM sale WHERE receipt LIKE '%-0002'", "19 "),
    "an entry without who": ("UPDATE ledger_transaction SET who = '' WHERE kind = 'grant'", "19 "),
}  # fmt: skip


def plant(archive: Archive, sql: str) -> int:
    """Change rows as the database's owner could: the guards are taken off, and put back."""
    with archive.engine.write() as database:
        for name, table in guards_of(archive.engine):
            database.execute_sql(guard_off(archive.engine, name, table))
        plain = sql if isinstance(archive.engine, SqliteEngine) else sql.replace("%", "%%")
        changed: int = database.execute_sql(plain).rowcount
    restore_guards(archive.engine)
    return changed


def guards_of(engine: Engine) -> list[tuple[str, str]]:
    """Name and table of each guard."""
    with engine.read() as database:
        if isinstance(engine, SqliteEngine):
            return run_sql(database, "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'")
        own = "WHERE NOT tgisinternal AND tgparentid = 0"
        return run_sql(database, f"SELECT tgname::text, tgrelid::regclass::text FROM pg_trigger {own}")


def guard_off(engine: Engine, name: str, table: str) -> str:
    return f'DROP TRIGGER "{name}"' + ("" if isinstance(engine, SqliteEngine) else f" ON {table}")


@pytest.mark.sqlite_first
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_breach_is_found(lived_in: Archive, name: str) -> None:
    sql, invariant = PLANTED[name]
    assert plant(lived_in, sql) > 0
    broken = lived_in.broken()
    assert any(found.startswith(invariant) for found in broken), broken


def test_a_guard_taken_off_is_found(lived_in: Archive) -> None:
    with lived_in.engine.write() as database:
        database.execute_sql(guard_off(lived_in.engine, "posting_never_changes", "posting"))
    (result,) = [result for result in verify(lived_in.store, lived_in.keys) if result.breaches]
    assert result.breaches == ("guard posting_never_changes is missing or changed",)
