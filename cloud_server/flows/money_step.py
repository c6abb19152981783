"""The order of a money step, once for all of them but the sale: key, lock, commit, journal, only then the answer."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from cloud_server.core.limits import KEY_CHARACTERS_MAX
from cloud_server.core.mistakes import FieldError
from cloud_server.flows.again import again
from cloud_server.flows.centre import Centre
from cloud_server.ports import KeyReused, Refused, Unit

REASON_CHARACTERS_MAX = 200
"""A sentence; the journal's line allows as much and more."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a step is answered, for ever, and the boxes that have something to fetch."""

    answer: dict[str, Any]
    boxes: tuple[str, ...] = ()


def money_step(centre: Centre, name: str, key: str, request: str, take: Callable[[Unit], Done]) -> dict[str, Any]:
    """Take a step once for its key and answer it when the journal holds it.

    `request` is the hash of what was asked; `take` does all of it inside one transaction. Raises KeyReused, NotNow and
    whatever `take` raises, after which nothing was done.
    """
    centre.journal.stop_if_faulty()
    done = again(lambda: _taken(centre, name, key, request, take))
    centre.fail_point(f"{name}_committed")
    centre.journal.append_unmarked()
    centre.fail_point(f"{name}_journaled")
    for box in done.boxes:
        centre.wake.wake(box)
    centre.live.changed()
    return done.answer


def _taken(centre: Centre, name: str, key: str, request: str, take: Callable[[Unit], Done]) -> Done:
    """What was answered under the key before, or the step itself, in one unit."""
    with centre.store.write() as unit:
        kept = unit.lines.kept_answer(key)
        if kept is None:
            done = take(unit)
            answer = json.dumps({"answer": done.answer, "boxes": done.boxes})
            unit.lines.keep_answer(key, request, answer, centre.clock.wall_ms())
        else:
            if kept[0] != request:
                raise KeyReused(f"the key {key[:40]!r} was used for something else")
            stored = json.loads(kept[1])
            done = Done(stored["answer"], tuple(stored["boxes"]))
        centre.fail_point(f"{name}_before_commit")
    return done


def refuse_if_wrong(errors: Iterable[FieldError]) -> None:
    """Raise Refused where there is any mistake."""
    found = list(errors)
    if found:
        raise Refused(found)


def key_errors(key: str) -> list[FieldError]:
    """What is wrong with an idempotency key."""
    return _text_errors("key", key, KEY_CHARACTERS_MAX, "a key made once for this step")


def reason_errors(reason: str) -> list[FieldError]:
    """What is wrong with a reason."""
    return _text_errors("reason", reason.strip(), REASON_CHARACTERS_MAX, "why it is done, in a sentence")


def _text_errors(field: str, text: str, most: int, what: str) -> list[FieldError]:
    if 1 <= len(text) <= most:
        return []
    message = f"{what}, of 1 to {most} characters"
    return [FieldError(field=field, value=text[:40], code="too_long" if text else "required", message=message)]
