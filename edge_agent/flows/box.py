"""What the one owner thread holds: the state, the place, the store, and the one way in which a decision takes hold.

Commit, then act: nothing reaches a bus or the centre before the transaction that holds the rest. What neither of them
waits for may share a transaction with what comes within ten seconds, so that flash wears by megabytes a day: sixty
intervals of one boundary are one commit, not sixty. Until then a crash loses only what the meters tell again.
No other thread touches anything in here.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import msgspec

from edge_agent.core.decision import Decision, Order, apply, join
from edge_agent.core.limits import BoxLimits
from edge_agent.core.measured import RelayOrdered
from edge_agent.core.place import Place
from edge_agent.core.state import BoxState, Now
from edge_agent.core.timekeeping import ClockTrust
from edge_agent.core.views import live_values
from edge_agent.ports import MeterBus, RecordStore, RelayOrder, SettableClock, StoreFull
from protocol.box_config import BoxConfig
from protocol.config_text import read_config
from protocol.envelope import Line
from protocol.ids import Id, make_id
from protocol.messages import Live
from protocol.signing import SigningKey

DEFER_MS: Final = 10_000
"""What a power cut may take from memory is read again within seconds; the readings of a boundary come within ten."""
DEFERRED_MAX: Final = 2_000
"""Decisions and records that wait in memory while the disk takes nothing: several boundaries of eighty meters, some
megabytes. Usually far fewer: without room no interval is closed, and the registers hold what was used."""
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
    clock: SettableClock
    chance: Callable[[int], bytes]
    read_place: Callable[[BoxConfig], Place]
    limits: BoxLimits
    buses: Mapping[str, MeterBus] = field(default_factory=dict)
    """By bus id."""
    place_changed: Callable[[], None] = lambda: None
    """Called when a configuration has taken hold: whoever wired the box sets buses and schedule anew."""
    more_room: Callable[[], bool] = lambda: False
    """Called when a money command found no room in the store: whether some was made."""
    trust: ClockTrust = field(default_factory=ClockTrust)
    defer_ms: int = 0
    """How long a decision that nobody waits for may wait for others to be committed with."""
    deferred: list[Decision] = field(default_factory=list)
    """Applied in memory and not committed yet, oldest first."""
    deferred_since: int = 0
    deferred_size: int = 0
    """Decisions and records in them; at most `DEFERRED_MAX`."""
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
        """Let a decision hold: in the store, in memory, then towards the relays.

        Raises StoreFull with nothing changed: a command, a closing, or more than may wait in memory for room.
        """
        config_before = self.state.marks.config_hash
        if self._can_wait(decision, lines):
            self.put_off(decision)
        elif decision.durable or lines:
            self._commit(decision, lines)
        apply(self.state, decision)
        if self.state.marks.config_hash != config_before:
            self.settle_place()
        self.urgent = self.urgent or decision.urgent
        self._order(decision.orders)
        for bus_id, bus in self.buses.items():
            self._read_again(bus_id, bus, decision)

    def _commit(self, decision: Decision, lines: Sequence[Line]) -> None:
        """Commit with what was deferred before. Without room, commands wait and nothing closes; the rest is put off.

        So readings go on counting and openings go on (box.md); what they are recorded with comes later.
        """
        try:
            self.store.commit(join(*self.deferred, decision), lines)
        except StoreFull:
            self.state.no_room = True
            if lines or any(order.wanted == "closed" for order in decision.orders):
                raise
            self.put_off(decision)
            if decision.orders:
                log.error("opened_without_record", extra={"fields": {"meters": len(decision.orders)}})
            return
        self._kept()

    def put_off(self, decision: Decision) -> None:
        """Commit a decision with what comes next, or when there is room. Raises StoreFull for more than memory holds.

        Openings are always taken: there are as many of them as meters, since nothing is closed meanwhile.
        """
        if self.deferred_size >= DEFERRED_MAX and not decision.orders:
            raise StoreFull(f"{self.deferred_size} decisions and records wait for room in the store already")
        if not self.deferred:
            self.deferred_since = self.clock.mono_ms()
        self.deferred.append(decision)
        self.deferred_size += 1 + len(decision.records)

    def _kept(self) -> None:
        """All that was deferred is in the store."""
        self.deferred.clear()
        self.deferred_size = 0
        self.state.no_room = False

    def _can_wait(self, decision: Decision, lines: Sequence[Line]) -> bool:
        """Whether nobody waits for this: no relay, no signed line, no money id, no mark, nothing urgent."""
        waited_for = decision.urgent or decision.orders or decision.money_ids or decision.marks or lines
        return self.defer_ms > 0 and decision.durable and not waited_for

    @contextmanager
    def flushed(self) -> Iterator[None]:
        """One transaction that begins with what was deferred. Raises StoreFull: then it stays deferred."""
        try:
            with self.store.together():
                if self.deferred:
                    self.store.commit(join(*self.deferred))
                yield
        except StoreFull:
            self.state.no_room = True
            raise
        self._kept()

    def flush(self, *, due_only: bool = False) -> None:
        """Commit what was deferred; with `due_only` once it has waited long enough. Raises StoreFull."""
        waited_ms = self.clock.mono_ms() - self.deferred_since
        if self.deferred and (not due_only or waited_ms >= self.defer_ms):
            with self.flushed():
                pass

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
                    wanted=_wanted(order),
                    not_after_mono_ms=self.clock.mono_ms() + ORDER_GOOD_FOR_MS,
                )
            )

    def _read_again(self, bus_id: str, bus: MeterBus, decision: Decision) -> None:
        for meters, read in ((decision.reread, bus.read_now), (decision.read_serials, bus.read_serial)):
            wanted = self._on(bus_id, meters)
            if wanted:
                read(wanted)

    def _on(self, bus_id: str, meters: frozenset[str]) -> list[str]:
        return sorted(meter for meter in meters if self.place.bus_of.get(meter) == bus_id)


def _wanted(order: Order) -> RelayOrdered:
    """What the relay is told: closed may be left to the meter's own control, or to the person at it."""
    if order.release:
        return RelayOrdered.RELEASED
    return RelayOrdered.ARMED if order.arm else RelayOrdered(order.wanted)


def live_of(box: Box) -> list[Live]:
    """Live values with the newest details beside them."""
    found = live_values(box.place, box.state)
    return [msgspec.structs.replace(live, values={**box.details.get(live.meter, {}), **live.values}) for live in found]
