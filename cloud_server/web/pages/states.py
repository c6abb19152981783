"""How centre and boxes stand: what is parked, set apart, recovering, or told and not yet held."""

from starlette.responses import Response

from cloud_server.web.pages.page import Console
from cloud_server.web.visit import Visit


def show(console: Console, visit: Visit) -> Response:
    """Every box beside what is wanted of it."""
    done = visit.query.get("done", "")
    return console.renderer.page(
        visit, "states.html", now=visit.services.state.state(), done=done if done in ("retired", "selling") else ""
    )
