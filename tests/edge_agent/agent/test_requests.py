"""What somebody at the box may ask: status, a relay test, a lock-out; and what is refused."""

import json
from pathlib import Path

import msgspec
import pytest

from edge_agent.agent.owner import FromBus
from edge_agent.console.tables import status_text
from edge_agent.core.decision import Decision
from edge_agent.core.limits import BoxLimits
from edge_agent.core.measured import FaultKind, RelayPosition
from edge_agent.ports import FaultReport, RelayOutcome
from protocol.commands import Mode
from protocol.payload import decode
from protocol.records import LockOut, MeterTest, Record, Relay
from tests.edge_agent.agent.owner_rig import OwnerRig, owner_rig
from tests.edge_agent.core.street import BUS, METERS, WALLETS, YUAN, box_config, meter_config, wallet_config


def records(o: OwnerRig) -> list[Record]:
    return [decode(pending.raw, Record) for pending in o.a.store.pending(1_000)]


def noted_tests(o: OwnerRig) -> list[tuple[bool, str]]:
    return [(record.passed, record.who) for record in records(o) if isinstance(record, MeterTest)]


def set_mode(o: OwnerRig, mode: Mode) -> None:
    row = o.a.box.state.meters[METERS[0]]
    o.a.box.take(Decision(meters=(msgspec.structs.replace(row, state=msgspec.structs.replace(row.state, mode=mode)),)))


def serve_in_credit(o: OwnerRig) -> None:
    """Put the first meter in service, its wallet in credit."""
    state = o.a.box.state
    row, wallet = state.meters[METERS[0]], state.wallets[WALLETS[0]]
    served = msgspec.structs.replace(row.state, service="in_service")
    funded = msgspec.structs.replace(wallet.state, book_micro=100 * YUAN)
    wallets = (msgspec.structs.replace(wallet, state=funded, funded=True),)
    o.a.box.take(Decision(meters=(msgspec.structs.replace(row, state=served),), wallets=wallets))


def test_a_relay_test_opens_then_closes_and_is_recorded_as_passed(tmp_path: Path) -> None:
    with owner_rig(tmp_path) as o:
        o.a.read(0, 1_000)
        looked = o.ask("relay_test_look", meter="M0")
        assert looked is not None
        assert looked["status"]["name"] == "M0"
        assert o.ask("relay_test", meter="M0", who="Li") is None
        assert o.obey().wanted == "open"
        assert o.answer() is None
        assert o.obey().wanted == "closed"
        assert o.answer() == {"meter": METERS[0], "passed": True, "detail": "open: done, closed: done"}
        assert noted_tests(o) == [(True, "Li")]
        assert [test.passed for test in o.a.box.state.meters[METERS[0]].state.tests] == [True]
        assert o.a.box.urgent


def test_what_a_relay_does_in_a_test_is_told_as_by_command(tmp_path: Path) -> None:
    """In service too: it is no control of the meter's own, and no alarm."""
    with owner_rig(tmp_path) as o:
        o.a.read(0, 1_000)
        serve_in_credit(o)
        o.a.read(0, 1_000)
        before = len([record for record in records(o) if isinstance(record, Relay)])
        o.ask("relay_test", meter="M0", who="Li")
        o.obey()
        o.a.read(0, 1_000, RelayPosition.OPEN)
        o.obey()
        moved = [record for record in records(o) if isinstance(record, Relay)][before:]
        assert [(record.seen, record.cause) for record in moved] == [("open", "command"), ("closed", "command")]
        row = o.a.box.state.meters[METERS[0]]
        assert row.alarms == ()
        assert row.wanted == "closed"
        assert not o.a.box.state.testing


def test_the_age_of_a_reading_is_not_that_of_a_clock_that_was_set(tmp_path: Path) -> None:
    with owner_rig(tmp_path) as o:
        o.a.read(0, 1_000)
        o.a.clock.go_on(7_000)
        o.a.clock.wall -= 3_600_000
        status = o.ask("status")
        assert status is not None
        assert status["meters"][0]["age_s"] == 7


def test_faults_are_counted_by_kind_and_meter(tmp_path: Path) -> None:
    with owner_rig(tmp_path) as o:
        o.a.read(0, 1_000)
        for kind in (FaultKind.TIMEOUT, FaultKind.CRC, FaultKind.TIMEOUT):
            o.give(FromBus(BUS, FaultReport("A1", METERS[0], kind, o.a.clock.mono, "")))
        status = o.ask("status")
        assert status is not None
        assert status["meters"][0]["faults"] == {"timeout": 2, "crc": 1}
        assert "crc 1, timeout 2" in status_text(json.loads(json.dumps(status)))


def test_a_relay_that_was_open_is_left_open(tmp_path: Path) -> None:
    with owner_rig(tmp_path) as o:
        o.a.read(0, 1_000, RelayPosition.OPEN)
        o.ask("relay_test", meter=METERS[0], who="Li")
        assert [o.obey().wanted.value for _ in range(3)] == ["open", "closed", "open"]
        answer = o.answer()
        assert answer is not None
        assert answer["passed"]


