"""Addresses that say where deliveries go, and show how each went."""

from base64 import urlsafe_b64encode
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field, StrictStr

from cloud_server.api.bearer import asks_for
from cloud_server.api.bodies import Body
from cloud_server.api.paging import PAGE, After, Limit, Page, page_in_memory, page_of, place
from cloud_server.api.problems import ApiProblem, field_error
from cloud_server.core.mistakes import Conflict, NotFound
from cloud_server.core.webhooks import EVENTS, Delivery, Webhook, WebhookEvent
from cloud_server.flows.centre import Centre
from cloud_server.ports import Actor

SECRET_CHANCE_BYTES: Final = 32
PREFIX: Final = "tbw_"
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
URL_CHARACTERS_MAX: Final = 500
WEBHOOKS_MAX: Final = 20
"""Every event is written once for each: more than twenty programs of one site are a mistake."""


class WebhookIn(Body):
    """Where deliveries shall go, and for which events."""

    url: StrictStr = Field(max_length=URL_CHARACTERS_MAX, examples=["https://gateway.example/tallybox"])
    events: list[WebhookEvent] = Field(min_length=1, max_length=len(EVENTS))


class WebhookOut(BaseModel):
    """A webhook."""

    id: str
    url: str
    events: list[WebhookEvent]
    made_at: int
    made_by: str
    ended_at: int | None


class WebhookMade(WebhookOut):
    """A new webhook, with the secret that signs its deliveries, shown this once."""

    secret: str


class DeliveryOut(BaseModel):
    """One event on its way."""

    id: str
    event: WebhookEvent
    subject: str
    made_at: int
    state: Literal["waiting", "delivered", "given_up"]
    tries: int
    next_at: int | None
    done_at: int | None
    fault: str | None


def webhook_routes(centre: Centre) -> APIRouter:
    """Webhooks; for administrators, since a delivery leaves the house."""
    router = APIRouter(prefix="/api/v1", tags=["webhooks"])
    _write_routes(router, centre)
    _read_routes(router, centre)
    return router


def _write_routes(router: APIRouter, centre: Centre) -> None:
    admin = Depends(asks_for(centre, "admin"))

    @router.post("/webhooks", status_code=201)
    def make(body: WebhookIn, by: Annotated[Actor, admin]) -> WebhookMade:
        """Deliver events to an address from now on."""
        fault = url_fault(body.url)
        if fault is not None:
            raise ApiProblem(422, "The request cannot be taken", errors=[field_error("url", body.url, fault)])
        now_ms = centre.clock.wall_ms()
        secret = PREFIX + urlsafe_b64encode(centre.chance.draw(SECRET_CHANCE_BYTES)).rstrip(b"=").decode()
        made = Webhook(
            webhook=centre.new_id(),
            url=body.url,
            secret=secret,
            events=frozenset(body.events),
            made_at_ms=now_ms,
            made_by=by.name,
        )
        with centre.store.write() as unit:
            if sum(one.ended_at_ms is None for one in unit.webhooks.webhooks()) >= WEBHOOKS_MAX:
                raise Conflict(f"there are {WEBHOOKS_MAX} webhooks already; end one first")
            unit.webhooks.add(made)
            unit.audit.append(now_ms, by.name, "webhook_made", made.webhook, {"url": made.url})
        return WebhookMade(**_webhook(made).model_dump(), secret=secret)

    @router.delete("/webhooks/{webhook}", status_code=204)
    def end(webhook: str, by: Annotated[Actor, admin]) -> Response:
        """Deliver nothing more to it; what waits is given up."""
        now_ms = centre.clock.wall_ms()
        with centre.store.write() as unit:
            if not unit.webhooks.end(webhook, now_ms):
                raise NotFound("webhook", webhook)
            unit.audit.append(now_ms, by.name, "webhook_ended", webhook, {})
        return Response(status_code=204)


def _read_routes(router: APIRouter, centre: Centre) -> None:
    reads = Depends(asks_for(centre, "admin"))

    @router.get("/webhooks", dependencies=[reads])
    def webhooks(after: After = "", limit: Limit = PAGE) -> Page[WebhookOut]:
        """Webhooks, by id."""
        with centre.store.read() as unit:
            known = unit.webhooks.webhooks()
        return page_in_memory(known, after, limit, lambda one: one.webhook, _webhook)

    @router.get("/webhooks/{webhook}/deliveries", dependencies=[reads])
    def deliveries(webhook: str, after: After = "", limit: Limit = PAGE) -> Page[DeliveryOut]:
        """Deliveries of a webhook, newest first, for a month."""
        with centre.store.read() as unit:
            if unit.webhooks.webhook(webhook) is None:
                raise NotFound("webhook", webhook)
            rows = unit.webhooks.deliveries(webhook, place(after, int, str), limit + 1)
        return page_of(rows, limit, lambda row: (row.made_at_ms, row.delivery), _delivery)


def _webhook(one: Webhook) -> WebhookOut:
    return WebhookOut(
        id=one.webhook,
        url=one.url,
        events=sorted(one.events),
        made_at=one.made_at_ms,
        made_by=one.made_by,
        ended_at=one.ended_at_ms,
    )


def _delivery(one: Delivery) -> DeliveryOut:
    return DeliveryOut(
        id=one.delivery,
        event=one.event,
        subject=one.subject,
        made_at=one.made_at_ms,
        state=one.state,
        tries=one.tries,
        next_at=one.next_at_ms if one.state == "waiting" and one.next_at_ms else None,
        done_at=one.done_at_ms,
        fault=one.fault,
    )


def url_fault(url: str) -> str | None:
    """Why an address cannot be a webhook's, or None."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "is no address"
    if len(url) > URL_CHARACTERS_MAX or not url.isprintable() or " " in url:
        return f"an address of at most {URL_CHARACTERS_MAX} printable characters"
    if parts.username is not None or parts.password is not None:
        return "must not hold a name or a password; deliveries are signed"
    if not host or port == 0 or parts.fragment:
        return "must name a host and no fragment"
    if parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK):
        return None
    return "must begin with https:// (http:// is for this machine only)"
