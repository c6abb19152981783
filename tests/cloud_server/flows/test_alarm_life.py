"""One life for alarms of every kind: raised once, standing on when they come and go, ended by themselves or by hand."""

from pathlib import Path

import msgspec
import pytest

from cloud_server.core.alarm_rules import SAME_AGAIN_WITHIN_MS, DutyStep, duty_calls, severity_of
from cloud_server.core.alarm_views import AlarmFilter, lesser_levels
from cloud_server.flows import plan_site
from cloud_server.flows.alarm_life import clear_alarm, raise_alarm
from cloud_server.flows.read_alarms import AlarmOffice
from protocol.records import Subject
from tests.cloud_server.site_rig import CASHIER, open_rig
from tests.cloud_server.street import box_id, meter_id, street, wallet_id

MIN = 60_000
STANDING = AlarmFilter()


def test_said_again_it_changes_nothing_and_a_fault_that_is_back_stands_on(tmp_path: Path) -> None:
    with open_rig(tmp_path) as rig:
        rig.plan()
        office = AlarmOffice(rig.centre)
        subject = Subject(box=box_id(1), meter=meter_id(1, 1))

        def step(after_ms: int, raised: bool) -> bool:
            rig.clock.advance(after_ms)
            with rig.store.write() as unit:
                act = raise_alarm if raised else clear_alarm
                return act(unit, "relay_deaf", rig.clock.now_ms, subject)

        assert step(0, raised=True)
        assert not step(1_000, raised=True)
        (first,) = office.page(AlarmFilter()).entries
        assert office.acknowledge([first.alarm], "电工已派", CASHIER) == 1
        for _ in range(3):
            assert step(MIN, raised=False)
            assert not step(1_000, raised=False)
            assert step(SAME_AGAIN_WITHIN_MS - 2_000, raised=True)
        (entry,) = office.page(AlarmFilter(state="all")).entries
        assert (entry.alarm, entry.times, entry.raised_at_ms) == (first.alarm, 4, first.raised_at_ms)
        assert [note.who for note in entry.notes] == ["wang"]
        assert step(MIN, raised=False)
        assert step(SAME_AGAIN_WITHIN_MS + 1, raised=True)
        entries = office.page(AlarmFilter(state="all")).entries
        assert sorted((one.times, one.cleared_at_ms is None, len(one.notes)) for one in entries) == [
            (1, True, 0),
            (4, False, 1),
        ]


def test_what_is_in_no_plan_any_more_keeps_its_name(tmp_path: Path) -> None:
    """A wallet that was closed and a box that was taken away with its shops."""
    with open_rig(tmp_path) as rig:
        both, first = street(rig.site, boxes=2), street(rig.site, boxes=1)
        whole = msgspec.structs.replace(first, boxes=both.boxes, points=both.points, buildings=both.buildings)
        plan_site.take_plan(rig.centre, whole, "provisioner")
        rig.enrol(1)
        with rig.store.write() as unit:
            raise_alarm(unit, "arrears", rig.clock.now_ms, Subject(box=box_id(1), wallet=wallet_id(1, 2)), -1)
            raise_alarm(unit, "box_lost", rig.clock.now_ms, Subject(box=box_id(2)))
            unit.contracts.close_wallet(wallet_id(1, 2))
        closed = [msgspec.structs.replace(w, meters=[]) if w.wallet == wallet_id(1, 2) else w for w in first.wallets]
        plan_site.take_plan(rig.centre, msgspec.structs.replace(first, wallets=closed), "provisioner")
        office = AlarmOffice(rig.centre)
        for _ in range(2):
            named = {entry.kind: (entry.shop, entry.box_name) for entry in office.page(AlarmFilter()).entries}
            assert named["arrears"] == ("A02 商铺12", "A1")
            assert named["box_lost"] == ("", "A2")


def test_money_alarms_are_not_damped(tmp_path: Path) -> None:
    with open_rig(tmp_path) as rig:
        rig.plan()
        subject = Subject(box=box_id(1), wallet=wallet_id(1, 1))
        with rig.store.write() as unit:
            for at_ms in (1_000, 3_000):
                assert raise_alarm(unit, "arrears", at_ms, subject, -1)
                assert clear_alarm(unit, "arrears", at_ms + 1_000, subject)
        assert len(AlarmOffice(rig.centre).page(AlarmFilter(state="past")).entries) == 2


