"""What a page says when it cannot be shown. Plain words, what to do next, and nothing about the inside."""

from starlette.responses import Response

from cloud_server.core.roles import Right
from cloud_server.web.pages.page import Console
from cloud_server.web.visit import Visit


def not_found(console: Console, visit: Visit) -> Response:
    """What was asked for is not there (any more)."""
    return console.renderer.page(visit, "error.html", 404, kind="not_found", right=None)


def forbidden(console: Console, visit: Visit, right: Right) -> Response:
    """The person is known, and may not: says which right is missing, so that they know whom to ask."""
    return console.renderer.page(visit, "error.html", 403, kind="forbidden", right=right)


def shared(console: Console, visit: Visit) -> Response:
    """A part of it lies in buildings that the person has no permission for: to be looked at, not acted on."""
    return console.renderer.page(visit, "error.html", 403, kind="shared", right=None)


def foreign_form(console: Console, visit: Visit) -> Response:
    """A form that was not made by this console for this browser, or long ago. Nothing was done."""
    return console.renderer.page(visit, "error.html", 403, kind="foreign_form", right=None)


def not_now(console: Console, visit: Visit, why: str) -> Response:
    """The centre's own state stands against it, for example a journal that cannot be written. Nothing was done."""
    return console.renderer.page(visit, "error.html", 503, kind="not_now", right=None, why=why)
