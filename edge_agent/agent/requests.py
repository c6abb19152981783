"""What people at the box ask of the running agent: status, relay test, lock-out. Answered on the owner thread."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from edge_agent.agent.commissioning import planned_meters, sign_report
from edge_agent.agent.lending import bus_ask, lent_buses
from edge_agent.agent.unit_setting import set_unit
from edge_agent.core.orders import lock_out_on_the_spot
from edge_agent.core.refusal import Refusal
from edge_agent.core.testing import may_test_guard, may_test_relay
from edge_agent.flows.box_books import book_breaches
from edge_agent.flows.courier import next_piece, take_file, told_piece
from edge_agent.flows.guard_test import GuardTest
from edge_agent.flows.note_replacement import note_replacement
from edge_agent.flows.relay_test import RelayTest
from edge_agent.flows.seal_batches import seal_pending
from edge_agent.flows.tell import UNKNOWN_METER_TEXT, find_meter, meter_status, status_of
from edge_agent.ports import LocalRequest, StoreFull
from protocol.errors import TooLarge

if TYPE_CHECKING:
    from edge_agent.agent.owner import Owner

WHO_CHARACTERS_MAX = 100


def answer_request(owner: "Owner", request: LocalRequest) -> None:
    """Put one answer, now or (a relay test) when it has ended."""
    operation = _OPERATIONS.get(request.op)
    if operation is None:
        request.answer.put({"error": f"{request.op!r} is not known; known are {', '.join(sorted(_OPERATIONS))}"})
        return
    found = operation(owner, request)
    if found is not None:
        request.answer.put(found)


def _status(owner: "Owner", request: LocalRequest) -> dict[str, Any]:  # noqa: ARG001 - one row of the table below
    order = owner.box.state.marks.upgrade
    ordered = {"ordered": order.version if order is not None else None, "fault": owner.upgrade_fault}
    return status_of(owner.box, owner.polling, owner.sealing, owner.sync) | {"upgrade": ordered}


def _meter(owner: "Owner", arguments: Mapping[str, object]) -> str | None:
    return find_meter(owner.box, str(arguments.get("meter", "")))


def _who(arguments: Mapping[str, object]) -> str | None:
    who = str(arguments.get("who", "")).strip()
    return who if 0 < len(who) <= WHO_CHARACTERS_MAX else None


def _refused(refusal: Refusal) -> dict[str, Any]:
    return {"refused": refusal.reason, "detail": refusal.detail}


_UNKNOWN_METER = {"refused": "unknown_meter", "detail": UNKNOWN_METER_TEXT}
_NO_NAME = {"refused": "bad_body", "detail": f"who: a name of 1 to {WHO_CHARACTERS_MAX} characters is needed"}


def _relay_test_look(owner: "Owner", request: LocalRequest) -> dict[str, Any]:
    """What a person has to know before saying yes."""
    box = owner.box
    return _look(owner, request, lambda meter: may_test_relay(box.place, box.state, box.limits, meter, box.now()))


def _guard_test_look(owner: "Owner", request: LocalRequest) -> dict[str, Any]:
    box = owner.box
    return _look(owner, request, lambda meter: may_test_guard(box.place, box.state, meter, box.now()))


def _look(owner: "Owner", request: LocalRequest, may_test: Callable[[str], Refusal | None]) -> dict[str, Any]:
    meter = _meter(owner, request.arguments)
    if meter is None:
        return _UNKNOWN_METER
    refused = may_test(meter)
    status = {"status": meter_status(owner.box, meter)}
    return status if refused is None else {**_refused(refused), **status}


def _relay_test(owner: "Owner", request: LocalRequest) -> dict[str, Any] | None:
    return _begin(owner, request, RelayTest)


def _guard_test(owner: "Owner", request: LocalRequest) -> dict[str, Any] | None:
    return _begin(owner, request, GuardTest)


def _begin(owner: "Owner", request: LocalRequest, kind: type[RelayTest] | type[GuardTest]) -> dict[str, Any] | None:
    """Begin a test; its end is the answer."""
    meter, who = _meter(owner, request.arguments), _who(request.arguments)
    if meter is None:
        return _UNKNOWN_METER
    if who is None:
        return _NO_NAME

    def done(passed: bool, detail: str) -> None:
        request.answer.put({"meter": meter, "passed": passed, "detail": detail})

    test = kind(owner.box, meter, who, done)
    refused = test.begin()
    if refused is not None:
        return {"meter": meter, **_refused(refused)}
    owner.tests.append(test)
    return None


def _lock_out(owner: "Owner", request: LocalRequest) -> dict[str, Any]:
    meter, who = _meter(owner, request.arguments), _who(request.arguments)
    if meter is None:
        return _UNKNOWN_METER
    if who is None:
        return _NO_NAME
    box = owner.box
    decision = lock_out_on_the_spot(box.place, box.state, meter, who, box.now())
    if isinstance(decision, Refusal):
        return _refused(decision)
    box.take(decision)
    return {"meter": meter, "locked_out": who, "status": meter_status(box, meter)}


def _note_replacement(owner: "Owner", request: LocalRequest) -> dict[str, Any]:
    meter, who = _meter(owner, request.arguments), _who(request.arguments)
    if meter is None:
        return _UNKNOWN_METER
    if who is None:
        return _NO_NAME
    old, new = request.arguments.get("old_wh"), request.arguments.get("new_wh")
    registers = old if isinstance(old, int) else None, new if isinstance(new, int) else None
    noted = note_replacement(owner.box, meter, str(request.arguments.get("new_serial", "")), registers, who)
    if isinstance(noted, Refusal):
        return _refused(noted)
    believed_wh = meter_status(owner.box, meter)["raw_wh"]
    return {"meter": meter, "noted": noted.new_serial, "old_serial": noted.old_serial, "last_believed_wh": believed_wh}


def _courier_export(owner: "Owner", request: LocalRequest) -> dict[str, Any]:
    """One piece of what the centre lacks, behind the batch named by `after`; what waits is sealed before the first."""
    after = request.arguments.get("after")
    place = None if after is None else _place(after)
    if after is not None and place is None:
        return {"error": "after: right would be an epoch and a number, for example [1, 7]"}
    if place is None:
        seal_pending(owner.box, owner.sealing)
    return told_piece(next_piece(owner.box.store, owner.box.who.box, place))


def _place(after: object) -> tuple[int, int] | None:
    match after:
        case [int(epoch), int(seq)] if epoch > 0 and seq > 0:
            return epoch, seq
        case _:
            return None


def _courier_import(owner: "Owner", request: LocalRequest) -> dict[str, Any]:
    text = request.arguments.get("text")
    if not isinstance(text, str):
        return {"error": "text: the file's lines are needed"}
    try:
        return {"lines": take_file(owner.sync, text.encode())}
    except TooLarge as fault:
        return {"error": str(fault)}


def _check_books(owner: "Owner", request: LocalRequest) -> dict[str, Any]:  # noqa: ARG001 - one row of the table below
    """The invariants over the newest part of the books, with what waits in memory written first."""
    with suppress(StoreFull):
        owner.box.flush()
    return {"breaches": book_breaches(owner.box.store)}


def _profiles(owner: "Owner", request: LocalRequest) -> dict[str, Any]:  # noqa: ARG001 - one row of the table below
    """The site's own profiles, by name their texts."""
    return {"profiles": {text.profile: text.text for text in owner.box.state.config.profiles}}


def _upgrade(owner: "Owner", request: LocalRequest) -> dict[str, Any] | None:
    """Try a bundle; the answer comes when it has passed its self-test, or has not."""
    path = request.arguments.get("path")
    if owner.upgrade is None or not isinstance(path, str):
        return {"error": "path: the bundle's file is needed"}
    owner.upgrade(path, request.answer.put)
    return None


_OPERATIONS: dict[str, Callable[["Owner", LocalRequest], dict[str, Any] | None]] = {
    "status": _status,
    "check_books": _check_books,
    "profiles": _profiles,
    "upgrade": _upgrade,
    "relay_test_look": _relay_test_look,
    "relay_test": _relay_test,
    "guard_test_look": _guard_test_look,
    "guard_test": _guard_test,
    "lock_out": _lock_out,
    "note_replacement": _note_replacement,
    "courier_export": _courier_export,
    "courier_import": _courier_import,
    "plan": planned_meters,
    "sign_report": sign_report,
    "buses": lent_buses,
    "bus_ask": bus_ask,
    "set_unit": set_unit,
}