def test_a_balance_that_fell_through_its_levels_is_one_alarm(tmp_path: Path) -> None:
    with open_rig(tmp_path) as rig:
        rig.plan()
        office = AlarmOffice(rig.centre)
        one, other = (Subject(box=box_id(1), wallet=wallet_id(1, shop)) for shop in (1, 2))

        def shown(chosen: AlarmFilter = STANDING) -> list[tuple[str, str | None, int]]:
            return sorted((entry.kind, entry.wallet, len(entry.notes)) for entry in office.page(chosen).entries)

        with rig.store.write() as unit:
            for kind in ("alarm1", "alarm2", "arrears"):
                raise_alarm(unit, kind, rig.clock.now_ms, one, 0)
            raise_alarm(unit, "alarm1", rig.clock.now_ms, other, 0)
        assert shown() == [("alarm1", other.wallet, 0), ("arrears", one.wallet, 0)]
        assert office.page(AlarmFilter()).counts == (("alarm1", 1), ("arrears", 1))
        assert shown(AlarmFilter(kind="alarm1")) == [
            ("alarm1", *of) for of in sorted([(one.wallet, 0), (other.wallet, 0)])
        ]
        assert len(shown(AlarmFilter(state="all"))) == 4
        (arrears,) = (entry for entry in office.page(AlarmFilter()).entries if entry.kind == "arrears")
        assert office.acknowledge([arrears.alarm], "called", CASHIER) == 1
        rig.clock.advance(MIN)
        with rig.store.write() as unit:
            clear_alarm(unit, "arrears", rig.clock.now_ms, one)
            clear_alarm(unit, "alarm2", rig.clock.now_ms, one)
        assert shown() == [("alarm1", *of) for of in sorted([(one.wallet, 1), (other.wallet, 0)])]
        rig.clock.advance(MIN)
        assert [(entry.kind, entry.wallet) for entry in office.news().unseen] == [("alarm1", other.wallet)]


LEVELS = [
    ([], {}),
    ([("a", "alarm1", "w")], {}),
    ([("a", "alarm1", "w"), ("b", "alarm2", "w")], {"a": "b"}),
    ([("c", "arrears", "w"), ("a", "alarm1", "w"), ("b", "alarm2", "w")], {"a": "c", "b": "c"}),
    ([("a", "alarm1", "w"), ("b", "arrears", "v")], {}),
    ([("a", "alarm1", None), ("b", "arrears", None)], {}),
    ([("a", "meter_lost", "w"), ("b", "arrears", "w")], {}),
]


@pytest.mark.parametrize(("standing", "lesser"), LEVELS)
def test_which_levels_a_balance_is_past(standing: list[tuple[str, str, str | None]], lesser: dict[str, str]) -> None:
    assert lesser_levels(standing) == lesser


def test_a_person_ends_what_nothing_else_ends_and_only_that(tmp_path: Path) -> None:
    with open_rig(tmp_path) as rig:
        rig.plan()
        office = AlarmOffice(rig.centre)
        with rig.store.write() as unit:
            raise_alarm(unit, "finding", rig.clock.now_ms, Subject(box=box_id(1)))
            raise_alarm(unit, "disk", rig.clock.now_ms, value=5)
        alarms = [entry.alarm for entry in office.page(AlarmFilter()).entries]
        assert office.settle(alarms, "价格单已核", CASHIER) == 1
        (over,) = office.page(AlarmFilter(state="past")).entries
        assert (over.kind, over.cleared_by, over.notes[0].note) == ("finding", "wang", "价格单已核")
        (left,) = office.page(AlarmFilter()).entries
        assert (left.kind, left.box, left.box_name) == ("disk", "", "")
        assert rig.breaches() == []


def test_the_duty_list_is_told_by_steps_until_somebody_acknowledges(tmp_path: Path) -> None:
    with open_rig(tmp_path) as rig:
        rig.plan()
        office = AlarmOffice(rig.centre)
        steps = (
            DutyStep(0, ("值班",), frozenset({"critical", "severe"})),
            DutyStep(15, ("班长",), frozenset({"critical", "severe"})),
            DutyStep(60, ("经理",), frozenset({"critical"})),
        )
        began = rig.clock.now_ms
        with rig.store.write() as unit:
            raise_alarm(unit, "box_lost", began, Subject(box=box_id(1)))
            raise_alarm(unit, "arrears", began, Subject(box=box_id(1), wallet=wallet_id(1, 1)), -5)
            raise_alarm(unit, "unbalance", began, Subject(box=box_id(1), meter=meter_id(1, 1)))

        def told(after_min: int) -> list[tuple[str, int]]:
            entries = office.page(AlarmFilter()).entries
            return [(c.entry.kind, c.step) for c in duty_calls(entries, steps, began + after_min * MIN)]

        assert told(0) == [("box_lost", 0)]
        assert told(15) == [("box_lost", 0), ("box_lost", 1)]
        assert told(90) == [("box_lost", 0), ("box_lost", 1)]
        assert told(25 * 60) == []
        (lost,) = (e.alarm for e in office.page(AlarmFilter(kind="box_lost")).entries)
        office.acknowledge([lost], "", CASHIER)
        assert told(16) == []


def test_severities() -> None:
    assert [severity_of(kind) for kind in ("store_full", "box_lost", "phase_lost", "alarm1")] == [
        "critical",
        "severe",
        "warning",
        "notice",
    ]
