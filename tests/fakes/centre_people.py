"""Staff, sessions, throttle and one-time links in memory; and a hash that costs nothing."""

from collections.abc import Sequence
from dataclasses import replace

from cloud_server.core.roles import Role
from cloud_server.core.territory import WHOLE_SITE, Territory
from cloud_server.ports import Failures, NameTaken, SessionRow, StaffRow


class FakePeople:
    """Implements `People`."""

    def __init__(self) -> None:
        self.rows: dict[str, StaffRow] = {}
        self.sessions: dict[str, SessionRow] = {}
        self.links: dict[str, int] = {}
        self.password_links: dict[str, tuple[str, int]] = {}
        self._failures: dict[str, Failures] = {}

    def staff_named(self, name: str) -> StaffRow | None:
        return next((row for row in self.rows.values() if row.name.casefold() == name.casefold()), None)

    def staff(self, staff: str) -> StaffRow | None:
        return self.rows.get(staff)

    def add_staff(self, row: StaffRow, at_ms: int, by: str) -> None:
        if self.staff_named(row.name) is not None:
            raise NameTaken(row.name)
        self.rows[row.staff] = row

    def change_password(self, staff: str, password_hash: str, at_ms: int, by: str) -> None:
        self.rows[staff] = replace(self.rows[staff], password_hash=password_hash)
        self._end_sessions_of(staff)

    def change_roles(
        self,
        staff: str,
        roles: frozenset[Role],
        active: bool,
        at_ms: int,
        by: str,
        territory: Territory = WHOLE_SITE,
    ) -> None:
        self.rows[staff] = replace(self.rows[staff], roles=roles, active=active, territory=territory)
        self._end_sessions_of(staff)

    def open_session(self, row: SessionRow) -> None:
        self.sessions[row.token_hash] = row

    def session(self, token_hash: str) -> tuple[SessionRow, StaffRow] | None:
        row = self.sessions.get(token_hash)
        return None if row is None else (row, self.rows[row.staff])

    def touch_session(self, token_hash: str, seen_at_ms: int) -> None:
        self.sessions[token_hash] = replace(self.sessions[token_hash], seen_at_ms=seen_at_ms)

    def end_session(self, token_hash: str) -> None:
        self.sessions.pop(token_hash, None)

    def end_sessions_before(self, opened_before_ms: int, seen_before_ms: int) -> int:
        over = [
            key
            for key, row in self.sessions.items()
            if row.opened_at_ms <= opened_before_ms or row.seen_at_ms <= seen_before_ms
        ]
        for key in over:
            del self.sessions[key]
        return len(over)

    def failures(self, throttle_keys: Sequence[str]) -> dict[str, Failures]:
        return {key: self._failures[key] for key in throttle_keys if key in self._failures}

    def note_failures(self, throttle_keys: Sequence[str], at_ms: int, forget_before_ms: int) -> None:
        for key in throttle_keys:
            known = self._failures.get(key)
            count = known.count if known is not None and known.last_at_ms >= forget_before_ms else 0
            self._failures[key] = Failures(count=count + 1, last_at_ms=at_ms)

    def clear_failures(self, throttle_keys: Sequence[str]) -> None:
        for key in throttle_keys:
            self._failures.pop(key, None)

    def add_setup_link(self, token_hash: str, ends_at_ms: int) -> None:
        self.links = {token_hash: ends_at_ms}

    def setup_link(self, token_hash: str) -> int | None:
        return self.links.get(token_hash)

    def use_setup_link(self, token_hash: str, first: StaffRow, at_ms: int) -> bool:
        if token_hash not in self.links:
            return False
        self.add_staff(first, at_ms, first.name)
        del self.links[token_hash]
        return True

    def everybody(self) -> tuple[StaffRow, ...]:
        return tuple(sorted(self.rows.values(), key=lambda row: row.name.casefold()))

    def end_sessions_of(self, staff: str, at_ms: int, by: str) -> int:
        before = len(self.sessions)
        self._end_sessions_of(staff)
        return before - len(self.sessions)

    def add_password_link(self, token_hash: str, staff: str, ends_at_ms: int, at_ms: int, by: str) -> None:
        self.password_links = {key: link for key, link in self.password_links.items() if link[0] != staff}
        self.password_links[token_hash] = (staff, ends_at_ms)

    def password_link(self, token_hash: str) -> tuple[str, int] | None:
        return self.password_links.get(token_hash)

    def use_password_link(self, token_hash: str, staff: str, password_hash: str, at_ms: int, by: str) -> bool:
        if self.password_links.pop(token_hash, None) is None:
            return False
        self.change_password(staff, password_hash, at_ms, by)
        return True

    def open_sessions(self) -> tuple[SessionRow, ...]:
        return tuple(self.sessions.values())

    def _end_sessions_of(self, staff: str) -> None:
        self.sessions = {key: row for key, row in self.sessions.items() if row.staff != staff}


class PlainPasswords:
    """Implements `Passwords` without its cost."""

    def make(self, password: str) -> str:
        return f"plain:{password}"

    def fits(self, password_hash: str | None, password: str) -> bool:
        return password_hash == f"plain:{password}"
