"""Another master on a bus: which orders wait, what is told, and when it is over."""

import msgspec

from edge_agent.core.decision import Decision
from edge_agent.core.foreign_master import QUIET_MS, foreign_master, foreign_over, hear_foreign
from edge_agent.core.limits import BoxLimits
from edge_agent.core.meeting import bus_changed
from edge_agent.core.testing import may_test_guard, may_test_relay
from protocol.commands import SetMode
from protocol.records import Alarm, Evidence
from tests.edge_agent.core.street import BUS, METERS, Street

DIGEST = "ab" * 32


def served() -> Street:
    """A meter in service and in credit."""
    street = Street()
    street.read(0, 1_000)
    street.grant(0, 20)
    street.in_service(0)
    street.read(0, 1_000)
    return street


def hear(street: Street) -> Decision:
    return street.take(hear_foreign(street.place, street.state, BUS, (DIGEST,), "01 03", street.now))


def alarms(street: Street) -> list[str]:
    return [each.state for each in street.of(Alarm) if isinstance(each, Alarm) and each.alarm == "foreign_master"]


def test_no_order_is_given_while_it_stands_and_the_right_one_after_it() -> None:
    street = served()
    hear(street)
    street.command(SetMode(meter=METERS[0], mode="forced_off"))
    street.orders.clear()
    street.read(0, 1_000)
    street.tick()
    assert street.state.meters[METERS[0]].wanted == "open"
    assert street.orders == []
    street.at_s += QUIET_MS // 1_000
    street.tick()
    street.read(0, 1_000)
    assert alarms(street) == ["raised", "cleared"]
    assert [(order.meter, order.wanted) for _, order in street.orders][:1] == [(METERS[0], "open")]


def test_it_is_told_once_with_its_evidence_and_each_hearing_begins_the_quiet_anew() -> None:
    street = served()
    for _ in range(3):
        hear(street)
        street.at_s += QUIET_MS // 1_000 - 10
        street.tick()
    assert alarms(street) == ["raised"]
    evidence = street.of(Evidence)
    assert [(each.evidence, each.lines) for each in evidence if isinstance(each, Evidence)] == [
        ("foreign_master", [DIGEST])
    ]
    street.at_s += 11
    street.tick()
    assert alarms(street) == ["raised", "cleared"]


def test_a_bus_that_is_down_tells_nothing_of_quiet() -> None:
    street = served()
    hear(street)
    street.take(bus_changed(street.place, street.state, BUS, True, street.now))
    street.at_s += 2 * QUIET_MS // 1_000
    street.tick()
    street.take(bus_changed(street.place, street.state, BUS, False, street.now))
    street.tick()
    assert foreign_master(street.state, BUS)


def test_after_a_restart_it_stands_until_a_quiet_of_its_own() -> None:
    street = served()
    hear(street)
    street.state.foreign_mono_ms.clear()
    street.at_s += 2 * QUIET_MS // 1_000
    street.tick()
    assert foreign_master(street.state, BUS)
    street.at_s += QUIET_MS // 1_000
    street.tick()
    assert not foreign_master(street.state, BUS)


def test_no_test_moves_a_relay_or_an_account_meanwhile() -> None:
    street = served()
    hear(street)
    refused = may_test_relay(street.place, street.state, BoxLimits(), METERS[0], street.now)
    assert refused is not None
    assert refused.reason == "meter_in_use"
    assert may_test_guard(street.place, street.state, METERS[0], street.now) is not None


def test_a_bus_that_left_the_configuration_leaves_no_alarm_behind() -> None:
    street = served()
    hear(street)
    marks = msgspec.structs.replace(street.state.marks, alarms=("foreign_master/" + "0" * 32,))
    street.state.marks = marks
    decision = foreign_over(street.place, street.state, street.now)
    assert decision.marks is not None
    assert decision.marks.alarms == ()
