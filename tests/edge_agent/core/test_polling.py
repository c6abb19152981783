"""Whom to ask next: tables of rounds with live, failing and dead meters, wishes, orders and boundaries."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection

import pytest

from edge_agent.core import polling_events as events
from edge_agent.core.measured import ReadPurpose
from edge_agent.core.polling import (
    Ask,
    BeginCycle,
    EndOfBoundary,
    EndOfCycle,
    Part,
    Polling,
    PollingLimits,
    Rest,
    Switch,
    choose,
)

LIMITS = PollingLimits(tries_in_round=2, lost_after_tries=4, back_off_first_ms=1_000, back_off_most_ms=8_000)
NO_JITTER = 0.5
ANSWER_MS = 50
SILENCE_MS = 250


def street(*meters: str, poll_ms: int = 0, detail_ms: int = 60_000, details: int = 0) -> Polling:
    return events.with_meters(Polling(LIMITS), [(meter, poll_ms, detail_ms, details) for meter in meters], 0)


class Bus:
    """Plays a worker on virtual time: who is dead, what was done, and how long it took."""

    def __init__(self, polling: Polling, dead: Collection[str] = (), late_window_ms: int = 0) -> None:
        self.polling = polling
        self.dead = set(dead)
        self.late_window_ms = late_window_ms
        self.now_ms = 0
        self.done: list[str] = []
        self.cycles: list[list[str]] = [[]]
        self.cycle_ms: list[int] = []
        self._began_ms = 0

    def step(self) -> None:
        choice = choose(self.polling, self.now_ms)
        if isinstance(choice, BeginCycle):
            self.polling = events.begin_cycle(self.polling)
            self._began_ms = self.now_ms
        elif isinstance(choice, EndOfCycle):
            self.polling = events.end_cycle(self.polling)
            self.cycles.append([])
            self.cycle_ms.append(self.now_ms - self._began_ms)
        elif isinstance(choice, Rest):
            assert choice.until_ms is not None
            assert choice.until_ms > self.now_ms
            self.now_ms = choice.until_ms
        elif isinstance(choice, Switch):
            self.done.append(f"switch {choice.meter}")
            self.polling = events.without_order(self.polling, choice.meter)
        elif isinstance(choice, EndOfBoundary):
            self.done.append(f"boundary {choice.at_ms} without {','.join(choice.missed)}")
            self.polling = events.without_boundary(self.polling, choice.at_ms)
        else:
            self.ask(choice)

    def ask(self, ask: Ask) -> None:
        name = ask.meter if ask.part is Part.ENFORCEMENT else f"{ask.meter}/{ask.part.value}{ask.detail}"
        self.done.append(name)
        self.cycles[-1].append(name)
        if ask.meter in self.dead:
            self.now_ms += SILENCE_MS
            closed_until_ms = self.now_ms + self.late_window_ms
            self.polling = events.failed(self.polling, ask, self.now_ms, closed_until_ms, NO_JITTER)
        else:
            self.now_ms += ANSWER_MS
            self.polling = events.answered(self.polling, ask, self.now_ms)

    def run(self, until: Callable[[Bus], bool]) -> Bus:
        for _ in range(100_000):
            if until(self):
                return self
            self.step()
        raise AssertionError("the bus never came there")

    def run_cycles(self, count: int) -> Bus:
        wanted = len(self.cycle_ms) + count
        return self.run(lambda bus: len(bus.cycle_ms) >= wanted)


def test_a_round_asks_every_meter_once_in_order() -> None:
    bus = Bus(street("a", "b", "c")).run_cycles(3)
    assert bus.cycles[:3] == [["a", "b", "c"]] * 3


def test_an_empty_bus_rests_until_somebody_asks() -> None:
    assert choose(Polling(), 0) == Rest(None)


def test_a_meter_with_a_pace_is_left_alone_between() -> None:
    polling = events.with_meters(Polling(LIMITS), [("slow", 1_000, 60_000, 0), ("fast", 0, 60_000, 0)], 0)
    bus = Bus(polling).run(lambda bus: bus.now_ms > 10_000)
    assert 9 <= bus.done.count("slow") <= 11
    assert bus.done.count("fast") > 150


def test_all_meters_at_their_pace_let_the_bus_rest() -> None:
    bus = Bus(street("a", "b", poll_ms=1_000)).run(lambda bus: bus.now_ms > 10_000)
    assert abs(bus.done.count("a") - bus.done.count("b")) <= 1
    assert 9 <= bus.done.count("a") <= 11


class TestTheDead:
    def test_a_failing_meter_stays_in_the_round_for_its_tries(self) -> None:
        bus = Bus(street("a", "b", "c"), dead=["b"]).run_cycles(2)
        assert bus.cycles[:2] == [["a", "b", "c"]] * 2

    def test_then_it_is_probed_with_growing_pauses_up_to_the_most(self) -> None:
        bus = Bus(street("a", "dead"), dead=["dead"])
        tries: list[int] = []
        while bus.now_ms < 60_000:
            before = len(bus.done)
            bus.step()
            if bus.done[before:] == ["dead"]:
                tries.append(bus.now_ms - SILENCE_MS)
        pauses = [after - before - SILENCE_MS for before, after in itertools.pairwise(tries[1:])]
        for pause, least in zip(pauses, [1_000, 2_000, 4_000, 8_000, 8_000], strict=False):
            assert least <= pause <= least + 2 * ANSWER_MS

    def test_many_dead_cost_at_most_one_probe_a_cycle(self) -> None:
        live = [f"live{number}" for number in range(9)]
        dead = [f"dead{number}" for number in range(11)]
        bus = Bus(street(*live, *dead), dead=dead).run_cycles(40)
        for cycle in bus.cycles[LIMITS.tries_in_round : -1]:
            assert sum(name in dead for name in cycle) <= 1
            assert [name for name in cycle if name in live] == live

    def test_every_dead_meter_has_its_turn(self) -> None:
        dead = [f"dead{number}" for number in range(11)]
        bus = Bus(street("live", *dead), dead=dead).run_cycles(300)
        late = [name for cycle in bus.cycles[100:] for name in cycle]
        assert all(name in late for name in dead)

    def test_two_dead_of_twenty_cost_little_in_steady_state(self) -> None:
        """The gate: at most 2 %, with the time-outs and pauses that the agent uses."""
        names = [f"m{number}" for number in range(20)]
        polling = events.with_meters(Polling(PollingLimits()), [(name, 0, 60_000, 0) for name in names], 0)
        dead = {"m3", "m11"}
        bus = Bus(polling, dead=dead, late_window_ms=2_000).run(lambda bus: bus.now_ms > 300_000)
        settled = len(bus.cycle_ms)
        bus.run(lambda bus: bus.now_ms > 900_000)
        cycles = bus.cycle_ms[settled:]
        assert sum(cycles) / len(cycles) <= 1.02 * 18 * ANSWER_MS

    def test_lost_at_its_limit_and_found_by_its_first_answer(self) -> None:
        bus = Bus(street("a", "b"), dead=["b"])
        bus.run(lambda bus: bus.done.count("b") == LIMITS.lost_after_tries - 1)
        assert not bus.polling.is_lost("b")
        bus.run(lambda bus: bus.done.count("b") == LIMITS.lost_after_tries)
        assert bus.polling.is_lost("b")
        bus.dead.clear()
        bus.run(lambda bus: bus.done.count("b") == LIMITS.lost_after_tries + 1)
        assert not bus.polling.is_lost("b")
        assert bus.polling.is_live("b")
        bus.run_cycles(2)
        assert bus.cycles[-2] == ["a", "b"]

    def test_a_bus_that_comes_back_lets_nobody_wait(self) -> None:
        names = [f"m{number}" for number in range(5)]
        bus = Bus(street(*names), dead=names).run(lambda bus: bus.now_ms > 120_000)
        bus.dead.clear()
        bus.run(lambda bus: any(map(bus.polling.is_live, names)))
        found_ms = bus.now_ms
        bus.run(lambda bus: all(map(bus.polling.is_live, names)))
        assert bus.now_ms - found_ms < 2_000

    def test_details_fail_without_losing_the_meter(self) -> None:
        polling = street("a", details=1)
        for _ in range(10):
            polling = events.failed(polling, Ask("a", Part.DETAIL), 0, 0, NO_JITTER)
        assert polling.is_live("a")


@pytest.mark.parametrize(
    ("failures", "jitter", "pause_ms"),
    [
        (0, 0.5, 0),
        (1, 0.5, 0),
        (2, 0.5, 1_000),
        (3, 0.5, 2_000),
        (4, 0.5, 4_000),
        (5, 0.5, 8_000),
        (6, 0.5, 8_000),
        (500, 0.5, 8_000),
        (2, 0.0, 750),
        (2, 1.0, 1_250),
        (9, 1.0, 10_000),
    ],
)
def test_back_off_grows_is_capped_and_jittered(failures: int, jitter: float, pause_ms: int) -> None:
    assert events.back_off_ms(LIMITS, failures, jitter) == pause_ms


def test_a_meter_in_its_late_window_is_passed_over_and_not_waited_for() -> None:
    polling = events.closed(street("a", "b"), "a", 5_000)
    bus = Bus(polling).run(lambda bus: bus.now_ms >= 5_000)
    assert "a" not in bus.done
    assert bus.run_cycles(2).cycles[-2] == ["a", "b"]


class TestService:
    def test_orders_go_before_wishes_before_boundaries_before_the_round(self) -> None:
        polling = events.with_boundary(street("a", "b", "c", "d"), 1_800_000, ["c"], 0)
        polling = events.with_wishes(polling, ["b"], Part.ENFORCEMENT)
        polling = events.with_order(polling, "d")
        bus = Bus(events.begin_cycle(polling)).run_cycles(1)
        assert bus.done == ["switch d", "b", "c", "boundary 1800000 without ", "a", "d"]

    def test_what_was_read_on_demand_is_not_read_again_in_the_same_round(self) -> None:
        bus = Bus(street("a", "b", "c")).run(lambda bus: bus.done == ["a"])
        bus.polling = events.with_wishes(bus.polling, ["c"], Part.ENFORCEMENT)
        bus.run_cycles(1)
        assert bus.done == ["a", "c", "b"]

    def test_an_order_reaches_a_dead_meter_too(self) -> None:
        bus = Bus(street("a", "b"), dead=["b"]).run(lambda bus: bus.polling.is_lost("b"))
        polling = events.with_order(bus.polling, "b")
        assert choose(polling, bus.now_ms) == Switch("b")

    def test_an_order_waits_for_the_end_of_a_late_window_only(self) -> None:
        polling = events.with_order(events.closed(street("a"), "a", 700), "a")
        assert choose(polling, 699) == Rest(700)
        assert choose(polling, 700) == Switch("a")

    def test_a_wish_for_a_dead_meter_is_tried_once(self) -> None:
        bus = Bus(street("a", "b"), dead=["b"]).run(lambda bus: bus.polling.is_lost("b"))
        tried = bus.done.count("b")
        bus.polling = events.with_wishes(bus.polling, ["b"], Part.ENFORCEMENT)
        bus.step()
        assert bus.done.count("b") == tried + 1
        assert bus.polling.wishes == ()

    def test_unknown_meters_are_no_wish(self) -> None:
        assert events.with_wishes(street("a"), ["x"], Part.ENFORCEMENT).wishes == ()

    def test_a_serial_number_is_read_beside_the_round(self) -> None:
        bus = Bus(events.with_wishes(street("a"), ["a", "a"], Part.SERIAL)).run_cycles(1)
        assert bus.done == ["a/serial0", "a"]


class TestBoundaries:
    def test_all_are_read_and_none_twice(self) -> None:
        names = [f"m{number}" for number in range(20)]
        bus = Bus(street(*names)).run(lambda bus: len(bus.done) == 7)
        bus.polling = events.with_boundary(bus.polling, 99, names, bus.now_ms)
        began = len(bus.done)
        bus.run(lambda bus: bus.done[-1].startswith("boundary"))
        assert bus.done[began:] == [*names, "boundary 99 without "]

    def test_the_dead_and_the_unknown_are_missed_at_once(self) -> None:
        bus = Bus(street("a", "b"), dead=["b"]).run(lambda bus: bus.polling.is_lost("b"))
        bus.polling = events.with_boundary(bus.polling, 99, ["a", "b", "x"], bus.now_ms)
        began = len(bus.done)
        bus.run(lambda bus: bus.done[-1].startswith("boundary"))
        assert bus.done[began:] == ["a", "boundary 99 without x,b"]

    def test_one_that_fails_is_tried_again_after_its_late_window(self) -> None:
        limits = PollingLimits(tries_in_round=9, boundary_tries=3)
        polling = events.with_meters(Polling(limits), [("a", 10**6, 10**6, 0), ("b", 10**6, 10**6, 0)], 0)
        bus = Bus(events.with_boundary(polling, 99, ["a", "b"], 0), dead=["a"], late_window_ms=2_000)
        bus.run(lambda bus: bus.done[-1:] == ["b"])
        bus.dead.clear()
        bus.run(lambda bus: bus.done[-1].startswith("boundary"))
        assert bus.done == ["a", "b", "a", "boundary 99 without "]
        assert bus.now_ms >= 2_000

    def test_it_is_given_up_after_its_tries(self) -> None:
        limits = PollingLimits(tries_in_round=9, boundary_tries=3)
        polling = events.with_meters(Polling(limits), [("a", 10**6, 10**6, 0)], 0)
        bus = Bus(events.with_boundary(polling, 99, ["a"], 0), dead=["a"], late_window_ms=100)
        bus.run(lambda bus: bus.done[-1:] == ["boundary 99 without a"])
        assert bus.done.count("a") == 3

    def test_it_is_given_up_when_its_time_is_over(self) -> None:
        polling = events.closed(events.with_boundary(street("a", poll_ms=10**6), 99, ["a"], 0), "a", 10**6)
        bus = Bus(polling).run(lambda bus: bool(bus.done))
        assert bus.done == ["boundary 99 without a"]
        assert bus.now_ms == LIMITS.boundary_most_ms + 1

    def test_two_wishes_for_one_instant_are_one_boundary(self) -> None:
        polling = events.with_boundary(street("a", "b", "c"), 99, ["a", "b"], 0)
        bus = Bus(events.with_boundary(polling, 99, ["b", "c"], 0))
        bus.run(lambda bus: bool(bus.done) and bus.done[-1].startswith("boundary"))
        assert sorted(bus.done) == ["a", "b", "boundary 99 without ", "c"]

    def test_a_reading_names_its_boundary(self) -> None:
        choice = choose(events.with_boundary(street("a"), 99, ["a"], 0), 0)
        assert choice == Ask("a", Part.ENFORCEMENT, ReadPurpose.BOUNDARY, boundary_at_ms=99)


class TestDetails:
    def test_a_busy_round_reads_few_of_them(self) -> None:
        names = [f"m{number}" for number in range(10)]
        bus = Bus(street(*names, details=3)).run_cycles(20)
        for cycle in bus.cycles[:-1]:
            assert sum("/detail" in name for name in cycle) <= LIMITS.details_per_cycle

    def test_each_is_read_at_its_pace(self) -> None:
        names = [f"m{number}" for number in range(5)]
        bus = Bus(street(*names, details=2, detail_ms=10_000)).run(lambda bus: bus.now_ms > 100_000)
        for name in names:
            for number in range(2):
                assert 9 <= bus.done.count(f"{name}/detail{number}") <= 11

    def test_between_rounds_there_is_time_for_all(self) -> None:
        names = [f"m{number}" for number in range(5)]
        bus = Bus(street(*names, poll_ms=5_000, details=2)).run(lambda bus: bus.now_ms > 1_500)
        assert sum("/detail" in name for name in bus.done) == 10


class TestAnotherList:
    def test_what_is_known_of_those_that_stay_is_kept(self) -> None:
        bus = Bus(street("a", "b"), dead=["b"]).run(lambda bus: bus.polling.is_lost("b"))
        polling = events.with_meters(bus.polling, [("b", 0, 60_000, 0), ("c", 0, 60_000, 0)], bus.now_ms)
        assert polling.is_lost("b")
        assert polling.is_live("c")
        assert list(polling.meters) == ["b", "c"]

    def test_what_was_wanted_of_those_that_go_is_forgotten(self) -> None:
        polling = events.with_order(events.with_wishes(street("a", "b"), ["a"], Part.SERIAL), "a")
        polling = events.with_boundary(polling, 99, ["a"], 0)
        polling = events.with_meters(polling, [("b", 0, 60_000, 0)], 0)
        assert (polling.orders, polling.wishes) == ((), ())
        assert choose(polling, 0) == EndOfBoundary(99, ())
