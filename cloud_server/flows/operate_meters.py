"""Remote operation: one signed command a meter, for modes, service and lock-outs. The box judges and answers each."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from cloud_server.core.limits import KEY_CHARACTERS_MAX, ORDER_LASTS_MS
from cloud_server.core.mistakes import Conflict, FieldError, FieldErrorCode, NotFound, NotNow
from cloud_server.core.sale_order import order_hash
from cloud_server.core.views import CommandRow
from cloud_server.flows.bounds import Bounds
from cloud_server.flows.centre import Centre
from cloud_server.flows.money_step import Done
from cloud_server.flows.read_commands import command_row
from cloud_server.flows.second_person import confirmed, wait_for_second
from cloud_server.flows.sign_lines import issue_command
from cloud_server.ports import Actor, KeyReused, Operation, OperationKind, Refused, Unit
from cloud_server.ports.money import Waits
from protocol.commands import Body, InService, LiftLockOut, LockOutCommand, ReleaseOverload, SetMode

CONFIRMED: Final = "-yes"
"""Ends the key of an order that a second person confirmed: the asker's own key is answered already."""
UNKNOWN: Final[FieldErrorCode] = "unknown"
TAKES_NONE: Final[FieldErrorCode] = "box_takes_none"
METERS_AT_ONCE_MAX: Final = 2_000
"""A whole large site in one order."""

_BODIES: Final[dict[OperationKind, Callable[[str, int | None, str], Body]]] = {
    "prepaid": lambda meter, _until, _who: SetMode(meter=meter, mode="prepaid"),
    "protected": lambda meter, until, _who: SetMode(meter=meter, mode="protected", until_ms=until),
    "forced_off": lambda meter, until, _who: SetMode(meter=meter, mode="forced_off", until_ms=until),
    "in_service": lambda meter, _until, _who: InService(meter=meter, on=True),
    "observe": lambda meter, _until, _who: InService(meter=meter, on=False),
    "lock_out": lambda meter, _until, who: LockOutCommand(meter=meter, who=who),
    "lift_lock_out": lambda meter, _until, who: LiftLockOut(meter=meter, who=who),
    "release_overload": lambda meter, _until, _who: ReleaseOverload(meter=meter),
}


