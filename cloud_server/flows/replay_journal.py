"""The journal's lines taken into books that are older than it, or empty: what the centre signed and forgot.

First the plan, then the money steps in the order of their chain, then epochs and commands; a line that came before its
turn (two processes write one journal, two hosts write one each) waits for it. Sales come back with all their parts
awaited; their grants come with the commands, or are signed anew when their box has been heard.
"""

import itertools
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cloud_server.core.journaled_plan import plan_of
from cloud_server.flows.after_journal import Steps, go_on_after
from cloud_server.flows.centre import Centre
from cloud_server.flows.plan_site import PLAN_TOLD
from cloud_server.flows.recover_box import adopt_epochs, begin_recovery, keep_epoch
from cloud_server.flows.replay_money import take_step
from cloud_server.flows.sell_again import ask, grant_parts_anew
from cloud_server.flows.sign_lines import MONEY_CHAIN
from cloud_server.flows.take_back import take_back_command
from cloud_server.ports import Unit
from protocol.commands import Command
from protocol.envelope import Line, check_signature, read_line
from protocol.errors import TheirFault
from protocol.messages import Epoch, Money
from protocol.money import PlanBody, read_money_body
from protocol.payload import read_payload, write_payload

AT_ONCE = 500
"""Lines in one transaction."""
EARLY_MAX = 10_000
"""Lines kept that came before their turn: what two hosts write in minutes."""

log = logging.getLogger(__name__)

Lines = Callable[[], Iterable[bytes]]
"""Reads the journal from its beginning, each time it is asked."""


@dataclass(slots=True)
class Replayed:
    """What the journal gave: lines looked at, taken by type, and those that did not fit."""

    looked_at: int = 0
    taken: Counter[str] = field(default_factory=Counter)
    not_taken: int = 0
    plan_taken: bool = False


@dataclass(slots=True)
class _Reading:
    """One pass: lines that wait for their turn, by chain and number, and the steps that have something to follow."""

    done: Replayed
    early: dict[tuple[str, str, int], Line] = field(default_factory=dict)
    steps: Steps = field(default_factory=Steps)


def newest_term(lines: Iterable[bytes]) -> int:
    """The highest term that any line of the journal says; 0 where there is none."""
    newest = 0
    for raw in lines:
        try:
            line = read_line(raw)
            kind = _KINDS.get(line.type_name)
            newest = max(newest, read_payload(line.payload, kind).term) if kind is not None else newest
        except TheirFault:
            continue
    return newest


_KINDS: dict[str, type[Command] | type[Epoch] | type[Money]] = {"command": Command, "epoch": Epoch, "money": Money}


def replay(centre: Centre, lines: Lines) -> Replayed:
    """Take in what the books lack. A line cut short by a crash is passed by."""
    reading = _Reading(Replayed())
    done = reading.done
    _take_plan(centre, lines(), done)
    for money_lines in (True, False):
        rest = iter(lines())
        while piece := list(itertools.islice(rest, AT_ONCE)):
            with centre.store.write() as unit:
                for raw in piece:
                    _one(centre, unit, raw, reading, money_lines=money_lines)
        done.not_taken += len(reading.early)
        reading.early.clear()
    _end(centre, reading)
    log.warning("journal_replayed", extra={"looked_at": done.looked_at, "taken": dict(done.taken)})
    return done


def _take_plan(centre: Centre, lines: Iterable[bytes], done: Replayed) -> None:
    """The plan that the journal comes to, in the place of one that is older or not there."""
    told = list(_plan_pieces(centre, lines))
    pieces = [body for _, body in told]
    with centre.store.write() as unit:
        for money, body in (one for one in told if one[1].profiles):
            unit.profiles.keep(body.profiles, money.posted_at_ms, money.operator)
        before = unit.fleet.plan()
        plan = plan_of(before, centre.site.site, pieces)
        if not pieces or plan is None:
            return
        unit.site.put_fact(PLAN_TOLD, "1")
        if before is not None and write_payload(before) == write_payload(plan):
            return
        now_ms = centre.clock.wall_ms()
        version = unit.fleet.put_plan(plan, write_payload(plan).decode(), now_ms, "journal")
        unit.audit.append(now_ms, "cloud-server", "plan_taken_back", plan.site, {"version": version})
        done.plan_taken = True


