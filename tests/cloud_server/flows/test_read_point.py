"""Whose a switching is: what a relay test moved is the test's, and nothing else is."""

import pytest

from cloud_server.flows.read_point import TEST_LASTS_MS, who_tested
from protocol.records import Cause, MeterTest, MeterTestKind, Relay

METER, OTHER = "a" * 32, "b" * 32


def relay(at_ms: int, cause: Cause = "unknown", meter: str = METER) -> Relay:
    return Relay(at_ms=at_ms, meter=meter, wanted="unknown", seen="open", cause=cause)


def ended(at_ms: int, kind: MeterTestKind = "relay") -> MeterTest:
    return MeterTest(at_ms=at_ms, meter=METER, test=kind, passed=True, who="Chen")


@pytest.mark.parametrize(
    ("moved", "test", "who"),
    [
        (relay(1_000), ended(1_200), "Chen"),
        (relay(1_000), ended(1_000 + TEST_LASTS_MS), "Chen"),
        (relay(1_000), ended(1_001 + TEST_LASTS_MS), None),
        (relay(1_000), ended(999), None),
        (relay(1_000, "arrears"), ended(1_200), None),
        (relay(1_000), ended(1_200, "serial"), None),
        (relay(1_000, meter=OTHER), ended(1_200), None),
    ],
)
def test_a_switching_belongs_to_the_test_that_ends_it(moved: Relay, test: MeterTest, who: str | None) -> None:
    assert who_tested(moved, [test]) == who
