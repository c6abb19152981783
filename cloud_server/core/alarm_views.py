"""Alarms as the alarm centre shows them, and which of them are one and the same fault. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal

from protocol.ids import Id
from protocol.records import AlarmKind, CentreAlarmKind
from protocol.units import Ms

AlarmState = Literal["standing", "past", "all"]
SAME_FAULT_MS: Final = 600_000
"""A meter found lost up to ten minutes before its bus or box was given up belongs to the same fault: meters are tried
many times before they are given up, each in its turn."""
_RANK: Final[dict[str, int]] = {"meter_lost": 0, "device_lost": 1, "bus_lost": 2, "box_lost": 3}
_GRAVITY: Final[dict[str, int]] = {"alarm1": 0, "alarm2": 1, "arrears": 2}
"""Of a balance on its way down: all of them stand until it is up again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmNote:
    """Somebody has seen to it."""

    at_ms: Ms
    who: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmEntry:
    """One alarm from raised to cleared, with the names of what it is about."""

    alarm: Id
    kind: AlarmKind | CentreAlarmKind
    raised_at_ms: Ms
    cleared_at_ms: Ms | None
    value: int | None
    box: Id
    bus: Id | None = None
    device: Id | None = None
    meter: Id | None = None
    wallet: Id | None = None
    building: Id = ""
    building_name: str = ""
    box_name: str = ""
    bus_name: str = ""
    point: Id | None = None
    shop: str = ""
    """Number and name of the supply point, of each where a wallet feeds several."""
    customer: str = ""
    notes: tuple[AlarmNote, ...] = ()
    covers: int = 0
    """How many lesser alarms are the same fault: the meters behind a lost bus."""
    times: int = 1
    """How often it was raised, where it came and went within minutes."""
    cleared_by: str = ""
    """Who said that it is over; empty where it ended by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmFilter:
    """Which alarms. Times count by when an alarm was raised."""

    state: AlarmState = "standing"
    kind: str = ""
    place: str = ""
    unseen: bool = False
    """Only those that nobody has acknowledged."""
    from_ms: Ms | None = None
    to_ms: Ms | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmPage:
    """What the alarm centre shows; `counts` are of all that stands, whatever the filter."""

    as_of_ms: Ms
    entries: tuple[AlarmEntry, ...]
    counts: tuple[tuple[str, int], ...]
    more: bool
    """There are more than are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmNews:
    """What every page is told: how many stand, and those that nobody has acknowledged, newest first."""

    standing: int
    unseen: tuple[AlarmEntry, ...]


def fold_standing(entries: Iterable[AlarmEntry]) -> tuple[AlarmEntry, ...]:
    """What stands, one thing as one alarm: what is lost together, and a balance that fell through several levels."""
    given = tuple(entries)
    lesser = lesser_levels((one.alarm, one.kind, one.wallet) for one in given)
    return fold_lost(one for one in given if one.alarm not in lesser)


def lesser_levels(standing: Iterable[tuple[Id, str, Id | None]]) -> dict[Id, Id]:
    """Of alarms that stand (alarm, kind, wallet), those of a balance that is past them by now, and the gravest alarm of
    that balance: a shop in arrears is past both alarms before it."""
    gravest: dict[Id, tuple[int, Id]] = {}
    levels = [(alarm, _GRAVITY[kind], wallet) for alarm, kind, wallet in standing if kind in _GRAVITY and wallet]
    for alarm, gravity, wallet in levels:
        gravest[wallet] = max(gravest.get(wallet, (gravity, alarm)), (gravity, alarm))
    return {alarm: gravest[wallet][1] for alarm, _, wallet in levels if gravest[wallet][1] != alarm}


def fold_lost(entries: Iterable[AlarmEntry]) -> tuple[AlarmEntry, ...]:
    """A lost box or bus is one thing: what is lost with it is counted there and not shown beside it."""
    given = tuple(entries)
    larger = [entry for entry in given if _RANK.get(entry.kind, 0) > 0]
    covered: dict[Id, int] = {}
    kept: list[AlarmEntry] = []
    for entry in given:
        cover = next((one for one in larger if _covers(one, entry)), None)
        if cover is None:
            kept.append(entry)
        else:
            covered[cover.alarm] = covered.get(cover.alarm, 0) + (entry.kind == "meter_lost")
    return tuple(replace(entry, covers=covered.get(entry.alarm, 0)) for entry in kept)


def _covers(larger: AlarmEntry, lesser: AlarmEntry) -> bool:
    rank = _RANK.get(lesser.kind)
    if rank is None or _RANK[larger.kind] <= rank or larger.box != lesser.box:
        return False
    if larger.kind == "bus_lost" and larger.bus != lesser.bus:
        return False
    if larger.kind == "device_lost" and larger.device != lesser.device:
        return False
    began = lesser.raised_at_ms >= larger.raised_at_ms - SAME_FAULT_MS
    return began and (larger.cleared_at_ms is None or lesser.raised_at_ms <= larger.cleared_at_ms)
