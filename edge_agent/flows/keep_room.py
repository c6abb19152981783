"""Room for what has to be written: alarms before it ends, old batches let go, and the ballast given up for money.

What goes, in order: the agent keeps no diagnostics on the disk but `link` records, which are part of signed batches;
so acknowledged batches go, oldest first, down to the floor. What the centre has not acknowledged never goes.
"""

import logging
from dataclasses import dataclass
from typing import Final

from edge_agent.core.room import ROOMY_BYTES, is_nearly_full, judge_room, keep_from_ms
from edge_agent.flows.box import Box
from edge_agent.ports import Disk, StoreFull

LOOK_EVERY_MS: Final = 60_000
"""How often the disk is looked at: it fills by megabytes a day."""
FAILING_FOR_MS: Final = 60_000
"""After a write that found no room, so long without another one clears the alarm."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class RoomKeeper:
    """Minds one disk. Without one (`disk` None) nothing is looked at but writes that fail."""

    box: Box
    disk: Disk | None = None
    _looked_at: int | None = None
    _failed_at: int | None = None

    def __post_init__(self) -> None:
        self.box.more_room = self.give_up_ballast

    def failed(self, fault: StoreFull) -> None:
        """A write found no room: told of at once in the log, and in an alarm as soon as one can be written."""
        if self._failed_at is None:
            log.error("store_full", extra={"fields": {"reason": str(fault)}})
        self._failed_at = self.box.clock.mono_ms()
        self.box.state.no_room = True

    def look(self) -> None:
        """Alarms as they should stand; once a minute the disk. Raises StoreFull where even that cannot wait."""
        now = self.box.clock.mono_ms()
        if self._failed_at is not None and now - self._failed_at >= FAILING_FOR_MS:
            log.info("store_has_room", extra={"fields": {}})
            self._failed_at = None
            self.box.state.no_room = False
        failing = self._failed_at is not None
        told = "store_full" in self.box.state.marks.alarms
        if failing == told and self._looked_at is not None and now - self._looked_at < LOOK_EVERY_MS:
            return
        self._looked_at = now
        free = ROOMY_BYTES if self.disk is None else self.disk.free_bytes()
        if self.disk is not None and free > ROOMY_BYTES:
            self.disk.hold_ballast()
        box = self.box
        box.take(judge_room(box.place, box.state.marks, free, failing=failing, now=box.now()))
        if is_nearly_full(box.state.marks, free):
            self.thin_out()

    def thin_out(self) -> None:
        """Let acknowledged batches go that are older than they have to be kept."""
        nearly_full = "store_nearly_full" in self.box.state.marks.alarms
        days = self.box.state.config.defaults.retain_days
        gone = self.box.store.thin_out(keep_from_ms(days, nearly_full=nearly_full, now=self.box.now()))
        if gone or not nearly_full:
            log.info("housekeeping", extra={"fields": {"batches_thinned": gone, "nearly_full": nearly_full}})

    def give_up_ballast(self) -> bool:
        """Make room for a money command that found none; whether there was any to make."""
        gave = self.disk is not None and self.disk.drop_ballast()
        if gave:
            log.warning("ballast_given_up", extra={"fields": {}})
        return gave
