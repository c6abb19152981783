"""What must hold: at each order to a relay, after every step, and when everything has been healed."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from cloud_server.core import accounts
from cloud_server.core.batch_facts import MeterFacts
from cloud_server.ports import Unit
from edge_agent.core import invariants
from edge_agent.core.decision import join
from edge_agent.core.measured import RelayOrdered
from edge_agent.core.readings import fresh_reading
from edge_agent.core.state import MeterRow
from edge_agent.core.wallets import running_micro
from edge_agent.flows.box_books import BookReader
from edge_agent.ports import RelayOrder
from protocol.records import Fee, Interval, Record
from protocol.units import DAY_MS, amount_from_text
from tests.simulation.box import SimBox
from tests.simulation.clocks import START_MS
from tests.simulation.meters import CYCLE_MS, WRAP_WH

if TYPE_CHECKING:
    from tests.simulation.world import World

FALSE_DAYS: Final = 30 * DAY_MS
"""More than any clock of this world is false by, but for one that lost its battery."""
MONEY_CAUSES: Final = ("arrears", "overload", "alarm2")


def order_faults(box: SimBox, order: RelayOrder) -> list[str]:
    """13, 14: what must be so whenever a relay is ordered. The decision that holds it has been committed."""
    owned = box.owner.box
    if order.meter in owned.lent:
        return []
    row, state = owned.state.meters[order.meter], owned.state
    found = []
    locked, mode = row.state.locked_out is not None, row.state.mode
    if order.wanted is RelayOrdered.CLOSED and locked:
        found.append("a locked-out meter was closed")
    if order.wanted is RelayOrdered.CLOSED and mode == "forced_off":
        found.append("a meter that is forced off was closed")
    if order.wanted is RelayOrdered.OPEN and mode == "protected" and not locked:
        found.append("a protected meter was opened")
    wallet = owned.place.wallet_of.get(order.meter)
    if order.meter not in state.latest and not locked:
        found.append("a relay moved before its meter was read")
    if order.wanted is RelayOrdered.OPEN and row.cause in MONEY_CAUSES:
        if not fresh_reading(owned.place, state, order.meter, owned.now()):
            found.append(f"opened for {row.cause} on a stale reading")
        others = wallet.meters if wallet is not None and row.cause == "arrears" else [order.meter]
        if all(state.meters[meter].state.held for meter in others):
            found.append(f"opened for {row.cause} with its register held")
    closes = order.wanted is RelayOrdered.CLOSED and mode == "prepaid" and row.state.service == "in_service"
    fed = wallet is not None and not state.wallets[wallet.wallet].closed
    if closes and fed and wallet is not None and state.wallets[wallet.wallet].state.arrears_open:
        found.append("closed while the arrears latch stands")
    kept = box.run.store.load()
    if order.wanted is RelayOrdered.OPEN and box.disk_full:
        # Openings go on and are recorded later.
        return [f"meter {order.meter[-8:]}: {text}" for text in found]
    if kept is None or next(r for r in kept.meters if r.meter == order.meter).wanted != order.wanted.value:
        found.append(f"ordered {order.wanted} before that was committed")
    return [f"meter {order.meter[-8:]}: {text}" for text in found]


def right_contact(box: SimBox, meter: str) -> bool | None:
    """Whether supply should be on by the rules of enforcement, said once more in other words; None: not ours to say."""
    owned = box.owner.box
    row, wallet = owned.state.meters[meter], owned.place.wallet_of.get(meter)
    if row.state.locked_out is not None:
        return False
    if row.state.service == "observe":
        return None
    if row.state.mode != "prepaid":
        return row.state.mode == "protected"
    if wallet is None or owned.state.wallets[wallet.wallet].closed:
        return True
    if row.state.overload_latched:
        return False
    balance, latched = running_micro(owned.state, wallet), owned.state.wallets[wallet.wallet].state.arrears_open
    return balance >= wallet.reconnect_micro if latched else balance > wallet.trip_micro


def not_yet_opened(box: SimBox) -> list[str]:
    """Meters that the rules want open, by readings that are fresh and believed, and of which that is not wanted yet."""
    owned, found = box.owner.box, []
    for meter in box.meters:
        row, latest = owned.state.meters[meter], owned.state.latest.get(meter)
        judged = latest is not None and fresh_reading(owned.place, owned.state, meter, owned.now())
        if row.state.held or meter in owned.state.doubts or meter in owned.state.lost:
            judged = False
        if right_contact(box, meter) is False and row.wanted != "open" and judged:
            found.append(meter)
    return found


def left_in_the_dark(box: SimBox) -> list[str]:
    """Meters of tenants that are to be supplied by readings that are fresh and believed, can be, and are not."""
    owned = box.owner.box
    if box.disk_full or owned.state.no_room:
        return []
    found = []
    for name, meter in box.meters.items():
        row = owned.state.meters[name]
        free = row.state.service == "in_service" and name not in owned.lent
        able = meter.answers and not meter.deaf and not row.state.held and name not in owned.state.doubts
        known = name not in owned.state.lost and fresh_reading(owned.place, owned.state, name, owned.now())
        if free and able and known and not meter.closed and right_contact(box, name):
            found.append(name)
    return found


class Checker:
    """Holds what was seen so far."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.books = {name: BookReader() for name in world.boxes}

    def forget(self, box: str) -> None:
        """Its store is another one."""
        self.books[box] = BookReader()

    def now(self, *, thorough: bool) -> list[str]:
        """After every step."""
        world, losses = self.world, self.world.losses
        found, world.wrongs = world.wrongs, []
        found += world.staff.wrongs
        for box in world.boxes.values():
            if box.alive:
                found += [f"box {box.box[-8:]}: {text}" for text in self._box(box)]
        if world.centre.running:
            behind, restored = (losses.behind, losses.restored) if losses else (frozenset[str](), False)
            found += world.centre.doubts(behind, restored=restored, epochs=world.crowded)
            found += [*world.centre.breaches(thorough=thorough), *self._acknowledged()]
        return found

    def _box(self, box: SimBox) -> list[str]:
        """Memory is the store, and what was put off for company; and the store's books are right."""
        kept, owned = box.run.store.load(), box.owner.box
        assert kept is not None
        waiting = join(*owned.deferred)
        books = self.books[box.box].read(box.run.store)
        found = invariants.breaches(books)
        if {row.meter: row for row in (*kept.meters, *waiting.meters)} != owned.state.meters:
            found.append("meters in memory are not those of the store")
        if {row.wallet: row for row in (*kept.wallets, *waiting.wallets)} != owned.state.wallets:
            found.append("wallets in memory are not those of the store")
        if (waiting.marks or kept.marks) != owned.state.marks:
            found.append("marks in memory are not those of the store")
        found += _fees(books.records, box.time.now_ms)
        behind = self.world.losses.behind if self.world.losses is not None else ()
        if box.box not in behind and box.owner.sealing.set_back is not None:
            found.append(f"believes that it was set back: {box.owner.sealing.set_back}")
        return found

    def _acknowledged(self) -> list[str]:
        """8. What was answered to staff, and what was acknowledged to a box, is in the books."""
        world, found = self.world, []
        with world.centre.parts.centre.store.read() as unit:
            for key, sold in world.staff.sales.items():
                if sold.sale is not None and unit.ledger.sale(sold.sale) is None:
                    found.append(f"8 {key}: sale {sold.sale} was answered and is not in the books")
            for box in world.boxes.values():
                row, books = unit.fleet.box(box.box), self.books[box.box]
                if not box.alive or row is None or row.recovery or row.epoch != books.epoch:
                    continue
                waits = box.run.store.first_unacknowledged()
                held = len(books.headers) if waits is None or waits[0] != books.epoch else waits[1] - 1
                if row.batch_head.seq < held:
                    found.append(f"8 box {box.box[-8:]}: {held} batches acknowledged, {row.batch_head.seq} held")
        return found

    # --- the end ----------------------------------------------------------------------------------------------------

    def unsettled(self) -> list[str]:
        """What has not come to rest yet."""
        if not self.world.centre.running or not all(box.alive for box in self.world.boxes.values()):
            return ["something is dead"]
        found = []
        with self.world.centre.parts.centre.store.read() as unit:
            for name, box in self.world.boxes.items():
                found += [f"box {name[-8:]}: {text}" for text in _unsettled(unit, box)]
        return found

    def at_the_end(self) -> list[str]:
        """When everything was healed and has come to rest."""
        found = self.unsettled()
        with self.world.centre.parts.centre.store.read() as unit:
            for key, sold in self.world.staff.sales.items():
                if sold.sale is None or unit.ledger.sale(sold.sale) is None:
                    found.append(f"{key}: sale {sold.sale} is not in the books")
            found += self._every_cent()
            for box in self.world.boxes.values():
                facts = {meter: fact for meter, (fact, _) in unit.readings.meter_states(box.box).items()}
                found += [f"box {box.box[-8:]}: {text}" for text in _settled_wrong(unit, box, facts)]
                found += [f"box {box.box[-8:]}: {text}" for text in self._energy(box)]
        return found

    def _every_cent(self) -> list[str]:
        """What people paid for, once each, is what the ledger took in for sales."""
        paid = sum(amount_from_text(sold.order.amount) for sold in self.world.staff.sales.values())
        booked = sum(
            part[1] for kind, _, parts in self.world.centre.seen() if kind == "sale" for part in parts if part[1] > 0
        )
        return [] if paid == booked else [f"people paid {paid}, and sales of {booked} are booked"]

    def _energy(self, box: SimBox) -> list[str]:
        """11. What each meter's register rose by, and nothing else, was charged."""
        found, told = [], self.books[box.box].read(box.run.store).records
        for meter in box.meters.values():
            latest, row = box.owner.box.state.latest[meter.meter], box.owner.box.state.meters[meter.meter]
            cuts = [record for record in told if isinstance(record, Interval) and record.meter == meter.meter]
            if cuts and sum(cut.energy_wh for cut in cuts) != (row.state.raw_wh or 0) - cuts[0].from_.raw_wh:
                found.append(f"11 meter {meter.meter[-8:]}: its intervals do not add up to its register")
            if abs(latest.raw_wh % WRAP_WH - meter.register_wh) > 100:
                found.append(f"meter {meter.meter[-8:]} shows {meter.register_wh}, the box believes {latest.raw_wh}")
        return found


