"""Whether what somebody names is within the buildings that they are limited to: the one judgement for console and API.

What is outside is answered as if there were no such thing. What is partly within may be looked at and not acted on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar, Final, Literal

from cloud_server.core.second_person import SecondRequest
from cloud_server.core.site_map import SiteMap
from cloud_server.core.territory import shared_accounts
from cloud_server.flows.centre import Centre
from cloud_server.flows.look import Looker
from cloud_server.ports import Unit
from protocol.ids import Id

Verdict = Literal["own", "shared", "absent"]
"""`shared`: an account of which a part lies outside."""


class Bounds:
    """Judges for whoever sees the site through a centre (`Centre.within`)."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._looker = Looker(centre)

    def judge(self, named: Iterable[tuple[str, str]]) -> Verdict:
        """The worst that pairs of a kind of thing and its id come to; what is no place is everybody's."""
        if self._centre.territory.is_whole:
            return "own"
        worst: Verdict = "own"
        with self._centre.store.read() as unit:
            site = self._looker.site_map(unit)
            for name, value in named:
                find = self.judges.get(name)
                if find is None:
                    continue
                found = find(self, unit, site, value) if site is not None else "absent"
                if found == "absent":
                    return "absent"
                worst = found if found == "shared" else worst
        return worst

    def own_requests(self, requests: tuple[SecondRequest, ...]) -> tuple[SecondRequest, ...]:
        """Of steps that wait for a second person those that may be looked at."""
        if self._centre.territory.is_whole:
            return requests
        with self._centre.store.read() as unit:
            site = self._looker.site_map(unit)
        if site is None:
            return ()
        return tuple(one for one in requests if self._request_verdict(site, one) != "absent")

    def meters_outside(self, meters: tuple[Id, ...]) -> tuple[Id, ...]:
        """Those of some meters that are not within."""
        if self._centre.territory.is_whole:
            return ()
        with self._centre.store.read() as unit:
            site = self._looker.site_map(unit)
        return tuple(meter for meter in meters if site is None or meter not in site.meters)

    def _point(self, _unit: Unit, site: SiteMap, point: str) -> Verdict:
        return "own" if any(one.point == point for one in site.points) else "absent"

    def _meter(self, _unit: Unit, site: SiteMap, meter: str) -> Verdict:
        return "own" if meter in site.meters else "absent"

    def _box(self, _unit: Unit, site: SiteMap, box: str) -> Verdict:
        """A box of the next building with an own meter is seen; what is done to a box is done to all of it."""
        planned = site.boxes.get(box)
        if planned is None:
            return "absent"
        return "own" if self._centre.territory.holds(planned.building) else "shared"

    def _account(self, unit: Unit, site: SiteMap, account: str) -> Verdict:
        if account not in site.accounts:
            return "absent"
        plan = unit.fleet.plan()
        shared = plan is None or account in shared_accounts(plan, self._centre.territory)
        return "shared" if shared else "own"

    def _wallet(self, unit: Unit, site: SiteMap, wallet: str) -> Verdict:
        found = site.wallets.get(wallet)
        return self._account(unit, site, found.account) if found is not None else "absent"

    def _customer(self, unit: Unit, site: SiteMap, customer: str) -> Verdict:
        verdicts = [self._account(unit, site, a.account) for a in site.plan.accounts if a.customer == customer]
        if not verdicts:
            return "absent"
        return "own" if all(verdict == "own" for verdict in verdicts) else "shared"

    def _sale(self, unit: Unit, site: SiteMap, sale: str) -> Verdict:
        facts = unit.books.sales(sale=sale)
        return self._account(unit, site, facts[0].account) if facts else "absent"

    def _refund(self, unit: Unit, site: SiteMap, refund: str) -> Verdict:
        found = unit.money.refund(refund)
        return self._account(unit, site, found.fact.account) if found is not None else "absent"

    def _closing(self, unit: Unit, site: SiteMap, closing: str) -> Verdict:
        found = unit.contracts.closing(closing)
        return self._account(unit, site, found.fact.account) if found is not None else "absent"

    def _message(self, unit: Unit, site: SiteMap, message: str) -> Verdict:
        row = unit.messages.message(message)
        return self._account(unit, site, row.account) if row is not None and row.account is not None else "absent"

    def _change(self, unit: Unit, site: SiteMap, change: str) -> Verdict:
        found = unit.contracts.change(change)
        return self._meter(unit, site, found.meter) if found is not None else "absent"

    def _request(self, unit: Unit, site: SiteMap, request: str) -> Verdict:
        found = unit.contracts.request(request)
        if found is None:
            return "absent"
        seen = self._request_verdict(site, found)
        account = found.about if found.about in site.accounts else ""
        return self._account(unit, site, account) if seen == "own" and account else seen

    def _request_verdict(self, site: SiteMap, request: SecondRequest) -> Verdict:
        """By the account, box or meter that it is about; an order to many meters by all of them."""
        if request.kind == "operation":
            meters = json.loads(request.contents).get("meters", [])
            within = [meter in site.meters for meter in meters]
            return "own" if within and all(within) else "shared" if any(within) else "absent"
        known = request.about in site.accounts or request.about in site.meters
        if known:
            return "own"
        box = site.boxes.get(request.about)
        return "own" if box is not None and self._centre.territory.holds(box.building) else "absent"

    judges: ClassVar[Mapping[str, Callable[[Bounds, Unit, SiteMap, str], Verdict]]] = {
        "point": _point,
        "meter": _meter,
        "box": _box,
        "account": _account,
        "wallet": _wallet,
        "from_wallet": _wallet,
        "to_wallet": _wallet,
        "customer": _customer,
        "sale": _sale,
        "refund": _refund,
        "closing": _closing,
        "message": _message,
        "change": _change,
        "request": _request,
    }
    """Names of parts of addresses -> how what they name is judged."""


JUDGED: Final = Bounds.judges
EVERYBODYS: Final = frozenset(
    {"token", "kind", "step", "answer", "item", "section", "number", "job", "batch", "shift", "staff", "occasion",
     "language", "draft", "session", "digest", "mark", "profile", "version", "question"}
)  # fmt: skip
"""Names of parts that name no place: words, pages behind whole-site rights, and what its own reader narrows."""
