"""The alarm centre: alarms with the names of what they are about, what is new, and who has seen to it."""

import threading
from collections.abc import Iterable, Sequence

from cloud_server.core.alarm_rules import BY_HAND_KINDS
from cloud_server.core.alarm_views import (
    AlarmEntry,
    AlarmFilter,
    AlarmNews,
    AlarmNote,
    AlarmPage,
    fold_lost,
    fold_standing,
    lesser_levels,
)
from cloud_server.core.site_map import SiteMap
from cloud_server.core.territory import Territory
from cloud_server.flows.centre import Centre
from cloud_server.flows.look import Looker
from cloud_server.flows.past_places import PastPlaces
from cloud_server.ports import Actor, Unit
from cloud_server.ports.office import AlarmRowFact
from protocol.ids import Id
from protocol.site_plan import BoxPlan, PointPlan

SHOWN_MAX = 500
"""Alarms on one page; whoever wants others filters, and the export holds more."""
EXPORTED_MAX = 20_000
"""Alarms in one export: a large site's year."""
STANDING_MAX = 5_000
"""More alarms than that do not stand at once on a site of two thousand meters."""
NEWS_MAX = 50
"""Alarms that are told to every page: more at once is one large fault, and is seen as such."""
NEWS_KEPT_MS = 2_000
"""Every open page asks every five seconds; one answer serves them all for two."""
NOTE_CHARACTERS_MAX = 200


