"""One request as a page sees it: who asks, in which language, with which form. Values only; the guard makes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cloud_server.core.roles import Right, rights_of
from cloud_server.flows.second_factor import Standing, Trust
from cloud_server.flows.sign_in import Who
from cloud_server.ports import Actor
from cloud_server.web.language import Language
from cloud_server.web.services import Services
from protocol.units import Ms

Theme = Literal["auto", "light", "dark"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request. `secret` is what the form token is made from: the session's or the visitor's own cookie."""

    services: Services
    path: str
    parts: Mapping[str, str]
    """The named parts of the path."""
    query: Mapping[str, str]
    form: Mapping[str, str]
    address: str
    who: Who | None
    secret: str
    language: Language
    theme: Theme
    now_ms: Ms
    is_partial: bool
    """The page's own script asks for a piece of it."""
    rights: frozenset[Right]
    trust: Trust
    """How far this session is trusted; of somebody who is not signed in, not at all."""
    view: str = ""
    """How this browser last looked at the monitor."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What the form carried as files, by field."""
    proof: str | None = None
    """The code or password that came with a form that was kept for it."""

    @property
    def actor(self) -> Actor:
        """Who acts; a page that asks is one that only signed-in people reach."""
        if self.who is None:
            raise LookupError(f"{self.path} is open to everybody and has no actor")
        return self.who.actor

    def may(self, right: Right) -> bool:
        """For what a page offers; what it does is checked by the guard."""
        return right in self.rights


def rights_for(who: Who | None, trust: Trust) -> frozenset[Right]:
    """The rights of the person as they stand at this request; none before the second factor is given."""
    if who is None or trust.standing is not Standing.WHOLE:
        return frozenset()
    return rights_of(who.actor.roles, who.actor.territory)
