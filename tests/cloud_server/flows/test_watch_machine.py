"""The centre's own watch, and the duty list that hears of what it finds."""

from pathlib import Path

from cloud_server.core.alarm_views import AlarmFilter
from cloud_server.core.message_settings import DutyPerson, StepSetting
from cloud_server.flows.alarm_life import raise_alarm
from cloud_server.flows.call_duty import DutyCaller
from cloud_server.flows.read_alarms import AlarmOffice
from cloud_server.flows.watch_machine import MachineWatch
from cloud_server.ports.messages import ModemState
from protocol.records import Subject
from tests.cloud_server.messages.outbox_rig import OutboxRig, served_street
from tests.cloud_server.site_rig import CASHIER, open_rig
from tests.cloud_server.street import box_id, meter_id

DAY = 86_400_000
GB = 1_000_000_000


def test_disk_certificate_clock_and_modem(tmp_path: Path) -> None:
    with open_rig(tmp_path) as rig:
        rig.plan()
        office = AlarmOffice(rig.centre)
        free, monotonic = [5 * GB], [0]
        ends = rig.clock.now_ms + 100 * DAY
        watch = MachineWatch(
            rig.centre,
            free_bytes=lambda: free[0],
            certificate_ends_ms=lambda: ends,
            monotonic_ms=lambda: monotonic[0],
        )

        def standing(after_ms: int = 60_000, leap_ms: int = 0) -> set[str]:
            rig.clock.advance(after_ms + leap_ms)
            monotonic[0] += after_ms
            watch.look()
            return {entry.kind for entry in office.page(AlarmFilter()).entries}

        assert standing() == set()
        free[0] = GB - 1
        assert standing() == {"disk"}
        free[0] = GB + GB // 10
        assert standing() == {"disk"}
        free[0] = 2 * GB
        assert standing() == set()
        assert standing(leap_ms=-90_000) == {"clock_step"}
        assert standing(after_ms=1_800_000) == {"clock_step"}
        assert standing(after_ms=1_900_000) == set()
        assert standing(after_ms=71 * DAY) == {"certificate_ending"}
        for after_ms, stands in ((0, False), (120_000, False), (61_000, True)):
            rig.clock.advance(after_ms)
            monotonic[0] += after_ms
            watch.modem_seen(ModemState(problem="silent"))
            assert ("messages_stopped" in standing(0)) is stands
        watch.modem_seen(ModemState(problem="weak_signal"))
        assert standing() == {"certificate_ending"}


def test_a_dead_box_is_one_call_then_the_next_step_until_somebody_acknowledges(tmp_path: Path) -> None:
    with served_street(tmp_path, ways=("群",)) as rig:
        duty = duty_caller(rig)
        rig.settings(
            duty=(DutyPerson(name="张工", number="13900000001"), DutyPerson(name="李经理", number="13900000002")),
            steps=(StepSetting(after_min=0, names=("张工", "群")), StepSetting(after_min=15, names=("李经理",))),
        )
        with rig.site.store.write() as unit:
            raise_alarm(unit, "box_lost", rig.site.clock.now_ms, Subject(box=box_id(1)))
            for shop in (1, 2, 3):
                raise_alarm(unit, "meter_lost", rig.site.clock.now_ms, Subject(box=box_id(1), meter=meter_id(1, shop)))
        assert (duty.look(), duty.look()) == (2, 0)
        rig.turn()
        ((to, text),) = rig.texts()
        assert to == "13900000001"
        assert "告警（严重）：东街 A1 box_lost" in text
        assert [name for name, _, _ in rig.ways.sent] == ["群"]
        rig.site.clock.advance(16 * 60_000)
        assert duty.look() == 1
        rig.turn()
        assert [to for to, _ in rig.texts()] == ["13900000001", "13900000002"]
        office = AlarmOffice(rig.site.centre)
        office.acknowledge([entry.alarm for entry in office.page(AlarmFilter()).entries], "去看", CASHIER)
        rig.site.clock.advance(60_000)
        assert duty.look() == 0


def test_many_at_once_are_told_in_one_message(tmp_path: Path) -> None:
    with served_street(tmp_path) as rig:
        duty = duty_caller(rig)
        rig.settings(
            duty=(DutyPerson(name="张工", number="13900000001"),),
            steps=(StepSetting(after_min=0, names=("张工",)),),
        )
        kinds = ("disk", "backup_old", "relay_deaf", "register_held", "finding", "journal_stopped")
        with rig.site.store.write() as unit:
            for kind in kinds:
                raise_alarm(unit, kind, rig.site.clock.now_ms, Subject(box=box_id(1), meter=meter_id(1, 1)))  # type: ignore[arg-type]  # kinds by table
        assert duty.look() == 6
        rig.turn()
        ((_, text),) = rig.texts()
        assert all(f"{kind}×1" in text for kind in kinds)
        assert "（紧急）" in text
        assert duty.look() == 0


def duty_caller(rig: OutboxRig) -> DutyCaller:
    office = AlarmOffice(rig.site.centre)
    return DutyCaller(rig.site.centre, office, lambda kind, _: kind, rig.ways.names())
