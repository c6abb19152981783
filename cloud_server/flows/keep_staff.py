"""Keeping the people who sign in: who they are, their roles, their sessions, and a new password by one-time link."""

from base64 import urlsafe_b64encode
from collections.abc import Iterable
from typing import Final, Literal

from cloud_server.core.password_rules import password_fault
from cloud_server.core.roles import Role
from cloud_server.core.territory import WHOLE_SITE, Territory
from cloud_server.flows.sign_in import (
    ABSOLUTE_MS,
    IDLE_MS,
    TOKEN_BYTES,
    LinkGone,
    NameFault,
    StaffMistakes,
    hash_token,
    name_fault,
)
from cloud_server.ports import Actor, Chance, NameTaken, Passwords, People, SessionRow, StaffRow, WallClock
from protocol.ids import Id, make_id
from protocol.units import Ms

PASSWORD_LINK_MS: Final = 24 * 3_600_000
"""A link for a new password holds for a day, as the first administrator's does."""

SESSION_NAME_CHARACTERS: Final = 16
"""Of a session's hash, so that a page can name it: with it nobody gets in."""
StaffFault = Literal["last_administrator", "not_yourself", "gone"]


class NotAllowed(Exception):
    """The change would lock the house out, or is one that nobody makes to themselves."""

    def __init__(self, fault: StaffFault) -> None:
        super().__init__(fault)
        self.fault = fault


class StaffOffice:
    """Adds, changes and disables people; a password is only ever set by the person it belongs to."""

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

    def everybody(self) -> tuple[StaffRow, ...]:
        """All people, by name."""
        return self._people.everybody()

    def person(self, staff: Id) -> StaffRow | None:
        """One person."""
        return self._people.staff(staff)

    def sessions(self) -> tuple[SessionRow, ...]:
        """Sessions that have not ended, the last used first."""
        now_ms = self._clock.wall_ms()
        open_ones = (
            row
            for row in self._people.open_sessions()
            if now_ms < min(row.opened_at_ms + ABSOLUTE_MS, row.seen_at_ms + IDLE_MS)
        )
        return tuple(sorted(open_ones, key=lambda row: -row.seen_at_ms))

    def add(
        self, name: str, display_name: str, roles: Iterable[Role], by: Actor, territory: Territory = WHOLE_SITE
    ) -> tuple[StaffRow, str]:
        """A new person without a password, and the token of the link with which they set it. Raises StaffMistakes."""
        now_ms = self._clock.wall_ms()
        faults: tuple[NameFault | None, NameFault | None] = (name_fault(name), name_fault(display_name, spaces=True))
        if faults[0] or faults[1]:
            raise StaffMistakes(name=faults[0], display_name=faults[1])
        row = StaffRow(
            staff=make_id(now_ms, self._chance.draw(10)),
            name=name.strip(),
            display_name=display_name.strip(),
            roles=frozenset(roles),
            password_hash=None,
            active=True,
            territory=territory,
        )
        try:
            self._people.add_staff(row, now_ms, by.name)
        except NameTaken as taken:
            raise StaffMistakes(name="taken") from taken
        return row, self._link(row.staff, now_ms, by)

    def change(
        self, staff: Id, roles: Iterable[Role], *, active: bool, by: Actor, territory: Territory = WHOLE_SITE
    ) -> None:
        """Other roles or buildings, or out of use and back; all sessions of the person end. Raises NotAllowed."""
        wanted, row = frozenset(roles), self._people.staff(staff)
        if row is None:
            raise NotAllowed("gone")
        if staff == by.id and (wanted != row.roles or not active or territory != row.territory):
            raise NotAllowed("not_yourself")
        keeps = active and "administrator" in wanted and territory.is_whole
        others = any(
            _administrates(one) and one.password_hash is not None and one.staff != staff
            for one in self._people.everybody()
        )
        if _administrates(row) and not keeps and not others:
            raise NotAllowed("last_administrator")
        if (wanted, active, territory) != (row.roles, row.active, row.territory):
            self._people.change_roles(staff, wanted, active, self._clock.wall_ms(), by.name, territory)

    def offer_password(self, staff: Id, by: Actor) -> str:
        """A new one-time link's token; an earlier one no longer holds. The old password holds until it is used."""
        if self._people.staff(staff) is None:
            raise NotAllowed("gone")
        return self._link(staff, self._clock.wall_ms(), by)

    def person_of_link(self, token: str) -> StaffRow | None:
        """Whose password the link sets; None where it is over."""
        found = self._people.password_link(hash_token(token))
        if found is None or self._clock.wall_ms() >= found[1]:
            return None
        row = self._people.staff(found[0])
        return row if row is not None and row.active else None

    def set_password(self, token: str, password: str) -> StaffRow:
        """Use the link. All sessions of the person end. Raises LinkGone, StaffMistakes."""
        row = self.person_of_link(token)
        if row is None:
            raise LinkGone
        self._judge(password, row)
        made = self._passwords.make(password)
        if not self._people.use_password_link(hash_token(token), row.staff, made, self._clock.wall_ms(), row.name):
            raise LinkGone
        return row

    def change_own(self, by: Actor, password: str) -> None:
        """Set one's own new password; all of one's sessions end. Who is asked for the old one is the caller's.

        Raises StaffMistakes, LookupError for somebody who is not there any more.
        """
        row = self._people.staff(by.id)
        if row is None:
            raise LookupError(by.name)
        self._judge(password, row)
        self._people.change_password(by.id, self._passwords.make(password), self._clock.wall_ms(), by.name)

    def end_own_session(self, by: Actor, name: str) -> bool:
        """End one of one's own sessions, known by the beginning of its hash; False where there is none."""
        found = [row for row in self.sessions() if row.staff == by.id and session_name(row) == name]
        for row in found:
            self._people.end_session(row.token_hash)
        return bool(found)

    def end_other_sessions(self, by: Actor, token_hash: str) -> int:
        """End all of one's own sessions but the one that asks; how many."""
        others = [row for row in self.sessions() if row.staff == by.id and row.token_hash != token_hash]
        for row in others:
            self._people.end_session(row.token_hash)
        return len(others)

    def _judge(self, password: str, row: StaffRow) -> None:
        fault = password_fault(password, row.name, (*self._site_words, row.display_name))
        if fault is not None:
            raise StaffMistakes(password=fault)

    def end_sessions(self, staff: Id, by: Actor) -> int:
        """End all sessions of a person; how many there were."""
        return self._people.end_sessions_of(staff, self._clock.wall_ms(), by.name)

    def _link(self, staff: Id, now_ms: Ms, by: Actor) -> str:
        token = urlsafe_b64encode(self._chance.draw(TOKEN_BYTES)).rstrip(b"=").decode()
        self._people.add_password_link(hash_token(token), staff, now_ms + PASSWORD_LINK_MS, now_ms, by.name)
        return token


def _administrates(person: StaffRow) -> bool:
    """Whether this person may keep the site's people: one who is limited to buildings may not."""
    return person.active and "administrator" in person.roles and person.territory.is_whole


def session_name(row: SessionRow) -> str:
    """What a session is called on a page of its owner."""
    return row.token_hash[:SESSION_NAME_CHARACTERS]
