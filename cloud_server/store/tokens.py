"""Rows of API tokens, kept as hashes."""

from dataclasses import asdict

from cloud_server.core.api_token import ApiToken
from cloud_server.store import tables_fleet as t
from cloud_server.store.rows import Rows


class TokenRows(Rows):
    """Tokens of other programs."""

    def add_token(self, token: ApiToken) -> None:
        """Store a token."""
        row = asdict(token)
        row["scopes"] = " ".join(sorted(token.scopes))
        self._insert(t.ApiToken, [row])

    def token_by_hash(self, token_hash: str) -> ApiToken | None:
        """The token with this hash, whether it holds or not."""
        row = self._one(self._of(t.ApiToken).where(t.ApiToken.token_hash == token_hash))
        if row is None:
            return None
        row["scopes"] = frozenset(row["scopes"].split())
        return ApiToken(**row)
