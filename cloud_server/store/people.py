"""Staff and their sessions in the database: implements `ports.People`, each call one unit of work of its own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeGuard, get_args

import peewee as pw

from cloud_server.core.roles import Role
from cloud_server.core.territory import WHOLE_SITE, Territory, territory_from_text, territory_text
from cloud_server.ports import Failures, NameTaken, SessionRow, StaffRow
from cloud_server.store import tables_people as t
from cloud_server.store.audit import AuditRows
from cloud_server.store.database import Engine
from cloud_server.store.rows import Rows
from cloud_server.store.site import SiteRows
from protocol.ids import Id
from protocol.units import Ms

_ROLES: frozenset[str] = frozenset(get_args(Role))


class PeopleRows(Rows):
    """Rows of people inside one unit of work."""

    def named(self, name: str) -> StaffRow | None:
        return _staff(self._one(self._of(t.Staff).where(t.Staff.folded == _fold(name))))

    def by_id(self, staff: Id) -> StaffRow | None:
        return _staff(self._one(self._of(t.Staff).where(t.Staff.staff == staff)))

    def add(self, row: StaffRow, at_ms: Ms) -> None:
        if self.named(row.name) is not None:
            raise NameTaken(row.name)
        values = {
            "staff": row.staff,
            "name": row.name,
            "folded": _fold(row.name),
            "display_name": row.display_name,
            "roles": " ".join(sorted(row.roles)),
            "password_hash": row.password_hash,
            "active": row.active,
            "changed_at_ms": at_ms,
            "buildings": territory_text(row.territory),
        }
        self._insert(t.Staff, [values])

    def change(self, staff: Id, values: dict[str, Any]) -> None:
        """Change a person and end all of their sessions."""
        self._run(t.Staff.update(**values).where(t.Staff.site == self._site, t.Staff.staff == staff))
        self._run(t.StaffSession.delete().where(t.StaffSession.site == self._site, t.StaffSession.staff == staff))

    def open_session(self, row: SessionRow) -> None:
        values = {
            "token_hash": row.token_hash,
            "staff": row.staff,
            "opened_at_ms": row.opened_at_ms,
            "seen_at_ms": row.seen_at_ms,
        }
        self._insert(t.StaffSession, [values])

    def session(self, token_hash: str) -> SessionRow | None:
        row = self._one(self._of(t.StaffSession).where(t.StaffSession.token_hash == token_hash))
        return None if row is None else SessionRow(**row)

    def touch_session(self, token_hash: str, seen_at_ms: Ms) -> None:
        change = t.StaffSession.update(seen_at_ms=seen_at_ms)
        self._run(change.where(t.StaffSession.site == self._site, t.StaffSession.token_hash == token_hash))

    def end_session(self, token_hash: str) -> None:
        self._run(
            t.StaffSession.delete().where(t.StaffSession.site == self._site, t.StaffSession.token_hash == token_hash)
        )

    def end_sessions_before(self, opened_before_ms: Ms, seen_before_ms: Ms) -> int:
        over = (t.StaffSession.opened_at_ms <= opened_before_ms) | (t.StaffSession.seen_at_ms <= seen_before_ms)
        return self._run(t.StaffSession.delete().where(t.StaffSession.site == self._site, over))

    def failures(self, throttle_keys: Sequence[str]) -> dict[str, Failures]:
        rows = self._all(self._of(t.SignInFailure).where(t.SignInFailure.throttle_key.in_(list(throttle_keys))))
        return {row["throttle_key"]: Failures(count=row["count"], last_at_ms=row["last_at_ms"]) for row in rows}

    def note_failures(self, throttle_keys: Sequence[str], at_ms: Ms) -> None:
        known = self.failures(throttle_keys)
        self.clear_failures(throttle_keys)
        counts = {key: known[key].count + 1 if key in known else 1 for key in throttle_keys}
        rows = [{"throttle_key": key, "count": count, "last_at_ms": at_ms} for key, count in counts.items()]
        self._insert(t.SignInFailure, rows)

    def forget_failures(self, before_ms: Ms) -> None:
        old = t.SignInFailure.last_at_ms < before_ms
        self._run(t.SignInFailure.delete().where(t.SignInFailure.site == self._site, old))

    def clear_failures(self, throttle_keys: Sequence[str]) -> None:
        named = t.SignInFailure.throttle_key.in_(list(throttle_keys))
        self._run(t.SignInFailure.delete().where(t.SignInFailure.site == self._site, named))

    def put_link(self, token_hash: str, ends_at_ms: Ms) -> None:
        """This one alone holds now."""
        self._run(t.SetupLink.delete().where(t.SetupLink.site == self._site))
        self._insert(t.SetupLink, [{"token_hash": token_hash, "ends_at_ms": ends_at_ms}])

    def link(self, token_hash: str) -> Ms | None:
        row = self._one(self._of(t.SetupLink).where(t.SetupLink.token_hash == token_hash))
        return None if row is None else int(row["ends_at_ms"])

    def everybody(self) -> tuple[StaffRow, ...]:
        rows = (_staff(row) for row in self._all(self._of(t.Staff).order_by(t.Staff.folded)))
        return tuple(row for row in rows if row is not None)

    def sessions(self) -> tuple[SessionRow, ...]:
        return tuple(SessionRow(**row) for row in self._all(self._of(t.StaffSession)))

    def end_sessions_of(self, staff: Id) -> int:
        return self._run(
            t.StaffSession.delete().where(t.StaffSession.site == self._site, t.StaffSession.staff == staff)
        )

    def put_password_link(self, token_hash: str, staff: Id, ends_at_ms: Ms) -> None:
        """This one alone holds for that person now."""
        self._run(t.PasswordLink.delete().where(t.PasswordLink.site == self._site, t.PasswordLink.staff == staff))
        self._insert(t.PasswordLink, [{"token_hash": token_hash, "staff": staff, "ends_at_ms": ends_at_ms}])

    def password_link(self, token_hash: str) -> tuple[Id, Ms] | None:
        row = self._one(self._of(t.PasswordLink).where(t.PasswordLink.token_hash == token_hash))
        return None if row is None else (row["staff"], row["ends_at_ms"])

    def take_password_link(self, token_hash: str) -> bool:
        mine = (t.PasswordLink.site == self._site) & (t.PasswordLink.token_hash == token_hash)
        return self._run(t.PasswordLink.delete().where(mine)) == 1

    def take_link(self, token_hash: str) -> bool:
        return (
            self._run(t.SetupLink.delete().where(t.SetupLink.site == self._site, t.SetupLink.token_hash == token_hash))
            == 1
        )


class StoredPeople:
    """Implements `ports.People` on the database of one site."""

    def __init__(self, engine: Engine, site: str) -> None:
        self._engine = engine
        self._site = site

    def staff_named(self, name: str) -> StaffRow | None:
        with self._engine.read() as database:
            return self._rows(database).named(name)

    def staff(self, staff: Id) -> StaffRow | None:
        with self._engine.read() as database:
            return self._rows(database).by_id(staff)

    def add_staff(self, row: StaffRow, at_ms: Ms, by: str) -> None:
        with self._write() as database:
            self._rows(database).add(row, at_ms)
            limit = {} if row.territory.buildings is None else {"buildings": sorted(row.territory.buildings)}
            self._audit(database, at_ms, by, "staff_added", row.staff, name=row.name, roles=sorted(row.roles), **limit)

    def change_password(self, staff: Id, password_hash: str, at_ms: Ms, by: str) -> None:
        with self._write() as database:
            self._rows(database).change(staff, {"password_hash": password_hash, "changed_at_ms": at_ms})
            self._audit(database, at_ms, by, "password_changed", staff)

    def change_roles(
        self, staff: Id, roles: frozenset[Role], active: bool, at_ms: Ms, by: str, territory: Territory = WHOLE_SITE
    ) -> None:
        with self._write() as database:
            text = territory_text(territory)
            values = {"roles": " ".join(sorted(roles)), "active": active, "changed_at_ms": at_ms, "buildings": text}
            self._rows(database).change(staff, values)
            limit = {} if territory.buildings is None else {"buildings": sorted(territory.buildings)}
            self._audit(database, at_ms, by, "roles_changed", staff, roles=sorted(roles), active=active, **limit)

    def open_session(self, row: SessionRow) -> None:
        with self._write() as database:
            self._rows(database).open_session(row)

    def session(self, token_hash: str) -> tuple[SessionRow, StaffRow] | None:
        with self._engine.read() as database:
            rows = self._rows(database)
            row = rows.session(token_hash)
            staff = rows.by_id(row.staff) if row is not None else None
        return None if row is None or staff is None else (row, staff)

    def touch_session(self, token_hash: str, seen_at_ms: Ms) -> None:
        with self._engine.write() as database:
            self._rows(database).touch_session(token_hash, seen_at_ms)

    def end_session(self, token_hash: str) -> None:
        with self._write() as database:
            self._rows(database).end_session(token_hash)

    def end_sessions_before(self, opened_before_ms: Ms, seen_before_ms: Ms) -> int:
        with self._write() as database:
            return self._rows(database).end_sessions_before(opened_before_ms, seen_before_ms)

    def failures(self, throttle_keys: Sequence[str]) -> dict[str, Failures]:
        with self._engine.read() as database:
            return self._rows(database).failures(throttle_keys)

    def note_failures(self, throttle_keys: Sequence[str], at_ms: Ms, forget_before_ms: Ms) -> None:
        with self._write() as database:
            rows = self._rows(database)
            rows.forget_failures(forget_before_ms)
            rows.note_failures(throttle_keys, at_ms)

    def clear_failures(self, throttle_keys: Sequence[str]) -> None:
        if self.failures(throttle_keys):
            with self._write() as database:
                self._rows(database).clear_failures(throttle_keys)

    def add_setup_link(self, token_hash: str, ends_at_ms: Ms) -> None:
        with self._write() as database:
            self._rows(database).put_link(token_hash, ends_at_ms)

    def setup_link(self, token_hash: str) -> Ms | None:
        with self._engine.read() as database:
            return self._rows(database).link(token_hash)

    def everybody(self) -> tuple[StaffRow, ...]:
        with self._engine.read() as database:
            return self._rows(database).everybody()

    def open_sessions(self) -> tuple[SessionRow, ...]:
        with self._engine.read() as database:
            return self._rows(database).sessions()

    def end_sessions_of(self, staff: Id, at_ms: Ms, by: str) -> int:
        with self._write() as database:
            ended = self._rows(database).end_sessions_of(staff)
            self._audit(database, at_ms, by, "sessions_ended", staff, sessions=ended)
            return ended

    def add_password_link(self, token_hash: str, staff: Id, ends_at_ms: Ms, at_ms: Ms, by: str) -> None:
        with self._write() as database:
            self._rows(database).put_password_link(token_hash, staff, ends_at_ms)
            self._audit(database, at_ms, by, "password_link_made", staff, ends_at_ms=ends_at_ms)

    def password_link(self, token_hash: str) -> tuple[Id, Ms] | None:
        with self._engine.read() as database:
            return self._rows(database).password_link(token_hash)

    def use_password_link(self, token_hash: str, staff: Id, password_hash: str, at_ms: Ms, by: str) -> bool:
        with self._write() as database:
            rows = self._rows(database)
            if not rows.take_password_link(token_hash):
                return False
            rows.change(staff, {"password_hash": password_hash, "changed_at_ms": at_ms})
            self._audit(database, at_ms, by, "password_changed", staff)
            return True

    def use_setup_link(self, token_hash: str, first: StaffRow, at_ms: Ms) -> bool:
        with self._write() as database:
            rows = self._rows(database)
            if not rows.take_link(token_hash):
                return False
            rows.add(first, at_ms)
            self._audit(database, at_ms, first.name, "first_administrator", first.staff, name=first.name)
            return True

    @contextmanager
    def _write(self) -> Iterator[pw.Database]:
        """As the site's own writer: all but a mere mark is told to the audit."""
        with self._engine.write() as database:
            SiteRows(database, self._site).lock()
            yield database

    def _rows(self, database: pw.Database) -> PeopleRows:
        return PeopleRows(database, self._site)

    def _audit(self, database: pw.Database, at_ms: Ms, by: str, action: str, subject: str, **detail: object) -> None:
        AuditRows(database, self._site).append(at_ms, by, action, subject, detail)


def _staff(row: dict[str, Any] | None) -> StaffRow | None:
    if row is None:
        return None
    return StaffRow(
        staff=row["staff"],
        name=row["name"],
        display_name=row["display_name"],
        roles=frozenset(role for role in row["roles"].split() if _is_role(role)),
        password_hash=row["password_hash"],
        active=bool(row["active"]),
        territory=territory_from_text(row["buildings"]),
    )


def _is_role(text: str) -> TypeGuard[Role]:
    """A role that this program does not know any more gives no right."""
    return text in _ROLES


def _fold(name: str) -> str:
    return name.strip().casefold()
