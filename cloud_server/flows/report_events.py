"""Lists of what happened: alarms with who saw to them, the records of boxes, the log of who did what. Part of
`read_reports`."""

from typing import Any, Final

import msgspec

from cloud_server.core.alarm_views import AlarmEntry, AlarmFilter
from cloud_server.core.report_table import Column, Lack, Report, ReportTable, Value
from cloud_server.flows.past_places import PastPlaces
from cloud_server.flows.read_alarms import EXPORTED_MAX, AlarmOffice
from cloud_server.flows.read_point import TEST_LASTS_MS
from cloud_server.flows.report_basis import Basis
from cloud_server.flows.report_replaced import number_of
from protocol.site_plan import PointPlan
from protocol.units import Ms

EVENTS_MAX = 5_000
"""Happenings in one list: some days of a large site; a narrower filter shows the rest."""
KINDS = {
    "switching": "relay",
    "alarm": "alarm",
    "boot": "boot",
    "clock_step": "clock_step",
    "lock_out": "lock_out",
    "meter_test": "meter_test",
    "replaced": "replaced",
    "config_applied": "config_applied",
}
"""What a person chooses -> the kind of record."""


def alarms(basis: Basis, office: AlarmOffice) -> Report:
    """Alarms raised in these days."""
    query, stretch = basis.query, basis.stretch
    state = query.state if query.state in ("standing", "past") else "all"
    chosen = AlarmFilter(
        state=state,  # type: ignore[arg-type]  # one of the three
        kind=query.text,
        place=query.place,
        from_ms=stretch[0],
        to_ms=stretch[1],
    )
    page = office.page(chosen, EXPORTED_MAX)
    rows = tuple(_alarm_row(entry, page.as_of_ms) for entry in page.entries)
    cut = (Lack(why="cut"),) if page.more else ()
    table = ReportTable(title="alarms", columns=_ALARMS, rows=rows)
    return Report(query=query, made_at_ms=page.as_of_ms, tables=(table,), lacks=(*cut, *basis.lacks(stretch[1])))


_ALARMS: Final = (
    Column("raised", "moment"),
    Column("alarm", "alarm"),
    Column("shop", "text"),
    Column("building", "text"),
    Column("box", "text"),
    Column("bus", "text"),
    Column("customer", "text"),
    Column("cleared", "moment"),
    Column("lasted", "span"),
    Column("covers", "count"),
    Column("seen_by", "text"),
    Column("seen_at", "moment"),
    Column("note", "text"),
)


def _alarm_row(entry: AlarmEntry, now_ms: Ms) -> tuple[Value, ...]:
    last = entry.notes[-1] if entry.notes else None
    end_ms = entry.cleared_at_ms if entry.cleared_at_ms is not None else now_ms
    return (
        entry.raised_at_ms,
        entry.kind,
        entry.shop,
        entry.building_name,
        entry.box_name,
        entry.bus_name,
        entry.customer,
        entry.cleared_at_ms,
        max(end_ms - entry.raised_at_ms, 0),
        entry.covers or None,
        last.who if last is not None else None,
        last.at_ms if last is not None else None,
        " / ".join(note.note for note in entry.notes if note.note),
    )


_EVENTS: Final = (
    Column("at", "moment"),
    Column("building", "text"),
    Column("box", "text"),
    Column("shop", "text"),
    Column("event", "event"),
    Column("what", "event"),
    Column("why", "event"),
    Column("balance", "money"),
)


