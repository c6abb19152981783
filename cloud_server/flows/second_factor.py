"""The second factor of a person, and the fresh proof that a grave step asks. No cookies, no pages.

Source of the rules: OWASP ASVS 5.0, 6.5 (one-time codes), 7.2.4 (a new session token) and 7.5.3 (step-up).
"""

from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Final

from cloud_server.core.roles import Role
from cloud_server.flows.sign_in import ABSOLUTE_MS, SignIn, Who, hash_token
from cloud_server.ports import Actor, Chance, WallClock
from cloud_server.ports.factors import Codes, Factors
from protocol.units import Ms

DEMANDED_OF: Final[frozenset[Role]] = frozenset({"supervisor", "provisioner", "administrator"})
"""Who confirms others' money, brings boxes in, or makes people."""
PROOF_HOLDS_MS: Final = 5 * 60_000
"""A grave step is begun within five minutes of a proof."""
FORM_HOLDS_MS: Final = 15 * 60_000
"""A form that was opened in time may be filled in with care."""
RECOVERY_CODES: Final = 8
RECOVERY_BYTES: Final = 15
"""120 bits, hashed at rest: beyond guessing even by who has the database (ASVS 6.5.2)."""
RECOVERY_SIGNS: Final = 24


class Standing(Enum):
    """How far a signed-in session is trusted."""

    WHOLE = "whole"
    TO_GIVE = "to_give"
    """A code of the second factor is still to be given."""
    TO_SET_UP = "to_set_up"
    """The role demands a second factor, and the person has none yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What a session may, and when it last proved who it is."""

    standing: Standing
    has_factor: bool
    proven_at_ms: Ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the phone is to hold: as text to type, and as the address in the QR picture."""

    secret: str
    address: str


class SecondFactor:
    """Second factors over their stored rows. `demanded`: whether the site asks them of the roles of DEMANDED_OF."""

    def __init__(
        self,
        factors: Factors,
        codes: Codes,
        sign_in: SignIn,
        clock: WallClock,
        chance: Chance,
        *,
        demanded: bool,
        issuer: str,
    ) -> None:
        self._factors = factors
        self._codes = codes
        self._sign_in = sign_in
        self._clock = clock
        self._chance = chance
        self._demanded = demanded
        self._issuer = issuer

    def trust(self, who: Who, token: str) -> Trust:
        """How far this session is trusted, as things stand now."""
        factor = self._factors.factor(who.actor.id)
        proven = self._factors.proven_at_ms(hash_token(token))
        if factor is not None and factor.confirmed:
            standing = Standing.WHOLE if proven is not None else Standing.TO_GIVE
            return Trust(standing=standing, has_factor=True, proven_at_ms=proven or 0)
        demanded = self._demanded and not DEMANDED_OF.isdisjoint(who.actor.roles)
        standing = Standing.TO_SET_UP if demanded else Standing.WHOLE
        return Trust(standing=standing, has_factor=False, proven_at_ms=max(who.opened_at_ms, proven or 0))

    def offer(self, actor: Actor) -> Offer:
        """A secret to take into the phone; the same until it is confirmed."""
        factor = self._factors.factor(actor.id)
        if factor is None:
            self._factors.offer(actor.id, self._codes.new_secret(), self._clock.wall_ms())
            factor = self._factors.factor(actor.id)
        if factor is None or factor.confirmed:
            raise LookupError(f"{actor.name} has a second factor already")
        return Offer(secret=factor.secret, address=self._codes.address(factor.secret, actor.name, self._issuer))

    def confirm(self, actor: Actor, token: str, code: str, address: str) -> tuple[str, tuple[str, ...]] | None:
        """The first code from the phone: the renewed session's token and the recovery codes, shown once.

        None where the code is not right, the throttle included.
        """
        now_ms = self._clock.wall_ms()
        factor = self._factors.factor(actor.id)
        if factor is None or factor.confirmed or self._sign_in.must_wait(_throttled(actor), address):
            return None
        step = self._codes.step_of(factor.secret, code, now_ms)
        if step is None:
            self._sign_in.note_failure(_throttled(actor), address)
            return None
        recovery = tuple(self._draw_code() for _ in range(RECOVERY_CODES))
        hashes = tuple(_hash_code(code) for code in recovery)
        if not self._factors.confirm(actor.id, step, hashes, now_ms, actor.name):
            return None
        return self._renew(actor, token, now_ms), recovery

    def give(self, actor: Actor, token: str, code: str, address: str) -> str | None:
        """A code, or a recovery code, completes a sign-in: the renewed session's token, or None."""
        return self._renew(actor, token, self._clock.wall_ms()) if self._proves(actor, code, address) else None

    def prove(self, actor: Actor, token: str, secret: str, address: str) -> bool:
        """A fresh proof before a grave step: a code where the person has a factor, else their password again."""
        factor = self._factors.factor(actor.id)
        if factor is not None and factor.confirmed:
            proven = self._proves(actor, secret, address)
        else:
            proven = self._sign_in.vouch(actor.name, secret, address) is not None
        if proven:
            self._factors.note_proof(hash_token(token), actor.id, self._clock.wall_ms())
        return proven

    def vouches(self, actor: Actor, code: str, address: str) -> bool:
        """Whether a second person, whose password was right, is who they say: their code where they have a factor.

        Whoever has to have one and has none yet cannot vouch: they cannot sign in either.
        """
        factor = self._factors.factor(actor.id)
        if factor is None or not factor.confirmed:
            return not self._demanded or DEMANDED_OF.isdisjoint(actor.roles)
        return self._proves(actor, code, address)

    def recovery_left(self, actor: Actor) -> int:
        """How many recovery codes are not used up."""
        return self._factors.recovery_left(actor.id)

    def remove(self, staff: str, by: str) -> bool:
        """Take a person's factor away (a lost phone): they set up a new one at their next sign-in."""
        return self._factors.remove(staff, self._clock.wall_ms(), by)

    def tidy(self) -> int:
        """Forget the proofs of sessions that are over; how many."""
        return self._factors.forget_proofs_before(self._clock.wall_ms() - ABSOLUTE_MS)

    def _proves(self, actor: Actor, code: str, address: str) -> bool:
        """One answer for wrong, used, and throttled. A code is used up by being right once."""
        factor = self._factors.factor(actor.id)
        if factor is None or not factor.confirmed or self._sign_in.must_wait(_throttled(actor), address):
            return False
        now_ms = self._clock.wall_ms()
        step = self._codes.step_of(factor.secret, code, now_ms)
        if step is not None and step > factor.last_step and self._factors.use_step(actor.id, step):
            return True
        if self._factors.use_recovery(actor.id, _hash_code(code), now_ms, actor.name):
            return True
        self._sign_in.note_failure(_throttled(actor), address)
        return False

    def _renew(self, actor: Actor, token: str, now_ms: Ms) -> str:
        renewed = self._sign_in.renew(token)
        self._factors.note_proof(hash_token(renewed), actor.id, now_ms)
        return renewed

    def _draw_code(self) -> str:
        """Letters and digits in groups of four: no 0, 1, 8 and 9, which are misread."""
        bits = int.from_bytes(self._chance.draw(RECOVERY_BYTES), "big")
        signs = ["abcdefghijklmnopqrstuvwxyz234567"[bits >> 5 * place & 31] for place in range(RECOVERY_SIGNS)]
        return "-".join("".join(signs[start : start + 4]) for start in range(0, RECOVERY_SIGNS, 4))


def _hash_code(code: str) -> str:
    """120 bits of chance: one plain hash is enough. Blanks, hyphens and capitals make no difference."""
    bare = "".join(sign for sign in code.casefold() if sign.isalnum())
    return sha256(b"recovery " + bare.encode()).hexdigest()


def _throttled(actor: Actor) -> str:
    """Failures of the second factor count apart from those of the password."""
    return f"factor of {actor.name}"
