"""The owner thread: boundaries, clock steps, urgent things, a full disk, signs of life, a tidy end."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from edge_agent.agent.owner import FromBus
from edge_agent.core.decision import Decision
from edge_agent.core.measured import FaultKind
from edge_agent.ports import BoundaryDone, CycleDone, ExchangeAnswered, FaultReport, StoreFull
from edge_agent.schedule import BoundaryDue, HousekeepingDue
from protocol.box_config import text_hash
from protocol.commands import Configure
from protocol.config_text import write_config
from protocol.envelope import Line
from protocol.messages import ChainHead, read_records
from protocol.payload import decode
from protocol.records import Alarm, ClockStep, Link, MeterEvent, Record
from protocol.units import DAY_MS
from tests.edge_agent.agent.owner_rig import OwnerRig, owner_rig
from tests.edge_agent.core.street import BUS, METERS, WALLETS, YUAN, box_config, meter_config
from tests.edge_agent.rig import START_MS
from tests.edge_agent.whole_box.whole_box import grant_of

HALF_HOUR_MS = 1_800_000


def note(o: OwnerRig, urgent: bool = False) -> None:
    event = MeterEvent(at_ms=o.a.clock.wall, meter=METERS[0], event="back")
    o.a.box.take(Decision(records=(event,), urgent=urgent))


def records(o: OwnerRig) -> list[Record]:
    sealed = [record for batch in o.a.batches() for record in read_records(batch)]
    return sealed + [decode(pending.raw, Record) for pending in o.a.store.pending(1_000)]


# --- boundaries -----------------------------------------------------------------------------------------------------


def test_at_a_boundary_all_meters_are_read_and_the_next_one_is_set(tmp_path: Path) -> None:
    with owner_rig(tmp_path, box_config((meter_config(0), meter_config(1)))) as o:
        asked: list[tuple[int, list[str]]] = []
        o.a.bus.boundary = lambda at_wall_ms, meters: asked.append((at_wall_ms, list(meters)))  # type: ignore[method-assign]  # looks over the loop's shoulder
        assert o.schedule.boundaries == [START_MS + HALF_HOUR_MS]
        o.a.clock.go_on(HALF_HOUR_MS)
        o.give(BoundaryDue(START_MS + HALF_HOUR_MS))
        assert asked == [(START_MS + HALF_HOUR_MS, [METERS[0], METERS[1]])]
        assert o.schedule.boundaries[-1] == START_MS + 2 * HALF_HOUR_MS


def tally(o: OwnerRig) -> None:
    o.give(FromBus(BUS, CycleDone("A1", 1, o.a.clock.mono, 900, {METERS[0]: 40})))
    o.give(FromBus(BUS, FaultReport("A1", METERS[0], FaultKind.CRC, o.a.clock.mono, "")))
    o.give(FromBus(BUS, FaultReport("A1", METERS[0], FaultKind.CRC, o.a.clock.mono, "")))


@pytest.mark.parametrize("seconds_late", [0, 20], ids=["all buses done", "one bus never done"])
def test_a_boundary_ends_with_link_records_and_is_sealed(tmp_path: Path, seconds_late: int) -> None:
    with owner_rig(tmp_path) as o:
        o.confirm()
        tally(o)
        at_ms = START_MS + HALF_HOUR_MS
        o.a.clock.go_on(HALF_HOUR_MS)
        o.give(BoundaryDue(at_ms))
        before = len(o.a.batches())
        if seconds_late:
            o.seconds(seconds_late)
        else:
            o.give(FromBus(BUS, BoundaryDone("A1", at_ms, ())))
        links = [record for record in records(o) if isinstance(record, Link)]
        assert [(link.meter, link.tries, link.faults) for link in links] == [(METERS[0], 40, {"crc": 2})]
        assert len(o.a.batches()) == before + 1
        o.a.clock.go_on(HALF_HOUR_MS)
        o.give(BoundaryDue(at_ms + HALF_HOUR_MS))
        o.give(FromBus(BUS, BoundaryDone("A1", at_ms, ())))
        assert len(o.a.batches()) == before + 1, "an old boundary's end is not the new one's"


# --- time -----------------------------------------------------------------------------------------------------------


def clock_alarms(o: OwnerRig) -> list[tuple[str, str]]:
    found = [record for record in records(o) if isinstance(record, Alarm) and record.alarm.startswith("clock_")]
    return [(record.alarm, record.state) for record in found]


@pytest.mark.parametrize("step_ms", [3_600_000, -3_600_000, 2_000])
def test_a_jump_of_the_wall_clock_is_recorded_and_the_calendar_set_anew(tmp_path: Path, step_ms: int) -> None:
    with owner_rig(tmp_path) as o:
        o.seconds(3)
        zones = len(o.schedule.zones)
        o.a.clock.wall += step_ms
        assert not o.a.box.now().sure, "from the first moment on"
        o.seconds(1)
        (step,) = [record for record in records(o) if isinstance(record, ClockStep)]
        assert step.to_ms - step.from_ms == step_ms
        assert len(o.schedule.zones) == zones + 1
        assert o.schedule.boundaries[-1] > o.a.clock.wall
        o.seconds(3)
        assert len([record for record in records(o) if isinstance(record, ClockStep)]) == 1
        assert clock_alarms(o) == [("clock_unsure", "raised")]


def test_a_clock_that_jumped_is_believed_again_when_it_comes_back(tmp_path: Path) -> None:
    with owner_rig(tmp_path) as o:
        o.seconds(3)
        o.a.clock.wall += 3_600_000
        o.seconds(5)
        o.a.clock.wall -= 3_600_000
        o.seconds(2)
        assert o.a.box.now().sure
        assert clock_alarms(o) == [("clock_unsure", "raised"), ("clock_unsure", "cleared")]


def test_a_clock_that_was_put_right_is_believed_when_the_centre_agrees(tmp_path: Path) -> None:
    with owner_rig(tmp_path) as o:
        o.seconds(3)
        o.a.clock.wall += 60_000
        o.seconds(2)
        assert not o.a.box.now().sure
        o.a.deliver(o.a.answer_line(server_time_ms=o.a.clock.wall - 40))
        o.seconds(1)
        assert o.a.box.now().sure
        assert clock_alarms(o)[-1] == ("clock_unsure", "cleared")


def test_a_centre_whose_time_is_far_away_changes_nothing_and_that_is_an_alarm(tmp_path: Path) -> None:
    with owner_rig(tmp_path) as o:
        o.confirm()
        o.seconds(2)
        o.a.deliver(o.a.answer_line(server_time_ms=o.a.clock.wall - 301_000))
        o.seconds(2)
        assert o.a.box.now().sure
        assert clock_alarms(o) == [("clock_disagrees", "raised")]


@pytest.mark.parametrize("wrong_ms", [3_600_000, -3_600_000, -START_MS, 4_070_908_800_000 - START_MS])
def test_a_clock_that_is_not_believed_is_put_right_by_a_fresh_answer(tmp_path: Path, wrong_ms: int) -> None:
    """An hour either way, 1970, 2099: recorded with its source, the calendar set anew, believed from then on."""
    with owner_rig(tmp_path) as o:
        o.confirm()
        o.seconds(2)
        o.a.clock.wall += wrong_ms
        o.seconds(11)
        assert not o.a.box.now().sure
        exchange = o.a.uplink.sent[-1]
        assert not exchange.trust_dates
        right = o.a.clock.wall - wrong_ms
        o.a.deliver(o.a.answer_line(server_time_ms=right))
        assert abs(o.a.clock.wall - right) <= 5
        assert o.a.box.now().sure
        o.seconds(1)
        steps = [record for record in records(o) if isinstance(record, ClockStep)]
        assert [(step.source, step.to_ms - step.from_ms) for step in steps][-1] == ("server", -wrong_ms + 2)
        assert clock_alarms(o)[-1] == ("clock_unsure", "cleared")
        assert o.schedule.boundaries[-1] - o.a.clock.wall <= 1_800_000


def test_time_that_came_slowly_or_is_not_wanted_sets_nothing(tmp_path: Path) -> None:
    with owner_rig(tmp_path) as o:
        o.confirm()
        o.a.clock.wall += 3_600_000
        o.seconds(2)
        wrong = o.a.clock.wall
        slow = ExchangeAnswered(
            o.a.uplink.sent[-1].number, (o.a.answer_line(server_time_ms=wrong - 3_600_000),), 6_000, o.a.clock.mono
        )
        o.a.sync.answered(slow)
        assert o.a.clock.wall == wrong
        o.owner.clock_watch.follows_centre = False
        o.seconds(1)
        o.a.deliver(o.a.answer_line(server_time_ms=o.a.clock.wall - 3_600_000))
        assert not o.a.box.now().sure
        assert o.a.clock.wall >= wrong


def test_a_clock_that_drifts_is_led_back_and_no_interval_is_parted(tmp_path: Path) -> None:
    with owner_rig(tmp_path) as o:
        o.confirm()
        away = 1_800
        for _ in range(6):
            o.seconds(1)
            o.a.deliver(o.a.answer_line(server_time_ms=o.a.clock.wall - away))
            away = max(away - 500, 300)
        assert o.a.box.now().sure
        assert o.a.clock.wall - o.a.clock.mono - (START_MS - 1_000_000) == -1_500
        assert not [record for record in records(o) if isinstance(record, ClockStep)]


def test_a_clock_that_is_disciplined_slowly_is_no_jump(tmp_path: Path) -> None:
    with owner_rig(tmp_path) as o:
        for _ in range(30):
            o.a.clock.wall += 500
            o.seconds(1)
        assert not [record for record in records(o) if isinstance(record, ClockStep)]


# --- sealing and asking ---------------------------------------------------------------------------------------------


def test_the_first_urgent_thing_goes_at_once_and_those_of_one_moment_share_a_batch(tmp_path: Path) -> None:
    with owner_rig(tmp_path) as o:
        o.confirm()
        o.a.clock.go_on(1_000)
        before = len(o.a.batches())
        note(o, urgent=True)
        o.give()
        assert len(o.a.batches()) == before + 1
        for _ in range(5):
            o.a.clock.go_on(20)
            note(o, urgent=True)
            o.give()
        assert len(o.a.batches()) == before + 1
        assert o.owner._wait_ms() <= 200
        o.a.clock.go_on(200)
        o.give()
        assert len(o.a.batches()) == before + 2


def test_what_is_not_urgent_waits_for_the_boundary_or_a_full_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.agent.owner.RECORDS_MAX", 5)
    with owner_rig(tmp_path) as o:
        o.confirm()
        before = len(o.a.batches())
        for _ in range(4):
            note(o)
        o.seconds(3)
        assert len(o.a.batches()) == before
        note(o)
        o.seconds(2)
        assert len(o.a.batches()) == before + 1


def test_before_the_head_is_confirmed_urgent_things_neither_seal_nor_spin(tmp_path: Path) -> None:
    with owner_rig(tmp_path) as o:
        note(o, urgent=True)
        o.give()
        assert o.a.batches() == []
        assert o.owner._wait_ms() > 500


def test_a_new_configuration_reaches_buses_and_calendar(tmp_path: Path) -> None:
    with owner_rig(tmp_path) as o:
        o.confirm()
        text = write_config(box_config((meter_config(0), meter_config(1))))
        _deliver(o, o.a.command(Configure(config_version=2, config=text, hash=text_hash(text))))
        assert o.buses.followed[-1] == 2
        assert o.a.box.buses == o.buses.workers


def _deliver(o: OwnerRig, *lines: Line) -> None:
    o.a.clock.go_on(1_000)
    o.give()
    o.a.deliver(*lines, o.a.answer_line())
    o.give()


# --- faults ---------------------------------------------------------------------------------------------------------


def test_a_disk_without_room_stops_nothing_and_the_command_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with owner_rig(tmp_path) as o:
        o.confirm()
        line = o.a.command(grant_of(0, 5, 1))
        commit = o.a.store.commit

        def full(decision: Decision, lines: Sequence[Line] = ()) -> None:
            raise StoreFull("the disk takes no writes")

        monkeypatch.setattr(o.a.store, "commit", full)
        o.a.clock.go_on(1_000)
        o.give()
        exchange = o.a.uplink.sent[-1]
        o.give(ExchangeAnswered(exchange.number, (line, o.a.answer_line()), 5, o.a.clock.mono))
        sent = len(o.a.uplink.sent)
        o.give()
        assert len(o.a.uplink.sent) == sent, "a full disk is not asked at network speed"
        o.seconds(2)
        assert len(o.a.uplink.sent) == sent + 1
        assert o.a.box.state.wallets[WALLETS[0]].state.book_micro == 0
        monkeypatch.setattr(o.a.store, "commit", commit)
        o.a.deliver(line, o.a.answer_line())
        assert o.a.box.state.wallets[WALLETS[0]].state.book_micro == 5 * YUAN


def test_the_watchdog_is_fed_only_while_every_worker_moves(tmp_path: Path) -> None:
    with owner_rig(tmp_path) as o:
        o.seconds(1)
        assert o.watchdog.told.count("WATCHDOG=1") == 1
        o.a.clock.go_on(61_000)
        o.a.uplink.last_progress_mono_ms = o.a.clock.mono
        o.give()
        o.seconds(2)
        assert o.watchdog.told.count("WATCHDOG=1") == 1, "the bus has not moved"
        assert (tmp_path / "ended").read_text() == "watchdog"
        o.a.bus.last_progress_mono_ms = o.a.clock.mono
        o.seconds(1)
        assert o.watchdog.told.count("WATCHDOG=1") == 2


def test_housekeeping_thins_what_is_older_than_the_retention(tmp_path: Path) -> None:
    with owner_rig(tmp_path, box_config(retain_days=90)) as o:
        o.confirm()
        for _ in range(3):
            note(o, urgent=True)
            o.a.clock.go_on(1_000)
            o.confirm()
        kept = len(o.a.batches())
        o.give(HousekeepingDue())
        assert len(o.a.batches()) == kept
        o.a.clock.go_on(91 * DAY_MS)
        o.give(HousekeepingDue())
        assert o.a.batches()[0].seq == kept, "the newest acknowledged one stays"


def test_the_end_seals_gives_the_centre_a_moment_and_is_marked_clean(tmp_path: Path) -> None:
    with owner_rig(tmp_path) as o:
        o.confirm()
        note(o)
        sent = len(o.a.uplink.sent)
        o.owner.inbox.put(FromBus(BUS, CycleDone("A1", 1, o.a.clock.mono, 1, {})))
        o.a.clock.go_on(10)
        o.owner.marks.begin("b" * 32, "test")
        monotonic = o.a.clock.mono_ms
        o.a.clock.mono_ms = lambda: (o.a.clock.go_on(100), monotonic())[1]  # type: ignore[method-assign, func-returns-value]  # time passes while the loop waits
        o.owner.end()
        assert o.a.store.pending_count() == 0
        assert len(o.a.uplink.sent) == sent + 1
        assert o.watchdog.told[-1] == "STOPPING=1"
        assert (tmp_path / "ended").read_text() == "clean"


def test_an_alarm_stands_while_no_fresh_answer_comes_or_commands_are_held_back(tmp_path: Path) -> None:
    def alarms(o: OwnerRig) -> list[str]:
        return [record.state for record in records(o) if isinstance(record, Alarm) and record.alarm == "link_frozen"]

    with owner_rig(tmp_path, box_config(frozen_after_s=3_600)) as o:
        o.confirm()
        o.a.clock.go_on(3_601_000)
        o.give()
        assert alarms(o) == ["raised"]
        held_back = ChainHead(seq=7, hash="7" * 64)
        o.a.deliver(o.a.answer_line(command_head=held_back))
        o.seconds(2)
        assert alarms(o) == ["raised"], "the answer names commands that did not come"
        o.a.deliver(o.a.answer_line())
        o.seconds(2)
        assert alarms(o) == ["raised", "cleared"]
        assert o.a.box.state.marks.alarms == ()
