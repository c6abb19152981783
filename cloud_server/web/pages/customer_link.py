"""What a customer sees behind his own link: one account, read only, in either language. Nobody is signed in here."""

import segno
from starlette.responses import Response

from cloud_server.flows.customer_page import TooMany
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.render import see_other
from cloud_server.web.visit import Visit


def show(console: Console, visit: Visit) -> Response:
    """The page; a link that does not hold is answered like every address that is not there."""
    pages = visit.services.customer_pages
    try:
        page = pages.page(visit.parts["token"], visit.address) if pages is not None else None
    except TooMany:
        return Response("429", status_code=429, media_type="text/plain", headers={"Retry-After": "600"})
    if page is None:
        return errors.not_found(console, visit)
    most_wh = max((wh for _, wh in page.days), default=0)
    response = console.renderer.page(visit, "customer_link.html", page=page, most_wh=most_wh)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def revoke(_console: Console, visit: Visit) -> Response:
    """End all links of an account; the next message carries a new one."""
    if visit.services.customer_pages is not None:
        visit.services.customer_pages.links.revoke(visit.parts["account"], visit.actor)
    return see_other("/messages?done=revoked")


def qr_code(url: str) -> str:
    """A link as a picture that stands in the page itself."""
    return str(segno.make(url, error="m").svg_data_uri(scale=3, border=2))