def events(basis: Basis) -> Report:
    """Switchings (commanded or not), alarms, boots, clock steps and what people did at boxes, newest first."""
    query, (from_ms, to_ms) = basis.query, basis.stretch
    kinds = [KINDS[query.state]] if query.state in KINDS else list(KINDS.values())
    read = sorted({*kinds, "meter_test"})
    facts = basis.unit.alarm_book.events(read, from_ms, to_ms, EVENTS_MAX + 1)
    served = {meter: point for point, meters, _ in basis.served() for meter in meters}
    boxes = {box.box for _, _, box in basis.points()}
    tests: dict[str, list[dict[str, Any]]] = {}
    bodies = [(fact, msgspec.json.decode(fact.body)) for fact in facts[:EVENTS_MAX]]
    for fact, body in bodies:
        if fact.kind == "meter_test" and body["test"] == "relay" and fact.meter is not None:
            tests.setdefault(fact.meter, []).append(body)
    rows: list[tuple[Value, ...]] = []
    site = basis.look.site
    places = PastPlaces(basis.centre, basis.unit, site)
    for fact, body in bodies:
        if fact.kind not in kinds or (fact.meter is not None and fact.meter not in served) or fact.box not in boxes:
            continue
        what, why = _words(fact.kind, body, tests.get(fact.meter or "", []))
        if fact.kind == "replaced":
            if body["old"] not in served:
                continue
            what = f"text:{_swap_text(basis, body)}"
        box = site.boxes.get(fact.box)
        shop = _shop(basis, places, fact.box, body, served.get(fact.meter or body.get("old", "")))
        building = basis.building_name(box.building) if box is not None else ""
        name = box.name if box is not None else ""
        rows.append((fact.at_ms, building, name, shop, f"event:{fact.kind}", what, why, body.get("running_micro")))
    cut = (Lack(why="cut"),) if len(facts) > EVENTS_MAX else ()
    table = ReportTable(title="events", columns=_EVENTS, rows=tuple(rows))
    return Report(query=query, made_at_ms=basis.look.now_ms, tables=(table,), lacks=(*cut, *basis.lacks(to_ms)))


def _shop(basis: Basis, places: PastPlaces, box: str, body: dict[str, Any], point: PointPlan | None) -> str:
    """The shop of a record's meter, or those that its wallet feeds."""
    if point is not None:
        return f"{point.number} {point.name}"
    wallet = basis.look.site.wallets.get(body.get("subject", {}).get("wallet") or "")
    found = places.points_of_wallet(box, wallet.wallet) if wallet is not None else ()
    return "、".join(f"{one.number} {one.name}" for one in found)


def _swap_text(basis: Basis, body: dict[str, Any]) -> str:
    """Plates and registers of the meter that went and of the one that came."""
    old, new = (f"{body[name] / 1000:.2f} kWh" for name in ("old_raw_wh", "new_raw_wh"))
    return f"{number_of(basis, body['old'])} {old} → {body['serial']} {new}"


def _words(kind: str, body: dict[str, Any], tests: list[dict[str, Any]]) -> tuple[str, str]:
    """What and why, as codes with the list that they belong to."""
    match kind:
        case "relay":
            for test in tests:
                if body["cause"] == "unknown" and 0 <= test["at_ms"] - body["at_ms"] <= TEST_LASTS_MS:
                    return f"relay:{body['seen']}", f"tested:{test['who']}"
            ordered = body["wanted"] not in (body["seen"], "unknown")
            return (
                f"{'ordered' if ordered else 'relay'}:{body['wanted' if ordered else 'seen']}",
                f"cause:{body['cause']}",
            )
        case "alarm":
            return f"alarm:{body['alarm']}", f"state:{body['state']}"
        case "boot":
            return f"boot:{body['why']}", f"text:{body['agent']}"
        case "clock_step":
            return f"step:{body['to_ms'] - body['from_ms']}", f"clock:{body['source']}"
        case "lock_out":
            return "lock:on" if body["on"] else "lock:off", f"text:{body['who']}"
        case "meter_test":
            return f"test:{body['test']}", f"passed:{body['who']}" if body["passed"] else f"failed:{body['who']}"
        case "config_applied":
            return f"text:{body['config_version']}", ""
        case _:
            return "", ""


AUDIT_MAX = 2_000
"""Rows of the log in one answer."""


def audit(basis: Basis) -> Report:
    """Who did what."""
    query, stretch = basis.query, basis.stretch
    found = basis.unit.reports.audit(query.text, query.operator, stretch, AUDIT_MAX + 1)
    columns = (
        Column("number", "count"),
        Column("at", "moment"),
        Column("who", "text"),
        Column("action", "event"),
        Column("subject", "text"),
        Column("detail", "text"),
    )
    rows: tuple[tuple[Value, ...], ...] = tuple(
        (row["number"], row["at_ms"], row["who"], f"action:{row['action']}", row["subject"], row["detail"])
        for row in found[:AUDIT_MAX]
    )
    cut = (Lack(why="cut"),) if len(found) > AUDIT_MAX else ()
    table = ReportTable(title="audit", columns=columns, rows=rows)
    return Report(query=query, made_at_ms=basis.look.now_ms, tables=(table,), lacks=cut)
