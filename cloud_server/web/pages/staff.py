"""Operators: people with their roles and sessions; a password is set by its owner, through a link that holds once."""

from collections.abc import Sequence
from typing import Literal

from starlette.responses import Response

from cloud_server.core.password_rules import PASSWORD_CHARACTERS_LEAST
from cloud_server.core.roles import ROLES, Role
from cloud_server.core.territory import WHOLE_SITE, Territory
from cloud_server.flows.keep_staff import NotAllowed, StaffFault
from cloud_server.flows.sign_in import LinkGone, StaffMistakes
from cloud_server.ports import StaffRow
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.render import see_other
from cloud_server.web.visit import Visit
from protocol.site_plan import BuildingPlan


def show(console: Console, visit: Visit) -> Response:
    """Everybody, with how many sessions each has open."""
    return _list(console, visit, 200, None)


def add(console: Console, visit: Visit) -> Response:
    """A new person: they get a link, not a password."""
    roles, territory = _roles(visit), _territory(visit)
    form = visit.form
    if not roles or territory is None:
        return _list(console, visit, 422, None, no_role=not roles, no_building=territory is None)
    try:
        row, token = visit.services.staff.add(
            form.get("name", ""), form.get("display_name", ""), roles, visit.actor, territory
        )
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
    """Other roles or buildings, out of use, or back in use."""
    staff = visit.parts["staff"]
    row = visit.services.staff.person(staff)
    if row is None:
        return errors.not_found(console, visit)
    territory = _territory(visit)
    if territory is None:
        return _person(console, visit, 422, row, fault="no_building")
    active = visit.form.get("active") == "yes"
    try:
        visit.services.staff.change(staff, _roles(visit), active=active, by=visit.actor, territory=territory)
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


def _territory(visit: Visit) -> Territory | None:
    """The buildings that were ticked; None where a limit was wanted and none was. Those of no plan are not taken."""
    if visit.form.get("buildings", "all") == "all":
        return WHOLE_SITE
    ticked = frozenset(one.building for one in _buildings(visit) if visit.form.get(f"building-{one.building}") == "yes")
    return Territory(ticked) if ticked else None


def _buildings(visit: Visit) -> Sequence[BuildingPlan]:
    newest = visit.services.settings.plan()
    return newest[1].buildings if newest is not None else ()


def _list(
    console: Console,
    visit: Visit,
    status: int,
    mistakes: StaffMistakes | None,
    *,
    no_role: bool = False,
    no_building: bool = False,
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
        no_building=no_building,
        buildings=_buildings(visit),
        form=visit.form,
    )


def _person(
    console: Console,
    visit: Visit,
    status: int,
    row: StaffRow,
    *,
    token: str | None = None,
    fault: StaffFault | Literal["no_building"] | None = None,
) -> Response:
    done = visit.query.get("done", "")
    return console.renderer.page(
        visit,
        "person.html",
        status,
        person=row,
        roles=ROLES,
        buildings=_buildings(visit),
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