class MeterOperations:
    """Signs commands for meters; satisfies `ports.Operations`."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def order(self, operation: Operation, by: Actor) -> tuple[CommandRow, ...]:
        """Sign and queue one command a meter. Raises Refused, Conflict, KeyReused, NotNow, Waits."""
        centre = self._centre
        if centre.journal.fault is not None:
            raise NotNow(f"nothing can be signed: {centre.journal.fault}")
        request = order_hash("operation", operation.kind, operation.meters, operation.until_ms, by.name)
        with centre.store.write() as unit:
            kept = unit.lines.kept_answer(operation.key)
            if kept is not None and kept[0] != request:
                raise KeyReused(f"the key {operation.key[:40]!r} was used for something else")
            answer = json.loads(kept[1]) if kept is not None else self._take(unit, operation, by, request)
            centre.fail_point("operation_before_commit")
        centre.fail_point("operation_committed")
        centre.journal.append_unmarked()
        if isinstance(answer, dict):
            raise Waits(answer["request"])
        signed: list[tuple[str, int]] = answer
        for box in {box for box, _ in signed}:
            centre.wake.wake(box)
        centre.live.changed()
        return self._rows(signed)

    def take(self, unit: Unit, operation: Operation, by: Actor) -> Done:
        """An order that waited for a second person, who said yes: signed now, and found under a key of its own."""
        confirmed_key = f"{operation.key[: KEY_CHARACTERS_MAX - len(CONFIRMED)]}{CONFIRMED}"
        order = replace(operation, key=confirmed_key)
        signed = self._sign(unit, order, by, order_hash("operation_confirmed", operation.key, by.name))
        return Done({"operation": confirmed_key, "commands": len(signed)}, tuple(sorted({box for box, _ in signed})))

    def _take(self, unit: Unit, operation: Operation, by: Actor, request: str) -> Any:
        """Sign, or keep the order for a second person; what its key is answered."""
        confirmed(by, operation.second)
        if operation.second is not None or not _wants_second(unit, operation):
            return self._sign(unit, operation, by, request)
        if not operation.wait:
            raise Conflict("so many meters want a second person, a supervisor", "second_needed")
        reason = f"{operation.kind}, {len(operation.meters)} meters"
        waits = wait_for_second(self._centre, unit, "operation", operation, by, operation.meters[0], None, reason)
        unit.lines.keep_answer(operation.key, request, json.dumps(waits.answer), self._centre.clock.wall_ms())
        return waits.answer

    def _sign(self, unit: Unit, operation: Operation, by: Actor, request: str) -> list[tuple[str, int]]:
        centre = self._centre
        places = [unit.fleet.box_of_meter(meter) for meter in operation.meters]
        boxes = {name: box for name in sorted({p for p in places if p}) if (box := unit.fleet.box(name)) is not None}
        errors = _key_errors(operation.key)
        if not 1 <= len(operation.meters) <= METERS_AT_ONCE_MAX:
            text = f"name 1 to {METERS_AT_ONCE_MAX} meters"
            errors.append(FieldError(field="meters", value="", code="required", message=text))
        outside = set(Bounds(centre).meters_outside(operation.meters))
        for index, (meter, place) in enumerate(zip(operation.meters, places, strict=True)):
            box, code = boxes.get(place or ""), UNKNOWN
            if box is None or meter in outside:
                text = "no such meter"
            elif not box.takes_commands:
                code = TAKES_NONE
                text = f"its box {box.name} takes no commands: it is {'in recovery' if box.recovery else box.state}"
            else:
                continue
            errors.append(FieldError(field=f"meters[{index}]", value=meter[:40], code=code, message=text))
        if errors:
            raise Refused(errors)
        signed = []
        for meter, place in zip(operation.meters, places, strict=True):
            assert place is not None
            body = _BODIES[operation.kind](meter, operation.until_ms, by.name)
            # A lock-out only ever opens, for somebody's safety: it never comes too late.
            expires_at_ms = None if operation.kind == "lock_out" else centre.clock.wall_ms() + ORDER_LASTS_MS
            boxes[place] = issue_command(centre, unit, boxes[place], body, by.name, expires_at_ms)
            signed.append((place, boxes[place].command_head.seq))
        now_ms = centre.clock.wall_ms()
        unit.audit.append(now_ms, by.name, f"ordered_{operation.kind}", "", {"meters": list(operation.meters)})
        unit.lines.keep_answer(operation.key, request, json.dumps(signed), now_ms)
        return signed

    def _rows(self, signed: list[tuple[str, int]]) -> tuple[CommandRow, ...]:
        rows = []
        with self._centre.store.read() as unit:
            for place, seq in signed:
                command, box = unit.lines.command(place, seq), unit.fleet.box(place)
                if command is None or box is None:
                    raise NotFound("command", f"{place}/{seq}")
                rows.append(command_row(command, box, self._centre.clock.wall_ms()))
        return tuple(rows)


def _wants_second(unit: Unit, operation: Operation) -> bool:
    """Whether the order cuts off, or never cuts off, more meters than one person decides alone."""
    limits = unit.fleet.sale_limits()
    most = {"forced_off": limits.cut_off_alone_max, "protected": limits.protect_alone_max}.get(operation.kind)
    return most is not None and len(operation.meters) > most


def _key_errors(key: str) -> list[FieldError]:
    if 1 <= len(key) <= KEY_CHARACTERS_MAX:
        return []
    text = f"a key of 1 to {KEY_CHARACTERS_MAX} characters"
    return [FieldError(field="key", value=key[:40], code="too_long" if key else "required", message=text)]
