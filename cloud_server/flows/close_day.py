"""The close of a posting day, by a person or by itself: nothing is booked under it any more; then it is sealed.

Closing is short and takes the lock of the receipt counter, as every money step does. Sealing follows: all invariants
are looked at, and the digest of the day's entries goes into the audit chain.
"""

from typing import Final

from cloud_server.core import sale_order
from cloud_server.core.mistakes import Conflict, NotNow
from cloud_server.core.tills import CLOSES_AFTER_MS, ClosedDay, SealedDay, close_fault, day_digest
from cloud_server.flows.alarm_life import raise_alarm
from cloud_server.flows.centre import Centre
from cloud_server.flows.money_step import Done, key_errors, money_step, refuse_if_wrong
from cloud_server.flows.sign_lines import Asker, add_money_line
from cloud_server.flows.verify import verify
from cloud_server.ports import Actor, Unit
from cloud_server.ports.tills import DayAnswer, DayOrder
from protocol.money import DayBody

SEALED_AFTER_MS: Final = 60_000
"""No transaction takes a minute: what was under way when the day was closed is in it before it is sealed."""
BREACHES_TOLD_MAX: Final = 20
"""Breaches named in the audit row; all of them are found again by `verify`."""
BY_ITSELF: Final = Actor(id="0" * 32, name="centre", display_name="centre")


class Days:
    """Closes and seals posting days."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def close_day(self, order: DayOrder, by: Actor) -> DayAnswer:
        """Close a day (today unless named) and with it all before it."""
        request = sale_order.order_hash("day", order.day, order.anyway, by.name)
        done = money_step(self._centre, "day", order.key, request, lambda unit: self._close(unit, order, by))
        return DayAnswer(done["day"], done["receipts"], tuple(done["open_tills"]))

    def close_due_days(self) -> int:
        """Close every day that is over for long enough and under which something was booked; how many. Repeatable."""
        centre, now_ms = self._centre, self._centre.clock.wall_ms()
        today = centre.day_of(now_ms - CLOSES_AFTER_MS)
        with centre.store.read() as unit:
            last = unit.tills.last_closed_day()
            due = [day for day in unit.tills.days_booked(last, today) if day < today]
        for day in due:
            try:
                self.close_day(DayOrder(key=f"day/{day}", day=day, anyway=True), BY_ITSELF)
            except (Conflict, NotNow):
                return 0
        return len(due)

    def seal_due_days(self) -> int:
        """Seal every day that was closed a minute ago or earlier; how many. Repeatable."""
        centre = self._centre
        with centre.store.read() as unit:
            before_ms = centre.clock.wall_ms() - SEALED_AFTER_MS
            due = [closed for closed in unit.tills.unsealed_days() if closed.closed_at_ms <= before_ms]
        if not due:
            return 0
        breaches = [
            f"{result.name}: {breach}"
            for result in verify(centre.store, centre.authority.command_keys)
            for breach in result.breaches
        ]
        for closed in due:
            self._seal(closed, breaches)
        return len(due)

    def closed_days(self, limit: int) -> tuple[tuple[ClosedDay, SealedDay | None], ...]:
        """The newest closed days with what they were sealed with."""
        with self._centre.store.read() as unit:
            days = unit.tills.closed_days(limit)
            return tuple((closed, unit.tills.sealed_day(closed.day)) for closed in days)

    def _close(self, unit: Unit, order: DayOrder, by: Actor) -> Done:
        centre, now_ms = self._centre, self._centre.clock.wall_ms()
        refuse_if_wrong(key_errors(order.key))
        day = order.day or centre.posting_day(unit, now_ms)
        fault = close_fault(day, centre.day_of(now_ms), unit.tills.last_closed_day())
        if fault is not None:
            raise fault
        open_tills = tuple(shift.operator for shift in unit.tills.open_shifts())
        if open_tills and not order.anyway:
            raise Conflict(f"tills are open: {', '.join(open_tills)}", "tills_open")
        for each in sorted({*unit.tills.days_booked(unit.tills.last_closed_day(), day), day}):
            self._end(unit, each, order.key, by, open_tills)
        return Done({"day": day, "receipts": unit.tills.receipts(day), "open_tills": open_tills})

    def _end(self, unit: Unit, day: str, key: str, by: Actor, open_tills: tuple[str, ...]) -> None:
        now_ms = self._centre.clock.wall_ms()
        closed = ClosedDay(
            day=day,
            closed_at_ms=now_ms,
            who=by.name,
            key=key,
            receipts=unit.tills.receipts(day),
            open_tills=open_tills,
        )
        unit.tills.add_closed_day(closed)
        body = DayBody(day=day, receipts=closed.receipts)
        add_money_line(self._centre, unit, "day", body, Asker(operator=by.name, key=key))
        detail = {"receipts": closed.receipts, "open_tills": open_tills}
        unit.audit.append(now_ms, by.name, "day_closed", day, detail)

    def _seal(self, closed: ClosedDay, breaches: list[str]) -> None:
        centre = self._centre
        with centre.store.read() as unit:
            entries, digest = day_digest(unit.tills.entries_of_day(closed.day))
        with centre.store.write() as unit:
            if unit.tills.sealed_day(closed.day) is not None:
                return
            now_ms = centre.clock.wall_ms()
            detail = {
                "entries": entries,
                "digest": digest,
                "breaches": len(breaches),
                "first_breaches": breaches[:BREACHES_TOLD_MAX],
            }
            unit.audit.append(now_ms, BY_ITSELF.name, "day_sealed", closed.day, detail)
            sealed = SealedDay(
                day=closed.day,
                entries=entries,
                digest=digest,
                breaches=len(breaches),
                audit_number=unit.audit.head().seq,
                sealed_at_ms=now_ms,
            )
            unit.tills.add_sealed_day(sealed)
            if breaches:
                raise_alarm(unit, "finding", now_ms, value=len(breaches))
        centre.fail_point("day_sealed")
