"""Links to customers' own pages: made, found again, revoked. The token is never stored, only its hash.

A token is derived from a secret of the centre, so that the same link can stand in each message and on each receipt;
with the secret lost, new links are made and those that people have go on holding.
"""

import base64
import hashlib
import hmac
from typing import Final

from cloud_server.flows.centre import Centre
from cloud_server.ports import Actor, Unit
from cloud_server.ports.outbox import LinkRow

TOKEN_BYTES: Final = 16
"""128 bits: 22 characters in a message."""
TOKEN_CHARACTERS: Final = 22
PATH: Final = "/my/"


class LinkKeeper:
    """Links by account."""

    def __init__(self, centre: Centre, secret: bytes) -> None:
        self._centre = centre
        self._secret = secret

    def url(self, unit: Unit, account: str) -> str:
        """The link that holds now; made where there is none. Wants a unit that writes where one is made."""
        held = [row for row in unit.messages.links_of(account)[:1] if row.revoked_at_ms is None]
        generation = held[0].generation if held else self._next(unit, account)
        token = self._token(account, generation)
        if not held or held[0].token_hash != token_hash(token):
            if held:
                # Another secret made the one that holds: it goes on holding, and a new one is written from now on.
                generation = self._next(unit, account)
                token = self._token(account, generation)
            row = LinkRow(
                token_hash=token_hash(token),
                account=account,
                generation=generation,
                made_at_ms=self._centre.clock.wall_ms(),
            )
            unit.messages.add_link(row)
        return f"{self._centre.site.public_url.rstrip('/')}{PATH}{token}"

    def url_now(self, account: str) -> str:
        """The same, in a unit of its own: for a receipt."""
        with self._centre.store.write() as unit:
            return self.url(unit, account)

    def account_of(self, token: str) -> str | None:
        """Whose link it is; None for one that does not hold."""
        if len(token) != TOKEN_CHARACTERS or not token.isascii():
            return None
        with self._centre.store.read() as unit:
            row = unit.messages.link(token_hash(token))
        return row.account if row is not None and row.revoked_at_ms is None else None

    def revoke(self, account: str, by: Actor) -> int:
        """End all links of an account; the next message carries a new one. How many held."""
        now_ms = self._centre.clock.wall_ms()
        with self._centre.store.write() as unit:
            ended = unit.messages.revoke_links(account, now_ms, by.name)
            unit.audit.append(now_ms, by.name, "customer_links_revoked", account, {"links": ended})
        return ended

    @staticmethod
    def _next(unit: Unit, account: str) -> int:
        return max((row.generation for row in unit.messages.links_of(account)), default=0) + 1

    def _token(self, account: str, generation: int) -> str:
        what = f"customer-link/{self._centre.site.site}/{account}/{generation}".encode()
        derived = hmac.digest(self._secret, what, hashlib.sha256)[:TOKEN_BYTES]
        return base64.urlsafe_b64encode(derived).rstrip(b"=").decode("ascii")


def token_hash(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode("ascii", "replace")).hexdigest()
