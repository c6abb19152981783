"""Sign-in, sign-out and the first administrator's one-time link. Works without scripts."""

import logging
from typing import Final

from starlette.responses import Response

from cloud_server.core.password_rules import PASSWORD_CHARACTERS_LEAST
from cloud_server.core.roles import ROLES, Role
from cloud_server.flows.sign_in import LinkGone, StaffMistakes
from cloud_server.web import guard
from cloud_server.web.pages.page import Console
from cloud_server.web.render import see_other
from cloud_server.web.visit import Visit

log = logging.getLogger(__name__)


def show_form(console: Console, visit: Visit) -> Response:
    """The form; who is signed in already goes on."""
    to = guard.safe_next(visit.query.get("next", ""))
    if visit.who is not None:
        return see_other(to)
    return console.renderer.page(visit, "sign_in.html", failed=False, name="", next=to)


def enter(console: Console, visit: Visit) -> Response:
    """Try to sign in. One answer for all failures."""
    to = guard.safe_next(visit.form.get("next", ""))
    name = visit.form.get("name", "")
    token = visit.services.sign_in.enter(name, visit.form.get("password", ""), visit.address)
    if token is None:
        # What was typed as a name may be a password that slipped: it is not written down.
        log.warning("sign_in_failed", extra={"address": visit.address})
        return console.renderer.page(visit, "sign_in.html", 401, failed=True, name=name, next=to)
    log.info("signed_in", extra={"person": name.strip(), "address": visit.address})
    response = see_other(to)
    guard.set_session(response, token)
    return response


START_OF: Final[dict[Role, str]] = {
    "cashier": "/desk",
    "supervisor": "/",
    "accountant": "/reports",
    "technician": "/",
    "provisioner": "/settings",
    "administrator": "/",
    "auditor": "/reports",
}
"""Where the day of a role starts: at the desk with the queue, before what is lost or dark, with the books."""


def start(_console: Console, visit: Visit) -> Response:
    """To the first page of whoever signed in; of somebody with several roles, that of the first in the table."""
    role = next((role for role in ROLES if role in visit.actor.roles), None)
    return see_other(START_OF[role] if role is not None else "/")


def leave(_console: Console, visit: Visit) -> Response:
    """Sign out; the session is gone from the store as well."""
    if visit.who is not None:
        visit.services.sign_in.leave(visit.secret)
    response = see_other("/sign-in")
    guard.clear_session(response)
    return response


def show_setup(console: Console, visit: Visit) -> Response:
    """The form of the one-time link, as long as it holds."""
    if not visit.services.sign_in.setup_holds(visit.parts["token"]):
        return _link_gone(console, visit)
    return _setup_form(console, visit, 200, None, repeated=True)


def set_up(console: Console, visit: Visit) -> Response:
    """Make the first administrator and sign them in."""
    form = visit.form
    repeated = form.get("password", "") == form.get("password_again", "")
    if not repeated:
        return _setup_form(console, visit, 422, None, repeated=False)
    try:
        token = visit.services.sign_in.set_up(
            visit.parts["token"], form.get("name", ""), form.get("display_name", ""), form.get("password", "")
        )
    except LinkGone:
        return _link_gone(console, visit)
    except StaffMistakes as mistakes:
        return _setup_form(console, visit, 422, mistakes, repeated=True)
    response = see_other("/")
    guard.set_session(response, token)
    return response


def _setup_form(
    console: Console, visit: Visit, status: int, mistakes: StaffMistakes | None, *, repeated: bool
) -> Response:
    return console.renderer.page(
        visit,
        "setup.html",
        status,
        mistakes=mistakes,
        repeated=repeated,
        name=visit.form.get("name", ""),
        display_name=visit.form.get("display_name", ""),
        least=PASSWORD_CHARACTERS_LEAST,
    )


def _link_gone(console: Console, visit: Visit) -> Response:
    return console.renderer.page(visit, "error.html", 410, kind="link_gone", right=None)
