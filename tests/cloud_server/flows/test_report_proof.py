"""Why it cost so much: the proof holds over real lines, and every way of bending a bill behind the program is named."""

import base64
import json
from collections.abc import Iterator

import pytest

from cloud_server.core.report_table import Report
from cloud_server.store.database import run_sql
from cloud_server.store.schema import restore_guards
from tests.cloud_server.flows.test_reports import column, make, table
from tests.cloud_server.flows.test_verify import guard_off, guards_of
from tests.cloud_server.site_rig import SiteRig, open_rig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import account_id, meter_id

DAY_MS = 86_400_000
ACCOUNT, METER, NEIGHBOUR = account_id(1, 2), meter_id(1, 2), meter_id(1, 3)
PRICE_MICRO_PER_WH = 800
BENT_SEQ = 20
"""A batch within the newest days, with a charge of the account."""


@pytest.fixture(scope="module")
def billed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteRig]:
    """Shop 2 used 1.301 kWh a day, then twice as much; a neighbour is in the same lines."""
    with open_rig(tmp_path_factory.mktemp("billed")) as rig:
        rig.plan()
        box = rig.enrol(1)
        rig.sell("200.00")
        rig.settle(box)
        for day in range(6):
            use_a_day(rig, box, 1_301 if day < 3 else 2_602)
        yield rig


def use_a_day(rig: SiteRig, box: SpeakingBox, energy_wh: int) -> None:
    """Four batches, each posted when its six hours are over."""
    for part in range(4):
        box.use(METER, energy_wh // 4 + (energy_wh % 4 if part == 0 else 0), for_ms=DAY_MS // 4)
        box.use(NEIGHBOUR, 77, for_ms=DAY_MS // 4)
        rig.clock.advance(DAY_MS // 4)
        box.seal()
        rig.exchange(box)


def proof(rig: SiteRig, last_days: int = 3) -> Report:
    """The report of the newest days."""
    first = rig.centre.day_of(rig.clock.now_ms - (last_days - 1) * DAY_MS)
    return make(rig, "proof", account=ACCOUNT, from_day=first)


def checks(report: Report, what: str) -> dict[object, object]:
    made = table(report, "proof_checks")
    return dict(zip(column(made, "check"), column(made, what), strict=True))


def fails(report: Report) -> set[str]:
    return {str(check).removeprefix("check:") for check, told in checks(report, "result").items() if told == "holds:no"}


def facts_of(report: Report) -> dict[str, int]:
    return {fact.key: fact.value for fact in report.facts if isinstance(fact.value, int)}


def test_the_bill_is_proved_from_its_lines(billed: SiteRig) -> None:
    report = proof(billed)
    assert fails(report) == set()
    assert report.facts[0].value == "holds:yes"
    facts = facts_of(report)
    assert facts["charge_used"] == facts["booked"] == facts["energy_used"] * PRICE_MICRO_PER_WH > 0
    looked = checks(report, "looked_at")
    assert looked["check:charges"] == looked["check:tables"] == looked["check:ledger"] == looked["check:chain"] != 0
    days = table(report, "proof_days")
    assert days.total is not None
    assert days.total[1:] == (facts["energy_used"], facts["charge_used"])


def test_all_but_the_verdict_is_there_before_the_lines_are_looked_at(billed: SiteRig) -> None:
    first = proof(billed)
    quick = make(billed, "proof", account=ACCOUNT, from_day=first.query.from_day, looks_at_lines=False)
    assert quick.facts == first.facts[1 : 1 + len(quick.facts)]
    assert {"energy_used", "booked"} < {fact.key for fact in quick.facts}
    assert quick.tables == tuple(t for t in first.tables if t.title not in ("proof_checks", "proof_chains"))
    assert len(first.tables) == len(quick.tables) + 2


def test_it_says_what_the_difference_comes_from(billed: SiteRig) -> None:
    facts = facts_of(proof(billed))
    assert facts["charge_used"] - facts["charge_before"] == facts["more_by_use"] + facts["more_by_price"]
    assert facts["more_by_use"] > 0
    assert facts["more_by_price"] == 0, "one price all the time"


def test_a_sale_is_held_against_the_line_that_the_centre_signed(billed: SiteRig) -> None:
    report = proof(billed, last_days=20)
    assert checks(report, "looked_at")["check:sales"] == 1
    assert fails(report) == set()
    chain = table(report, "proof_chains")
    assert column(chain, "batches") == ["1/1–25"]
    assert column(chain, "lines") == [25]


def bend(rig: SiteRig, *statements: tuple[str, tuple[object, ...]]) -> None:
    """Change rows as the database's owner could."""
    with rig.engine.write() as database:
        for name, on in guards_of(rig.engine):
            database.execute_sql(guard_off(rig.engine, name, on))
        for statement, values in statements:
            database.execute_sql(statement, values)
    restore_guards(rig.engine)


ROW = "UPDATE meter_interval SET charge_micro = charge_micro + ? WHERE meter = ? AND seq = ?"
POSTED = (
    "UPDATE posting SET amount_micro = amount_micro - ? WHERE account LIKE 'wallet/%0002' AND transaction_id IN "
    "(SELECT transaction_id FROM ledger_transaction WHERE cause LIKE ?)"
)
LINE = "UPDATE batch_line SET line = ? WHERE seq = ?"


def test_a_dearer_row_and_a_dearer_entry_are_named(billed: SiteRig) -> None:
    bend(billed, (ROW, (1, METER, BENT_SEQ)))
    assert fails(proof(billed)) == {"tables", "ledger"}
    bend(billed, (POSTED, (1, f"%/{BENT_SEQ}")))
    assert fails(proof(billed)) == {"tables"}, "what was booked and what is shown agree, and the line says otherwise"
    bend(billed, (ROW, (-1, METER, BENT_SEQ)))
    assert fails(proof(billed)) == {"ledger"}
    bend(billed, (POSTED, (-1, f"%/{BENT_SEQ}")))
    assert fails(proof(billed)) == set()


def test_a_line_that_was_changed_or_left_out_is_named(billed: SiteRig) -> None:
    with billed.engine.read() as database:
        ((raw,),) = run_sql(database, "SELECT line FROM batch_line WHERE seq = ?", (BENT_SEQ,))
    envelope = json.loads(bytes(raw))
    payload = base64.b64decode(envelope["payload"]).replace(b'"charge_micro":', b'"charge_micro": ')
    envelope["payload"] = base64.b64encode(payload).decode()
    bend(billed, (LINE, (json.dumps(envelope).encode(), BENT_SEQ)))
    report = proof(billed)
    assert {"signatures", "tables"} <= fails(report)
    assert report.facts[0].value == "holds:no"
    bend(billed, (LINE, (bytes(raw), BENT_SEQ)))
    assert fails(proof(billed)) == set()
    hidden = "UPDATE batch_line SET seq = ? WHERE seq = ?"
    bend(billed, (hidden, (9_999, BENT_SEQ)))
    assert {"chain", "tables"} <= fails(proof(billed))
    bend(billed, (hidden, (BENT_SEQ, 9_999)))
    assert fails(proof(billed)) == set()
