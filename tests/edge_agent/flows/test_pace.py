"""The pace of the exchange: pauses after failures, no flood, urgent things at once, live values while one looks."""

from pathlib import Path

from edge_agent.core.decision import Decision
from edge_agent.flows.seal_batches import seal_pending
from edge_agent.ports import Blame, ExchangeAnswered, ExchangeFailed
from protocol.envelope import Line
from protocol.messages import BatchHead
from protocol.records import MeterEvent
from tests.edge_agent.core.street import BOX, METERS
from tests.edge_agent.rig import Rig, rig


def note(a: Rig) -> None:
    """One commit with one record."""
    a.box.take(Decision(records=(MeterEvent(at_ms=a.clock.wall, meter=METERS[0], event="back"),)))


def batch_lines(a: Rig) -> list[Line]:
    """The batches of the newest request."""
    return [line for line in a.uplink.sent[-1].lines if line.type_name == "batch"]


def test_failures_are_followed_by_growing_jittered_pauses(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        pauses = []
        for _ in range(9):
            a.ask()
            at = a.clock.mono
            a.sync.failed(ExchangeFailed(a.uplink.sent[-1].number, Blame.WORLD, "cut", None, at))
            due = a.sync.next_due()
            assert due is not None
            pauses.append(due - at)
            a.clock.go_on(due - at - 1)
            a.sync.pulse()
            assert a.sync.next_due() is not None, "too early"
            a.clock.go_on(1)
        assert all(500 <= pause <= 8_000 for pause in pauses)
        assert pauses[-1] >= 4_000
        assert pauses[0] <= 1_000


def test_the_centre_may_ask_for_a_longer_pause(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.ask()
        a.sync.failed(ExchangeFailed(a.uplink.sent[-1].number, Blame.THEIRS, "HTTP 503", 120, a.clock.mono))
        due = a.sync.next_due()
        assert due is not None
        assert 120_000 <= due - a.clock.mono <= 180_000, "as asked for, and up to half as much later by chance"
        a.clock.go_on(180_000)
        a.exchange(retry_after_s=7)
        due = a.sync.next_due()
        assert due is not None
        assert 7_000 <= due - a.clock.mono <= 10_500


def test_something_urgent_does_not_wait_for_the_running_request(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.exchange()
        a.exchange()
        a.ask()
        waiting = a.uplink.sent[-1]
        a.sync.pulse()
        assert a.uplink.sent[-1] is waiting
        note(a)
        seal_pending(a.box, a.sealing)
        a.sync.wake()
        a.ask()
        assert len(batch_lines(a)) == 1
        late = ExchangeAnswered(waiting.number, (a.answer_line(),), 5, a.clock.mono)
        a.sync.answered(late)
        assert a.sync.next_due() is None, "the newest request is still awaited"


def test_a_centre_that_does_not_hold_idle_requests_is_not_flooded(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.exchange()
        a.exchange()
        a.exchange()
        due = a.sync.next_due()
        assert due is not None
        assert due - a.clock.mono >= 400


def test_a_centre_that_never_acknowledges_is_asked_ever_more_rarely(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.exchange()
        for _ in range(6):
            a.ask()
            a.deliver(a.answer_line(batch_ack=BatchHead(epoch=1, seq=0, hash=a.box.state.marks.epoch_hash)))
            due = a.sync.next_due()
            assert due is not None
            assert due > a.clock.mono
            a.clock.mono = due


def test_live_values_go_up_at_their_pace_while_somebody_looks(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.read(0, 1_000)
        a.box.details[METERS[0]] = {"voltage_a_mv": 230_000}
        a.exchange()
        a.exchange()
        a.ask()
        a.deliver(a.answer_line(live_until_ms=a.clock.wall + 5_000, read_now=(METERS[0],)))
        assert a.bus.reads == [METERS[0]]
        a.clock.go_on(500)
        sync = a.ask()
        assert sync.wait_s == 2
        assert sync.live is not None
        assert sync.live[0].values == {"raw_wh": 1_000, "voltage_a_mv": 230_000}
        a.deliver(a.answer_line(live_until_ms=a.clock.wall + 5_000))
        a.clock.go_on(500)
        assert a.ask().live is None, "two seconds have not passed"
        a.deliver(a.answer_line())
        a.clock.go_on(5_000)
        sync = a.ask()
        assert sync.live is None
        assert sync.wait_s == 25
        assert sync.box == BOX
