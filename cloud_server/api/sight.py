"""What a token that is limited to buildings may ask at all, and the look at the site that its answers are made from.

An address is answered where it names a thing within the token's buildings, or where its answer is made from `Sights`;
every other one is for tokens of the whole site. So an address that nobody thought of is closed to a limited token.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
from fastapi import Request

from cloud_server.api.door import BODY_IN_SCOPE, route_of
from cloud_server.api.problems import ApiProblem
from cloud_server.core.territory import Territory
from cloud_server.flows.bounds import JUDGED, Bounds
from cloud_server.flows.centre import Centre
from cloud_server.flows.look import Look, Looker
from cloud_server.ports import Actor
from cloud_server.ports.programs import Within

NARROWED: Final = frozenset(
    {
        ("GET", "/api/v1/points"),
        ("GET", "/api/v1/meters"),
        ("GET", "/api/v1/live"),
        ("GET", "/api/v1/accounts"),
        ("GET", "/api/v1/balances"),
        ("GET", "/api/v1/customers"),
        ("GET", "/api/v1/sales"),
        ("POST", "/api/v1/sales"),
        ("GET", "/api/v1/alarms"),
        ("GET", "/api/v1/refunds"),
        ("GET", "/api/v1/commands"),
        ("GET", "/api/v1/reports"),
        ("GET", "/api/v1/reports/{kind}"),
        ("GET", "/api/v1/readings"),
        ("GET", "/api/v1/readings.csv"),
    }
)
"""Addresses without an object in their path whose answer or body is held to the token's buildings."""
NAMED_IN_BODIES: Final = frozenset(
    {"account", "wallet", "from_wallet", "to_wallet", "meter", "meters", "box", "customer", "sale", "point"}
)
LOOKERS_KEPT_MAX: Final = 64
"""Different limits of tokens in use at once."""


class Sights:
    """Looks at the site as each caller may see it."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._lookers: dict[Territory, Looker] = {}

    def looker(self, by: Actor) -> Looker:
        """The looker of a caller's buildings."""
        if by.territory not in self._lookers:
            if len(self._lookers) >= LOOKERS_KEPT_MAX:
                self._lookers.clear()
            self._lookers[by.territory] = Looker(self._centre.within(by.territory))
        return self._lookers[by.territory]

    def look(self, by: Actor) -> Look | None:
        """Everything that the caller may see, at one moment."""
        with self._centre.store.read() as unit:
            return self.looker(by).look(unit)

    def within(self, by: Actor) -> Within | None:
        """What the caller may see, for lists that the store reads; None: everything."""
        if by.territory.is_whole:
            return None
        with self._centre.store.read() as unit:
            site = self.looker(by).site_map(unit)
        if site is None:
            return Within(accounts=(), wallets=(), meters=(), boxes=())
        return Within(
            accounts=tuple(site.accounts),
            wallets=tuple(site.wallets),
            meters=tuple(site.meters),
            boxes=tuple(box.box for box in site.plan.boxes if by.territory.holds(box.building)),
        )

    def meters(self, by: Actor, asked: tuple[str, ...]) -> tuple[str, ...] | None:
        """Of the meters that were asked for (none: all) those that the caller may see; None: every meter."""
        if by.territory.is_whole:
            return asked or None
        with self._centre.store.read() as unit:
            site = self.looker(by).site_map(unit)
            swaps = unit.reports.swaps()
        points = {point.point for point in site.points} if site is not None else set[str]()
        own = [*(site.meters if site is not None else ()), *(swap.old for swap in swaps if swap.point in points)]
        return tuple(meter for meter in (asked or own) if meter in own)


def hold_to_buildings(centre: Centre, request: Request, territory: Territory) -> None:
    """Let a limited token through where what it names is within. Raises ApiProblem 403 and 404."""
    if territory.is_whole:
        return
    path = route_of(request.scope)
    is_narrowed = (request.method, path) in NARROWED
    if not is_narrowed and not any(name in JUDGED for name in request.path_params):
        text = "the token is limited to buildings, and this address answers for the whole site"
        raise ApiProblem(403, "This address is for tokens of the whole site", text)
    named = [*request.path_params.items(), *_named_in(request)]
    verdict = Bounds(centre.within(territory)).judge(named)
    if verdict == "absent":
        raise ApiProblem(404, "There is no such thing")
    if verdict == "shared" and request.method != "GET":
        raise ApiProblem(403, "A part of this lies in buildings that the token is not for")


def _named_in(request: Request) -> Iterator[tuple[str, str]]:
    """What filters and body name."""
    yield from ((name, value) for name, value in request.query_params.items() if name in NAMED_IN_BODIES and value)
    try:
        body = msgspec.json.decode(request.scope.get(BODY_IN_SCOPE, b"") or b"null")
    except msgspec.DecodeError:
        return
    yield from _walk(body)


def _walk(value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for one in value:
            yield from _walk(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name in NAMED_IN_BODIES:
                singular = name.removesuffix("s") if name == "meters" else name
                yield from ((singular, text) for text in (one if isinstance(one, list) else [one]) if _is_id(text))
            yield from _walk(one)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and bool(value)
