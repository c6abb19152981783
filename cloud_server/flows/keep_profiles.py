"""The site's own meter profiles as people keep them: listed, judged, explained, taken as the next version, left out.

They stand in the site plan, and go down to boxes with the configuration that is signed from it; every version that was
taken stays in the books.
"""

from dataclasses import dataclass
from typing import Literal

from cloud_server.core.fleet import Box
from cloud_server.core.mistakes import Conflict, Mistake, Mistaken
from cloud_server.core.planned_profiles import SavedProfile, newest_texts, users_of, with_profile, without_profile
from cloud_server.core.planned_site import KnownSite
from cloud_server.flows.centre import Centre
from cloud_server.flows.change_settings import Planned, comes_to
from cloud_server.flows.plan_site import take_plan
from cloud_server.ports import Actor, Unit
from protocol.ids import Id
from protocol.meter_profile.checking import CheckedProfile, check_profile
from protocol.site_plan import BoxPlan, SitePlan
from protocol.units import Ms

Reach = Literal["holds", "waits", "refused", "not_enrolled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRow:
    """One of the site's own: its newest version, what it describes, and how many meters are read or switched by it."""

    profile: str
    version: int
    title: str
    grade: str
    is_board: bool
    saved_at_ms: Ms
    saved_by: str
    meters: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxWithProfile:
    """How far a box with such meters has come: it holds the configuration, waits for it, or refused it and says why."""

    box: Id
    name: str
    reach: Reach
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileSheet:
    """One profile with all that is known of it."""

    row: ProfileRow
    text: str
    versions: tuple[SavedProfile, ...]
    boxes: tuple[BoxWithProfile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedProfile:
    """What a text is, and what taking it comes to."""

    checked: CheckedProfile
    planned: Planned
    others: tuple[Mistake, ...]
    """What stands against taking it beside the text's own faults."""


class ProfileDesk:
    """Shows, judges and takes them."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def listed(self) -> tuple[ProfileRow, ...]:
        """Those in the plan, by name."""
        with self._centre.store.read() as unit:
            plan = unit.fleet.plan()
            saved = {(one.profile, one.version): one for one in unit.profiles.versions()}
        if plan is None:
            return ()
        rows = [_row(plan, one) for one in _in_books(plan, saved)]
        return tuple(sorted(rows, key=lambda row: row.profile))

    def sheet(self, profile: str) -> ProfileSheet | None:
        """One of those in the plan; None where it is not there."""
        with self._centre.store.read() as unit:
            plan = unit.fleet.plan()
            versions = unit.profiles.versions(profile)
            found = [one for one in newest_texts(plan.profiles) if one.profile == profile] if plan is not None else []
            newest = next((one for one in versions if found and one.version == found[0].version), None)
            if plan is None or newest is None:
                return None
            boxes = tuple(_reach(unit, box) for box in plan.boxes if profile in _named(box))
        return ProfileSheet(row=_row(plan, newest), text=newest.text, versions=tuple(versions), boxes=boxes)

    def version(self, profile: str, version: int) -> tuple[SavedProfile, SavedProfile | None] | None:
        """One version and the one before it, in the plan or not any more."""
        with self._centre.store.read() as unit:
            versions = unit.profiles.versions(profile)
        for place, one in enumerate(versions):
            if one.version == version:
                return one, versions[place + 1] if place + 1 < len(versions) else None
        return None

    def preview(self, profile: str, text: str, unit_id: int = 1) -> PlannedProfile | None:
        """Judge a text, and show what taking it would do; nothing is stored. None where there is no plan."""

        def change(before: SitePlan, known: KnownSite) -> SitePlan:
            if any(one.profile == profile and one.text == text for one in newest_texts(before.profiles)):
                return before
            taken = [version for name, version in known.profiles if name == profile]
            taken += [one.version for one in before.profiles if one.profile == profile]
            return with_profile(before, profile, 1 + max(taken, default=0), text)

        planned = comes_to(self._centre, change)
        if planned is None:
            return None
        checked = check_profile(text, profile, unit_id)
        reasons = [fault.reason for fault in checked.mistakes]
        others = tuple(one for one in planned.mistakes if one.reason not in reasons)
        return PlannedProfile(checked=checked, planned=planned, others=others)

    def take(self, profile: str, text: str, version: int, by: Actor) -> None:
        """Take a text as the profile's next version, if the plan is still `version`, which it was shown for.

        Raises Conflict, Mistaken with every mistake, NotNow.
        """
        found = self.preview(profile, text)
        self._take(found.planned if found is not None else None, version, by)

    def preview_leaving_out(self, profile: str) -> Planned | None:
        """What leaving a profile out would do; not while a meter needs it."""
        return comes_to(self._centre, lambda before, _: without_profile(before, profile))

    def leave_out(self, profile: str, version: int, by: Actor) -> None:
        """Leave it out of the plan; its versions stay in the books. Raises Conflict, Mistaken, NotNow."""
        self._take(self.preview_leaving_out(profile), version, by)

    def _take(self, planned: Planned | None, version: int, by: Actor) -> None:
        if planned is None or planned.version != version:
            raise Conflict("the plan was changed meanwhile by somebody else; look at it again", "plan_changed")
        if planned.mistakes:
            raise Mistaken(planned.mistakes)
        take_plan(self._centre, planned.plan, by.name)


def _in_books(plan: SitePlan, saved: dict[tuple[str, int], SavedProfile]) -> list[SavedProfile]:
    """The newest of each; a plan older than the books of profiles is listed once it is taken anew."""
    newest = [(one.profile, one.version) for one in newest_texts(plan.profiles)]
    return [saved[key] for key in newest if key in saved]


def _row(plan: SitePlan, newest: SavedProfile) -> ProfileRow:
    checked = check_profile(newest.text, newest.profile)
    return ProfileRow(
        profile=newest.profile,
        version=newest.version,
        title=checked.title,
        grade=checked.grade,
        is_board=checked.is_board,
        saved_at_ms=newest.saved_at_ms,
        saved_by=newest.saved_by,
        meters=tuple(users_of(plan, newest.profile)),
    )


def _named(box: BoxPlan) -> set[str]:
    boards = {meter.relay.board for meter in box.meters if meter.relay is not None}
    return boards | {meter.profile for meter in box.meters}


def _reach(unit: Unit, planned: BoxPlan) -> BoxWithProfile:
    box: Box | None = unit.fleet.box(planned.box)
    if box is None or box.epoch == 0:
        return BoxWithProfile(box=planned.box, name=planned.name, reach="not_enrolled")
    told = unit.lines.newest_command(planned.box, "configure")
    if told is not None and told.state == "refused":
        return BoxWithProfile(box=planned.box, name=planned.name, reach="refused", why=told.detail or told.reason or "")
    held = box.held_version == box.config_version
    return BoxWithProfile(box=planned.box, name=planned.name, reach="holds" if held else "waits")
