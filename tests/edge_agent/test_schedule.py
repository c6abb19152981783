"""Calendar work: a boundary is posted once at its time, and anew after the clock stepped."""

import queue
import time
from collections.abc import Iterator

import pytest

from edge_agent.schedule import BoundaryDue, Due, Schedule


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