def _fees(records: Sequence[Record], now_ms: int) -> list[str]:
    """16. A day is charged once, and none long before or after the world's own.

    A clock that was set some days wrong while the box was dead is believed until it is put right: the days that it
    charged too early are not charged again.
    """
    told = [(record.wallet, record.day) for record in records if isinstance(record, Fee)]
    first, last = (datetime.fromtimestamp(ms / 1_000, UTC).date() for ms in (START_MS - DAY_MS, now_ms + FALSE_DAYS))
    never = sorted(day for day in {day for _, day in told} if not first <= date.fromisoformat(day) <= last)
    found = [f"16 fee for {day}, a day that never was" for day in never[:3]]
    twice = {(wallet, day): count for (wallet, day), count in Counter(told).items() if count > 1}
    return found + [f"16 fee of {wallet[-8:]} for {day} {count} times" for (wallet, day), count in twice.items()]


def _unsettled(unit: Unit, box: SimBox) -> list[str]:
    row, marks, store = unit.fleet.box(box.box), box.owner.box.state.marks, box.run.store
    assert row is not None
    found = []
    if store.pending_count() or store.first_unacknowledged():
        found.append(f"{store.pending_count()} records wait, batches from {store.first_unacknowledged()}")
    if row.epoch != marks.epoch:
        found.append(f"epoch {row.epoch} is open, and {marks.epoch} is served")
    stand = (row.command_head.seq, marks.commands_seq, row.applied_seq)
    if len(set(stand)) > 1:
        found.append("{} commands signed, {} applied, {} answered".format(*stand))
    in_flight = [accounts.in_flight(wallet.wallet) for wallet in unit.fleet.wallets_of_box(box.box)]
    found += [f"{name} holds {micro}" for name, micro in unit.ledger.sums(in_flight).items() if micro]
    for meter in box.meters.values():
        right = right_contact(box, meter.meter)
        if right is not None and meter.closed != right:
            found.append(f"meter {meter.meter[-8:]}: closed {meter.closed}, right is {right}")
        latest = box.owner.box.state.latest.get(meter.meter)
        stale = latest is None or box.clock.mono_ms() - latest.mono_ms > 2 * CYCLE_MS
        if stale or meter.meter in box.owner.box.state.lost:
            found.append(f"meter {meter.meter[-8:]}: not read")
        if box.owner.box.state.meters[meter.meter].state.held:
            found.append(f"meter {meter.meter[-8:]}: held")
    return found


