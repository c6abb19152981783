"""The second person of a step: a supervisor who signs with their own name and password, at the first's screen."""

from cloud_server.core.mistakes import Conflict
from cloud_server.ports import Actor
from cloud_server.web.visit import Visit

NAME_FIELD = "second_name"


def read_second(visit: Visit) -> Actor | None:
    """Who confirms; None where nobody was named. Raises Conflict where they are not who they say."""
    name, password = visit.form.get(NAME_FIELD, "").strip(), visit.form.get("second_password", "")
    if not name and not password:
        return None
    actor = visit.services.sign_in.vouch(name, password, visit.address)
    if actor is None or not visit.services.second.vouches(actor, visit.form.get("second_code", ""), visit.address):
        raise Conflict(f"the name or password of {name[:40]!r} is wrong", "second_unknown")
    bounds = visit.services.within(actor.territory).bounds
    if bounds is not None and bounds.judge(visit.parts.items()) != "own":
        raise Conflict(f"{actor.name} has no permission for these buildings", "second_elsewhere")
    return actor
