"""The alarm centre: what stands, what was, who has seen to it; and what every open page is told about new ones."""

from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cloud_server.core.alarm_rules import severity_of
from cloud_server.core.alarm_views import AlarmEntry, AlarmFilter, AlarmState
from cloud_server.web.pages.page import Console
from cloud_server.web.pages.reports import cells_for
from cloud_server.web.render import see_other
from cloud_server.web.show import parse_day
from cloud_server.web.visit import Visit
from cloud_server.web.word_tables import ALARM

NOTE_MOST: Final = 200
STATES: Final[tuple[AlarmState, ...]] = ("standing", "past", "all")
MONEY_ALARMS: Final = frozenset({"alarm1", "alarm2", "arrears"})
"""Their value is a balance."""
POWER_ALARMS: Final = frozenset({"overload", "overload_stays_open", "power_while_open"})
CLIPS: Final[dict[str, str]] = {
    "arrears": "arrears",
    "alarm1": "alarm1",
    "alarm2": "alarm2",
    "overload": "overload",
    "overload_stays_open": "overload",
    "meter_lost": "meter",
    "device_lost": "meter",
    "bus_lost": "bus",
    "box_lost": "box",
    "relay_deaf": "relay",
    "power_while_open": "relay",
}
"""Which clip is played for a kind of alarm; all others have one together."""
SELECTED: Final = "a-"
"""Begins the names of the boxes that are ticked."""


def show(console: Console, visit: Visit) -> Response:
    """The list, filtered."""
    chosen, days = _filter(visit)
    page = visit.services.alarms.page(chosen)
    done = visit.query.get("done", "")
    return console.renderer.page(
        visit,
        "alarms.html",
        page=page,
        chosen=chosen,
        days=days,
        kinds=ALARM,
        states=STATES,
        buildings=visit.services.books.monitor().buildings,
        cells=cells_for(console, visit),
        money_alarms=MONEY_ALARMS,
        power_alarms=POWER_ALARMS,
        selected=SELECTED,
        severity_of=severity_of,
        done=int(done) if done.isdecimal() and len(done) < 6 else None,
        note_most=NOTE_MOST,
        back=_back(visit),
    )


def acknowledge(_console: Console, visit: Visit) -> Response:
    """Note that somebody has seen to the ticked alarms; or that those which nothing else ends are settled."""
    names = tuple(name.removeprefix(SELECTED) for name in visit.form if name.startswith(SELECTED))
    note = visit.form.get("note", "").strip()[:NOTE_MOST]
    act = visit.services.alarms.settle if visit.form.get("act") == "settle" else visit.services.alarms.acknowledge
    done = act(names, note, visit.actor) if names else 0
    back = visit.form.get("back", "")
    return see_other(f"/alarms?{back}&done={done}" if back and _is_query(back) else f"/alarms?done={done}")


async def news(console: Console, visit: Visit, _request: Request) -> Response:
    """What stands unseen, for the pop-up and the sound of every open page. Asking is no use of the session."""
    found = await run_in_threadpool(visit.services.alarms.news)
    words, show = console.renderer.words_for(visit), console.renderer.show_for(visit)
    return JSONResponse(
        {
            "standing": found.standing,
            "unseen": [
                {
                    "id": entry.alarm,
                    "words": words.alarm(entry.kind),
                    "where": where_of(entry),
                    "at": show.clock(entry.raised_at_ms),
                    "clip": CLIPS.get(entry.kind, "other"),
                }
                for entry in found.unseen
            ],
        }
    )


def where_of(entry: AlarmEntry) -> str:
    """The smallest place that has a name."""
    return entry.shop or " / ".join(part for part in (entry.building_name, entry.box_name, entry.bus_name) if part)


def _filter(visit: Visit) -> tuple[AlarmFilter, tuple[str, str]]:
    given = visit.query
    state: AlarmState = next((state for state in STATES if state == given.get("state")), "standing")
    from_day, to_day = parse_day(given.get("from")) or "", parse_day(given.get("to")) or ""
    zone = ZoneInfo(visit.services.books.site().zone)
    chosen = AlarmFilter(
        state=state,
        kind=given.get("kind", "") if given.get("kind") in ALARM else "",
        place=given.get("place", "")[:64],
        unseen=given.get("unseen") == "yes",
        from_ms=_midnight(from_day, zone, 0) if from_day else None,
        to_ms=_midnight(to_day, zone, 1) if to_day else None,
    )
    return chosen, (from_day, to_day)


def _midnight(day: str, zone: ZoneInfo, later: int) -> int:
    begin = datetime.combine(date.fromisoformat(day) + timedelta(days=later), time(), zone)
    return int(begin.timestamp() * 1000)


def _back(visit: Visit) -> str:
    """The filter, to come back to it after an acknowledgement."""
    fields = ("state", "kind", "place", "unseen", "from", "to")
    return "&".join(f"{name}={visit.query[name]}" for name in fields if _is_word(visit.query.get(name, "")))


def _is_word(text: str) -> bool:
    return bool(text) and len(text) <= 64 and all(sign.isalnum() or sign in "-_" for sign in text)


def _is_query(text: str) -> bool:
    return len(text) <= 400 and all(sign.isalnum() or sign in "-_=&" for sign in text)