@pytest.mark.parametrize("outcome", [RelayOutcome.NOT_OBEYED, RelayOutcome.UNANSWERED, RelayOutcome.EXPIRED])
def test_a_relay_that_does_not_obey_has_failed(tmp_path: Path, outcome: RelayOutcome) -> None:
    with owner_rig(tmp_path) as o:
        o.a.read(0, 1_000)
        o.ask("relay_test", meter="M0", who="Li")
        o.obey()
        o.obey(outcome)
        answer = o.answer()
        assert answer is not None
        assert not answer["passed"]
        assert answer["detail"] == f"open: done, closed: {outcome.value}"
        assert noted_tests(o) == [(False, "Li")]


def test_a_test_without_a_report_fails_by_itself_and_frees_the_bus(tmp_path: Path) -> None:
    with owner_rig(tmp_path) as o:
        o.a.read(0, 1_000)
        o.ask("relay_test", meter="M0", who="Li")
        o.seconds(22)
        answer = o.answer()
        assert answer is not None
        assert "no report within" in str(answer["detail"])
        o.a.read(0, 1_000)
        assert o.ask("relay_test", meter="M0", who="Li") is None


def test_the_newest_test_counts(tmp_path: Path) -> None:
    with owner_rig(tmp_path) as o:
        o.a.read(0, 1_000)
        for outcome in (RelayOutcome.DONE, RelayOutcome.NOT_OBEYED):
            o.ask("relay_test", meter="M0", who="Li")
            o.obey()
            o.obey(outcome)
        assert [test.passed for test in o.a.box.state.meters[METERS[0]].state.tests] == [False]


def test_while_a_test_runs_our_own_orders_for_that_meter_wait(tmp_path: Path) -> None:
    with owner_rig(tmp_path) as o:
        o.a.read(0, 1_000)
        o.ask("relay_test", meter="M0", who="Li")
        given = len(o.a.bus.orders)
        o.ask("lock_out", meter="M0", who="Wang")
        assert len(o.a.bus.orders) == given
        o.obey()
        o.obey()
        o.seconds(5)
        assert o.a.bus.orders[-1].wanted == "open"


@pytest.mark.parametrize("case", ["protected", "always", "locked out", "not read", "busy", "unknown", "no name"])
def test_a_test_that_may_not_be_is_refused_and_moves_nothing(tmp_path: Path, case: str) -> None:
    config = box_config((meter_config(0), meter_config(1)), (wallet_config(0), wallet_config(1)))
    with owner_rig(tmp_path, config) as o:
        o.a.read(0, 1_000)
        o.a.read(1, 1_000)
        meter, who = "M0", "Li"
        if case == "protected":
            set_mode(o, "protected")
        elif case == "always":
            o.a.box.limits = BoxLimits(protected_always=frozenset({METERS[0]}))
        elif case == "locked out":
            o.ask("lock_out", meter="M0", who="Wang")
        elif case == "not read":
            o.a.clock.go_on(61_000)
        elif case == "busy":
            o.ask("relay_test", meter="M1", who="Li")
        elif case == "unknown":
            meter = "M9"
        else:
            who = " "
        given = len(o.a.bus.orders)
        answer = o.ask("relay_test", meter=meter, who=who)
        assert answer is not None
        expected = {
            "protected": "protected_always", "always": "protected_always", "locked out": "locked_out",
            "not read": "stale_reading", "busy": "meter_in_use", "unknown": "unknown_meter", "no name": "bad_body",
        }  # fmt: skip
        assert answer["refused"] == expected[case]
        assert len(o.a.bus.orders) == given
        assert noted_tests(o) == []


def test_a_lock_out_on_the_spot_opens_at_once_and_is_recorded_with_its_name(tmp_path: Path) -> None:
    with owner_rig(tmp_path) as o:
        o.a.read(0, 1_000)
        answer = o.ask("lock_out", meter="M0", who="Wang")
        assert answer is not None
        assert answer["locked_out"] == "Wang"
        assert [order.wanted.value for order in o.a.bus.orders] == ["open"]
        hung = [record for record in records(o) if isinstance(record, LockOut)]
        assert [(record.who, record.where, record.on) for record in hung] == [("Wang", "spot", True)]


def test_an_unknown_operation_names_those_that_there_are(tmp_path: Path) -> None:
    with owner_rig(tmp_path) as o:
        answer = o.ask("dance")
        assert answer is not None
        assert "relay_test" in str(answer["error"])


def test_the_status_is_plain_json_and_reads_as_a_table(tmp_path: Path) -> None:
    with owner_rig(tmp_path) as o:
        o.a.read(0, 1_000)
        o.ask("lock_out", meter="M0", who="Wang")
        status = o.ask("status")
        assert status is not None
        text = status_text(json.loads(json.dumps(status)))
        assert "locked out by Wang, which is no isolation" in text
        assert "M0" in text
        assert status["meters"][0]["balance"] == "0.00"
        assert status["batches"]["records_not_sealed"] > 0
