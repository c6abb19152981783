"""What a pure function of the core answers: rows to write, records to chain, and what to do once that is committed.

Decide, then commit, then act: nothing in `orders` may reach a bus before the transaction that holds the rest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from edge_agent.core.guard import Account
from edge_agent.core.measured import RelayOrdered
from edge_agent.core.state import BoxState, Latest, Marks, MeterRow, Noted, RateMark, SerialAsked, Trying, WalletRow
from protocol.records import AlarmKind, Cause, Contact, Record

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Order:
    """What a relay is to be told. `wanted` is open or closed; how a closed one is written, the bus decides."""

    meter: str
    wanted: Contact
    cause: Cause
    release: bool = False
    """Closed as far as we are concerned, and left to the meter's own control: it is a guard."""
    arm: bool = False
    """Closed as far as we are concerned, and left to the person at the meter, who presses its button."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One step of the box. Empty where nothing durable changed."""

    records: tuple[Record, ...] = ()
    meters: tuple[MeterRow, ...] = ()
    wallets: tuple[WalletRow, ...] = ()
    marks: Marks | None = None
    money_ids: tuple[str, ...] = ()
    """Grants and reclaims applied in this step: kept for ever, none is applied twice."""
    orders: tuple[Order, ...] = ()
    urgent: bool = False
    """Seal and send at once: relay, alarm, boot, money."""
    latest: tuple[tuple[str, Latest], ...] = ()
    """In memory only, as the next three."""
    trying: tuple[tuple[str, Trying | None], ...] = ()
    closed_mono_ms: tuple[tuple[str, int], ...] = ()
    """Buses on which a relay is closed by this step, and when: closings are spaced."""
    lost: tuple[tuple[str, bool], ...] = ()
    forget: tuple[str, ...] = ()
    """Meters whose newest reading no longer says anything: their register got a new base."""
    doubts: tuple[tuple[str, int], ...] = ()
    overload_since_mono_ms: tuple[tuple[str, int | None], ...] = ()
    reread: frozenset[str] = field(default_factory=frozenset)
    """Meters to read again now, because a step or an opening wants a second reading."""
    identified: tuple[tuple[str, bool], ...] = ()
    """Meters of which is known, or no longer known, who answers at their address."""
    serials_asked: tuple[tuple[str, SerialAsked | None], ...] = ()
    noted: tuple[tuple[str, Noted], ...] = ()
    suspicions: tuple[tuple[str, Mapping[AlarmKind, int]], ...] = ()
    opened_raw_wh: tuple[tuple[str, int | None], ...] = ()
    accounts: tuple[tuple[str, Account], ...] = ()
    order_registers: tuple[tuple[str, RelayOrdered], ...] = ()
    foreign_mono_ms: tuple[tuple[str, int], ...] = ()
    rate_marks: tuple[tuple[str, RateMark], ...] = ()
    testing: tuple[tuple[str, bool], ...] = ()
    """Meters that a person begins or ends to test: what their relays do meanwhile is by command."""
    read_serials: frozenset[str] = field(default_factory=frozenset)
    """Meters whose serial number is to be read now."""

    @property
    def durable(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self.records or self.meters or self.wallets or self.marks or self.money_ids)


NOTHING = Decision()


def join(*decisions: Decision) -> Decision:
    """One decision that does all of them in their order; of two rows of one thing the later counts."""
    meters = {row.meter: row for d in decisions for row in d.meters}
    wallets = {row.wallet: row for d in decisions for row in d.wallets}
    marks = [d.marks for d in decisions if d.marks is not None]
    orders = {order.meter: order for d in decisions for order in d.orders}
    return Decision(
        records=tuple(r for d in decisions for r in d.records),
        meters=tuple(meters.values()),
        wallets=tuple(wallets.values()),
        marks=marks[-1] if marks else None,
        money_ids=tuple(m for d in decisions for m in d.money_ids),
        orders=tuple(orders.values()),
        urgent=any(d.urgent for d in decisions),
        latest=tuple(_latest(decisions).items()),
        trying=tuple(pair for d in decisions for pair in d.trying),
        closed_mono_ms=tuple(pair for d in decisions for pair in d.closed_mono_ms),
        lost=tuple(pair for d in decisions for pair in d.lost),
        forget=tuple(meter for d in decisions for meter in d.forget),
        doubts=tuple(pair for d in decisions for pair in d.doubts),
        overload_since_mono_ms=tuple(pair for d in decisions for pair in d.overload_since_mono_ms),
        reread=frozenset().union(*(d.reread for d in decisions)),
        identified=tuple(pair for d in decisions for pair in d.identified),
        serials_asked=tuple(pair for d in decisions for pair in d.serials_asked),
        noted=tuple(pair for d in decisions for pair in d.noted),
        suspicions=tuple(pair for d in decisions for pair in d.suspicions),
        opened_raw_wh=tuple(pair for d in decisions for pair in d.opened_raw_wh),
        accounts=tuple(pair for d in decisions for pair in d.accounts),
        order_registers=tuple(pair for d in decisions for pair in d.order_registers),
        foreign_mono_ms=tuple(pair for d in decisions for pair in d.foreign_mono_ms),
        rate_marks=tuple(pair for d in decisions for pair in d.rate_marks),
        testing=tuple(pair for d in decisions for pair in d.testing),
        read_serials=frozenset().union(*(d.read_serials for d in decisions)),
    )


