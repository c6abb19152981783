"""What the centre tells about itself: a journal that cannot be written, and what pages show as a banner."""

from dataclasses import dataclass

from cloud_server.flows.alarm_life import clear_alarm, raise_alarm
from cloud_server.flows.centre import Centre


@dataclass(frozen=True, slots=True)
class SellingStopped:
    """Nothing is sold now; `why` is for people, to be shown on every page until it is over."""

    why: str


def selling_stopped(centre: Centre) -> SellingStopped | None:
    """Why selling is stopped, or None."""
    return SellingStopped(centre.journal.fault) if centre.journal.fault is not None else None


def watch_journal(centre: Centre) -> int:
    """Raise or clear `journal_stopped`; 1 where it changed."""
    now_ms = centre.clock.wall_ms()
    stopped = centre.journal.fault is not None
    with centre.store.read() as unit:
        stands = bool(unit.alarms.standing_alarms("journal_stopped"))
    if stopped == stands:
        return 0
    with centre.store.write() as unit:
        if stopped:
            raise_alarm(unit, "journal_stopped", now_ms)
        else:
            clear_alarm(unit, "journal_stopped", now_ms)
    centre.live.changed()
    return 1
