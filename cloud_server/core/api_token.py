"""Tokens of other programs: what they may do, and when they hold. Pure."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from protocol.units import Ms

Scope = Literal["read", "sell", "office", "confirm", "provision", "admin"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
"""`office`: tills, days, adjustments, closings, meters; `confirm`: says the second yes to steps of others."""
PREFIX: Final = "tbx_"
"""So that a token left in a file or a log is known for what it is."""


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

    def holds(self, now_ms: Ms) -> bool:
        """Whether it may be used now."""
        return self.revoked_at_ms is None and now_ms < self.ends_at_ms

    def may(self, scope: Scope) -> bool:
        """Whether it has a scope; `admin` has all of them."""
        return scope in self.scopes or "admin" in self.scopes
