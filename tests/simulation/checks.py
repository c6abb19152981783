"""What must hold: at each order to a relay, after every step, and when everything has been healed."""

from typing import TYPE_CHECKING

from cloud_server.core import accounts
from edge_agent.core.decision import join
from edge_agent.core.measured import RelayOrdered
from edge_agent.core.readings import fresh_reading
from edge_agent.ports import RelayOrder
from tests.simulation.box import SimBox

if TYPE_CHECKING:
    from tests.simulation.world import World

MONEY_CAUSES = ("arrears", "overload", "alarm2")


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
    if order.meter not in state.latest and not locked:
        found.append("a relay moved before its meter was read")
    if order.wanted is RelayOrdered.OPEN and row.cause in MONEY_CAUSES:
        if not fresh_reading(owned.place, state, order.meter, owned.now()):
            found.append(f"opened for {row.cause} on a stale reading")
        if row.state.held:
            found.append(f"opened for {row.cause} with its register held")
    kept = box.run.store.load()
    if kept is None or next(r for r in kept.meters if r.meter == order.meter).wanted != order.wanted.value:
        found.append(f"ordered {order.wanted} before that was committed")
    return [f"meter {order.meter[-8:]}: {text}" for text in found]


class Checker:
    """Holds what was seen so far."""

    def __init__(self, world: "World") -> None:
        self.world = world

    def now(self, *, thorough: bool) -> list[str]:
        """After every step."""
        world = self.world
        found, world.wrongs = world.wrongs, []
        found += world.staff.wrongs
        for box in world.boxes.values():
            if box.alive:
                found += [f"box {box.box[-8:]}: {text}" for text in self._box(box)]
        if world.centre.running:
            found += [*world.centre.doubts(), *world.centre.breaches(thorough=thorough)]
        return found

    def _box(self, box: SimBox) -> list[str]:
        """Memory is the store, and what was put off for company."""
        kept, owned = box.run.store.load(), box.owner.box
        assert kept is not None
        waiting = join(*owned.deferred)
        found = []
        if {row.meter: row for row in (*kept.meters, *waiting.meters)} != owned.state.meters:
            found.append("meters in memory are not those of the store")
        if {row.wallet: row for row in (*kept.wallets, *waiting.wallets)} != owned.state.wallets:
            found.append("wallets in memory are not those of the store")
        if kept.marks != owned.state.marks:
            found.append("marks in memory are not those of the store")
        return found

    def unsettled(self) -> list[str]:
        """What has not come to rest yet."""
        found = []
        if not self.world.centre.running or not all(box.alive for box in self.world.boxes.values()):
            return ["something is dead"]
        with self.world.centre.parts.centre.store.read() as unit:
            for name, box in self.world.boxes.items():
                row = unit.fleet.box(name)
                assert row is not None
                marks = box.owner.box.state.marks
                if box.run.store.pending_count() or box.run.store.first_unacknowledged():
                    found.append(f"box {name[-8:]}: {box.run.store.pending_count()} records wait")
                if row.command_head.seq != marks.commands_seq:
                    found.append(f"box {name[-8:]}: applied {marks.commands_seq} of {row.command_head.seq} commands")
                if row.applied_seq != row.command_head.seq:
                    found.append(f"box {name[-8:]}: answered {row.applied_seq} of {row.command_head.seq} commands")
                in_flight = [accounts.in_flight(w.wallet) for w in unit.fleet.wallets_of_box(name)]
                found += [f"{a} holds {micro}" for a, micro in unit.ledger.sums(in_flight).items() if micro]
        return found

    def at_the_end(self) -> list[str]:
        """When everything was healed and has come to rest."""
        world = self.world
        found = self.unsettled()
        with world.centre.parts.centre.store.read() as unit:
            for box in world.boxes.values():
                for wallet, row in box.owner.box.state.wallets.items():
                    books = unit.ledger.sums([accounts.wallet(wallet)]).get(accounts.wallet(wallet), 0)
                    if books != row.state.book_micro:
                        found.append(f"wallet {wallet[-8:]}: the box has {row.state.book_micro}, the ledger {books}")
            for key, sold in world.staff.sales.items():
                if sold.sale is None or unit.ledger.sale(sold.sale) is None:
                    found.append(f"{key}: sale {sold.sale} is not in the books")
        return found