class AlarmOffice:
    """Satisfies `ports.office.AlarmDesk`."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._looker = Looker(centre)
        self._lock = threading.Lock()
        self._news: tuple[int, AlarmNews] | None = None

    def page(self, chosen: AlarmFilter, limit: int = SHOWN_MAX) -> AlarmPage:
        """Alarms that fit, newest first, and how many of each kind stand."""
        with self._centre.store.read() as unit:
            site = self._looker.site_map(unit)
            boxes = boxes_in(site, chosen.place) if site is not None else None
            rows = self._facts(unit, site, chosen, boxes, limit + 1)
            told = self._entries(unit, site, rows[:limit])
            entries = fold_standing(told) if chosen.state == "standing" else fold_lost(told)
            standing = self._facts(unit, site, AlarmFilter(), None, STANDING_MAX)
            folded = fold_standing(self._entries(unit, site, standing))
        if chosen.place and site is not None:
            entries = tuple(entry for entry in entries if _is_at(entry, chosen.place))
        counts: dict[str, int] = {}
        for entry in folded:
            counts[entry.kind] = counts.get(entry.kind, 0) + 1
        return AlarmPage(
            as_of_ms=self._centre.clock.wall_ms(),
            entries=entries,
            counts=tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))),
            more=len(rows) > limit,
        )

    def news(self) -> AlarmNews:
        """What stands and was not acknowledged."""
        now_ms = self._centre.clock.wall_ms()
        with self._lock:
            if self._news is None or not 0 <= now_ms - self._news[0] < NEWS_KEPT_MS:
                self._news = (now_ms, self._look())
            return self._news[1]

    def _look(self) -> AlarmNews:
        with self._centre.store.read() as unit:
            site = self._looker.site_map(unit)
            rows = self._facts(unit, site, AlarmFilter(), None, STANDING_MAX)
            folded = fold_standing(self._entries(unit, site, rows))
        return AlarmNews(standing=len(folded), unseen=tuple(one for one in folded if not one.notes)[:NEWS_MAX])

    def _facts(
        self, unit: Unit, site: SiteMap | None, chosen: AlarmFilter, boxes: Sequence[str] | None, limit: int
    ) -> list[AlarmRowFact]:
        """Alarms that fit, newest first; of those only what somebody may see who is limited to buildings."""
        territory = self._centre.territory
        if territory.is_whole:
            return unit.alarm_book.alarms(chosen, boxes, limit)
        if site is None:
            return []
        asked = list(site.boxes) if boxes is None else [box for box in boxes if box in site.boxes]
        facts = unit.alarm_book.alarms(chosen, asked, max(limit, EXPORTED_MAX))
        past = PastPlaces(self._centre, unit, site)
        return [fact for fact in facts if _is_within(site, past, territory, fact)][:limit]

    def _entries(self, unit: Unit, site: SiteMap | None, rows: Iterable[AlarmRowFact]) -> tuple[AlarmEntry, ...]:
        facts = tuple(rows)
        past = PastPlaces(self._centre, unit, site) if site is not None else None
        notes: dict[str, list[AlarmNote]] = {}
        for alarm, at_ms, who, note in unit.alarm_book.notes(fact.alarm_id for fact in facts):
            notes.setdefault(alarm, []).append(AlarmNote(at_ms=at_ms, who=who, note=note))
        return tuple(_entry(site, past, fact, tuple(notes.get(fact.alarm_id, ()))) for fact in facts)

    def _own(self, unit: Unit, alarms: Sequence[Id]) -> Sequence[Id]:
        """Those of some alarms that may be seen to."""
        if self._centre.territory.is_whole:
            return alarms
        seen = self._facts(unit, self._looker.site_map(unit), AlarmFilter(state="all"), None, EXPORTED_MAX)
        known = {fact.alarm_id for fact in seen}
        return [alarm for alarm in alarms if alarm in known]

    def _past_by(self, unit: Unit, alarms: Sequence[Id]) -> list[Id]:
        """The lesser alarms of the same balances, which are not shown beside these."""
        standing = unit.alarm_book.alarms(AlarmFilter(), None, STANDING_MAX)
        lesser = lesser_levels((fact.alarm_id, fact.kind, fact.wallet) for fact in standing)
        return [alarm for alarm, gravest in lesser.items() if gravest in alarms and alarm not in alarms]

    def acknowledge(self, alarms: Sequence[Id], note: str, by: Actor) -> int:
        """Note for each that somebody has seen to it; how many there were."""
        now_ms = self._centre.clock.wall_ms()
        with self._centre.store.write() as unit:
            alarms = self._own(unit, alarms)
            done = unit.alarm_book.add_notes(alarms, now_ms, by.name, note)
            unit.alarm_book.add_notes(self._past_by(unit, alarms), now_ms, by.name, note)
            if done:
                detail = {"alarms": list(alarms), "note": note}
                unit.audit.append(now_ms, by.name, "alarms_acknowledged", "", detail)
        with self._lock:
            self._news = None
        self._centre.live.changed()
        return done

    def settle(self, alarms: Sequence[Id], note: str, by: Actor) -> int:
        """End alarms that only a person ends; how many there were."""
        now_ms = self._centre.clock.wall_ms()
        with self._centre.store.write() as unit:
            alarms = self._own(unit, alarms)
            done = unit.alarms.settle(alarms, BY_HAND_KINDS, now_ms, by.name)
            if done:
                unit.alarm_book.add_notes(alarms, now_ms, by.name, note)
                unit.audit.append(now_ms, by.name, "alarms_settled", "", {"alarms": list(alarms), "note": note})
        with self._lock:
            self._news = None
        self._centre.live.changed()
        return done


def boxes_in(site: SiteMap, place: str) -> list[str] | None:
    """The boxes of a building, box or bus; None for the whole site."""
    if not place:
        return None
    return [box.box for box in site.plan.boxes if place in (box.building, box.box, *(bus.bus for bus in box.buses))]


def _is_within(site: SiteMap, past: PastPlaces, territory: Territory, fact: AlarmRowFact) -> bool:
    """By the meter or wallet that it is about; an alarm of a whole box or bus by where the box hangs."""
    if fact.meter is not None:
        return fact.meter in site.meters or past.point_of(fact.box, fact.meter) is not None
    if fact.wallet is not None:
        return fact.wallet in site.wallets
    box = site.boxes.get(fact.box)
    return box is not None and territory.holds(box.building)


def _is_at(entry: AlarmEntry, place: str) -> bool:
    return place in (entry.building, entry.box, entry.bus)


def _entry(
    site: SiteMap | None, past: PastPlaces | None, fact: AlarmRowFact, notes: tuple[AlarmNote, ...]
) -> AlarmEntry:
    """With the names of what it is about; what is in the plan no more goes by the names that it had."""
    box: BoxPlan | None = None
    building, customer, shop, point, bus = "", "", "", None, fact.bus
    placed = site.meters.get(fact.meter or "") if site is not None else None
    if site is not None and past is not None:
        box = past.box(fact.box)
        wallet = site.wallets.get(fact.wallet or "")
        building = next((b.name for b in site.plan.buildings if box is not None and b.building == box.building), "")
        served = _served(past, fact)
        shop = "、".join(f"{one.number} {one.name}" for one in served)
        point = next((one.point for one in served if one.point in site.meter_of), None)
        payer = wallet or site.wallet_of.get(fact.meter or "")
        customer = site.customers[site.accounts[payer.account].customer].name if payer is not None else ""
        if bus is None and fact.meter is not None:
            bus = placed.meter.bus if placed is not None else past.bus_of(fact.box, fact.meter)
    return AlarmEntry(
        alarm=fact.alarm_id,
        kind=fact.kind,  # type: ignore[arg-type]  # stored from the same closed list
        raised_at_ms=fact.raised_at_ms,
        cleared_at_ms=fact.cleared_at_ms,
        value=fact.value,
        box=fact.box,
        bus=bus,
        device=fact.device or (placed.meter.device if placed is not None else None),
        meter=fact.meter,
        wallet=fact.wallet,
        building=box.building if box is not None else "",
        building_name=building,
        box_name=box.name if box is not None else "",
        bus_name=next((b.name for b in box.buses if b.bus == bus), "") if box is not None else "",
        point=point,
        shop=shop,
        customer=customer,
        notes=notes,
        times=fact.times,
        cleared_by=fact.cleared_by or "",
    )


def _served(past: PastPlaces, fact: AlarmRowFact) -> tuple[PointPlan, ...]:
    """The supply points that an alarm is about."""
    point = past.point_of(fact.box, fact.meter) if fact.meter is not None else None
    if point is not None:
        return (point,)
    return past.points_of_wallet(fact.box, fact.wallet) if fact.wallet is not None else ()
