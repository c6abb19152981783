"""Calendar work: ends of intervals, housekeeping, setting the meters' clocks. Home of APScheduler on this side.

It only posts; the owner thread does the work. APScheduler waits on the wall clock, so after a step of that clock
everything is set anew. Each job is for one instant: of a job that comes again APScheduler lists every time that a step
ahead has passed over, and a clock that jumps by twenty years would fill the memory of a box with them.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta
from typing import Final

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger

HOUSEKEEPING_AT: Final = (3, 17)
"""Local hour and minute: no boundary of an interval or a rate lies there, and shops sleep."""
SET_CLOCKS_AT: Final = (4, 23)
LEAST_WAIT_MS: Final = 1
_BOUNDARY: Final = "boundary"
NEVER: Final = datetime(MAXYEAR, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class BoundaryDue:
    """An interval or a rate ends at this instant (UTC ms)."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class HousekeepingDue:
    """Once a day: old batches, the database's own check."""


@dataclass(frozen=True, slots=True)
class SetClocksDue:
    """Once a day: the meters' clocks."""


Due = BoundaryDue | HousekeepingDue | SetClocksDue

_DAILY: Final[dict[str, tuple[tuple[int, int], Due]]] = {
    "housekeeping": (HOUSEKEEPING_AT, HousekeepingDue()),
    "set_clocks": (SET_CLOCKS_AT, SetClocksDue()),
}


class Once(BaseTrigger):  # type: ignore[misc]  # the library has no types
    """One instant, then none that anybody lives to see. A job without any is taken away by APScheduler's thread, which
    dies of it where it is being stopped at that moment."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def get_next_fire_time(self, previous_fire_time: datetime | None, _now: datetime) -> datetime:
        """The instant, as long as it has not been."""
        return self._at if previous_fire_time is None else NEVER


class Schedule:
    """What is to come, by the wall clock."""

    def __init__(self, post: Callable[[Due], None], zone: str) -> None:
        """`post` is called on the scheduler's own thread and must not block."""
        # Its own words for a job that came and went are no events of ours.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._post = post
        self._scheduler = BackgroundScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        self._zone = zone
        self._daily()

    def start(self) -> None:
        """Begin to post."""
        self._scheduler.start()

    def stop(self) -> None:
        """Post no more."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def boundary_at(self, at_ms: int, in_ms: int) -> None:
        """Post `BoundaryDue` for this instant, `in_ms` from now by the box's own clock, instead of any other.

        Given as a stretch from now, since the box's clock and the scheduler's may differ (a demo steps the former).
        """
        once = Once(datetime.now(UTC) + timedelta(milliseconds=max(in_ms, LEAST_WAIT_MS)))
        self._scheduler.add_job(self._post, once, args=(BoundaryDue(at_ms),), id=_BOUNDARY, replace_existing=True)

    def set_anew(self, zone: str) -> None:
        """The wall clock stepped, or the site's zone changed: what was computed before does not hold."""
        self._zone = zone
        for job in self._scheduler.get_jobs():
            job.remove()
        self._daily()

    def _daily(self) -> None:
        for name in _DAILY:
            self._next_day(name)

    def _next_day(self, name: str) -> None:
        (hour, minute), _ = _DAILY[name]
        times = CronTrigger(hour=hour, minute=minute, timezone=self._zone)
        once = Once(times.get_next_fire_time(None, datetime.now(UTC)))
        self._scheduler.add_job(self._post_daily, once, args=(name,), id=name, replace_existing=True)

    def _post_daily(self, name: str) -> None:
        self._post(_DAILY[name][1])
        self._next_day(name)