def _settled_wrong(unit: Unit, box: SimBox, facts: dict[str, MeterFacts]) -> list[str]:
    found = []
    for wallet, row in box.owner.box.state.wallets.items():
        books = unit.ledger.sums([accounts.wallet(wallet)]).get(accounts.wallet(wallet), 0)
        books += sum(settled.taken_micro for settled in unit.contracts.settlements([wallet]).values())
        if books != row.state.book_micro:
            found.append(f"wallet {wallet[-8:]}: the box has {row.state.book_micro}, the ledger {books}")
    for meter in box.meters:
        state = box.owner.box.state.meters[meter]
        fact = facts.get(meter, MeterFacts(meter=meter))
        if _as_told(state) != _as_known(fact):
            found.append(f"meter {meter[-8:]}: the box is {_as_told(state)}, the centre believes {_as_known(fact)}")
    return found


def _as_told(row: MeterRow) -> dict[str, object]:
    return {
        "service": row.state.service,
        "locked out": row.state.locked_out.who if row.state.locked_out is not None else None,
        "wanted": row.wanted,
        "seen": row.seen,
        "held": row.state.held,
        "overload": row.state.overload_latched,
    }


def _as_known(fact: MeterFacts) -> dict[str, object]:
    return {
        "service": fact.service,
        "locked out": fact.locked_out_by,
        "wanted": fact.wanted,
        "seen": fact.seen,
        "held": fact.held,
        "overload": fact.overload,
    }
