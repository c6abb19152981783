"""What the settings hold: sections, the fields of each, and the items of a plan as a list. What a value means is the
plan's own business."""

from typing import Any, Final

from cloud_server.core.plan_edits import NEW, Section
from cloud_server.web.settings_fields import Field, FieldKind, typed
from cloud_server.web.word_tables import N_, USE
from protocol.known_profiles import PROFILE_NAMES
from protocol.meter_profile.checking import is_board
from protocol.site_plan import SitePlan

SECTIONS: Final[dict[Section, tuple[str, str]]] = {
    "site": (N_("Site"), N_("The name that stands on every page and receipt.")),
    "limits": (N_("Limits"), N_("What one sale, one balance and one day may reach, and what takes two people.")),
    "defaults": (N_("Defaults"), N_("Intervals, polling, reconnecting and overload, where a meter has no own value.")),
    "buildings": (N_("Buildings"), N_("Parts of the site.")),
    "boxes": (N_("Boxes"), N_("One electrical shaft each.")),
    "buses": (N_("Buses"), N_("The RS-485 lines of the boxes.")),
    "points": (N_("Supply points"), N_("Shops, main meters and public supply.")),
    "meters": (N_("Electricity meters"), N_("Address, profile, rated current, ratio, tariff and overload of each.")),
    "tariffs": (N_("Tariffs"), N_("Prices by rate and calendar, in versions with a start; drawn as a day and a year.")),
    "holidays": (N_("Holidays"), N_("Days on which arrears open nothing.")),
    "hours": (N_("Friendly hours"), N_("Hours of the day in which arrears open nothing.")),
}
"""Those that the page Settings leads to; customers, accounts and wallets are changed where customers are."""
SINGLE: Final = ("site", "limits", "defaults", "holidays", "hours")
"""Sections of one item."""
_RELAY: Final = (("closed", N_("supplied")), ("open", N_("cut off")))
_RECONNECT: Final = (("auto", N_("by itself")), ("arm", N_("when somebody presses the meter's button")))
_PARITY: Final = (("N", N_("none")), ("E", N_("even")), ("O", N_("odd")))


def _fields(*rows: tuple[str, FieldKind, str] | tuple[str, FieldKind, str, str]) -> tuple[Field, ...]:
    return tuple(Field(name=row[0], kind=row[1], label=row[2], hint=row[3] if len(row) > 3 else "") for row in rows)


_PLAIN: Final[dict[str, tuple[Field, ...]]] = {
    "site": _fields(("name", "text", N_("Name"))),
    "limits": _fields(
        ("least_sale_micro", "money", N_("Least sale")),
        ("greatest_sale_micro", "money", N_("Greatest sale")),
        ("greatest_balance_micro", "money", N_("Greatest balance")),
        ("operator_day_micro", "money", N_("One operator's sales of a day")),
        ("refund_alone_max_micro", "money", N_("Refund by one person up to")),
        ("adjustment_alone_max_micro", "money", N_("Adjustment by one person up to")),
        ("closing_alone_max_micro", "money", N_("Closing by one person up to")),
        ("till_difference_alone_max_micro", "money", N_("Till difference by one person up to")),
        ("cut_off_alone_max", "count", N_("Shops cut off by one person up to")),
        ("protect_alone_max", "count", N_("Shops protected by one person up to")),
        ("till_wanted", "check", N_("Sell only with a till opened")),
    ),
    "defaults": (
        *_fields(
            ("interval_s", "count", N_("Interval"), N_("seconds")),
            ("poll_ms", "count", N_("Least time between two readings of a meter"), N_("milliseconds; 0: fast")),
        ),
        Field(name="unopened_supply", kind="choice", label=N_("A shop without account is"), choices=_RELAY),
        Field(name="reconnect", kind="choice", label=N_("After paying, supply comes back"), choices=_RECONNECT),
        *_fields(
            ("trip_notice_s", "count", N_("Notice before arrears open"), N_("seconds")),
            ("reclose_spacing_ms", "count", N_("Between two shops switched on"), N_("milliseconds")),
            ("switch_pause_s", "count", N_("Least time between two switchings of a relay"), N_("seconds")),
            ("lost_after_tries", "count", N_("A meter is lost after"), N_("tries without an answer")),
            ("overload_restores_max", "count", N_("Restored after overload at most"), N_("times")),
        ),
    ),
    "buildings": _fields(("name", "text", N_("Name"))),
    "holidays": (
        Field(
            name="holidays", kind="lines", label=N_("Days"), hint=N_("one a line, such as 2026-10-01"), required=False
        ),
    ),
    "hours": (
        *_fields(("from_minute", "minute", N_("From")), ("to_minute", "minute", N_("Until"))),
        Field(
            name="weekdays", kind="weekdays", label=N_("Weekdays"), hint=N_("none: no friendly hours"), required=False
        ),
    ),
    "tariffs": _fields(("text", "area", N_("Text of the version"), N_("saved as the next version; old ones stay"))),
    "customers": (
        *_fields(("name", "text", N_("Customer"))),
        Field(name="phones", kind="lines", label=N_("Phones"), hint=N_("at most three, one a line"), required=False),
    ),
    "wallets": _fields(
        ("alarm1_micro", "money", N_("Alarm 1"), N_("at or below")),
        ("alarm2_micro", "money", N_("Alarm 2"), N_("at or below; less than alarm 1")),
        ("credit_limit_micro", "money", N_("Credit limit"), N_("how far below zero before it trips")),
    ),
}


