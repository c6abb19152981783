"""Tokens of other programs: what they may do, what they may give away, and when they hold. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from cloud_server.core.territory import WHOLE_SITE, Territory
from protocol.units import Ms

Scope = Literal["read", "readings", "sell", "office", "confirm", "acknowledge", "metrics", "provision", "admin"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
PREFIX: Final = "tbx_"
"""So that a token left in a file or a log is known for what it is."""

HOLDS: Final[Mapping[Scope, frozenset[Scope]]] = {
    # Everything that may be looked at, customers and balances among it.
    "read": frozenset({"read", "readings", "metrics"}),
    # Meters and their energy, for an energy-analysis system: no customer, no money.
    "readings": frozenset({"readings"}),
    # Quote, sell, reverse, refund, and look at what this token itself has sold.
    "sell": frozenset({"sell"}),
    # Tills, days, adjustments, closings, meters.
    "office": frozenset({"office"}),
    # Says the second yes to steps of others.
    "confirm": frozenset({"confirm"}),
    # Look at alarms and say that somebody sees to them.
    "acknowledge": frozenset({"acknowledge"}),
    "metrics": frozenset({"metrics"}),
    "provision": frozenset({"provision"}),
    "admin": frozenset(SCOPES),
}
"""What a scope lets in."""
GIVES: Final[Mapping[Scope, frozenset[Scope]]] = {
    # Whoever sets boxes up needs programs that watch them. Taking money is given by people with a terminal, or by an
    # administrator's token: a token left on a laptop in a shaft must not become a till.
    "provision": frozenset({"read", "readings", "acknowledge", "metrics", "provision"}),
    "admin": frozenset(SCOPES),
}
"""What a scope may give to a new token; one that is not named gives nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """One token; `token_hash` is the SHA-256 of the whole token with its prefix."""

    token: str
    name: str
    token_hash: str
    scopes: frozenset[Scope]
    made_at_ms: Ms
    made_by: str
    ends_at_ms: Ms
    revoked_at_ms: Ms | None = None
    territory: Territory = WHOLE_SITE
    """The buildings that it is limited to."""

    def holds(self, now_ms: Ms) -> bool:
        """Whether it may be used now."""
        return self.revoked_at_ms is None and now_ms < self.ends_at_ms

    def may(self, scope: Scope) -> bool:
        """Whether it has a scope, by itself or by a wider one."""
        return any(scope in HOLDS[own] for own in self.scopes)

    def may_not_give(self, scopes: Iterable[Scope]) -> list[Scope]:
        """Those of some scopes that it may not give to another token."""
        given = {scope for own in self.scopes for scope in GIVES.get(own, frozenset())}
        return sorted(set(scopes) - given)
