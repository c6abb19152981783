"""Second factors in the database: implements `ports.factors.Factors`, each call one unit of work of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

import peewee as pw

from cloud_server.ports.factors import Factor
from cloud_server.store import tables_factors as t
from cloud_server.store.audit import AuditRows
from cloud_server.store.database import Engine
from cloud_server.store.people import PeopleRows
from cloud_server.store.rows import Rows
from cloud_server.store.site import SiteRows
from protocol.ids import Id
from protocol.units import Ms


class FactorRows(Rows):
    """Rows of second factors inside one unit of work."""

    def factor(self, staff: Id) -> Factor | None:
        row = self._one(self._of(t.StaffFactor).where(t.StaffFactor.staff == staff))
        if row is None:
            return None
        return Factor(secret=row["secret"], last_step=row["last_step"], confirmed=bool(row["confirmed"]))

    def add(self, staff: Id, secret: str, at_ms: Ms) -> None:
        row = {"staff": staff, "secret": secret, "last_step": 0, "confirmed": 0, "made_at_ms": at_ms}
        self._insert(t.StaffFactor, [row])

    def confirm(self, staff: Id, step: int) -> bool:
        mine = (t.StaffFactor.site == self._site) & (t.StaffFactor.staff == staff)
        change = t.StaffFactor.update(confirmed=1, last_step=step).where(mine, t.StaffFactor.confirmed == 0)
        return self._run(change) == 1

    def use_step(self, staff: Id, step: int) -> bool:
        mine = (t.StaffFactor.site == self._site) & (t.StaffFactor.staff == staff)
        return self._run(t.StaffFactor.update(last_step=step).where(mine, t.StaffFactor.last_step < step)) == 1

    def put_codes(self, staff: Id, code_hashes: tuple[str, ...]) -> None:
        self._insert(t.RecoveryCode, [{"staff": staff, "code_hash": code_hash} for code_hash in code_hashes])

    def take_code(self, staff: Id, code_hash: str) -> bool:
        mine = (t.RecoveryCode.site == self._site) & (t.RecoveryCode.staff == staff)
        return self._run(t.RecoveryCode.delete().where(mine, t.RecoveryCode.code_hash == code_hash)) == 1

    def codes_left(self, staff: Id) -> int:
        return len(self._all(self._of(t.RecoveryCode).where(t.RecoveryCode.staff == staff)))

    def remove(self, staff: Id) -> bool:
        self._run(t.RecoveryCode.delete().where(t.RecoveryCode.site == self._site, t.RecoveryCode.staff == staff))
        self._run(t.SessionProof.delete().where(t.SessionProof.site == self._site, t.SessionProof.staff == staff))
        gone = t.StaffFactor.delete().where(t.StaffFactor.site == self._site, t.StaffFactor.staff == staff)
        return self._run(gone) == 1

    def proven_at_ms(self, token_hash: str) -> Ms | None:
        row = self._one(self._of(t.SessionProof).where(t.SessionProof.token_hash == token_hash))
        return None if row is None else int(row["proven_at_ms"])

    def put_proof(self, token_hash: str, staff: Id, at_ms: Ms) -> None:
        row = {"token_hash": token_hash, "staff": staff, "proven_at_ms": at_ms}
        self._put(t.SessionProof, ("token_hash",), [row])

    def forget_proofs_before(self, before_ms: Ms) -> int:
        old = t.SessionProof.proven_at_ms < before_ms
        return self._run(t.SessionProof.delete().where(t.SessionProof.site == self._site, old))


class StoredFactors:
    """Implements `ports.factors.Factors` on the database of one site."""

    def __init__(self, engine: Engine, site: str) -> None:
        self._engine = engine
        self._site = site

    def factor(self, staff: Id) -> Factor | None:
        with self._engine.read() as database:
            return self._rows(database).factor(staff)

    def offer(self, staff: Id, secret: str, at_ms: Ms) -> None:
        with self._write() as database:
            rows = self._rows(database)
            if rows.factor(staff) is None:
                rows.add(staff, secret, at_ms)

    def confirm(self, staff: Id, step: int, code_hashes: tuple[str, ...], at_ms: Ms, by: str) -> bool:
        with self._write() as database:
            rows = self._rows(database)
            if not rows.confirm(staff, step):
                return False
            rows.put_codes(staff, code_hashes)
            AuditRows(database, self._site).append(at_ms, by, "second_factor_set_up", staff, {})
            return True

    def use_step(self, staff: Id, step: int) -> bool:
        with self._write() as database:
            return self._rows(database).use_step(staff, step)

    def use_recovery(self, staff: Id, code_hash: str, at_ms: Ms, by: str) -> bool:
        with self._write() as database:
            rows = self._rows(database)
            if not rows.take_code(staff, code_hash):
                return False
            left = {"left": rows.codes_left(staff)}
            AuditRows(database, self._site).append(at_ms, by, "recovery_code_used", staff, left)
            return True

    def recovery_left(self, staff: Id) -> int:
        with self._engine.read() as database:
            return self._rows(database).codes_left(staff)

    def remove(self, staff: Id, at_ms: Ms, by: str) -> bool:
        with self._write() as database:
            if not self._rows(database).remove(staff):
                return False
            ended = PeopleRows(database, self._site).end_sessions_of(staff)
            AuditRows(database, self._site).append(at_ms, by, "second_factor_removed", staff, {"sessions": ended})
            return True

    def proven_at_ms(self, token_hash: str) -> Ms | None:
        with self._engine.read() as database:
            return self._rows(database).proven_at_ms(token_hash)

    def note_proof(self, token_hash: str, staff: Id, at_ms: Ms) -> None:
        with self._write() as database:
            self._rows(database).put_proof(token_hash, staff, at_ms)

    def forget_proofs_before(self, before_ms: Ms) -> int:
        with self._write() as database:
            return self._rows(database).forget_proofs_before(before_ms)

    @contextmanager
    def _write(self) -> Iterator[pw.Database]:
        with self._engine.write() as database:
            SiteRows(database, self._site).lock()
            yield database

    def _rows(self, database: pw.Database) -> FactorRows:
        return FactorRows(database, self._site)