def fields_of(section: Section, plan: SitePlan) -> tuple[Field, ...]:
    """The fields of a section, with the plan's own items to choose from."""
    buildings = tuple((one.building, one.name) for one in plan.buildings)
    match section:
        case "boxes":
            return (
                *_fields(("name", "text", N_("Name"))),
                Field(name="building", kind="choice", label=N_("Building"), choices=buildings),
            )
        case "buses":
            boxes = tuple((box.box, box.name) for box in plan.boxes)
            bauds = tuple((str(baud), str(baud)) for baud in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200))
            return (
                Field(name="box", kind="choice", label=N_("Box"), choices=boxes, fixed=True),
                *_fields(("name", "text", N_("Name"), N_("as in box.toml"))),
                Field(name="baud", kind="choice", label=N_("Baud"), choices=bauds),
                Field(name="parity", kind="choice", label=N_("Parity"), choices=_PARITY),
            )
        case "points":
            return (
                *_fields(("number", "text", N_("Shop no.")), ("name", "text", N_("Name"))),
                Field(name="building", kind="choice", label=N_("Building"), choices=buildings),
                Field(name="use", kind="choice", label=N_("Use"), choices=tuple(USE.items())),
            )
        case "meters":
            return _meter_fields(plan)
        case _:
            return _PLAIN[section]


def _meter_fields(plan: SitePlan) -> tuple[Field, ...]:
    buses = tuple((bus.bus, f"{box.name} {bus.name}") for box in plan.boxes for bus in box.buses)
    points = tuple((point.point, f"{point.number} {point.name}") for point in plan.points)
    tariffs = {one.tariff: tariff_name(one.text) for one in plan.tariffs}
    profiles = sorted(
        {meter.profile for box in plan.boxes for meter in box.meters}
        | {one.profile for one in plan.profiles if not is_board(one.text)}
        | PROFILE_NAMES
    )
    return (
        *_fields(("name", "text", N_("Meter no."))),
        Field(name="bus", kind="choice", label=N_("Bus"), choices=buses, fixed=True),
        *_fields(("unit", "count", N_("Bus address"), "1–247")),
        Field(name="point", kind="choice", label=N_("Supply point"), choices=points),
        Field(name="profile", kind="choice", label=N_("Profile"), choices=tuple((name, name) for name in profiles)),
        *_fields(("rated_ma", "count", N_("Rated current"), N_("milliamperes"))),
        Field(name="phases", kind="choice", label=N_("Phases"), choices=(("1", "1"), ("3", "3"))),
        *_fields(("ct", "ratio", N_("CT ratio"), N_("such as 100:5; a new one holds from now on"))),
        Field(name="tariff", kind="choice", label=N_("Tariff"), choices=tuple(tariffs.items())),
        Field(name="overload_w", kind="count", label=N_("Overload above"), hint=N_("watts; 0: none"), required=False),
        Field(name="overload_delay_s", kind="count", label=N_("for longer than"), hint=N_("seconds"), required=False),
    )


