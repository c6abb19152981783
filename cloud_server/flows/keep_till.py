"""Tills: opened with a float, counted and closed by operator and shift; what differs is booked and told."""

from cloud_server.core import accounts, sale_order
from cloud_server.core.mistakes import Conflict, FieldError, NotFound
from cloud_server.core.money_requests import CONFIRMING, second_fault
from cloud_server.core.second_person import above
from cloud_server.core.tills import TillShift, read_counted, till_closed, till_opened
from cloud_server.core.views import METHODS
from cloud_server.flows.centre import Centre
from cloud_server.flows.money_step import Done, key_errors, money_step, refuse_if_wrong
from cloud_server.flows.post_entry import post_entry
from cloud_server.flows.sign_lines import Asker, add_money_line
from cloud_server.ports import Actor, Unit
from cloud_server.ports.tills import TillAnswer, TillCount, TillNow, TillOpening
from protocol.money import TillAmount, TillBody
from protocol.units import Micro


class Tills:
    """Opens, shows, counts and closes tills."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def open_till(self, order: TillOpening, by: Actor) -> TillAnswer:
        """Open one's own till."""
        request = sale_order.order_hash("till_opened", order.float_amount, by.name)
        step = money_step(self._centre, "till_opened", order.key, request, lambda unit: self._open(unit, order, by))
        return TillAnswer(**step)

    def close_till(self, order: TillCount, by: Actor) -> TillAnswer:
        """Count and close a till: what was counted goes to the bank, what differs to till_difference."""
        contents = (sorted(order.counted.items()), order.operator, order.note, by.name)
        request = sale_order.order_hash("till_closed", *contents)
        step = money_step(self._centre, "till_closed", order.key, request, lambda unit: self._close(unit, order, by))
        return TillAnswer(**step)

    def till_now(self, operator: str) -> TillNow:
        """What the books expect in an operator's till."""
        with self._centre.store.read() as unit:
            shift = unit.tills.open_shift(operator)
            expected = expected_in(unit, operator)
        return TillNow(operator, shift.shift if shift else None, shift.opened_at_ms if shift else None, expected)

    def tills_now(self) -> tuple[TillNow, ...]:
        """Every till that is open or holds anything."""
        with self._centre.store.read() as unit:
            names = {shift.operator for shift in unit.tills.open_shifts()} | set(unit.tills.till_operators())
        return tuple(self.till_now(name) for name in sorted(names))

    def shift(self, shift: str) -> TillShift:
        """One shift, for its paper. Raises NotFound."""
        with self._centre.store.read() as unit:
            found = unit.tills.shift(shift)
        if found is None:
            raise NotFound("shift", shift)
        return found

    def shifts_of_day(self, day: str) -> tuple[TillShift, ...]:
        """All shifts that were closed under a posting day."""
        with self._centre.store.read() as unit:
            return tuple(unit.tills.shifts_of_day(day))

    def _open(self, unit: Unit, order: TillOpening, by: Actor) -> Done:
        float_micro = read_counted("cash", order.float_amount)
        errors = key_errors(order.key)
        if isinstance(float_micro, FieldError):
            refuse_if_wrong([*errors, float_micro])
            raise AssertionError("unreachable: a mistake was raised")
        refuse_if_wrong(errors)
        if unit.tills.open_shift(by.name) is not None:
            raise Conflict(f"the till of {by.name} is open already", "till_open")
        now_ms = self._centre.clock.wall_ms()
        shift = TillShift(
            shift=self._centre.new_id(),
            operator=by.name,
            opened_at_ms=now_ms,
            float_micro=float_micro,
            key=order.key,
        )
        unit.tills.add_shift(shift)
        asker = Asker(operator=by.name, key=order.key)
        amount = TillAmount(method="cash", expected_micro=float_micro, counted_micro=float_micro)
        body = TillBody(shift=shift.shift, operator=by.name, step="opened", amounts=[amount])
        add_money_line(self._centre, unit, "till", body, asker)
        cause = f"till_opened/{shift.shift}"
        post_entry(self._centre, unit, "till_opened", cause, till_opened(by.name, float_micro), asker)
        unit.audit.append(now_ms, by.name, "till_opened", shift.shift, {"float_micro": float_micro})
        return _done(shift.shift, by.name, "opened", expected_in(unit, by.name), {})

    def _close(self, unit: Unit, order: TillCount, by: Actor) -> Done:
        operator = order.operator or by.name
        refuse_if_wrong(key_errors(order.key))
        if operator != by.name and CONFIRMING not in by.roles:
            raise Conflict(f"the till of {operator} is closed by {operator} or a {CONFIRMING}", "till_of_another")
        expected, counted = self._counted(unit, operator, order)
        difference_micro = sum(counted.values()) - sum(expected.values())
        second = order.second
        if above(difference_micro, unit.fleet.sale_limits().till_difference_alone_max_micro) or second is not None:
            fault = second_fault(by.name, second.name if second else None, second.roles if second else frozenset())
            if fault is not None:
                raise fault
        now_ms = self._centre.clock.wall_ms()
        opened = unit.tills.open_shift(operator)
        shift = TillShift(
            shift=opened.shift if opened is not None else self._centre.new_id(),
            operator=operator,
            opened_at_ms=opened.opened_at_ms if opened is not None else None,
            float_micro=opened.float_micro if opened is not None else 0,
            key=order.key,
            closed_at_ms=now_ms,
            closed_day=self._centre.posting_day(unit, now_ms),
            closed_by=by.name,
            second=second.name if second is not None else None,
            note=order.note.strip() or None,
            expected=expected,
            counted=counted,
        )
        if opened is None:
            unit.tills.add_shift(shift)
        else:
            unit.tills.save_shift(shift)
        self._write(unit, shift, by)
        return _done(shift.shift, operator, "closed", expected, counted)

    def _counted(self, unit: Unit, operator: str, order: TillCount) -> tuple[dict[str, Micro], dict[str, Micro]]:
        """By method what the books expect and what was counted; what is not cash counts as expected unless named."""
        expected = expected_in(unit, operator)
        errors, counted = [], dict[str, Micro]()
        for method, text in order.counted.items():
            amount = read_counted(method, text)
            if method not in METHODS:
                message = f"must be one of {', '.join(METHODS)}"
                errors.append(FieldError(field="counted", value=method[:40], code="unknown", message=message))
            elif isinstance(amount, FieldError):
                errors.append(amount)
            else:
                counted[method] = amount
        if expected.get("cash") and "cash" not in order.counted:
            errors.append(FieldError(field="counted[cash]", value="", code="required", message="cash must be counted"))
        refuse_if_wrong(errors)
        methods = sorted(expected.keys() | counted.keys())
        return (
            {method: expected.get(method, 0) for method in methods},
            {method: counted.get(method, expected.get(method, 0)) for method in methods},
        )

    def _write(self, unit: Unit, shift: TillShift, by: Actor) -> None:
        expected, counted = shift.expected or {}, shift.counted or {}
        asker = Asker(operator=by.name, key=shift.key, second=shift.second, reason=shift.note)
        amounts = [
            TillAmount(method=method, expected_micro=micro, counted_micro=counted[method])
            for method, micro in expected.items()
        ]
        body = TillBody(shift=shift.shift, operator=shift.operator, step="closed", amounts=amounts)
        add_money_line(self._centre, unit, "till", body, asker)
        postings = till_closed(shift.operator, expected, counted)
        post_entry(self._centre, unit, "till_closed", f"till_closed/{shift.shift}", postings, asker)
        detail = {"operator": shift.operator, "difference_micro": shift.difference_micro, "second": shift.second}
        unit.audit.append(shift.closed_at_ms or 0, by.name, "till_closed", shift.shift, detail)


def expected_in(unit: Unit, operator: str) -> dict[str, Micro]:
    """What the books have in a till, by method; a till's account stands below zero by what it holds."""
    names = {accounts.till(operator, method): method for method in METHODS}
    return {names[name]: -micro for name, micro in sorted(unit.ledger.sums(names).items()) if micro}


def _done(shift: str, operator: str, state: str, expected: dict[str, Micro], counted: dict[str, Micro]) -> Done:
    answer = {
        "shift": shift,
        "operator": operator,
        "state": state,
        "expected": expected,
        "counted": counted,
        "difference_micro": sum(counted.values()) - sum(expected.values()) if state == "closed" else 0,
    }
    return Done(answer)
