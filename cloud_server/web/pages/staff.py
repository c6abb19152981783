"""Operators: people with their roles and sessions; a password is set by its owner, through a link that holds once."""

from starlette.responses import Response

from cloud_server.core.roles import ROLES, Role
from cloud_server.flows.keep_staff import NotAllowed, StaffFault
from cloud_server.flows.sign_in import PASSWORD_CHARACTERS_LEAST, LinkGone, StaffMistakes
from cloud_server.ports import StaffRow
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.render import see_other
from cloud_server.web.visit import Visit


def show(console: Console, visit: Visit) -> Response:
    """Everybody, with how many sessions each has open."""
    return _list(console, visit, 200, None)


def add(console: Console, visit: Visit) -> Response:
    """A new person: they get a link, not a password."""
    roles = _roles(visit)
    form = visit.form
    if not roles:
        return _list(console, visit, 422, None, no_role=True)
    try:
        row, token = visit.services.staff.add(form.get("name", ""), form.get("display_name", ""), roles, visit.actor)
    except StaffMistakes as mistakes:
        return _list(console, visit, 422, mistakes)
    return _person(console, visit, 201, row, token=token)


def show_person(console: Console, visit: Visit) -> Response:
    """One person."""
    row = visit.services.staff.person(visit.parts["staff"])
    if row is None:
        return errors.not_found(console, visit)
    return _person(console, visit, 200, row)


def change(console: Console, visit: Visit) -> Response:
    """Other roles, out of use, or back in use."""
    staff = visit.parts["staff"]
    row = visit.services.staff.person(staff)
    if row is None:
        return errors.not_found(console, visit)
    try:
        visit.services.staff.change(staff, _roles(visit), active=visit.form.get("active") == "yes", by=visit.actor)
    except NotAllowed as fault:
        return _person(console, visit, 409, row, fault=fault.fault)
    return see_other(f"/staff/{staff}?done=changed")


def offer_password(console: Console, visit: Visit) -> Response:
    """A link for a new password, shown once."""
    row = visit.services.staff.person(visit.parts["staff"])
    if row is None:
        return errors.not_found(console, visit)
    return _person(console, visit, 200, row, token=visit.services.staff.offer_password(row.staff, visit.actor))


def end_sessions(console: Console, visit: Visit) -> Response:
    """End all sessions of a person."""
    row = visit.services.staff.person(visit.parts["staff"])
    if row is None:
        return errors.not_found(console, visit)
    visit.services.staff.end_sessions(row.staff, visit.actor)
    return see_other(f"/staff/{row.staff}?done=ended")


def show_password(console: Console, visit: Visit) -> Response:
    """The form behind the link, as long as it holds."""
    row = visit.services.staff.person_of_link(visit.parts["token"])
    return _gone(console, visit) if row is None else _password_form(console, visit, 200, row, None, repeated=True)


def set_password(console: Console, visit: Visit) -> Response:
    """Set it; then sign in with it."""
    row = visit.services.staff.person_of_link(visit.parts["token"])
    if row is None:
        return _gone(console, visit)
    password = visit.form.get("password", "")
    if password != visit.form.get("password_again", ""):
        return _password_form(console, visit, 422, row, None, repeated=False)
    try:
        visit.services.staff.set_password(visit.parts["token"], password)
    except LinkGone:
        return _gone(console, visit)
    except StaffMistakes as mistakes:
        return _password_form(console, visit, 422, row, mistakes, repeated=True)
    return see_other("/sign-in")


def _roles(visit: Visit) -> frozenset[Role]:
    return frozenset(role for role in ROLES if visit.form.get(f"role-{role}") == "yes")


def _list(
    console: Console, visit: Visit, status: int, mistakes: StaffMistakes | None, *, no_role: bool = False
) -> Response:
    sessions = visit.services.staff.sessions()
    open_of: dict[str, int] = {}
    last_of: dict[str, int] = {}
    for session in sessions:
        open_of[session.staff] = open_of.get(session.staff, 0) + 1
        last_of[session.staff] = max(last_of.get(session.staff, 0), session.seen_at_ms)
    return console.renderer.page(
        visit,
        "staff.html",
        status,
        people=visit.services.staff.everybody(),
        open_of=open_of,
        last_of=last_of,
        roles=ROLES,
        mistakes=mistakes,
        no_role=no_role,
        form=visit.form,
    )


def _person(
    console: Console,
    visit: Visit,
    status: int,
    row: StaffRow,
    *,
    token: str | None = None,
    fault: StaffFault | None = None,
) -> Response:
    done = visit.query.get("done", "")
    return console.renderer.page(
        visit,
        "person.html",
        status,
        person=row,
        roles=ROLES,
        sessions=[session for session in visit.services.staff.sessions() if session.staff == row.staff],
        link=f"{visit.services.public_url}/password/{token}" if token is not None else None,
        fault=fault,
        done=done if done in {"changed", "ended"} else "",
    )


def _password_form(
    console: Console, visit: Visit, status: int, row: StaffRow, mistakes: StaffMistakes | None, *, repeated: bool
) -> Response:
    return console.renderer.page(
        visit,
        "password.html",
        status,
        person=row,
        mistakes=mistakes,
        repeated=repeated,
        least=PASSWORD_CHARACTERS_LEAST,
    )


def _gone(console: Console, visit: Visit) -> Response:
    return console.renderer.page(visit, "error.html", 410, kind="password_link_gone", right=None)
