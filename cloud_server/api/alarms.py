"""Addresses that list alarms and say that somebody sees to them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field, StrictStr

from cloud_server.api.bearer import asks_for
from cloud_server.api.bodies import Body, IdField
from cloud_server.api.paging import PAGE, After, Limit, Page, page_of, place
from cloud_server.api.sight import Sights
from cloud_server.core.mistakes import NotFound
from cloud_server.flows.centre import Centre
from cloud_server.flows.read_alarms import NOTE_CHARACTERS_MAX
from cloud_server.ports import Actor, AlarmDesk
from cloud_server.ports.office import AlarmRowFact
from cloud_server.ports.programs import AlarmsWanted

IdText = Annotated[str | None, Query(max_length=64)]
Instant = Annotated[int | None, Query(ge=0, le=2**53 - 1)]
AT_ONCE_MAX = 500


class NoteOut(BaseModel):
    """Somebody saw to it."""

    at: int
    who: str
    note: str


class AlarmOut(BaseModel):
    """An alarm from raised to cleared; `times` counts how often it came back within minutes."""

    id: str
    kind: str
    box: str
    bus: str | None
    device: str | None
    meter: str | None
    wallet: str | None
    value: int | None
    raised_at: int
    cleared_at: int | None
    cleared_by: str | None
    times: int
    notes: list[NoteOut]


class AcknowledgeIn(Body):
    """That somebody sees to some alarms."""

    alarms: list[IdField] = Field(min_length=1, max_length=AT_ONCE_MAX)
    note: StrictStr = Field(max_length=NOTE_CHARACTERS_MAX, examples=["an electrician is on the way"])


class AcknowledgedOut(BaseModel):
    """How many of them there are."""

    acknowledged: int


def alarm_routes(centre: Centre, desk: AlarmDesk) -> APIRouter:
    """Alarms."""
    router = APIRouter(prefix="/api/v1", tags=["alarms"])
    _read_routes(router, centre)
    _write_routes(router, centre, desk)
    return router


def _read_routes(router: APIRouter, centre: Centre) -> None:
    reads, sights = Depends(asks_for(centre, "read", "acknowledge")), Sights(centre)

    @router.get("/alarms")
    def alarms(
        by: Annotated[Actor, reads],
        after: After = "",
        limit: Limit = PAGE,
        state: Literal["standing", "past", "all"] = "standing",
        kind: Annotated[str | None, Query(max_length=40)] = None,
        box: IdText = None,
        meter: IdText = None,
        from_ms: Instant = None,
        to_ms: Instant = None,
    ) -> Page[AlarmOut]:
        """Alarms, newest first. Instants count by when an alarm was raised."""
        standing = {"standing": True, "past": False, "all": None}[state]
        wanted = AlarmsWanted(standing=standing, kind=kind, box=box, meter=meter, from_ms=from_ms, to_ms=to_ms)
        within = sights.within(by)
        with centre.store.read() as unit:
            rows = unit.programs.alarms(wanted, place(after, int, str), limit + 1, within)
            noted = unit.alarm_book.notes(row.alarm_id for row in rows)
        notes: dict[str, list[NoteOut]] = {}
        for alarm, at_ms, who, note in noted:
            notes.setdefault(alarm, []).append(NoteOut(at=at_ms, who=who, note=note))
        return page_of(
            rows,
            limit,
            lambda row: (row.raised_at_ms, row.alarm_id),
            lambda row: _alarm(row, notes.get(row.alarm_id, [])),
        )


def _write_routes(router: APIRouter, centre: Centre, desk: AlarmDesk) -> None:
    @router.post("/alarms/acknowledgements")
    def acknowledge(
        body: AcknowledgeIn, by: Annotated[Actor, Depends(asks_for(centre, "acknowledge"))]
    ) -> AcknowledgedOut:
        """Note for each that somebody sees to it; the alarms themselves end when what they are about ends."""
        done = desk.acknowledge(list(dict.fromkeys(body.alarms)), body.note, by)
        if done == 0:
            raise NotFound("alarm", body.alarms[0])
        return AcknowledgedOut(acknowledged=done)


def _alarm(row: AlarmRowFact, notes: list[NoteOut]) -> AlarmOut:
    return AlarmOut(
        id=row.alarm_id,
        kind=row.kind,
        box=row.box,
        bus=row.bus,
        device=row.device,
        meter=row.meter,
        wallet=row.wallet,
        value=row.value,
        raised_at=row.raised_at_ms,
        cleared_at=row.cleared_at_ms,
        cleared_by=row.cleared_by,
        times=row.times,
        notes=notes,
    )
