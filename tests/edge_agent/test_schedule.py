"""Calendar work: a boundary is posted once at its time, and anew after the clock stepped."""

import queue
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from apscheduler.triggers.cron import CronTrigger

from edge_agent import schedule as calendar
from edge_agent.schedule import BoundaryDue, Due, HousekeepingDue, Schedule, SetClocksDue


@pytest.fixture
def posted() -> "queue.SimpleQueue[Due]":
    return queue.SimpleQueue()


@pytest.fixture
def schedule(posted: "queue.SimpleQueue[Due]") -> Iterator[Schedule]:
    found = Schedule(posted.put, "Asia/Shanghai")
    found.start()
    yield found
    found.stop()


def test_a_boundary_is_posted_after_its_time_and_not_before(
    schedule: Schedule, posted: "queue.SimpleQueue[Due]"
) -> None:
    began = time.monotonic()
    schedule.boundary_at(1_234, 300)
    assert posted.get(timeout=30) == BoundaryDue(1_234)
    assert time.monotonic() - began >= 0.29


def test_a_later_wish_replaces_an_earlier_one(schedule: Schedule, posted: "queue.SimpleQueue[Due]") -> None:
    schedule.boundary_at(1, 60_000)
    schedule.boundary_at(2, 100)
    assert posted.get(timeout=30) == BoundaryDue(2)


def test_one_that_has_passed_is_posted_at_once(schedule: Schedule, posted: "queue.SimpleQueue[Due]") -> None:
    schedule.boundary_at(1, -5_000)
    assert posted.get(timeout=30) == BoundaryDue(1)


def test_after_a_step_of_the_clock_only_what_is_set_anew_is_to_come(
    schedule: Schedule, posted: "queue.SimpleQueue[Due]"
) -> None:
    schedule.boundary_at(1, 200)
    schedule.set_anew("Asia/Shanghai")
    schedule.boundary_at(2, 400)
    assert posted.get(timeout=30) == BoundaryDue(2)
    schedule.stop()
    schedule.stop()
    assert posted.empty()


def test_a_step_ahead_by_decades_passes_over_one_time_of_each_job(schedule: Schedule) -> None:
    """Of a job that comes again, APScheduler lists each time that was passed over: millions, in the memory of a box."""
    schedule.boundary_at(1, 60_000)
    jobs = schedule._scheduler.get_jobs()
    assert {job.id for job in jobs} == {"boundary", "housekeeping", "set_clocks"}
    far = datetime(2099, 1, 1, tzinfo=UTC)
    assert all(job.trigger.get_next_fire_time(job.next_run_time, far) > far for job in jobs)


def test_what_is_due_each_day_comes_again(monkeypatch: pytest.MonkeyPatch, posted: "queue.SimpleQueue[Due]") -> None:
    monkeypatch.setattr(calendar, "CronTrigger", lambda **_: CronTrigger(second="*", timezone=UTC))
    found = Schedule(posted.put, "Asia/Shanghai")
    found.start()
    try:
        came = [posted.get(timeout=30) for _ in range(6)]
    finally:
        found.stop()
    assert came.count(HousekeepingDue()) >= 2
    assert came.count(SetClocksDue()) >= 2
