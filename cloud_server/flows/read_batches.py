"""Orders to many meters as they were given together, and how far each meter has come."""

import json

from cloud_server.core.fleet import CommandFact
from cloud_server.core.operation_views import Batch, BatchHead, BatchLine
from cloud_server.flows.centre import Centre
from cloud_server.flows.look import Look, Looker
from cloud_server.flows.read_commands import command_row
from cloud_server.ports import Unit

BATCH_PREFIX = "batch-"
"""Begins the idempotency key of an order to many; the time follows, so that the newest stand last."""


class BatchBook:
    """Satisfies `ports.office.OperationBook`."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._looker = Looker(centre)

    def batch(self, key: str) -> Batch | None:
        """One order and how far each of its meters has come."""
        if not key.startswith(BATCH_PREFIX):
            return None
        with self._centre.store.read() as unit:
            kept = unit.lines.kept_answer(key)
            look = self._looker.look(unit)
            if kept is None or look is None:
                return None
            commands = _commands(unit, kept[1])
        if not commands:
            return None
        order = {meter: index for index, meter in enumerate(_meters_in_order(look))}
        commands.sort(key=lambda command: order.get(command.subject, len(order)))
        lines = tuple(_line(look, command) for command in commands if command.subject in look.site.meters)
        if not lines and not self._centre.territory.is_whole:
            return None
        return Batch(head=_head(key, commands), lines=lines)

    def recent(self, limit: int) -> tuple[BatchHead, ...]:
        """The newest orders to many."""
        heads = []
        with self._centre.store.read() as unit:
            site = None if self._centre.territory.is_whole else self._looker.site_map(unit)
            for key, answer, _ in unit.reports.answers_with_prefix(BATCH_PREFIX, limit):
                places = json.loads(answer)
                if isinstance(places, dict):  # it waits for a second person
                    continue
                named = places[:1] if site is None else places
                first = [CommandFact(**row) for row in unit.reports.commands_at([(box, seq) for box, seq in named])]
                own = [command for command in first if site is None or command.subject in site.meters]
                if own:
                    heads.append(_head(key, own, len(places) if site is None else len(own)))
        return tuple(heads)


def _commands(unit: Unit, answer: str) -> list[CommandFact]:
    answered = json.loads(answer)
    places = [] if isinstance(answered, dict) else [(box, seq) for box, seq in answered]
    return [CommandFact(**row) for row in unit.reports.commands_at(places)]


def _meters_in_order(look: Look) -> list[str]:
    return [look.site.meter_of[point.point] for point in look.site.points if point.point in look.site.meter_of]


def _head(key: str, commands: list[CommandFact], count: int | None = None) -> BatchHead:
    first = commands[0]
    kind = first.kind
    if first.kind == "set_mode":
        kind = first.what
    elif first.kind == "in_service":
        kind = "in_service" if first.what == "on" else "observe"
    return BatchHead(
        key=key,
        kind=kind,
        who=first.who,
        issued_at_ms=first.issued_at_ms,
        count=len(commands) if count is None else count,
        until_ms=first.until_ms,
    )


def _line(look: Look, command: CommandFact) -> BatchLine:
    placed, point = look.site.meters[command.subject], look.site.point_of[command.subject]
    row = command_row(command, look.boxes[command.box], look.now_ms)
    building = next((b.name for b in look.site.plan.buildings if b.building == point.building), "")
    return BatchLine(
        point=point.point,
        number=point.number,
        name=point.name,
        building_name=building,
        box_name=placed.box.name,
        meter_number=placed.number,
        in_reach=look.in_reach(command.box),
        command=command.seq,
        state=row.state,
        state_at_ms=row.state_at_ms,
        reason=row.reason,
        detail=command.detail,
    )
