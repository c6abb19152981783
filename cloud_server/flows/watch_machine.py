"""The centre's watch on its own machine: room on disks, its certificate, leaps of its clock, its modem."""

from collections.abc import Callable
from typing import Final

from cloud_server.flows.alarm_life import clear_alarm, raise_alarm
from cloud_server.flows.centre import Centre
from cloud_server.ports.messages import ModemState
from protocol.records import AlarmKind, CentreAlarmKind
from protocol.units import Ms

DISK_LEAST_BYTES: Final = 1_000_000_000
"""A busy site writes a gigabyte in weeks: enough time for somebody to come."""
DISK_ENOUGH_BYTES: Final = 1_200_000_000
"""The alarm ends above the bound at which it begins, or it would flap with every file."""
CERTIFICATE_DAYS: Final = 30
CLOCK_LEAP_MS: Final = 5_000
"""NTP corrects by slewing; a step of seconds means that somebody, or a dead battery, set the clock."""
CLOCK_TOLD_MS: Final = 3_600_000
"""A leap is over at once; its alarm stands for an hour, so that somebody sees it."""
DAY_MS: Final = 86_400_000
MODEM_DEAD_AFTER_MS: Final = 180_000
"""A modem that is reset registers within a minute or two."""


class MachineWatch:
    """Looks each minute; raises and clears, each once. All readings come through functions that it is given."""

    def __init__(
        self, centre: Centre, *, free_bytes: Callable[[], int], certificate_ends_ms: Callable[[], Ms],
        monotonic_ms: Callable[[], int],
    ) -> None:  # fmt: skip
        self._centre = centre
        self._free_bytes = free_bytes
        self._certificate_ends_ms = certificate_ends_ms
        self._monotonic_ms = monotonic_ms
        self._clock: tuple[Ms, int] | None = None
        self._leapt_at: int | None = None
        self._modem_gone_since_ms: Ms | None = None

    def look(self) -> int:
        """How many alarms were raised or cleared."""
        now_ms = self._centre.clock.wall_ms()
        free = self._free_bytes()
        days = (self._certificate_ends_ms() - now_ms) // DAY_MS
        wanted: list[tuple[CentreAlarmKind | AlarmKind, bool, int | None]] = [
            ("certificate_ending", days < CERTIFICATE_DAYS, days),
            ("clock_step", self._leapt(now_ms), None),
        ]
        if not DISK_LEAST_BYTES <= free < DISK_ENOUGH_BYTES:
            wanted.append(("disk", free < DISK_LEAST_BYTES, free))
        return sum(self._stand(kind, stands=stands, now_ms=now_ms, value=value) for kind, stands, value in wanted)

    def _leapt(self, now_ms: Ms) -> bool:
        """Whether the wall clock went otherwise than time, at this look or at one within the last hour."""
        before, self._clock = self._clock, (now_ms, self._monotonic_ms())
        if before is not None and abs((now_ms - before[0]) - (self._clock[1] - before[1])) >= CLOCK_LEAP_MS:
            self._leapt_at = self._clock[1]
        return self._leapt_at is not None and self._clock[1] - self._leapt_at < CLOCK_TOLD_MS

    def modem_seen(self, state: ModemState) -> int:
        """Messages cannot go out for a while: an alarm, which of all alarms must leave by other ways."""
        now_ms = self._centre.clock.wall_ms()
        if state.sends:
            self._modem_gone_since_ms = None
            return self._stand("messages_stopped", stands=False, now_ms=now_ms, value=None)
        since_ms = self._modem_gone_since_ms if self._modem_gone_since_ms is not None else now_ms
        self._modem_gone_since_ms = since_ms
        return self._stand(
            "messages_stopped", stands=now_ms - since_ms >= MODEM_DEAD_AFTER_MS, now_ms=now_ms, value=None
        )

    def _stand(self, kind: CentreAlarmKind | AlarmKind, *, stands: bool, now_ms: Ms, value: int | None) -> int:
        """Bring the alarm to where it should be. Written only where it is not there yet."""
        with self._centre.store.read() as unit:
            if bool([box for box, _ in unit.alarms.standing_alarms(kind) if not box]) == stands:
                return 0
        with self._centre.store.write() as unit:
            changed = raise_alarm(unit, kind, now_ms, value=value) if stands else clear_alarm(unit, kind, now_ms)
        self._centre.live.changed()
        return int(changed)
