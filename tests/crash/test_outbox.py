"""The sending process is killed between any two steps: each message arrives once, and none is lost.

A real process (forked, killed by SIGKILL at the named place of its n-th pass) on a real database and a modem on a pty;
then another process takes up what it left.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provisioning.simulator.gsm_modem import SimulatedModem
from tests.cloud_server.messages.outbox_rig import OutboxRig, open_outbox
from tests.fakes.centre_clock import NOON_MS, FakeClock

POINTS = ("message_noted", "message_begun", "part_at_prompt", "part_handed", "part_answered", "part_sent")
SHOPS = (1, 2)


@pytest.fixture
def simulated(tmp_path: Path) -> Iterator[SimulatedModem]:
    with SimulatedModem(tmp_path / "modem", clock=lambda: NOON_MS / 1000) as modem:
        yield modem


def prepare(folder: Path, simulated: SimulatedModem) -> None:
    """Two shops have reached alarm 2, and nobody was told."""
    with open_outbox(folder, simulated) as rig:
        rig.site.plan(boxes=1)
        rig.enrol(1)
        rig.settings()
        rig.noter.look()
        for shop in SHOPS:
            rig.alarm("alarm2", shop=shop)
        rig.heard()


def run_and_die(folder: Path, simulated: SimulatedModem, fail_point: Callable[[str], None]) -> int:
    """Run turns in a process of its own until it dies or has nothing to do; the signal that ended it, 0 for none."""
    child = os.fork()
    if child == 0:
        try:
            with open_outbox(folder, simulated, clock=FakeClock(NOON_MS + 1), fail_point=fail_point) as rig:
                for _ in range(4):
                    rig.turn()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def dies_at(point: str, nth: int) -> Callable[[str], None]:
    passed = [0]

    def look(name: str) -> None:
        if name == point:
            passed[0] += 1
            if passed[0] == nth:
                os.kill(os.getpid(), signal.SIGKILL)

    return look


def take_up(folder: Path, simulated: SimulatedModem) -> list[tuple[str, str]]:
    """Another process goes on; what became of each message."""
    with open_outbox(folder, simulated, clock=FakeClock(NOON_MS + 10_000)) as rig:
        rig.sender.take_up()
        until = time.monotonic() + 30
        while time.monotonic() < until:
            rig.turn()
            rig.listen(0.1)
            if is_quiet(rig):
                break
        assert rig.site.breaches() == []
        return [(row.occasion, row.state.value) for row in rig.rows()]


def is_quiet(rig: OutboxRig) -> bool:
    rows = rig.rows()
    return len(rows) == len(SHOPS) and all(row.state.value in ("delivered", "unsure", "failed") for row in rows)


def arrived_once(simulated: SimulatedModem) -> None:
    parts = [(part.recipient, part.reference, part.n) for part in simulated.taken]
    assert sorted(set(parts)) == sorted(parts), "a part left twice"
    assert sorted(to for to, _ in simulated.messages()) == [f"138000001{shop:02d}" for shop in SHOPS]


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("point", POINTS)
def test_killed_between_two_steps(tmp_path: Path, simulated: SimulatedModem, point: str, nth: int) -> None:
    prepare(tmp_path, simulated)
    assert run_and_die(tmp_path, simulated, dies_at(point, nth)) == signal.SIGKILL
    assert take_up(tmp_path, simulated) == [("alarm2", "delivered")] * len(SHOPS)
    arrived_once(simulated)


@pytest.mark.parametrize("after_s", [0.05, 0.2, 0.45])
def test_killed_while_the_part_is_in_the_air(tmp_path: Path, simulated: SimulatedModem, after_s: float) -> None:
    """Behind the last key: the modem's late answer, or the network's report, says that it left."""
    prepare(tmp_path, simulated)
    simulated.manners.network_s = 0.4
    simulated.manners.report_s = 0.5

    def die_soon(name: str) -> None:
        if name == "part_handed":
            threading.Timer(after_s, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()

    assert run_and_die(tmp_path, simulated, die_soon) == signal.SIGKILL
    simulated.manners.network_s = 0.0
    assert take_up(tmp_path, simulated) == [("alarm2", "delivered")] * len(SHOPS)
    arrived_once(simulated)


def test_without_reports_what_is_not_known_is_said_and_nothing_is_sent_twice(
    tmp_path: Path, simulated: SimulatedModem
) -> None:
    prepare(tmp_path, simulated)
    simulated.manners.report_s = None
    assert run_and_die(tmp_path, simulated, dies_at("part_answered", 1)) == signal.SIGKILL
    states = take_up(tmp_path, simulated)
    assert sorted(state for _, state in states) == ["sending", "sent"]
    arrived_once(simulated)


def test_every_kill_of_a_chain_of_them(tmp_path: Path, simulated: SimulatedModem) -> None:
    """Killed again and again at ever later steps, until one run comes through."""
    prepare(tmp_path, simulated)
    for point in POINTS:
        run_and_die(tmp_path, simulated, dies_at(point, 1))
    assert take_up(tmp_path, simulated) == [("alarm2", "delivered")] * len(SHOPS)
    arrived_once(simulated)
