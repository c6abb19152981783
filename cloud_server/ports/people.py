"""What console and API ask of people's rows: staff, sessions, the memory of failed sign-ins, links, passwords."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cloud_server.core.roles import Role
from cloud_server.core.territory import WHOLE_SITE, Territory
from protocol.ids import Id
from protocol.units import Ms


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffRow:
    """A person who signs in. `password_hash` is argon2id's own text; None until it has been set."""

    staff: Id
    name: str
    display_name: str
    roles: frozenset[Role]
    password_hash: str | None
    active: bool
    territory: Territory = WHOLE_SITE


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A session as stored: known by the SHA-256 of its token, never by the token."""

    token_hash: str
    staff: Id
    opened_at_ms: Ms
    seen_at_ms: Ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Failed sign-ins under one throttle key since the last success or quiet time."""

    count: int
    last_at_ms: Ms


class NameTaken(Exception):
    """Another person has this sign-in name."""


class People(Protocol):
    """Staff, sessions, one-time links and the throttle's memory. Names are compared without case."""

    def staff_named(self, name: str) -> StaffRow | None: ...

    def staff(self, staff: Id) -> StaffRow | None: ...

    def add_staff(self, row: StaffRow, at_ms: Ms, by: str) -> None:
        """With an audit row that says by whom. Raises NameTaken."""
        ...

    def change_password(self, staff: Id, password_hash: str, at_ms: Ms, by: str) -> None:
        """Set it and end all sessions of that person."""
        ...

    def change_roles(
        self, staff: Id, roles: frozenset[Role], active: bool, at_ms: Ms, by: str, territory: Territory = WHOLE_SITE
    ) -> None:
        """Set all three and end all sessions of that person."""
        ...

    def open_session(self, row: SessionRow) -> None: ...

    def session(self, token_hash: str) -> tuple[SessionRow, StaffRow] | None: ...

    def touch_session(self, token_hash: str, seen_at_ms: Ms) -> None: ...

    def end_session(self, token_hash: str) -> None: ...

    def end_sessions_before(self, opened_before_ms: Ms, seen_before_ms: Ms) -> int:
        """Remove all that are over; returns how many."""
        ...

    def failures(self, throttle_keys: Sequence[str]) -> dict[str, Failures]:
        """Those of the keys under which a sign-in failed."""
        ...

    def note_failures(self, throttle_keys: Sequence[str], at_ms: Ms, forget_before_ms: Ms) -> None:
        """One more failure under each key, in one step; a count whose last failure is older begins anew."""
        ...

    def clear_failures(self, throttle_keys: Sequence[str]) -> None: ...

    def add_setup_link(self, token_hash: str, ends_at_ms: Ms) -> None:
        """A one-time link for the first administrator; an earlier one no longer holds."""
        ...

    def setup_link(self, token_hash: str) -> Ms | None:
        """When the link ends; None where there is none."""
        ...

    def everybody(self) -> tuple[StaffRow, ...]:
        """All people, by name."""
        ...

    def open_sessions(self) -> tuple[SessionRow, ...]:
        """Every session that is stored."""
        ...

    def end_sessions_of(self, staff: Id, at_ms: Ms, by: str) -> int:
        """End all sessions of a person; how many there were."""
        ...

    def add_password_link(self, token_hash: str, staff: Id, ends_at_ms: Ms, at_ms: Ms, by: str) -> None:
        """A one-time link for a new password; an earlier one of that person no longer holds."""
        ...

    def password_link(self, token_hash: str) -> tuple[Id, Ms] | None:
        """Whose link it is and when it ends."""
        ...

    def use_password_link(self, token_hash: str, staff: Id, password_hash: str, at_ms: Ms, by: str) -> bool:
        """Remove the link, set the password and end all sessions in one transaction. False where it was gone."""
        ...

    def use_setup_link(self, token_hash: str, first: StaffRow, at_ms: Ms) -> bool:
        """Remove the link and add its person in one transaction. False where it was gone. Raises NameTaken."""
        ...


class Passwords(Protocol):
    """argon2id. Slow on purpose; no more than two at a time."""

    def make(self, password: str) -> str: ...

    def fits(self, password_hash: str | None, password: str) -> bool:
        """Takes as long for None as for a hash, so that nobody can tell which names exist."""
        ...
