"""What the one owner thread holds: the state, the place, the store, and the one way in which a decision takes hold.

Commit, then apply, then act: nothing reaches a bus before the transaction that holds the rest. No other thread
touches anything in here.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from edge_agent.core.decision import Decision, Order, apply
from edge_agent.core.limits import BoxLimits
from edge_agent.core.measured import RelayOrdered
from edge_agent.core.place import Place
from edge_agent.core.state import BoxState, Now
from edge_agent.core.timekeeping import ClockTrust
from edge_agent.core.views import live_values
from edge_agent.ports import Clock, MeterBus, RecordStore, RelayOrder
from protocol.box_config import BoxConfig, read_config
from protocol.envelope import Line
from protocol.ids import Id, make_id
from protocol.messages import Live
from protocol.signing import SigningKey

ORDER_GOOD_FOR_MS: Final = 15_000
"""An order that has not reached the wire by then is dropped; the core gives it again if it still holds."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Who:
    """Who this box is, and which run of the agent this is.

    Attributes:
        record_key: signs batches and sync lines; agent: name and version of the program;
        boot_id: of the machine's start, as `mono_ms` counts from it.
    """

    site: Id
    box: Id
    record_key: SigningKey
    root_keyid: str
    agent: str
    boot_id: Id


@dataclass(slots=True)
class Box:
    """Everything that the owner thread decides from and acts through."""

    who: Who
    state: BoxState
    place: Place
    store: RecordStore
    clock: Clock
    chance: Callable[[int], bytes]
    read_place: Callable[[BoxConfig], Place]
    limits: BoxLimits
    buses: Mapping[str, MeterBus] = field(default_factory=dict)
    """By bus id."""
    place_changed: Callable[[], None] = lambda: None
    """Called when a configuration has taken hold: whoever wired the box sets buses and schedule anew."""
    trust: ClockTrust = field(default_factory=ClockTrust)
    urgent: bool = False
    """Something was committed that has to be sealed and sent at once."""
    lent: set[str] = field(default_factory=set)
    """Meters whose relay a person is testing: our own orders for them wait."""
    details: dict[str, dict[str, int]] = field(default_factory=dict)
    """Newest detail values by meter; shown, never decided from."""

    def now(self) -> Now:
        """This instant on both clocks."""
        wall_ms = self.clock.wall_ms()
        mono_ms = self.clock.mono_ms()
        return Now(wall_ms=wall_ms, mono_ms=mono_ms, sure=self.trust.believes(wall_ms, mono_ms))

    def new_id(self) -> Id:
        """An id for something born here and now."""
        return make_id(self.clock.wall_ms(), self.chance(10))

    def take(self, decision: Decision, lines: Sequence[Line] = ()) -> None:
        """Let a decision hold: committed first, then in memory, then towards the relays.

        Raises StoreFull with nothing changed: what is level-based comes again with the next reading.
        """
        config_before = self.state.marks.config_hash
        if decision.durable or lines:
            self.store.commit(decision, lines)
        apply(self.state, decision)
        if self.state.marks.config_hash != config_before:
            self.settle_place()
        self.urgent = self.urgent or decision.urgent
        self._order(decision.orders)
        self._read_again(decision.reread)

    def settle_place(self) -> None:
        """Look the configuration in force up anew, and tell whoever wired the box."""
        self.state.config = read_config(self.state.marks.config)
        self.place = self.read_place(self.state.config)
        self.place_changed()

    def _order(self, orders: Sequence[Order]) -> None:
        for order in orders:
            bus = self.buses.get(self.place.bus_of.get(order.meter, ""))
            if bus is None or order.meter in self.lent:
                continue
            log.info(
                "relay_ordered",
                extra={"fields": {"meter": order.meter, "wanted": order.wanted, "cause": order.cause}},
            )
            bus.order_relay(
                RelayOrder(
                    order_id=self.new_id(),
                    meter=order.meter,
                    wanted=RelayOrdered(order.wanted),
                    not_after_mono_ms=self.clock.mono_ms() + ORDER_GOOD_FOR_MS,
                )
            )

    def _read_again(self, meters: frozenset[str]) -> None:
        for bus_id, bus in self.buses.items():
            wanted = sorted(meter for meter in meters if self.place.bus_of.get(meter) == bus_id)
            if wanted:
                bus.read_now(wanted)


def live_of(box: Box) -> list[Live]:
    """Live values with the newest details beside them."""
    found = live_values(box.place, box.state)
    return [msgspec.structs.replace(live, values={**box.details.get(live.meter, {}), **live.values}) for live in found]
