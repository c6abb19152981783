"""Addresses that show what hangs where and what it does now: points, meters, live values."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from cloud_server.api.bearer import asks_for
from cloud_server.api.bodies import PointOut, PointState
from cloud_server.api.paging import PAGE, After, Limit, Page, page_in_memory
from cloud_server.api.sight import Sights
from cloud_server.core.mistakes import NotFound
from cloud_server.core.site_map import PlacedMeter
from cloud_server.core.views import PointRow
from cloud_server.flows.centre import Centre
from cloud_server.flows.look import Look
from cloud_server.flows.read_monitor import mode_now
from cloud_server.ports import Actor, Books, LiveFeed, LiveMeter
from protocol.records import Contact

IdText = Annotated[str | None, Query(max_length=64)]


class MeterOut(BaseModel):
    """One meter: where it hangs, what it is, what is ordered, and what was last seen. Null: not known."""

    id: str
    number: str
    serial: str | None
    profile: str
    box: str
    bus: str
    device: str
    unit: int
    point: str
    wallet: str | None
    tariff: str
    use: Literal["tenant", "main", "public"]
    phases: int
    rated_ma: int
    ct: tuple[int, int]
    """Numerator and denominator of the ratio in force."""
    pt: tuple[int, int]
    service: Literal["observe", "in_service"]
    mode: Literal["prepaid", "protected", "forced_off"]
    mode_until: int | None
    locked_out_by: str | None
    relay_wanted: Contact
    relay: Contact
    register_wh: int | None
    """Cumulative, unwrapped, without ratio, as of the last batch."""
    register_at: int | None


class LiveOut(BaseModel):
    """What a meter said within the last minute, while somebody looks. `values` are by name, unit last."""

    meter: str
    point: str | None
    at: int
    heard_at: int
    power_w: int | None
    power_estimated: bool
    relay: Contact
    balance_micro: int | None
    values: dict[str, int]


def meter_routes(centre: Centre, books: Books, feed: LiveFeed) -> APIRouter:
    """Points, meters, live values."""
    router = APIRouter(prefix="/api/v1", tags=["meters"])
    _point_routes(router, centre, books, feed)
    _meter_routes(router, centre, Sights(centre))
    _live_routes(router, centre, Sights(centre), feed)
    return router


def _point_routes(router: APIRouter, centre: Centre, books: Books, feed: LiveFeed) -> None:
    reads = Depends(asks_for(centre, "read"))

    @router.get("/points")
    def points(
        by: Annotated[Actor, reads],
        after: After = "",
        limit: Limit = PAGE,
        box: IdText = None,
        state: PointState | None = None,
    ) -> Page[PointOut]:
        """Supply points with their state now, by id. Asking keeps live values coming for ten seconds."""
        feed.look()
        rows = [
            row
            for row in books.monitor().points
            if box in (None, row.box) and state in (None, _state(row)) and by.territory.holds(row.building)
        ]
        return page_in_memory(rows, after, limit, lambda row: row.point, _point)

    @router.get("/points/{point}", dependencies=[reads])
    def one_point(point: str) -> PointOut:
        """One supply point now."""
        feed.look()
        row = next((row for row in books.monitor().points if row.point == point), None)
        if row is None:
            raise NotFound("point", point)
        return _point(row)


def _meter_routes(router: APIRouter, centre: Centre, sights: Sights) -> None:
    reads = Depends(asks_for(centre, "readings"))

    @router.get("/meters")
    def meters(
        by: Annotated[Actor, reads],
        after: After = "",
        limit: Limit = PAGE,
        box: IdText = None,
        point: IdText = None,
    ) -> Page[MeterOut]:
        """Meters of the plan, by id."""
        look = sights.look(by)
        placed = look.site.meters.values() if look is not None else ()
        fitting = [one for one in placed if box in (None, one.box.box) and point in (None, one.meter.point)]
        return page_in_memory(fitting, after, limit, lambda one: one.meter.meter, lambda one: _meter(look, one))

    @router.get("/meters/{meter}")
    def one_meter(meter: str, by: Annotated[Actor, reads]) -> MeterOut:
        """One meter."""
        look = sights.look(by)
        placed = look.site.meters.get(meter) if look is not None else None
        if placed is None:
            raise NotFound("meter", meter)
        return _meter(look, placed)


def _live_routes(router: APIRouter, centre: Centre, sights: Sights, feed: LiveFeed) -> None:
    reads = Depends(asks_for(centre, "read"))

    @router.get("/live")
    def live(
        by: Annotated[Actor, reads],
        after: After = "",
        limit: Limit = PAGE,
        box: IdText = None,
    ) -> Page[LiveOut]:
        """Live values, by meter. Asking keeps them coming for ten seconds: ask every few seconds."""
        feed.look()
        look = sights.look(by)
        if look is None:
            return Page(items=[], next=None)
        seen = [(m, one) for m, one in look.live.items() if by.territory.is_whole or m in look.site.meters]
        rows = [one for m, one in seen if box is None or _box_of(look, m) == box]
        return page_in_memory(
            rows,
            after,
            limit,
            lambda one: one.meter,
            lambda one: _live(look, one),
        )


def _box_of(look: Look, meter: str) -> str | None:
    placed = look.site.meters.get(meter)
    return placed.box.box if placed is not None else None


def _live(look: Look, one: LiveMeter) -> LiveOut:
    return LiveOut(
        meter=one.meter,
        point=look.site.point_of[one.meter].point if one.meter in look.site.point_of else None,
        at=one.at_ms,
        heard_at=one.heard_at_ms,
        power_w=one.power_w,
        power_estimated=one.power_estimated,
        relay=one.relay,
        balance_micro=one.balance_micro,
        values=dict(one.values),
    )


def _point(row: PointRow) -> PointOut:
    return PointOut(
        id=row.point,
        number=row.number,
        name=row.name,
        building=row.building,
        box=row.box,
        meter=row.meter,
        account=row.account,
        state=_state(row),
        badges=list(row.badges),
        balance_micro=row.balance_micro,
        balance_at=row.balance_at_ms,
        relay=row.relay,
        power_w=row.power_w,
        seen_at=row.seen_at_ms,
    )


def _state(row: PointRow) -> PointState:
    if row.lost_with is not None:
        return "lost"
    return "not_opened" if row.state == "measured" else row.state


def _meter(look: Look | None, placed: PlacedMeter) -> MeterOut:
    assert look is not None
    meter = placed.meter
    facts, known = look.facts_of(meter.meter), look.facts.get(meter.meter)
    wallet = look.site.wallet_of.get(meter.meter)
    begun = [ratio for ratio in meter.ratios if ratio.from_ms <= look.now_ms]
    ratio = max(begun, key=lambda one: one.from_ms, default=meter.ratios[0])
    return MeterOut(
        id=meter.meter,
        number=meter.name,
        serial=meter.serial,
        profile=meter.profile,
        box=placed.box.box,
        bus=meter.bus,
        device=meter.device,
        unit=meter.unit,
        point=meter.point,
        wallet=wallet.wallet if wallet is not None else None,
        tariff=meter.tariff,
        use=meter.use,
        phases=meter.phases,
        rated_ma=meter.rated_ma,
        ct=ratio.ct,
        pt=ratio.pt,
        service=facts.service,
        mode=mode_now(facts, look.now_ms),  # type: ignore[arg-type]  # one of the modes, stored as text
        mode_until=facts.mode_until_ms,
        locked_out_by=facts.locked_out_by,
        relay_wanted=facts.wanted,
        relay=facts.seen,
        register_wh=known[1] if known is not None else None,
        register_at=known[2] if known is not None else None,
    )
