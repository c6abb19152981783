"""The nightly backup: made by itself, remembered, and missed aloud when the last good one is too old."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cloud_server.flows.alarm_life import clear_alarm, raise_alarm
from cloud_server.flows.centre import Centre
from cloud_server.ports.memory import BackupMaker, BackupNotMade, BackupRow

HOUR_MS: Final = 3_600_000
OLD_AFTER_MS: Final = 26 * HOUR_MS
"""A day and two hours: one missed night is told on the next morning."""
DAY_MS: Final = 24 * HOUR_MS
NIGHT_ENDS_HOUR: Final = 6
"""By itself between midnight and six of the site's clock, when little is sold; by day only where a night was missed."""
AGAIN_AFTER_MS: Final = HOUR_MS
"""After a failure the next try comes an hour later."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BackupState:
    """What a page shows: whether backups are set up, the newest good one, and why the newest try failed."""

    configured: bool
    good: BackupRow | None
    fault: str | None
    is_old: bool


class BackupKeeper:
    """Makes and watches backups. `maker` is None where the configuration names no place for them."""

    def __init__(self, centre: Centre, maker: BackupMaker | None) -> None:
        self._centre = centre
        self._maker = maker

    def look(self) -> int:
        """Make a backup where one is due, and say aloud when the last good one is too old; how many were made."""
        made = 1 if self._due() and self.make() is None else 0
        self._watch()
        return made

    def make(self) -> str | None:
        """Make one now; why it failed, or None."""
        if self._maker is None:
            return "no place for backups is configured: [backup] folder and passphrase_file"
        began_ms = self._centre.clock.wall_ms()
        file, size_bytes, fault = "", 0, None
        try:
            file, size_bytes = self._maker.make(began_ms)
            log.info("backup_made", extra={"file": file, "bytes": size_bytes})
        except BackupNotMade as not_made:
            fault = str(not_made)
            log.error("backup_failed", extra={"fault": fault})
        ended_ms = self._centre.clock.wall_ms()
        row = BackupRow(self._centre.new_id(), began_ms, ended_ms, file, size_bytes, fault)
        with self._centre.store.write() as unit:
            unit.memory.add_backup(row)
        self._watch()
        return fault

    def state(self) -> BackupState:
        """How backups stand."""
        now_ms = self._centre.clock.wall_ms()
        with self._centre.store.read() as unit:
            good, newest = unit.memory.newest_backup(good_only=True), unit.memory.newest_backup(good_only=False)
            since_ms = int(unit.site.fact("set_up_at_ms") or now_ms)
        age_ms = now_ms - (good.ended_at_ms if good is not None else since_ms)
        fault = newest.fault if newest is not None else None
        return BackupState(self._maker is not None, good, fault, is_old=age_ms > OLD_AFTER_MS)

    def _due(self) -> bool:
        if self._maker is None:
            return False
        now_ms = self._centre.clock.wall_ms()
        with self._centre.store.read() as unit:
            good, newest = unit.memory.newest_backup(good_only=True), unit.memory.newest_backup(good_only=False)
        if newest is not None and newest.fault is not None and now_ms - newest.ended_at_ms < AGAIN_AFTER_MS:
            return False
        if good is None or now_ms - good.ended_at_ms > DAY_MS:
            return True
        at_night = datetime.fromtimestamp(now_ms / 1000, self._centre.zone).hour < NIGHT_ENDS_HOUR
        return at_night and self._centre.day_of(good.ended_at_ms) != self._centre.day_of(now_ms)

    def _watch(self) -> None:
        state, now_ms = self.state(), self._centre.clock.wall_ms()
        with self._centre.store.write() as unit:
            if state.is_old:
                since = state.good.ended_at_ms if state.good is not None else int(unit.site.fact("set_up_at_ms") or 0)
                changed = raise_alarm(unit, "backup_old", now_ms, value=(now_ms - since) // HOUR_MS)
            else:
                changed = clear_alarm(unit, "backup_old", now_ms)
        if changed:
            self._centre.live.changed()
