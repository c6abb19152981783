"""A meter replaced in the middle of a period: reports show both, and together they are the point's, to the fen."""

import dataclasses
from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace

from cloud_server.core.alarm_views import AlarmFilter
from cloud_server.core.invariants import chain_checks
from cloud_server.core.invariants.evidence import Evidence, ToldBatch, told_batches
from cloud_server.core.report_table import Report, ReportKind, ReportQuery
from cloud_server.core.territory import Territory
from cloud_server.flows.alarm_life import raise_alarm
from cloud_server.flows.centre import Centre
from cloud_server.flows.customer_page import CustomerPages
from cloud_server.flows.keep_links import LinkKeeper
from cloud_server.flows.office import open_office
from cloud_server.flows.read_alarms import AlarmOffice
from cloud_server.flows.read_books import ReadBooks
from cloud_server.flows.read_reports import ReportOffice
from cloud_server.ports.database import PostgresAddress
from cloud_server.ports.hardware_orders import ReplaceOrder
from protocol.commands import Command, ReplaceMeter, read_body
from protocol.envelope import read_line
from protocol.payload import read_payload
from protocol.records import Display, Interval, Replaced, Subject
from tests.cloud_server.flows.test_reports import column, make, table
from tests.cloud_server.flows.test_usage_reports import added
from tests.cloud_server.site_rig import CASHIER, SiteRig, open_rig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import account_id, box_id, meter_id, point_id

WRAP_WH = 1_000_000_000
"""Where a register of eight digits with two decimals begins anew."""
DISPLAY_WH = 2_200
"""What stands on the display of the meter that went over its end: the register less its width."""
OLD = meter_id(1, 2)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory, module_database: PostgresAddress | None) -> Iterator[SiteRig]:
    """A shop whose meter ran over its register's end and was replaced in the middle of the next interval; its follower
    was replaced too. 2,500 Wh over the wrap, 700 until the meter is taken off, 1,370 through the second, 0 the third.
    Nothing here changes it any more."""
    with open_rig(tmp_path_factory.mktemp("replaced"), database=module_database) as made:
        made.plan()
        box = made.enrol(1)
        made.sell("100.00")
        made.settle(box)
        box.registers[OLD] = WRAP_WH - 1_000
        before = box.use(OLD, 2_500)
        assert before.to.raw_wh == WRAP_WH + 1_500, "kept unwrapped, so that no energy is lost at the wrap"
        box.seal()
        made.settle(box)
        box.wraps[OLD] = WRAP_WH
        new = _replace(made, box, OLD, DISPLAY_WH, "NEW-1", 30)
        box.use(new, 1_300, for_ms=1_200_000)
        box.use(meter_id(1, 3), 900)
        box.seal()
        made.settle(box)
        _replace(made, box, new, 1_400, "NEW-2", 0)
        yield made


def _replace(rig: SiteRig, box: SpeakingBox, old: str, old_raw_wh: int, serial: str, new_raw_wh: int) -> str:
    rig.clock.advance(2_400_000)
    box.now_ms = rig.clock.now_ms
    office = open_office(rig.centre)
    order = ReplaceOrder(
        key=serial, meter=old, old_raw_wh=old_raw_wh, serial=serial, new_raw_wh=new_raw_wh, reason="表坏", name=serial
    )
    asked = office.meters.replace_meter(order, CASHIER)
    for _ in range(3):
        rig.settle(box)
        office.work()
    assert office.meters.change(asked.change or "").state == "done"
    assert box.config is not None
    return next(one.meter for one in box.config.meters if one.serial == serial)


PLATES = ["M102", "NEW-1", "NEW-2"]
"""The first has no number of its plate in the plan: its name stands for it."""
CLOSED_AT = [WRAP_WH + 2_200, 1_400]


@pytest.mark.parametrize("kind", ["energy", "income", "compare", "hours", "loss"])
def test_all_meters_stand_there_and_add_up_to_the_point(rig: SiteRig, kind: ReportKind) -> None:
    report = make(rig, kind, **({"step": "all"} if kind != "compare" else {}))
    parts = table(report, "replaced")
    assert column(parts, "shop_number") == ["A02"] * 3, "a point whose meter stayed has no parts"
    assert column(parts, "meter") == PLATES
    assert column(parts, "from_register") == [WRAP_WH - 1_000, 30, 0]
    assert column(parts, "to_register")[:2] == CLOSED_AT
    assert column(parts, "to")[:2] == column(parts, "from")[1:], "the moments of the swaps"
    assert column(parts, "energy") == [3_200, 1_370, 0]
    assert column(parts, "charge") == [3_200 * MICRO_A_WH, 1_370 * MICRO_A_WH, 0]
    title, figure, of_point, whole = POINTS[kind]
    made = table(report, title)
    if of_point is not None:
        assert column(made, figure)[column(made, "shop_number").index("A02")] == of_point
    assert added(column(made, figure)) == whole


