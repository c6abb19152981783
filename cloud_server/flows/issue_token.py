"""Tokens for other programs: made with scopes and an end, shown once, kept as a hash, and ended before their time."""

from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass

from cloud_server.core.api_token import PREFIX, ApiToken, Scope
from cloud_server.core.enrolment import token_hash
from cloud_server.core.territory import WHOLE_SITE, Territory
from cloud_server.flows.centre import Centre
from protocol.units import DAY_MS

TOKEN_CHANCE_BYTES = 32
"""256 bits: beyond guessing however many tokens there are."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """The token in the open, for this once, and what is kept of it."""

    secret: str
    kept: ApiToken


def issue_token(
    centre: Centre, name: str, scopes: Iterable[Scope], days: int, by: str, territory: Territory = WHOLE_SITE
) -> IssuedToken:
    """Make and store a token that holds for some days, for the whole site or for some of its buildings."""
    now_ms = centre.clock.wall_ms()
    secret = PREFIX + urlsafe_b64encode(centre.chance.draw(TOKEN_CHANCE_BYTES)).rstrip(b"=").decode()
    kept = ApiToken(
        token=centre.new_id(),
        name=name,
        token_hash=token_hash(secret),
        scopes=frozenset(scopes),
        made_at_ms=now_ms,
        made_by=by,
        ends_at_ms=now_ms + days * DAY_MS,
        territory=territory,
    )
    with centre.store.write() as unit:
        unit.tokens.add_token(kept)
        detail: dict[str, object] = {"name": name, "scopes": sorted(kept.scopes), "ends_at_ms": kept.ends_at_ms}
        if territory.buildings is not None:
            detail["buildings"] = sorted(territory.buildings)
        unit.audit.append(now_ms, by, "token_issued", kept.token, detail)
    return IssuedToken(secret, kept)


def revoke_token(centre: Centre, token: str, by: str) -> bool:
    """End a token now; False where there is none such that still holds."""
    now_ms = centre.clock.wall_ms()
    with centre.store.write() as unit:
        if not unit.tokens.revoke_token(token, now_ms):
            return False
        unit.audit.append(now_ms, by, "token_revoked", token, {})
    return True
