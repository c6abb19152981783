"""Requests of several boxes in one transaction: one that spoils it hurts no other, and nothing is there twice."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import pytest

from cloud_server.core import accounts
from cloud_server.flows import group_desk, synchronise
from cloud_server.flows.centre import Centre
from cloud_server.flows.group_desk import GroupDesk
from cloud_server.flows.ingest_group import Asked, settle
from cloud_server.flows.synchronise import Exchange
from cloud_server.flows.who_asks import Stranger
from protocol.envelope import Line
from tests.cloud_server.flows.test_receive_batch import flip
from tests.cloud_server.site_rig import SiteRig
from tests.cloud_server.speaking_box import SpeakingBox, make_box
from tests.cloud_server.street import YUAN, box_id, meter_id, wallet_id

BOXES = 4


@pytest.fixture
def boxes(rig: SiteRig) -> list[SpeakingBox]:
    rig.plan(boxes=BOXES)
    made = [rig.enrol(number) for number in range(1, BOXES + 1)]
    for box in made:
        rig.settle(box)
    return made


def used(number: int, box: SpeakingBox, energy_wh: int = 1_000) -> Line:
    box.use(meter_id(number, 1), energy_wh)
    return box.seal()


def ask(box: SpeakingBox, *lines: Line, shown: str | None = None) -> Asked[Exchange]:
    return Asked((*lines, box.sync_line()), shown)


def together(centre: Centre, *group: Asked[Exchange]) -> None:
    settle(centre, group, synchronise._take_in, synchronise._after)


def verdicts(asked: Asked[Exchange]) -> list[str]:
    return [said.verdict for said in asked.result().verdicts]


def counting(centre: Centre, then: Callable[[str], None] = lambda _name: None) -> tuple[Centre, list[str]]:
    """The centre, and the names of the places that it passes."""
    passed: list[str] = []

    def note(name: str) -> None:
        passed.append(name)
        then(name)

    return replace(centre, fail_point=note), passed


def test_all_of_a_group_are_one_transaction(rig: SiteRig, boxes: list[SpeakingBox]) -> None:
    centre, passed = counting(rig.centre)
    group = [ask(box, used(n, box), used(n, box)) for n, box in enumerate(boxes, start=1)]
    together(centre, *group)
    assert [verdicts(asked) for asked in group] == [["accepted", "accepted"]] * BOXES
    assert passed.count("exchange_committed") == 1
    assert rig.breaches() == []
    again = [Asked[Exchange](asked.lines, None) for asked in group]
    together(rig.centre, *again, *(ask(box) for box in boxes))
    assert [verdicts(asked) for asked in again] == [["known", "known"]] * BOXES
    assert [asked.result().batch_ack for asked in again] == [asked.result().batch_ack for asked in group]
    for box, asked in zip(boxes, group, strict=True):
        alone = synchronise.exchange(rig.centre, ask(box).lines)
        assert (alone.batch_ack, alone.command_head) == (asked.result().batch_ack, asked.result().command_head)


def test_bad_batches_among_good_ones_hurt_only_themselves(rig: SiteRig, boxes: list[SpeakingBox]) -> None:
    first, second, third, fourth = boxes
    stranger = make_box(rig.site, box_id(1), rig.clock.now_ms, seed="nobody")
    unknown = first.seal([])
    group = [
        ask(first, flip(used(1, first))),
        ask(stranger, unknown),
        ask(second, used(2, second), shown=box_id(3)),
        ask(third, used(3, third), used(3, third)),
        ask(fourth, used(4, fourth)),
    ]
    together(rig.centre, *group)
    assert verdicts(group[0]) == ["bad_signature"]
    for refused in (group[1], group[2]):
        with pytest.raises(Stranger):
            refused.result()
    assert (verdicts(group[3]), verdicts(group[4])) == (["accepted", "accepted"], ["accepted"])
    assert rig.breaches() == []
    assert rig.ledger(accounts.wallet(wallet_id(3, 1))) == {
        accounts.wallet(wallet_id(3, 1)): third.book[wallet_id(3, 1)]
    }
    assert rig.ledger(accounts.wallet(wallet_id(2, 1))) == {}


def test_what_needs_the_sites_own_writer_goes_by_itself(rig: SiteRig, boxes: list[SpeakingBox]) -> None:
    rig.sell("10.00", box=2, shop=2)
    answer = rig.exchange(boxes[1])
    assert answer.command_head.seq == boxes[1].command_head.seq
    first, second, third = boxes[0].seal([]), boxes[1].seal(), used(3, boxes[2])
    boxes[3].seal()
    lost = boxes[3].seal()
    group = [ask(boxes[0], first), ask(boxes[1], second), ask(boxes[2], third), ask(boxes[3], lost)]
    together(rig.centre, *group)
    assert [verdicts(asked) for asked in group] == [["accepted"], ["accepted"], ["accepted"], ["gap"]]
    wallet = accounts.wallet(wallet_id(2, 2))
    assert rig.ledger(wallet) == {wallet: 10 * YUAN}
    assert rig.breaches() == []


def test_a_group_that_is_broken_off_leaves_nothing_and_is_taken_in_again(
    rig: SiteRig, boxes: list[SpeakingBox]
) -> None:
    left = [1]

    def break_off(name: str) -> None:
        if name == "exchange_before_commit" and left:
            left.pop()
            with rig.store.read() as unit:
                assert unit.fleet.box(box_id(1)) is not None
            raise RuntimeError("power")

    centre, passed = counting(rig.centre, break_off)
    group = [ask(box, used(n, box)) for n, box in enumerate(boxes, start=1)]
    together(centre, *group)
    assert [verdicts(asked) for asked in group] == [["accepted"]] * BOXES
    assert passed.count("exchange_committed") == 2
    assert rig.breaches() == []


def test_boxes_that_come_at_once_share_transactions(rig: SiteRig, boxes: list[SpeakingBox]) -> None:
    centre, passed = counting(rig.centre)
    bodies = [[(used(n, box), box.sync_line()) for _ in range(4)] for n, box in enumerate(boxes, start=1)]
    said: list[list[str]] = [[] for _ in boxes]

    def speak(number: int) -> None:
        for lines in bodies[number]:
            said[number] += [one.verdict for one in synchronise.exchange(centre, lines).verdicts]

    run_all([partial(speak, n) for n in range(BOXES)])
    assert said == [["accepted"] * 4] * BOXES
    assert passed.count("exchange_committed") <= 4 * BOXES
    assert rig.breaches() == []


def run_all(works: Sequence[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)


def test_the_desk_takes_each_once_and_groups_who_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_desk, "GROUP_MAX", 5)
    monkeypatch.setattr(group_desk, "GROUP_BYTES_MAX", 100)
    desk: GroupDesk[int] = GroupDesk()
    groups: list[list[int]] = []
    gate = threading.Event()

    def take_in(group: list[int]) -> None:
        gate.wait(10)
        groups.append(group)
        if 7 in group:
            raise ValueError("seven")

    faults: list[BaseException] = []

    def go(number: int) -> None:
        try:
            desk.go_through(number, 60 if number == 3 else 20, take_in)
        except ValueError as fault:
            faults.append(fault)

    threads = [threading.Thread(target=go, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    assert sorted(number for group in groups for number in group) == list(range(30))
    assert max(map(len, groups)) <= 5
    assert all(len(group) <= 3 for group in groups if 3 in group)
    assert len(faults) == 1
