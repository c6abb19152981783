"""In which state a supply point, a box or a sale is, from what is known and how old that is. Pure.

The order of the point's states is the console's: lost goes before arrears, then alarm 2, alarm 1, not opened, normal.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cloud_server.core.batch_facts import MeterFacts
from cloud_server.core.fleet import Box, BoxState, GrantState, WalletGrant
from cloud_server.core.limits import IN_REACH_WITHIN_MS, LOST_AFTER_MS
from cloud_server.core.views import PointState, SaleState


def in_reach(box: Box, listening: bool, now_ms: int) -> bool:
    """Whether a command would reach the box now: it holds a request open, or was heard a moment ago."""
    if box.state is not BoxState.ENROLLED:
        return False
    return listening or (box.seen_at_ms is not None and now_ms - box.seen_at_ms <= IN_REACH_WITHIN_MS)


def box_is_lost(box: Box, listening: bool, now_ms: int) -> bool:
    """Whether an enrolled box has been silent for longer than its limit."""
    if box.state not in (BoxState.ENROLLED, BoxState.QUARANTINED) or listening:
        return False
    return box.seen_at_ms is None or now_ms - box.seen_at_ms > LOST_AFTER_MS


@dataclass(frozen=True, slots=True)
class PointFacts:
    """What a point's state follows from. `alarm_level` is that of its wallet, 0 where there is none."""

    has_account: bool
    sold: bool
    """A tenant's supply point; a main or public one is measured and sold to nobody."""
    lost: bool
    arrears: bool
    alarm_level: int


def point_state(facts: PointFacts) -> PointState:
    """The one state that a tile shows."""
    if facts.lost:
        return "lost"
    if facts.arrears:
        return "arrears"
    if facts.alarm_level == 2:
        return "alarm2"
    if facts.alarm_level == 1:
        return "alarm1"
    if facts.has_account:
        return "normal"
    return "not_opened" if facts.sold else "measured"


def relay_is_on(relay: MeterFacts) -> bool:
    """Closed as far as one knows: seen closed, or never seen and not ordered open."""
    return relay.seen == "closed" or (relay.seen == "unknown" and relay.wanted != "open")


def sale_state(grants: Iterable[WalletGrant], reachable: bool) -> SaleState:
    """How far a sale has come, by the slowest of its parts. `reachable`: all boxes still to answer are in reach."""
    parts = tuple(grants)
    if not parts:
        return "credit"
    if any(part.state in (GrantState.REFUSED, GrantState.UNDONE) for part in parts):
        return "refused"
    if any(part.state is GrantState.WAITING for part in parts):
        return "waiting"
    if any(part.state is GrantState.SIGNED for part in parts):
        return "sold" if reachable else "waiting"
    return "on" if all(part.on_at_ms is not None for part in parts) else "delivered"