def _latest(decisions: Iterable[Decision]) -> dict[str, Latest]:
    """The newest readings that are left: what a later step forgets does not come back with an earlier one."""
    latest: dict[str, Latest] = {}
    for decision in decisions:
        for meter in decision.forget:
            latest.pop(meter, None)
        latest.update(decision.latest)
    return latest


def apply(state: BoxState, decision: Decision) -> None:
    """Take a committed decision into memory. The only way in which a `BoxState` changes."""
    state.meters.update({row.meter: row for row in decision.meters})
    state.wallets.update({row.wallet: row for row in decision.wallets})
    if decision.marks is not None:
        state.marks = decision.marks
    for meter in decision.forget:
        state.latest.pop(meter, None)
    state.latest.update(dict(decision.latest))
    state.closed_mono_ms.update(dict(decision.closed_mono_ms))
    for meter, lost in decision.lost:
        (state.lost.add if lost else state.lost.discard)(meter)
    for meter, known in decision.identified:
        (state.identified.add if known else state.identified.discard)(meter)
    _keep(state.serials_asked, decision.serials_asked)
    state.noted.update(decision.noted)
    state.suspicions.update(decision.suspicions)
    _keep(state.opened_raw_wh, decision.opened_raw_wh)
    state.accounts.update(decision.accounts)
    state.order_registers.update(decision.order_registers)
    state.foreign_mono_ms.update(decision.foreign_mono_ms)
    state.rate_marks.update(decision.rate_marks)
    for meter, begun in decision.testing:
        (state.testing.add if begun else state.testing.discard)(meter)
    _keep(state.trying, decision.trying)
    _keep(state.doubts, [(meter, count or None) for meter, count in decision.doubts])
    _keep(state.overload_since_mono_ms, decision.overload_since_mono_ms)


def _keep(memory: dict[str, Value], changes: Iterable[tuple[str, Value | None]]) -> None:
    """Set each name to its value; None forgets it."""
    for name, value in changes:
        if value is None:
            memory.pop(name, None)
        else:
            memory[name] = value


def preview(state: BoxState, decision: Decision) -> BoxState:
    """A copy of the state as it will be after the decision: for a step that builds on one not yet committed."""
    copy = replace(
        state,
        meters=dict(state.meters),
        wallets=dict(state.wallets),
        latest=dict(state.latest),
        trying=dict(state.trying),
        lost=set(state.lost),
        closed_mono_ms=dict(state.closed_mono_ms),
        doubts=dict(state.doubts),
        overload_since_mono_ms=dict(state.overload_since_mono_ms),
        identified=set(state.identified),
        serials_asked=dict(state.serials_asked),
        noted=dict(state.noted),
        suspicions=dict(state.suspicions),
        opened_raw_wh=dict(state.opened_raw_wh),
        accounts=dict(state.accounts),
        order_registers=dict(state.order_registers),
        testing=set(state.testing),
        foreign_mono_ms=dict(state.foreign_mono_ms),
        rate_marks=dict(state.rate_marks),
    )
    apply(copy, decision)
    return copy


class Steps:
    """A decision made of several, each building on the one before, none committed yet."""

    def __init__(self, state: BoxState) -> None:
        self.state = preview(state, NOTHING)
        self._taken: list[Decision] = []

    def take(self, decision: Decision) -> Decision:
        """Let one more step count for those that follow."""
        apply(self.state, decision)
        self._taken.append(decision)
        return decision

    def decision(self) -> Decision:
        """All steps as one decision."""
        return join(*self._taken)
