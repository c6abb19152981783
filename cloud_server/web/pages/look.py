"""How this browser wants its pages: language, light or dark. Kept in the browser, not with the person."""

from starlette.responses import Response

from cloud_server.web import guard
from cloud_server.web.language import LANGUAGES
from cloud_server.web.pages.page import Console
from cloud_server.web.render import see_other
from cloud_server.web.visit import Visit


def choose(_console: Console, visit: Visit) -> Response:
    """Take the choice and go back to where it was made."""
    response = see_other(guard.safe_next(visit.form.get("back", "/")))
    language, theme = visit.form.get("language"), visit.form.get("theme")
    if language in LANGUAGES:
        guard.set_preference(response, guard.LANGUAGE_COOKIE, language)
    if theme in {"auto", "light", "dark"}:
        guard.set_preference(response, guard.THEME_COOKIE, theme)
    return response
