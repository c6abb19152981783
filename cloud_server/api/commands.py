"""Addresses that order something of meters, and show how far each order has come."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query

from cloud_server.api.bearer import asks_for
from cloud_server.api.bodies import CommandDetail, CommandOut, ModeIn, OnIn
from cloud_server.api.paging import PAGE, After, Limit, Page, page_of, place
from cloud_server.api.sight import Sights
from cloud_server.core.fleet import Box, CommandFact
from cloud_server.core.limits import KEY_CHARACTERS_MAX
from cloud_server.core.mistakes import NotFound
from cloud_server.flows.centre import Centre
from cloud_server.flows.read_commands import command_row
from cloud_server.ports import Actor, Operation, OperationKind, Operations
from protocol.units import Ms

IdText = Annotated[str | None, Query(max_length=64)]
Key = Annotated[str, Header(alias="Idempotency-Key", max_length=KEY_CHARACTERS_MAX)]


def command_routes(centre: Centre, operations: Operations) -> APIRouter:
    """Orders and their progress."""
    router = APIRouter(prefix="/api/v1", tags=["commands"])
    _order_routes(router, centre, operations)
    _read_routes(router, centre)
    return router


def _read_routes(router: APIRouter, centre: Centre) -> None:
    reads, sights = Depends(asks_for(centre, "read", "provision")), Sights(centre)

    @router.get("/commands")
    def commands(
        by: Annotated[Actor, reads],
        after: After = "",
        limit: Limit = PAGE,
        box: IdText = None,
        subject: IdText = None,
    ) -> Page[CommandDetail]:
        """Signed commands, newest first: of a box, or about one meter or wallet (`subject`)."""
        within = sights.within(by)
        with centre.store.read() as unit:
            rows = unit.programs.commands(box, subject, place(after, int, str, int), limit + 1, within)
            boxes = {one.box: one for one in unit.fleet.boxes()}
        now_ms = centre.clock.wall_ms()

        return page_of(
            rows,
            limit,
            lambda fact: (fact.issued_at_ms, fact.box, fact.seq),
            lambda f: _detail(f, boxes[f.box], now_ms),
        )

    @router.get("/boxes/{box}/commands/{command}", dependencies=[reads])
    def one_command(box: str, command: int) -> CommandOut:
        """How far a command has come."""
        fact = None
        with centre.store.read() as unit:
            row = unit.fleet.box(box)
            if 0 < command < 2**53:
                fact = unit.lines.command(box, command)
        if row is None or fact is None:
            raise NotFound("command", f"{box}/{command}")
        shown = command_row(fact, row, centre.clock.wall_ms())
        return CommandOut(box=box, command=command, kind=fact.kind, state=shown.state, reason=shown.reason)


def _detail(fact: CommandFact, box: Box, now_ms: Ms) -> CommandDetail:
    shown = command_row(fact, box, now_ms)
    return CommandDetail(
        box=fact.box,
        command=fact.seq,
        kind=fact.kind,
        state=shown.state,
        reason=shown.reason,
        what=fact.what,
        subject=fact.subject,
        who=fact.who,
        issued_at=fact.issued_at_ms,
        state_at=fact.state_at_ms,
    )


def _order_routes(router: APIRouter, centre: Centre, operations: Operations) -> None:
    provisions = Depends(asks_for(centre, "provision"))

    def order(key: str, meter: str, kind: OperationKind, by: Actor, until_ms: int | None = None) -> CommandOut:
        named = key.strip() or f"api/{centre.new_id()}"
        (row,) = operations.order(Operation(key=named, kind=kind, meters=(meter,), until_ms=until_ms), by)
        with centre.store.read() as unit:
            box = unit.fleet.box_of_meter(meter)
        return CommandOut(box=box or "", command=row.command, kind=row.kind, state=row.state, reason=row.reason)

    @router.post("/meters/{meter}/in-service", status_code=202)
    def in_service(meter: str, body: OnIn, by: Annotated[Actor, provisions], key: Key = "") -> CommandOut:
        """Let enforcement switch the relay of a tested meter, or stop it."""
        return order(key, meter, "in_service" if body.on else "observe", by)

    @router.post("/meters/{meter}/mode", status_code=202)
    def mode(meter: str, body: ModeIn, by: Annotated[Actor, provisions], key: Key = "") -> CommandOut:
        """Control mode of a meter."""
        return order(key, meter, body.mode, by, body.until_ms)

    @router.post("/meters/{meter}/lock-out", status_code=202)
    def lock_out(meter: str, by: Annotated[Actor, provisions], key: Key = "") -> CommandOut:
        """Hang a lock-out: open until it is lifted by name."""
        return order(key, meter, "lock_out", by)

    @router.delete("/meters/{meter}/lock-out", status_code=202)
    def lift_lock_out(meter: str, by: Annotated[Actor, provisions], key: Key = "") -> CommandOut:
        """Take a lock-out off."""
        return order(key, meter, "lift_lock_out", by)