def tariff_name(text: str) -> str:
    """The name in a tariff's text; its first line where it has none."""
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "name":
            return value.strip().strip('"')
    return next((line for line in text.splitlines() if line.strip()), "")


def items_of(section: Section, plan: SitePlan) -> list[tuple[str, tuple[str, ...]]]:
    """The items of a section as a list shows them: id, and columns of text."""
    building = {one.building: one.name for one in plan.buildings}
    point = {one.point: f"{one.number} {one.name}" for one in plan.points}
    match section:
        case "buildings":
            return [(one.building, (one.name,)) for one in plan.buildings]
        case "boxes":
            return [(b.box, (b.name, building.get(b.building, ""), str(len(b.meters)))) for b in plan.boxes]
        case "buses":
            return [(bus.bus, (bus.name, b.name, f"{bus.baud} {bus.parity}")) for b in plan.boxes for bus in b.buses]
        case "points":
            return [(p.point, (p.number, p.name, building.get(p.building, ""))) for p in plan.points]
        case "meters":
            return [
                (m.meter, (m.name, point.get(m.point, ""), b.name, str(m.unit), m.profile))
                for b in plan.boxes
                for m in b.meters
            ]
        case "tariffs":
            newest = {one.tariff: one for one in sorted(plan.tariffs, key=lambda one: one.version)}
            return [(one.tariff, (tariff_name(one.text), str(one.version))) for one in newest.values()]
        case _:
            return []


HEADS: Final[dict[Section, tuple[str, ...]]] = {
    "buildings": (N_("Name"),),
    "boxes": (N_("Name"), N_("Building"), N_("Meters")),
    "buses": (N_("Name"), N_("Box"), N_("Baud")),
    "points": (N_("Shop no."), N_("Name"), N_("Building")),
    "meters": (N_("Meter no."), N_("Supply point"), N_("Box"), N_("Bus address"), N_("Profile")),
    "tariffs": (N_("Tariff"), N_("Version")),
}


def current(section: Section, item: str, plan: SitePlan) -> dict[str, str] | None:
    """What the form of an item holds at first; None where there is no such item."""
    fields = fields_of(section, plan)
    if item == NEW:
        return {"ct": "1:1", "unit": "", "baud": "9600", "alarm1_micro": "20.00", "alarm2_micro": "5.00"}
    found = _item(section, item, plan)
    if found is None:
        return None
    filled: dict[str, str] = {}
    for field in fields:
        value = found.get(field.name) if isinstance(found, dict) else getattr(found, field.name)
        filled |= typed(field, value)
    return filled


def _item(section: Section, item: str, plan: SitePlan) -> Any:
    match section:
        case "site":
            return plan
        case "limits" | "defaults":
            return getattr(plan, section)
        case "holidays":
            return {"holidays": plan.holidays}
        case "hours":
            first = plan.friendly_hours[0] if plan.friendly_hours else None
            return first or {"from_minute": 0, "to_minute": 0, "weekdays": ()}
        case "tariffs":
            return max((one for one in plan.tariffs if one.tariff == item), key=lambda one: one.version, default=None)
        case "boxes":
            return next((box for box in plan.boxes if box.box == item), None)
        case "buses":
            for box in plan.boxes:
                for bus in box.buses:
                    if bus.bus == item:
                        return {"box": box.box, "name": bus.name, "baud": bus.baud, "parity": bus.parity}
            return None
        case "meters":
            return _meter(item, plan)
        case _:
            key = section.removesuffix("s")
            return next((one for one in getattr(plan, section) if getattr(one, key) == item), None)


def _meter(item: str, plan: SitePlan) -> dict[str, Any] | None:
    meter = next((one for box in plan.boxes for one in box.meters if one.meter == item), None)
    if meter is None:
        return None
    newest = max(meter.ratios, key=lambda ratio: ratio.version)
    values: dict[str, Any] = {name: getattr(meter, name) for name in ("name", "bus", "unit", "point", "profile")}
    values |= {"rated_ma": meter.rated_ma, "phases": meter.phases, "ct": newest.ct, "tariff": meter.tariff}
    values["overload_w"] = meter.overload.threshold_w if meter.overload else 0
    values["overload_delay_s"] = meter.overload.delay_s if meter.overload else 0
    return values
