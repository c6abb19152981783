"""Changes that people make to the site at the console: shown as a plan before they hold, then taken whole or not at
all, by the same way as a plan that a provisioner sends."""

from collections.abc import Callable, Set
from dataclasses import dataclass

import msgspec

from cloud_server.core.mistakes import Conflict, Mistake, Mistaken, mistake_at
from cloud_server.core.plan_changes import PlanChange, plan_changes
from cloud_server.core.plan_edits import Section, Values, edit
from cloud_server.core.planned_site import KnownSite, config_of, plan_mistakes
from cloud_server.core.territory import narrow_plan
from cloud_server.flows.centre import Centre
from cloud_server.flows.plan_site import PlanTaken, take_plan
from cloud_server.ports import Actor
from protocol.box_config import text_hash
from protocol.config_text import write_config
from protocol.errors import BadPayload
from protocol.payload import read_payload, write_payload
from protocol.site_plan import SitePlan
from protocol.type_reasons import place_in, type_reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a change comes to: what differs, which boxes will be told, and what keeps it from being taken."""

    version: int
    plan: SitePlan
    changes: tuple[PlanChange, ...]
    boxes: tuple[str, ...]
    """Names of the enrolled boxes for which a new configuration will be signed."""
    mistakes: tuple[Mistake, ...]


class SettingsDesk:
    """Shows and takes changes of the newest site plan."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def plan(self) -> tuple[int, SitePlan] | None:
        """What may be seen of the newest plan, with its version; None where no plan was taken yet."""
        with self._centre.store.read() as unit:
            plan = unit.fleet.plan()
            if plan is None:
                return None
            return unit.books.plan_version(), narrow_plan(plan, self._centre.territory)

    def closed_wallets(self) -> Set[str]:
        """Wallets that are closed for ever: their meters are free for another."""
        with self._centre.store.read() as unit:
            return unit.fleet.known_site(self._centre.site.zone, self._centre.site.currency).closed_wallets

    def preview(self, section: Section, item: str, values: Values) -> Planned | None:
        """What a change would do; nothing is stored. None where there is no plan. Raises NoSuchItem."""
        centre = self._centre
        return comes_to(
            centre, lambda before, _: edit(before, section, item, values, centre.new_id, centre.clock.wall_ms())
        )

    def take(self, section: Section, item: str, values: Values, version: int, by: Actor) -> PlanTaken:
        """Take the change, if the plan is still the one that it was shown for.

        Raises NoSuchItem, Conflict, Mistaken with every mistake, NotNow.
        """
        planned = self.preview(section, item, values)
        if planned is None or planned.version != version:
            raise Conflict("the plan was changed meanwhile by somebody else; look at it again", "plan_changed")
        if planned.mistakes:
            raise Mistaken(planned.mistakes)
        return take_plan(self._centre, planned.plan, by.name)


def comes_to(centre: Centre, change: Callable[[SitePlan, KnownSite], SitePlan]) -> Planned | None:
    """What a change of the newest plan would do; nothing is stored. None where there is no plan."""
    with centre.store.read() as unit:
        before = unit.fleet.plan()
        if before is None:
            return None
        version = unit.books.plan_version()
        known = unit.fleet.known_site(centre.site.zone, centre.site.currency)
        boxes = {box.box: box for box in unit.fleet.boxes()}
    after = change(before, known)
    mistakes = _mistakes(after, known)
    told = []
    for planned in after.boxes if not mistakes else ():
        box = boxes.get(planned.box)
        if box is not None and box.epoch > 0 and box.believed:
            text = write_config(config_of(after, planned, known.account_states, known.closed_wallets))
            if text_hash(text) != box.config_hash:
                told.append(planned.name)
    return Planned(
        version=version,
        plan=after,
        changes=plan_changes(before, after),
        boxes=tuple(told),
        mistakes=mistakes,
    )


def _mistakes(plan: SitePlan, known: KnownSite) -> tuple[Mistake, ...]:
    """First what the types say, each field with its bounds; then what the plan's own rules say."""
    try:
        read_payload(write_payload(plan), SitePlan)
    except (BadPayload, msgspec.MsgspecError) as fault:
        return (mistake_at(place_in(str(fault)) or "plan", "", type_reason(str(fault))),)
    return tuple(plan_mistakes(plan, known))
