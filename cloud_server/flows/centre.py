"""What every flow is given: the site, the term, and the ports to everything that touches the world."""

from copy import copy
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from cloud_server.core.box_place import BoxPlace, place_from_text
from cloud_server.core.command_chain import Place
from cloud_server.core.territory import WHOLE_SITE, Territory
from cloud_server.core.tills import posting_day
from cloud_server.flows.group_desk import GroupDesk
from cloud_server.flows.keep_journal import JournalKeeper
from cloud_server.flows.plan_memory import PlanMemory
from cloud_server.flows.read_wishes import Crowd, ReadWishes
from cloud_server.ports import Authority, Chance, FailPoint, LiveBoard, SiteFacts, Store, Unit, WakeUp, WallClock
from protocol.box_config import MeterConfig
from protocol.ids import Id, make_id
from protocol.site_plan import BoxPlan, PointPlan
from protocol.zone import site_zone

ID_CHANCE_BYTES = 10
PLACES_KEPT_MAX = 512
"""Configurations kept in memory as look-ups: two for each of some two hundred boxes; the rest is read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """One running centre. Made once by the wiring, shared by all threads."""

    site: SiteFacts
    term: int
    store: Store
    authority: Authority
    journal: JournalKeeper
    clock: WallClock
    chance: Chance
    wake: WakeUp
    live: LiveBoard
    fail_point: FailPoint
    places: dict[tuple[str, int], BoxPlace] = field(default_factory=dict)
    past_configs: dict[str, MeterConfig] = field(default_factory=dict)
    """Meters that serve no more, as they were last."""
    past_places: dict[str, tuple[str, ...] | PointPlan | BoxPlan | None] = field(default_factory=dict)
    """Wallets that are closed with the meters that they fed, and points and boxes that are in no plan any more."""
    plan_memory: PlanMemory = field(default_factory=PlanMemory)
    crowd: Crowd = field(default_factory=Crowd)
    desk: GroupDesk[Any] = field(default_factory=GroupDesk)
    """Where the requests of boxes wait for the books."""
    wishes: ReadWishes = field(init=False)
    territory: Territory = WHOLE_SITE
    """What whoever asks through it may see: everything, but for somebody who is limited to buildings."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "wishes", ReadWishes(self.clock))

    def within(self, territory: Territory) -> "Centre":
        """The same centre, as somebody sees it who is limited to buildings: all of its parts are shared."""
        seen = copy(self)
        object.__setattr__(seen, "territory", territory)
        return seen

    @property
    def zone(self) -> ZoneInfo:
        return _zone(self.site.zone)

    def new_id(self) -> Id:
        """A new id, in the order of time."""
        return make_id(self.clock.wall_ms(), self.chance.draw(ID_CHANCE_BYTES))

    def day_of(self, at_ms: int) -> str:
        """The site's calendar day of an instant, 2026-11-22."""
        return datetime.fromtimestamp(at_ms / 1000, self.zone).date().isoformat()

    def bounds_of_day(self, day: str) -> tuple[int, int]:
        """First instant of a day of the site, and of the day after. Raises ValueError where it is none."""
        first = date.fromisoformat(day)
        ends = (first, first + timedelta(days=1))
        begin, end = (int(datetime.combine(one, time(), self.zone).timestamp() * 1000) for one in ends)
        return begin, end

    def posting_day(self, unit: Unit, at_ms: int) -> str:
        """The day to book under at an instant: the site's calendar day, or the one after the last closed day."""
        return posting_day(self.day_of(at_ms), unit.tills.last_closed_day())

    def place_of_box(self, box: str) -> Place:
        """Whose chain a command extends."""
        return Place(self.site.site, box, self.term)

    def place(self, unit: Unit, box: str, config_version: int) -> BoxPlace | None:
        """Look-ups in a configuration that was signed for a box, or None where there was none such."""
        known = self.places.get((box, config_version))
        if known is not None:
            return known
        found = unit.enrolments.configuration(box, config_version)
        if found is None:
            return None
        if len(self.places) >= PLACES_KEPT_MAX:
            self.places.clear()
        place = place_from_text(found[1])
        self.places[box, config_version] = place
        return place


@cache
def _zone(name: str) -> ZoneInfo:
    """Read from the pinned zone data once."""
    return site_zone(name)
