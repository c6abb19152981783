"""Who may do what: the table of `core.roles` as people read it."""

from starlette.responses import Response

from cloud_server.core.roles import RIGHTS, ROLES, TABLE
from cloud_server.web.pages.page import Console
from cloud_server.web.visit import Visit


def show(console: Console, visit: Visit) -> Response:
    """The table, with the person's own roles marked."""
    return console.renderer.page(visit, "roles.html", roles=ROLES, rights=RIGHTS, table=TABLE, mine=visit.actor.roles)