def _plan_pieces(centre: Centre, lines: Iterable[bytes]) -> Iterable[tuple[Money, PlanBody]]:
    """Each piece with the line that says when and by whom; among them versions of profiles that gave way since."""
    seen = set[int]()
    for raw in lines:
        try:
            line = read_line(raw)
            if line.type_name != "money":
                continue
            money = read_payload(line.payload, Money)
            if money.kind != "plan" or money.number in seen:
                continue
            check_signature(line, centre.authority.command_keys)
            body = read_money_body(money)
        except TheirFault:
            continue
        seen.add(money.number)
        if isinstance(body, PlanBody):
            yield money, body


def _one(centre: Centre, unit: Unit, raw: bytes, reading: _Reading, *, money_lines: bool) -> None:
    """One line of a pass, and what waited for it."""
    done = reading.done
    try:
        line = read_line(raw)
    except TheirFault as fault:
        if money_lines:
            log.warning("journal_line_not_taken", extra={"fault": str(fault)})
            done.looked_at, done.not_taken = done.looked_at + 1, done.not_taken + 1
        return
    if (line.type_name == "money") is not money_lines:
        return
    done.looked_at += 1
    waiting: Line | None = line
    while waiting is not None:
        waiting = _taken(centre, unit, waiting, reading)


def _taken(centre: Centre, unit: Unit, line: Line, reading: _Reading) -> Line | None:
    """Take a line where it fits; the one that waited for it, if any."""
    done = reading.done
    try:
        if unit.lines.has_line(line.hash):
            return None
        check_signature(line, centre.authority.command_keys)
        place = _take(centre, unit, line, reading)
    except TheirFault as fault:
        log.warning("journal_line_not_taken", extra={"fault": str(fault)})
        done.not_taken += 1
        return None
    if place is None:
        return None
    unit.lines.mark_journaled([line.hash])
    done.taken[line.type_name] += 1
    type_name, box, number = place
    return reading.early.pop((type_name, box, number + 1), None)


def _take(centre: Centre, unit: Unit, line: Line, reading: _Reading) -> tuple[str, str, int] | None:
    """Chain and number of a line that was taken; None where it was not its turn. Raises TheirFault."""
    kind = _KINDS.get(line.type_name)
    if kind is None:
        reading.done.not_taken += 1
        return None
    told = read_payload(line.payload, kind)
    if isinstance(told, Money):
        return _take_money(centre, unit, line, told, reading)
    box = unit.fleet.box(told.box)
    if box is None:
        detail: dict[str, object] = {"type": line.type_name, "why": "no such box in the plan"}
        ask(centre, unit, "money_line", line.hash, told.box, detail)
        reading.done.not_taken += 1
        return None
    if isinstance(told, Epoch):
        keep_epoch(centre, unit, box, line)
        return ("epoch", told.box, told.epoch) if unit.lines.has_line(line.hash) else None
    take_back_command(centre, unit, box, line)
    place = ("command", told.box, told.seq)
    if unit.lines.has_line(line.hash):
        return place
    _wait(reading, line, place)
    return None


def _take_money(centre: Centre, unit: Unit, line: Line, money: Money, reading: _Reading) -> tuple[str, str, int] | None:
    head = unit.lines.chain_head("money", MONEY_CHAIN, journaled_only=False)
    place = ("money", MONEY_CHAIN, money.number)
    if (money.number, money.prev) != (head.seq + 1, head.hash):
        _wait(reading, line, place)
        return None
    unit.lines.add_lines([(line, MONEY_CHAIN, money.number)], money.posted_at_ms)
    body = read_money_body(money)
    take_step(centre, unit, money, body)
    reading.steps.note(money, body)
    return place


def _wait(reading: _Reading, line: Line, place: tuple[str, str, int]) -> None:
    if len(reading.early) < EARLY_MAX:
        reading.early[place] = line
    else:
        reading.done.not_taken += 1


def _end(centre: Centre, reading: _Reading) -> None:
    """All lines are in: epochs take effect, boxes that served are to be heard, steps that were not over go on."""
    with centre.store.write() as unit:
        go_on_after(centre, unit, reading.steps)
        for box in unit.fleet.boxes():
            has_epoch = unit.lines.line("epoch", box.box, 1) is not None
            if has_epoch and box.epoch == 0 and box.believed:
                box = begin_recovery(centre, unit, box, "restored")  # noqa: PLW2901  # the row as it stands after
            if box.recovery:
                adopt_epochs(centre, unit, box)
            elif reading.done.looked_at and box.epoch == 0 and not has_epoch:
                # The journal knows of no hardware at this place: nothing was ever signed for it.
                grant_parts_anew(centre, unit, box)
