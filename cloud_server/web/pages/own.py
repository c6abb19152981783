"""One's own page: the password, changed with the old one, and the sessions that are open in one's name."""

import logging
from typing import Final

from starlette.responses import Response

from cloud_server.core.password_rules import PASSWORD_CHARACTERS_LEAST
from cloud_server.flows.keep_staff import session_name
from cloud_server.flows.sign_in import StaffMistakes, hash_token
from cloud_server.web import guard
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.render import see_other
from cloud_server.web.visit import Visit

DONE: Final = ("ended", "others")
log = logging.getLogger(__name__)


def show(console: Console, visit: Visit) -> Response:
    """Who one is here, and where one is signed in."""
    here = hash_token(visit.secret)
    done = visit.query.get("done", "")
    return console.renderer.page(
        visit,
        "own.html",
        sessions=[
            (session_name(row), row, row.token_hash == here)
            for row in visit.services.staff.sessions()
            if row.staff == visit.actor.id
        ],
        buildings=_buildings(visit),
        done=done if done in DONE else "",
    )


def end_session(console: Console, visit: Visit) -> Response:
    """End one of one's own sessions; the one at this screen is ended by signing out."""
    if not visit.services.staff.end_own_session(visit.actor, visit.parts["session"]):
        return errors.not_found(console, visit)
    return see_other("/me?done=ended")


def end_others(_console: Console, visit: Visit) -> Response:
    """End all of one's sessions but this one."""
    visit.services.staff.end_other_sessions(visit.actor, hash_token(visit.secret))
    return see_other("/me?done=others")


def show_password(console: Console, visit: Visit) -> Response:
    """The form of a new password."""
    return _password(console, visit, 200)


def change_password(console: Console, visit: Visit) -> Response:
    """Set it, with the old one; every session ends, and one signs in anew."""
    form = visit.form
    if visit.services.sign_in.vouch(visit.actor.name, form.get("old", ""), visit.address) is None:
        log.warning("password_change_failed", extra={"person": visit.actor.name, "address": visit.address})
        return _password(console, visit, 401, wrong=True)
    if form.get("password", "") != form.get("password_again", ""):
        return _password(console, visit, 422, repeated=False)
    try:
        visit.services.staff.change_own(visit.actor, form.get("password", ""))
    except StaffMistakes as mistakes:
        return _password(console, visit, 422, mistakes=mistakes)
    response = see_other("/sign-in")
    guard.clear_session(response)
    return response


def _buildings(visit: Visit) -> list[str]:
    """Names of the buildings that one is limited to; none where there is no limit."""
    newest = visit.services.settings.plan()
    if visit.actor.territory.is_whole or newest is None:
        return []
    return [one.name for one in newest[1].buildings if visit.actor.territory.holds(one.building)]


def _password(
    console: Console,
    visit: Visit,
    status: int,
    *,
    wrong: bool = False,
    repeated: bool = True,
    mistakes: StaffMistakes | None = None,
) -> Response:
    return console.renderer.page(
        visit,
        "own_password.html",
        status,
        wrong=wrong,
        repeated=repeated,
        mistakes=mistakes,
        least=PASSWORD_CHARACTERS_LEAST,
    )