MICRO_A_WH = 800
POINTS: dict[str, tuple[str, str, int | None, int]] = {
    "energy": ("by_point", "charge", 4_570 * MICRO_A_WH, 5_470 * MICRO_A_WH),
    "income": ("by_point", "charge", 4_570 * MICRO_A_WH, 5_470 * MICRO_A_WH),
    "compare": ("compare", "energy", 4_570, 5_470),
    "hours": ("by_point", "energy", 4_570, 5_470),
    "loss": ("loss", "tenant_energy", None, 5_470),
}
"""Kind of report -> its table, a column of it, what stands there for the shop, and the sum over all."""


def test_the_books_are_whole(rig: SiteRig) -> None:
    assert rig.breaches() == []


def test_what_was_charged_follows_from_command_and_record_alone(rig: SiteRig) -> None:
    """The command is what was read; the record repeats it, and says at which width it was unwrapped to what."""
    with rig.store.evidence(rig.centre.authority.command_keys) as evidence:
        (batch,) = (one for box in evidence.boxes() for one in told_batches(evidence, box.box) if _swaps(one, OLD))
        signed = {line.number: line.raw for box in evidence.boxes() for line in evidence.command_lines(box.box)}
    bodies = [read_body(read_payload(read_line(raw).payload, Command)) for raw in signed.values()]
    (asked,) = (body for body in bodies if isinstance(body, ReplaceMeter) and body.old == OLD)
    (swap,) = _swaps(batch, OLD)
    (last,) = (r for r in batch.records if isinstance(r, Interval) and r.meter == OLD)
    assert asked.old_raw_wh == DISPLAY_WH
    assert swap.old_display == last.display == Display(raw_wh=DISPLAY_WH, wrap_wh=WRAP_WH)
    assert swap.old_raw_wh == last.to.raw_wh == WRAP_WH + DISPLAY_WH


LIES: dict[str, Callable[[Interval], Interval]] = {
    "is 1000002200, not 1000002201": lambda said: replace(said, to=replace(said.to, raw_wh=said.to.raw_wh + 1)),
    "is 1000002200, not 2000002200": lambda said: replace(said, to=replace(said.to, raw_wh=said.to.raw_wh + WRAP_WH)),
    "register 2201 of meter": lambda said: replace(said, display=Display(raw_wh=2_201, wrap_wh=WRAP_WH)),
    "register 1000002200 of meter": lambda said: replace(said, display=None),
}


