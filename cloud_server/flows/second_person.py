"""Steps that wait for a second person: kept as they were asked for, carried out when another says yes.

A flow that finds that its step wants two people and was named one calls `wait_for_second` in its own unit of work and
answers what that gives. The yes carries the step out in one transaction with the yes itself.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from cloud_server.core import sale_order
from cloud_server.core.mistakes import Conflict, NotFound
from cloud_server.core.money_requests import second_fault
from cloud_server.core.second_person import CONFIRMING_STATE, Maker, RequestKind, SecondRequest
from cloud_server.flows.bounds import Bounds
from cloud_server.flows.centre import Centre
from cloud_server.flows.money_step import Done, key_errors, money_step, refuse_if_wrong
from cloud_server.ports import Actor, Unit
from cloud_server.ports.ledger import Checked, CheckStep
from protocol.units import Micro


@dataclass(frozen=True, slots=True)
class StepKind:
    """How a kind of step is read again and carried out; its order has the fields `key` and `second`."""

    order: type
    take: Callable[[Unit, Any, Actor], Done]


def wait_for_second(
    centre: Centre,
    unit: Unit,
    kind: RequestKind,
    order: Any,
    by: Actor,
    about: str,
    amount_micro: Micro | None,
    reason: str,
) -> Done:
    """Keep a step that was judged and is well said; what its maker is answered."""
    now_ms = centre.clock.wall_ms()
    request = SecondRequest(
        request=centre.new_id(),
        kind=kind,
        about=about,
        amount_micro=amount_micro,
        contents=msgspec.json.encode(order).decode(),
        maker=Maker(id=by.id, name=by.name, display_name=by.display_name, roles=by.roles),
        key=order.key,
        reason=reason,
        asked_at_ms=now_ms,
    )
    unit.contracts.add_request(request)
    detail = {"kind": kind, "about": about, "amount_micro": amount_micro}
    unit.audit.append(now_ms, by.name, "second_asked", request.request, detail)
    return Done({"state": CONFIRMING_STATE, "request": request.request})


def confirmed(by: Actor, second: Actor | None) -> str | None:
    """The name of a second person who may confirm, None where none is named. Raises Conflict for one who may not."""
    if second is None:
        return None
    fault = second_fault(by.name, second.name, second.roles)
    if fault is not None:
        raise fault
    return second.name


class SecondPerson:
    """Yes and no to what waits."""

    def __init__(self, centre: Centre, kinds: Mapping[RequestKind, StepKind]) -> None:
        self._centre = centre
        self._kinds = kinds

    def approve(self, step: CheckStep, by: Actor) -> Checked:
        """Yes: the step is carried out now, with both names. Raises what the step itself raises."""
        return self._step("second_yes", step, by, self._approve)

    def reject(self, step: CheckStep, by: Actor) -> Checked:
        """No: the step is not carried out."""
        return self._step("second_no", step, by, self._reject)

    def withdraw(self, step: CheckStep, by: Actor) -> Checked:
        """Its maker does not want it any more."""
        return self._step("second_withdrawn", step, by, self._withdraw)

    def waiting(self, limit: int = 500) -> tuple[SecondRequest, ...]:
        """What waits for a second person, newest first."""
        with self._centre.store.read() as unit:
            found = tuple(unit.contracts.requests(limit, waiting_only=True))
        return Bounds(self._centre).own_requests(found)

    def request(self, request: str) -> SecondRequest:
        """One request and how it ended. Raises NotFound."""
        with self._centre.store.read() as unit:
            found = unit.contracts.request(request)
        if found is None:
            raise NotFound("request", request)
        return found

    def _step(
        self, name: str, step: CheckStep, by: Actor, take: Callable[[Unit, SecondRequest, CheckStep, Actor], Done]
    ) -> Checked:
        def once(unit: Unit) -> Done:
            refuse_if_wrong(key_errors(step.key))
            found = unit.contracts.request(step.request)
            if found is None:
                raise NotFound("request", step.request)
            if found.state != "waits":
                raise Conflict(f"the request is {found.state}", "answered")
            return take(unit, found, step, by)

        request = sale_order.order_hash(name, step.request, step.note, by.name)
        return Checked(**money_step(self._centre, name, step.key, request, once))

    def _approve(self, unit: Unit, found: SecondRequest, step: CheckStep, by: Actor) -> Done:
        fault = second_fault(found.maker.name, by.name, by.roles)
        if fault is not None:
            raise fault
        kind = self._kinds[found.kind]
        order: Any = replace(msgspec.json.decode(found.contents, type=kind.order), second=by)
        maker = Actor(
            id=found.maker.id,
            name=found.maker.name,
            display_name=found.maker.display_name,
            roles=found.maker.roles,
        )
        done = kind.take(unit, order, maker)
        return self._end(unit, found, step, by, "done", done)

    def _reject(self, unit: Unit, found: SecondRequest, step: CheckStep, by: Actor) -> Done:
        fault = second_fault(found.maker.name, by.name, by.roles)
        if fault is not None:
            raise fault
        return self._end(unit, found, step, by, "rejected", Done({}))

    def _withdraw(self, unit: Unit, found: SecondRequest, step: CheckStep, by: Actor) -> Done:
        if by.name != found.maker.name:
            text = f"only {found.maker.name}, who asked for it, can withdraw it; a supervisor rejects it"
            raise Conflict(text, "not_the_maker")
        return self._end(unit, found, step, by, "withdrawn", Done({}))

    def _end(self, unit: Unit, found: SecondRequest, step: CheckStep, by: Actor, state: Any, done: Done) -> Done:
        now_ms = self._centre.clock.wall_ms()
        after = replace(
            found,
            state=state,
            checker=by.name,
            checked_at_ms=now_ms,
            note=step.note.strip() or None,
            answer=json.dumps(done.answer) if done.answer else None,
        )
        unit.contracts.save_request(after)
        unit.audit.append(now_ms, by.name, f"second_{state}", found.request, {"maker": found.maker.name})
        answer = {"request": found.request, "kind": found.kind, "state": state, "answer": done.answer}
        return Done(answer, done.boxes)
