"""Those who wait: held requests are woken from any thread, the newest wins; pages learn of changes."""

import asyncio
import threading

from cloud_server.core.limits import LOOK_LASTS_MS
from cloud_server.flows.waiting import LIVE_BOXES_MAX, BoxBells, LiveRoom
from cloud_server.ports import LiveMeter
from tests.fakes.centre_clock import FakeClock


def live(meter: str, at_ms: int, power_w: int) -> LiveMeter:
    return LiveMeter(
        meter=meter, at_ms=at_ms, heard_at_ms=at_ms, power_w=power_w, power_estimated=False, relay="closed",
        balance_micro=None, values={},
    )  # fmt: skip


def test_a_wake_between_looking_and_waiting_is_not_missed() -> None:
    async def story() -> bool:
        bells = BoxBells()
        with bells.hold("b") as held:
            threading.Thread(target=bells.wake, args=("b",)).start()
            await asyncio.sleep(0.05)
            return await held.woken(5)

    assert asyncio.run(story()) is True


def test_only_the_box_that_is_meant_is_woken() -> None:
    async def story() -> tuple[bool, bool]:
        bells = BoxBells()
        with bells.hold("a") as a, bells.hold("b") as b:
            bells.wake("b")
            bells.wake("nobody")
            return await a.woken(0.05), await b.woken(5)

    assert asyncio.run(story()) == (False, True)


def test_the_newest_request_of_a_box_lets_the_older_go() -> None:
    async def story() -> tuple[bool, bool, bool, bool]:
        bells = BoxBells()
        with bells.hold("b") as older:
            with bells.hold("b"):
                let_go = await older.woken(5)
                still = bells.listening("b")
            after_newer = bells.listening("b")
        return let_go, still, after_newer, bells.listening("b")

    assert asyncio.run(story()) == (True, True, False, False)


def test_closing_lets_all_go_and_holds_nobody_any_more() -> None:
    async def story() -> tuple[bool, bool]:
        bells = BoxBells()
        with bells.hold("a") as first:
            bells.close()
            let_go = await first.woken(5)
        with bells.hold("a") as second:
            return let_go, await second.woken(5)

    assert asyncio.run(story()) == (True, True)


def test_pages_are_told_of_changes_by_number() -> None:
    async def story() -> tuple[int, int, int]:
        room = LiveRoom(FakeClock(), BoxBells())
        before = await room.wait(0, 0.02)
        threading.Timer(0.05, room.changed).start()
        told = await room.wait(0, 5)
        at_once = await room.wait(0, 5)
        return before, told, at_once

    assert asyncio.run(story()) == (0, 1, 1)


def test_what_is_heard_last_counts_whatever_the_clock_of_a_box_says() -> None:
    room = LiveRoom(FakeClock(), BoxBells())
    room.show([live("m", 2_000, 5), live("n", 2_000, 6)])
    room.show([live("m", 1_000, 7)])
    assert {meter: value.power_w for meter, value in room.values().items()} == {"m": 7, "n": 6}


def test_boxes_are_asked_for_live_values_while_somebody_looks() -> None:
    async def story() -> list[object]:
        clock, bells = FakeClock(), BoxBells()
        room = LiveRoom(clock, bells)
        seen: list[object] = [room.wanted_until_ms()]
        with bells.hold("b") as held:
            room.look()
            seen.append(await held.woken(5))
        seen.append(room.wanted_until_ms() - clock.now_ms)
        with bells.hold("b") as held:
            clock.advance(5_000)
            room.look()
            seen.append(await held.woken(0.05))
        clock.advance(10_000)
        seen.append(room.wanted_until_ms())
        return seen

    assert asyncio.run(story()) == [0, True, 10_000, False, 0]


def test_no_more_boxes_are_asked_for_live_values_than_there_is_room_for() -> None:
    clock = FakeClock()
    room = LiveRoom(clock, BoxBells())
    names = [f"b{number}" for number in range(LIVE_BOXES_MAX + 1)]
    assert not any(room.invite(name) for name in names), "nobody looks"
    room.look()
    first = [room.invite(name) for name in names]
    assert all(first[:-1])
    assert first[-1] == 0
    clock.advance(5_000)
    room.look()
    assert room.invite(names[0]) > first[0], "who was asked goes on as long as somebody looks"
    clock.advance(LOOK_LASTS_MS - 1)
    room.look()
    assert room.invite(names[-1]) > 0, "those who stopped make room"


def test_a_box_that_was_rung_since_one_looked_is_told_from_one_that_was_not() -> None:
    bells = BoxBells()
    bells.ring("a")
    rings = bells.rings()
    bells.ring("b")
    assert [bells.rung_since(box, rings) for box in "ab"] == [False, True]
    bells.ring_all()
    assert [bells.rung_since(box, rings) for box in "abc"] == [True, True, True]


def test_a_request_waits_on_behind_a_ring_that_brought_nothing() -> None:
    async def story() -> list[object]:
        bells = BoxBells()
        with bells.hold("b") as held:
            bells.ring("b")
            seen: list[object] = [await held.woken(5), held.holds, await held.woken(0.05)]
            held.wake()
            seen += [await held.woken(5), held.holds]
            with bells.hold("b"):
                return [*seen, held.holds]

    assert asyncio.run(story()) == [True, True, False, True, True, False]