@pytest.mark.parametrize("breach", LIES)
def test_a_box_that_unwraps_otherwise_is_found(rig: SiteRig, breach: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def bent(evidence: Evidence, box: str) -> Iterator[ToldBatch]:
        for batch in told_batches(evidence, box):
            records = (LIES[breach](r) if isinstance(r, Interval) and r.display else r for r in batch.records)
            yield dataclasses.replace(batch, records=tuple(records))

    monkeypatch.setattr(chain_checks, "told_batches", bent)
    with rig.store.evidence(rig.centre.authority.command_keys) as evidence:
        found = chain_checks.nothing_without_authority(evidence).breaches
    assert len(found) == 1
    assert breach in found[0]


def _swaps(batch: ToldBatch, meter: str) -> list[Replaced]:
    return [record for record in batch.records if isinstance(record, Replaced) and record.old == meter]


def test_days_without_a_replacement_have_no_parts(rig: SiteRig) -> None:
    later = _report(rig, "2126-01-01", "2126-01-02")
    assert [one.title for one in later.tables] == ["by_building", "by_point"]


def _report(rig: SiteRig, from_day: str, to_day: str, centre: Centre | None = None) -> Report:
    centre = centre or rig.centre
    query = ReportQuery(kind="energy", from_day=from_day, to_day=to_day)
    found = ReportOffice(centre, AlarmOffice(centre)).report(query)
    assert found is not None
    return found


def test_registers_of_meters_that_served_before(rig: SiteRig) -> None:
    report = make(rig, "registers")
    gone = table(report, "gone")
    assert column(gone, "meter") == PLATES[:2]
    assert column(gone, "to_register") == CLOSED_AT
    assert column(gone, "from")[0] is None, "nobody has told when it was hung there"
    now = table(report, "registers")
    assert column(now, "serial")[column(now, "shop_number").index("A02")] == "NEW-2"


def test_a_statement_shows_the_swaps_and_proves_every_fen(rig: SiteRig) -> None:
    report = make(rig, "statement", account=account_id(1, 2))
    facts = {fact.key: fact.value for fact in report.facts}
    assert (facts["charged"], facts["unproven"]) == (-4_570 * MICRO_A_WH, 0)
    swaps = table(report, "swaps")
    assert list(zip(column(swaps, "old_meter"), column(swaps, "new_meter"), strict=True)) == [
        ("M102", "NEW-1"), ("NEW-1", "NEW-2")
    ]  # fmt: skip
    assert column(swaps, "closing_register") == CLOSED_AT
    assert column(swaps, "closing_display") == [DISPLAY_WH, 1_400], "what stands on the photo"
    assert column(swaps, "opening_register") == [30, 0]
    proof = table(report, "proof_registers")
    assert column(proof, "meter") == PLATES[:2], "one after another; the third was not charged yet"
    assert column(proof, "ct") == ["1:1", "1:1"], "the ratio of a meter that is gone is known still"
    assert column(proof, "to_register") == CLOSED_AT
    assert column(proof, "from_register")[1] == 30
    assert added(column(proof, "charge")) == 4_570 * MICRO_A_WH
    prices = table(report, "proof_prices")
    by_meter = dict(zip(column(prices, "meter"), column(prices, "energy"), strict=True))
    assert by_meter == {"M102": 3_200, "NEW-1": 1_370}
    others = make(rig, "statement", account=account_id(1, 3))
    assert "swaps" not in [one.title for one in others.tables]


def test_the_page_of_the_point_shows_them(rig: SiteRig) -> None:
    books = ReadBooks(rig.centre)
    page = books.point(point_id(1, 2))
    assert page is not None
    assert [(row.meter_number, row.energy_wh) for row in page.intervals] == [
        ("M102", 2_500), ("M102", 700), ("NEW-1", 1_300), ("NEW-1", 70)
    ]  # fmt: skip
    assert [(swap.old_number, swap.closing_wh, swap.new_number, swap.opening_wh) for swap in page.swaps] == [
        ("M102", CLOSED_AT[0], "NEW-1", 30), ("NEW-1", CLOSED_AT[1], "NEW-2", 0)
    ]  # fmt: skip
    assert [(row.number, row.last_wh) for row in page.past_meters] == [("NEW-1", CLOSED_AT[1]), ("M102", CLOSED_AT[0])]
    days = books.energy_by_day(point_id(1, 2), page.day, 1)
    assert [(day.energy_wh, day.charge_micro) for day in days] == [(4_570, 4_570 * MICRO_A_WH)]
    other = books.point(point_id(1, 3))
    assert other is not None
    assert other.intervals[0].meter_number == ""
    assert not other.past_meters
    assert not other.swaps


def test_the_event_list_names_plates_and_registers(rig: SiteRig) -> None:
    made = table(make(rig, "events", state="replaced"), "events")
    assert column(made, "shop") == ["A02 商铺12"] * 2
    assert column(made, "what")[1] == "text:M102 1000002.20 kWh → NEW-1 0.03 kWh", "newest first"


def test_an_alarm_of_a_meter_that_is_gone_names_its_shop(rig: SiteRig) -> None:
    with rig.store.write() as unit:
        raise_alarm(unit, "relay_deaf", rig.clock.now_ms, Subject(box=box_id(1), meter=OLD))
    (entry,) = AlarmOffice(rig.centre).page(AlarmFilter(kind="relay_deaf")).entries
    assert (entry.shop, entry.point, entry.box_name, entry.bus_name) == ("A02 商铺12", point_id(1, 2), "A1", "A1-1")
    listed = table(make(rig, "alarms", text="relay_deaf"), "alarms")
    assert column(listed, "shop") == ["A02 商铺12"], "as printed, and in the workbook"
    own, other = (rig.centre.within(Territory(frozenset({one}))) for one in (entry.building, "0" * 32))
    assert [one.shop for one in AlarmOffice(own).page(AlarmFilter(kind="relay_deaf")).entries] == ["A02 商铺12"]
    assert AlarmOffice(other).page(AlarmFilter(kind="relay_deaf")).entries == ()


def test_nobody_sees_replacements_of_other_buildings(rig: SiteRig) -> None:
    other, day = rig.centre.within(Territory(frozenset({"0" * 32}))), rig.centre.day_of(rig.clock.now_ms)
    found = _report(rig, day, day, other)
    assert [one.title for one in found.tables] == ["by_building", "by_point"]
    assert all(not one.rows for one in found.tables)


def test_a_customers_own_page_counts_what_the_old_meter_took(rig: SiteRig) -> None:
    links = LinkKeeper(rig.centre, b"secret")
    page = CustomerPages(rig.centre, links).page(links.url_now(account_id(1, 2)).rpartition("/")[2], "10.0.0.9")
    assert page is not None
    assert [wh for _, wh in page.days if wh] == [4_570]
