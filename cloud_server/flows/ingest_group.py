"""One transaction for the requests of several boxes, and each by itself again where one of them spoils it.

What is asked of the database for each box is asked once for all of them, and what is added goes in by one COPY a table.
A request that cannot be taken in together with others (it is refused, or it needs the site's own writer) takes the
transaction of all with it: nothing of it is there, the others are taken in without it, and then it alone.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Generic, TypeVar

from cloud_server.flows.centre import Centre
from cloud_server.ports import Unit
from cloud_server.ports.database import TryAgain, WiderUnit
from protocol.envelope import Line

TRIES: Final = 3
"""Spoilt groups before each goes by itself: a peer that spoils on purpose costs two transactions, not one for each."""

Result = TypeVar("Result")
Came = TypeVar("Came")

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Asked(Generic[Result]):
    """One request, and in the end what came of it."""

    lines: tuple[Line, ...]
    shown: str | None
    """The box that the connection's client certificate names."""
    _result: Result | None = field(default=None, init=False)
    _fault: Exception | None = field(default=None, init=False)

    @property
    def size_bytes(self) -> int:
        """Of its payloads."""
        return sum(len(line.payload) for line in self.lines)

    @property
    def tells(self) -> bool:
        """Whether it brings batches."""
        return any(line.type_name == "batch" for line in self.lines)

    def keyids(self) -> list[str]:
        """Of the keys that say they signed it."""
        return [keyid for keyid, _ in self.lines[-1].signatures]

    def came_to(self, step: Callable[[], Result]) -> None:
        """Do the step for it; what it raises is this request's."""
        try:
            self._result = step()
        except Exception as fault:  # noqa: BLE001  # whatever it is, it reaches the thread that asked
            self._fault = fault

    def fail(self, fault: Exception) -> None:
        """It was not taken in."""
        self._fault = fault

    def result(self) -> Result:
        """What came of it. Raises what was raised for it."""
        if self._fault is not None:
            raise self._fault
        if self._result is None:
            raise TryAgain("the request went in with others, and their transaction was broken off", unknown=True)
        return self._result


TakeIn = Callable[[Centre, Unit, Asked[Result]], Came]
After = Callable[[Centre, Came], Result]


def settle(
    centre: Centre, group: Sequence[Asked[Result]], take_in: TakeIn[Result, Came], after: After[Came, Result]
) -> None:
    """Take requests in: `take_in` inside a unit, `after` once it is committed. Each gets its result or its fault."""
    left, apart = list(group), []
    for _ in range(TRIES):
        if len(left) < 2:
            break
        spoiler = _together(centre, left, take_in, after)
        if spoiler is None:
            left = []
            break
        left.remove(spoiler)
        apart.append(spoiler)
    for asked in (*left, *apart):
        asked.came_to(partial(_settle_alone, centre, asked, take_in, after))


def _settle_alone(
    centre: Centre, asked: Asked[Result], take_in: TakeIn[Result, Came], after: After[Came, Result]
) -> Result:
    return after(centre, _alone(centre, asked, take_in))


def _alone(centre: Centre, asked: Asked[Result], take_in: TakeIn[Result, Came]) -> Came:
    """By itself, as a box's own writer; as the site's where that is not enough."""
    try:
        with centre.store.write_box() as unit:
            came = take_in(centre, unit, asked)
            centre.fail_point("exchange_before_commit")
    except WiderUnit:
        with centre.store.write() as unit:
            came = take_in(centre, unit, asked)
            centre.fail_point("exchange_before_commit")
    centre.fail_point("exchange_committed")
    return came


def _together(
    centre: Centre, group: Sequence[Asked[Result]], take_in: TakeIn[Result, Came], after: After[Came, Result]
) -> Asked[Result] | None:
    """All in one unit, or none; the one that spoilt it."""
    came: list[Came] = []
    under_way = group[0]
    try:
        with centre.store.write_box() as unit:
            _learn(centre, unit, group)
            for asked in group:
                under_way = asked
                came.append(take_in(centre, unit, asked))
            centre.fail_point("exchange_before_commit")
    except TryAgain as fault:
        for asked in group:
            asked.fail(fault)
        return None
    except Exception as fault:  # noqa: BLE001  # whatever it is, it is met again where the request goes by itself
        why = f"{type(fault).__name__}: {fault}"[:200]
        log.info("requests_taken_apart", extra={"requests": len(group), "why": why})
        return under_way
    centre.fail_point("exchange_committed")
    for asked, one in zip(group, came, strict=True):
        asked.came_to(partial(after, centre, one))
    return None


def _learn(centre: Centre, unit: Unit, group: Sequence[Asked[Result]]) -> None:
    """Lock all boxes, and ask at once what each of them will ask."""
    boxes = unit.many_boxes.lock(list(dict.fromkeys(keyid for asked in group for keyid in asked.keyids())))
    unit.many_boxes.learn(list({box.box: box for box in boxes.values()}.values()))
    telling = {boxes[k].box: boxes[k] for asked in group if asked.tells for k in asked.keyids() if k in boxes}
    if telling:
        held = ((box.box, box.held_version) for box in telling.values())
        unit.many_boxes.learn_to_post(list(telling.values()), [one for one in held if one not in centre.places])
