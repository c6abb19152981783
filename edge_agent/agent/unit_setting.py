"""Giving a new meter the unit id that the plan has for it: asked for by a command at the box, done on a lent bus.

It moves no relay. Nobody may answer at the new unit id before, the meter has to answer there after, and nothing that
is in service is ever moved. That one meter alone hangs on the bus is what the command has seen and a person has said.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge_agent.bus.unit_id import unit_words, unit_writes
from edge_agent.core.measured import FaultKind
from edge_agent.flows.tell import UNKNOWN_METER_TEXT, find_meter
from edge_agent.ports import LentAnswer, LentQuestion, LocalRequest
from protocol.meter_profile.values import Profile, RegisterWrite, UnitRegister

if TYPE_CHECKING:
    from edge_agent.agent.owner import Owner

log = logging.getLogger(__name__)

_UNHEARD = frozenset({FaultKind.TIMEOUT, FaultKind.WRONG_UNIT})
"""Of the write itself no answer is needed: some meters give it under their new unit id."""


def set_unit(owner: Owner, request: LocalRequest) -> dict[str, Any] | None:
    """Begin, or say why not; the end is the answer."""
    arguments = request.arguments
    meter, old, who = (
        find_meter(owner.box, str(arguments.get("meter", ""))),
        arguments.get("unit"),
        arguments.get("who"),
    )
    if meter is None:
        return {"refused": "unknown_meter", "detail": UNKNOWN_METER_TEXT}
    if not isinstance(who, str) or not who.strip():
        return {"refused": "bad_body", "detail": "who: a name is needed"}
    planned, profile = owner.box.place.meters[meter], owner.box.place.profile_of[meter]
    refused = _why_not(owner, meter, old, planned.unit, profile)
    worker = owner.buses.workers.get(planned.bus)
    if refused is not None or worker is None:
        return {"refused": "not_now", "detail": refused or "the meter's bus does not run"}
    assert isinstance(old, int)
    assert profile.unit_id is not None
    fields = {"meter": meter, "from": old, "to": planned.unit, "who": who}

    def done(moved: bool, detail: str) -> None:
        log.info("unit_id_set", extra={"fields": fields | {"moved": moved, "detail": detail}})
        request.answer.put({"meter": meter, "from": old, "to": planned.unit, "moved": moved, "detail": detail})

    _Move(profile, profile.unit_id, old, planned.unit, worker.lend, done).begin()
    return None


def _why_not(owner: Owner, meter: str, old: object, new: int, profile: Profile) -> str | None:
    register = profile.unit_id
    if register is None:
        return f"profile {profile.name} does not say how a unit id is set; right would be to set it at the meter"
    if not isinstance(old, int) or isinstance(old, bool) or not 1 <= old <= register.greatest or old == new:
        return f"unit = {old!r}: right would be the unit id that it answers to now, other than {new}"
    if not register.least <= new <= register.greatest:
        return f"the plan says unit {new}; this model takes {register.least} to {register.greatest}"
    box = owner.box
    bus = box.place.meters[meter].bus
    for other in box.state.config.meters:
        row = box.state.meters.get(other.meter)
        if other.bus == bus and other.unit == old and row is not None and row.state.service == "in_service":
            return f"unit {old} is {other.name}, which is in service"
    return None


@dataclass(slots=True)
class _Move:
    """One meter on its way. Called back on the bus's own thread, one answer after the other."""

    profile: Profile
    register: UnitRegister
    old: int
    new: int
    lend: Callable[[LentQuestion], None]
    done: Callable[[bool, str], None]

    def begin(self) -> None:
        """First of all nobody may answer where it is to go."""
        self._read(self._nobody_there)

    def _nobody_there(self, answer: LentAnswer) -> None:
        if answer.down:
            self.done(False, answer.down)
        elif answer.fault is not FaultKind.TIMEOUT:
            self.done(False, f"something answers at unit {self.new} already; take it off the bus, or scan again")
        else:
            self._write(unit_writes(self.register, self.new))

    def _write(self, left: Sequence[RegisterWrite]) -> None:
        write, rest = left[0], left[1:]

        def written(answer: LentAnswer) -> None:
            failed = answer.down or (answer.fault and (rest or answer.fault not in _UNHEARD))
            if failed:
                step = f"write to {write.address:04X}"
                self.done(False, f"{step}: {answer.down or answer.fault}: {answer.detail}; unit {self.old} stays")
            elif rest:
                self._write(rest)
            else:
                self._read(self._read_back)

        self._ask(self.old, write.function, write.address, len(write.values), written, write.values)

    def _read_back(self, answer: LentAnswer) -> None:
        if answer.words == unit_words(self.register, self.new):
            self.done(True, f"answers at unit {self.new}")
        else:
            told = f"holds {list(answer.words)}" if answer.words else f"{answer.down or answer.fault}: {answer.detail}"
            self.done(False, f"written, not confirmed at unit {self.new}: {told}; scan to see where it answers")

    def _read(self, then: Callable[[LentAnswer], None]) -> None:
        count = len(unit_words(self.register, self.new))
        self._ask(self.new, self.register.function, self.register.address, count, then)

    def _ask(
        self,
        unit: int,
        function: int,
        address: int,
        count: int,
        then: Callable[[LentAnswer], None],
        values: tuple[int, ...] = (),
    ) -> None:
        pace = self.profile.silence_ms, self.profile.turnaround_ms
        self.lend(LentQuestion(unit, function, address, count, *pace, answer=then, values=values))
