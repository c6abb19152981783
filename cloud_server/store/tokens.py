"""Rows of API tokens, kept as hashes."""

from dataclasses import asdict
from typing import Any

from cloud_server.core.api_token import ApiToken
from cloud_server.core.territory import territory_from_text, territory_text
from cloud_server.store import tables_fleet as t
from cloud_server.store.rows import Rows
from protocol.units import Ms


class TokenRows(Rows):
    """Tokens of other programs."""

    def add_token(self, token: ApiToken) -> None:
        """Store a token."""
        row = asdict(token)
        row["scopes"] = " ".join(sorted(token.scopes))
        del row["territory"]
        row["buildings"] = territory_text(token.territory)
        self._insert(t.ApiToken, [row])

    def token_by_hash(self, token_hash: str) -> ApiToken | None:
        """The token with this hash, whether it holds or not."""
        row = self._one(self._of(t.ApiToken).where(t.ApiToken.token_hash == token_hash))
        if row is None:
            return None
        return _token(row)

    def tokens(self) -> list[ApiToken]:
        """All that were ever given."""
        return [_token(row) for row in self._all(self._of(t.ApiToken).order_by(t.ApiToken.token))]

    def revoke_token(self, token: str, at_ms: Ms) -> bool:
        """End one that was not ended before."""
        a = t.ApiToken
        which = (a.site == self._site) & (a.token == token) & a.revoked_at_ms.is_null()
        return self._run(a.update(revoked_at_ms=at_ms).where(which)) > 0


def _token(row: dict[str, Any]) -> ApiToken:
    buildings = row.pop("buildings")
    return ApiToken(**(row | {"scopes": frozenset(row["scopes"].split()), "territory": territory_from_text(buildings)}))
