"""How a person gets in and stays in: one-time link, sign-in with throttle, session with two ends. No cookies, no pages.

Source of the rules: OWASP ASVS 5.0, chapters 6 (authentication) and 7 (sessions).
"""

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Final, Literal

from cloud_server.core.password_rules import PASSWORD_CHARACTERS_MOST, PasswordFault, password_fault
from cloud_server.core.roles import Role
from cloud_server.ports import Actor, Chance, Failures, NameTaken, Passwords, People, SessionRow, StaffRow, WallClock
from protocol.ids import make_id
from protocol.units import Ms

TOKEN_BYTES: Final = 32
"""256 bits of chance: beyond guessing, whatever the number of open sessions."""
IDLE_MS: Final = 4 * 3_600_000
"""A session that nobody uses ends after half a shift."""
ABSOLUTE_MS: Final = 14 * 3_600_000
"""A session ends after the longest working day, however busy it is."""
TOUCH_EVERY_MS: Final = 60_000
"""How finely use is noted: a write a minute, not one a request."""
SETUP_LINK_MS: Final = 24 * 3_600_000
"""How long the first administrator's link holds, as a box's claim does."""
NAME_CHARACTERS_MOST: Final = 64
"""Of a sign-in name and of a person's name."""
QUIET_MS: Final = 15 * 60_000
"""Failures are forgotten after this long without one; also the longest wait that the throttle asks."""
FIRST_WAIT_MS: Final = 15_000
"""The throttle's first wait; each further failure doubles it."""
FREE_TRIES: Final[dict[str, int]] = {"both": 5, "address": 20, "name": 50}
"""Tries before the first wait: of one name from one address; from one address; of one name from anywhere. The last
is the widest, so that a stranger cannot easily keep a cashier out."""
NameFault = Literal["required", "too_long", "bad_characters", "taken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """A person with an open session."""

    actor: Actor
    opened_at_ms: Ms
    ends_at_ms: Ms


class StaffMistakes(Exception):
    """What is wrong with a new person's name or password; nothing was stored."""

    def __init__(
        self,
        *,
        name: NameFault | None = None,
        display_name: NameFault | None = None,
        password: PasswordFault | None = None,
    ) -> None:
        super().__init__(f"name: {name}, display_name: {display_name}, password: {password}")
        self.name = name
        self.display_name = display_name
        self.password = password


class LinkGone(Exception):
    """The one-time link was used, is over, or never was."""


class SignIn:
    """Sign-in, sessions and the first administrator, over the stored people."""

    def __init__(
        self,
        people: People,
        passwords: Passwords,
        clock: WallClock,
        chance: Chance,
        site_words: tuple[str, ...] = (),
    ) -> None:
        """`site_words`: names of the site, which no password is made of."""
        self._site_words = site_words
        self._people = people
        self._passwords = passwords
        self._clock = clock
        self._chance = chance

    def enter(self, name: str, password: str, address: str) -> str | None:
        """Sign in: the new session's token, or None. There is one answer for all failures, the throttle included."""
        staff = self._known(name, password, address)
        return self._open(staff, self._clock.wall_ms()) if staff is not None else None

    def vouch(self, name: str, password: str, address: str) -> Actor | None:
        """A second person confirms one step with their own name and password, at the first one's screen.

        No session is opened; failures count as failed sign-ins do. None where they are not who they say.
        """
        staff = self._known(name, password, address)
        return actor_of(staff) if staff is not None else None

    def must_wait(self, name: str, address: str) -> bool:
        """Whether the throttle lets no further try of this name from this address through."""
        now_ms = self._clock.wall_ms()
        keys = _throttle_keys(name, address)
        failed = self._people.failures(tuple(keys.values()))
        return any(key in failed and _waits(failed[key], FREE_TRIES[what], now_ms) for what, key in keys.items())

    def note_failure(self, name: str, address: str) -> None:
        """One more try of this name from this address failed."""
        now_ms = self._clock.wall_ms()
        self._people.note_failures(tuple(_throttle_keys(name, address).values()), now_ms, now_ms - QUIET_MS)

    def renew(self, token: str) -> str:
        """The same session under a new token (ASVS 7.2.4); its ends stay. Raises LookupError for one that is over."""
        found = self._people.session(hash_token(token))
        if found is None:
            raise LookupError("the session is over")
        session, staff = found
        renewed = self._draw_token()
        self._people.open_session(
            SessionRow(
                token_hash=hash_token(renewed),
                staff=staff.staff,
                opened_at_ms=session.opened_at_ms,
                seen_at_ms=self._clock.wall_ms(),
            )
        )
        self._people.end_session(session.token_hash)
        return renewed

    def _known(self, name: str, password: str, address: str) -> StaffRow | None:
        """Whose name and password these are; None for every failure, the throttle included."""
        if self.must_wait(name, address):
            return None
        keys = _throttle_keys(name, address)
        staff = self._people.staff_named(name.strip()) if len(name) <= NAME_CHARACTERS_MOST else None
        usable = staff is not None and staff.active
        fits = len(password) <= PASSWORD_CHARACTERS_MOST and self._passwords.fits(
            staff.password_hash if staff is not None and usable else None, password
        )
        if staff is None or not usable or not fits:
            self.note_failure(name, address)
            return None
        self._people.clear_failures((keys["both"], keys["name"]))
        return staff

    def who(self, token: str, *, uses: bool = True) -> Who | None:
        """Whose session this is, with the rights as they stand now. `uses` counts as use of it."""
        now_ms = self._clock.wall_ms()
        token_hash = hash_token(token)
        found = self._people.session(token_hash)
        if found is None:
            return None
        session, staff = found
        ends_at_ms = min(session.opened_at_ms + ABSOLUTE_MS, session.seen_at_ms + IDLE_MS)
        if not staff.active or now_ms >= ends_at_ms:
            self._people.end_session(token_hash)
            return None
        if uses and now_ms - session.seen_at_ms >= TOUCH_EVERY_MS:
            self._people.touch_session(token_hash, now_ms)
        return Who(actor=actor_of(staff), opened_at_ms=session.opened_at_ms, ends_at_ms=ends_at_ms)

    def leave(self, token: str) -> None:
        """Sign out: the session is gone from the store."""
        self._people.end_session(hash_token(token))

    def offer_setup(self) -> str:
        """A new one-time link's token, for the first administrator."""
        token = self._draw_token()
        self._people.add_setup_link(hash_token(token), self._clock.wall_ms() + SETUP_LINK_MS)
        return token

    def setup_holds(self, token: str) -> bool:
        """Whether the link may still be used."""
        ends_at_ms = self._people.setup_link(hash_token(token))
        return ends_at_ms is not None and self._clock.wall_ms() < ends_at_ms

    def set_up(self, token: str, name: str, display_name: str, password: str) -> str:
        """Use the link: the first administrator is there and signed in. Raises LinkGone, StaffMistakes."""
        if not self.setup_holds(token):
            raise LinkGone
        now_ms = self._clock.wall_ms()
        row = self._new_row(name, display_name, password, frozenset({"administrator"}), now_ms)
        try:
            used = self._people.use_setup_link(hash_token(token), row, now_ms)
        except NameTaken as taken:
            raise StaffMistakes(name="taken") from taken
        if not used:
            raise LinkGone
        return self._open(row, now_ms)

    def add_staff(self, name: str, display_name: str, password: str, roles: frozenset[Role], by: str) -> StaffRow:
        """A new person who can sign in. Raises StaffMistakes."""
        now_ms = self._clock.wall_ms()
        row = self._new_row(name, display_name, password, roles, now_ms)
        try:
            self._people.add_staff(row, now_ms, by)
        except NameTaken as taken:
            raise StaffMistakes(name="taken") from taken
        return row

    def tidy(self) -> int:
        """Remove the sessions that are over; how many."""
        now_ms = self._clock.wall_ms()
        return self._people.end_sessions_before(now_ms - ABSOLUTE_MS, now_ms - IDLE_MS)

    def _new_row(self, name: str, display_name: str, password: str, roles: frozenset[Role], now_ms: Ms) -> StaffRow:
        mistakes = StaffMistakes(
            name=name_fault(name),
            display_name=name_fault(display_name, spaces=True),
            password=password_fault(password, name, self._site_words),
        )
        if mistakes.name or mistakes.display_name or mistakes.password:
            raise mistakes
        return StaffRow(
            staff=make_id(now_ms, self._chance.draw(10)),
            name=name.strip(),
            display_name=display_name.strip(),
            roles=roles,
            password_hash=self._passwords.make(password),
            active=True,
        )

    def _open(self, staff: StaffRow, now_ms: Ms) -> str:
        token = self._draw_token()
        self._people.open_session(
            SessionRow(token_hash=hash_token(token), staff=staff.staff, opened_at_ms=now_ms, seen_at_ms=now_ms)
        )
        return token

    def _draw_token(self) -> str:
        return urlsafe_b64encode(self._chance.draw(TOKEN_BYTES)).rstrip(b"=").decode()


def hash_token(token: str) -> str:
    """What is stored of a token: it has 256 bits of chance, so one plain hash is enough."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def actor_of(staff: StaffRow) -> Actor:
    """The person as ledger and audit name them."""
    return Actor(
        id=staff.staff,
        name=staff.name,
        display_name=staff.display_name,
        roles=staff.roles,
        territory=staff.territory,
    )


def name_fault(name: str, *, spaces: bool = False) -> NameFault | None:
    """What is wrong with a sign-in name (or, with spaces, a person's name), or None."""
    cleaned = name.strip()
    if not cleaned:
        return "required"
    if len(cleaned) > NAME_CHARACTERS_MOST:
        return "too_long"
    if not cleaned.isprintable() or (not spaces and any(character.isspace() for character in cleaned)):
        return "bad_characters"
    return None


def _throttle_keys(name: str, address: str) -> dict[str, str]:
    """Hashed, so that what somebody typed into the wrong field is not kept in the open."""
    folded = name.strip().casefold()[:NAME_CHARACTERS_MOST]
    return {
        "both": hash_token(f"both {address} {folded}"),
        "address": hash_token(f"address {address}"),
        "name": hash_token(f"name {folded}"),
    }


def _waits(failures: Failures, free: int, now_ms: Ms) -> bool:
    over = failures.count - free
    if over < 0:
        return False
    wait_ms = min(QUIET_MS, FIRST_WAIT_MS << min(over, 16))
    return now_ms - failures.last_at_ms < wait_ms
