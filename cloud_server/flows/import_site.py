"""A site's list taken in at the console: read from a workbook, shown as what it comes to, then taken whole or not.

What was read waits as one draft a person, in the books, so that whichever process answers next has it too.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from cloud_server.core.mistakes import Conflict, Mistake, Mistaken, mistake_at
from cloud_server.core.plan_import import ACCOUNT_CLOSED, ACCOUNT_CLOSING, merged, read_listed
from cloud_server.core.planned_site import KnownSite
from cloud_server.flows.centre import Centre
from cloud_server.flows.change_settings import Planned, comes_to
from cloud_server.flows.plan_site import PlanTaken, take_plan
from cloud_server.ports import Actor
from protocol import plan_labels
from protocol.known_profiles import PROFILE_NAMES
from protocol.plan_labels import IdBook
from protocol.reason import PLAIN
from protocol.site_plan import SitePlan
from protocol.workbook.reading import read_workbook
from protocol.workbook.table import Grid
from protocol.workbook.template import Known

DRAFT_FACT: Final = "import/{name}"
"""The fact that holds what a person has read in and not yet taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadIn:
    """What a workbook says: a draft that was kept, or every mistake by sheet and cell."""

    draft: str = ""
    mistakes: tuple[Mistake, ...] = ()


class SiteImport:
    """Reads, shows and takes lists of a site."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def known(self) -> Known:
        """What a template has filled in."""
        site = self._centre.site
        with self._centre.store.read() as unit:
            plan = unit.fleet.plan()
        return Known(site.site, plan.name if plan is not None else site.name, site.zone, site.currency)

    def read(self, sheets: Mapping[str, Grid], by: Actor) -> ReadIn:
        """Read a workbook's sheets and keep them as this person's draft, if they can be read whole."""
        with self._centre.store.read() as unit:
            plan = unit.fleet.plan()
        if plan is None:
            raise Conflict("the first plan of a site is sent by who provisions it", "no_plan")
        own = {profile.profile for profile in plan.profiles}
        own |= {meter.profile for box in plan.boxes for meter in box.meters}
        read = read_workbook(sheets, PROFILE_NAMES | own, plan.settings.tzdata)
        if read.plan is None:
            return ReadIn(mistakes=tuple(mistake_at(one.place, one.value, one.right) for one in read.mistakes))
        text = msgspec.json.encode(read.plan).decode()
        with self._centre.store.write() as unit:
            unit.site.put_fact(DRAFT_FACT.format(name=by.name), text)
        return ReadIn(draft=_digest(text))

    def preview(self, draft: str, by: Actor, *, gone: bool) -> Planned | None:
        """What the draft would do now; None where it is not this person's newest, or there is no plan."""
        labelled = self._draft(draft, by)
        if labelled is None:
            return None
        centre, found, book = self._centre, list[Mistake](), IdBook()

        def change(before: SitePlan, known: KnownSite) -> SitePlan:
            listed, mistakes, labels = read_listed(labelled, before, known.closed_wallets, centre.new_id)
            found.extend(mistakes)
            found.extend(_closed(labelled, before, known))
            book.update(labels)
            return merged(before, listed, centre.clock.wall_ms(), gone=gone) if listed is not None else before

        planned = comes_to(centre, change)
        if planned is None:
            return None
        mistakes = [*found, *(_in_their_words(one, book) for one in planned.mistakes)]
        return replace(planned, mistakes=tuple(mistakes))

    def take(self, draft: str, version: int, by: Actor, *, gone: bool) -> PlanTaken:
        """Take the draft, if the plan is still the one that it was shown for.

        Raises Conflict, Mistaken with every mistake, NotNow.
        """
        planned = self.preview(draft, by, gone=gone)
        if planned is None or planned.version != version:
            raise Conflict("the plan was changed meanwhile by somebody else; look at it again", "plan_changed")
        if planned.mistakes:
            raise Mistaken(planned.mistakes)
        taken = take_plan(self._centre, planned.plan, by.name)
        with self._centre.store.write() as unit:
            unit.site.put_fact(DRAFT_FACT.format(name=by.name), "")
        return taken

    def _draft(self, draft: str, by: Actor) -> dict[str, Any] | None:
        with self._centre.store.read() as unit:
            text = unit.site.fact(DRAFT_FACT.format(name=by.name))
        if not text or _digest(text) != draft:
            return None
        return msgspec.json.decode(text, type=dict[str, Any])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _closed(labelled: Mapping[str, Any], before: SitePlan, known: KnownSite) -> list[Mistake]:
    """Accounts of the list that are closed, or closing."""
    state = {one.number: known.account_states.get(one.account, "in_use") for one in before.accounts}
    return [
        mistake_at("account", one["number"], ACCOUNT_CLOSED if state[one["number"]] == "closed" else ACCOUNT_CLOSING)
        for one in labelled["accounts"]
        if state.get(one["number"], "in_use") != "in_use"
    ]


def _in_their_words(mistake: Mistake, book: IdBook) -> Mistake:
    """With the names of the list where the plan has ids."""
    right = mistake.reason if mistake.reason is not None else PLAIN(text=mistake.message)
    said = plan_labels.with_labels(plan_labels.Mistake(mistake.place, mistake.value, right), book)
    return mistake_at(said.place, said.value, said.right)
