"""`reconnect = "arm"`: after a cut the agent allows, and the person at the meter closes. Rule 9 alone."""

from dataclasses import replace

import pytest

from edge_agent.core.decision import Decision
from edge_agent.core.measured import MeterReading, RelayOrdered, RelayPosition
from edge_agent.core.meeting import take_reading
from edge_agent.core.place import make_place
from protocol.commands import SetMode
from protocol.meter_profile.reading import load_profile
from tests.edge_agent.bus.profile_texts import ARMABLE
from tests.edge_agent.core.street import BOX, METERS, Street, box_config


class ArmStreet(Street):
    """One meter whose relay can be armed; the register holds what was ordered last."""

    register = RelayOrdered.CLOSED
    contact = RelayPosition.CLOSED

    def arm_profile(self) -> None:
        place = make_place(BOX, self.config, self.place.profiles)
        profile = load_profile(ARMABLE, "armable")
        self.place = replace(place, profile_of={METERS[0]: profile})

    def meet(self, raw_wh: int) -> Decision:
        """Read the meter, and let it do what it was ordered."""
        reading = MeterReading(
            METERS[0], self.now.mono_ms, self.now.wall_ms, raw_wh, contact=self.contact, order_register=self.register
        )
        decision = self.take(take_reading(self.place, self.state, reading, self.now))
        self.obey(decision)
        return decision

    def obey(self, decision: Decision) -> None:
        for order in decision.orders:
            self.register = RelayOrdered.ARMED if order.arm else RelayOrdered(order.wanted)
            if self.register is not RelayOrdered.ARMED:
                self.contact = RelayPosition(self.register.value)

    def ordered(self) -> list[str]:
        return ["armed" if order.arm else order.wanted for _, order in self.orders]


def cut_off(reconnect: str) -> ArmStreet:
    street = ArmStreet(config=box_config(reconnect=reconnect, switch_pause_s=0, reclose_spacing_ms=0))
    street.obeys = False
    street.arm_profile()
    street.meet(1_000)
    street.in_service(0)
    for _ in range(3):
        street.at_s += 1
        street.meet(1_000)
    assert (street.ordered(), street.contact) == (["open"], RelayPosition.OPEN)
    street.at_s += 1
    street.meet(1_000)
    return street


def test_after_a_payment_the_relay_is_armed_and_the_person_closes_it() -> None:
    street = cut_off("arm")
    street.obey(street.grant(0, 20))
    for _ in range(5):
        street.at_s += 10
        street.meet(1_000)
        street.obey(street.tick())
    assert street.ordered() == ["open", "armed"], "armed once, and then it is the person's turn"
    row = street.state.meters[METERS[0]]
    assert (row.wanted, row.seen, row.alarms) == ("closed", "open", ())
    street.contact = RelayPosition.CLOSED
    street.at_s += 10
    street.meet(1_000)
    assert street.state.meters[METERS[0]].seen == "closed"
    assert street.ordered() == ["open", "armed"]


def test_a_relay_that_lost_its_arming_is_armed_again() -> None:
    street = cut_off("arm")
    street.obey(street.grant(0, 20))
    street.register = RelayOrdered.OPEN
    street.at_s += 61
    street.meet(1_000)
    assert street.ordered() == ["open", "armed", "armed"]


def test_left_to_the_agent_it_is_closed() -> None:
    street = cut_off("auto")
    street.obey(street.grant(0, 20))
    street.at_s += 10
    street.meet(1_000)
    assert street.ordered() == ["open", "closed"]


def test_a_protected_meter_is_closed_without_a_person() -> None:
    street = cut_off("arm")
    street.obey(street.command(SetMode(meter=METERS[0], mode="protected")))
    street.at_s += 10
    street.meet(1_000)
    assert street.ordered() == ["open", "closed"]


@pytest.mark.parametrize("reconnect", ["arm", "auto"])
def test_a_profile_that_cannot_arm_is_closed_by_the_agent(reconnect: str) -> None:
    street = Street(config=box_config(reconnect=reconnect, switch_pause_s=0, reclose_spacing_ms=0))
    street.read(0, 1_000)
    street.in_service(0)
    for _ in range(3):
        street.at_s += 1
        street.read(0, 1_000)
    street.grant(0, 20)
    assert [(order.wanted, order.arm) for _, order in street.orders] == [("open", False), ("closed", False)]
