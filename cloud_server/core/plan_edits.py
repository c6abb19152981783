"""Changes that people make to a site plan, one item at a time. Pure: a plan and typed values in, another plan out.

Which values fit is judged by the plan's own types and rules afterwards, all of them at once; here is only where each
value goes. New ids are given from outside.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from protocol.box_config import (
    BusConfig,
    DeviceConfig,
    FriendlyHours,
    MeterConfig,
    Overload,
    Ratio,
    TariffText,
    text_hash,
)
from protocol.ids import Id
from protocol.site_plan import AccountPlan, BoxPlan, BuildingPlan, CustomerPlan, PointPlan, SitePlan, WalletPlan
from protocol.units import Ms

Section = Literal[
    "site", "limits", "defaults", "buildings", "boxes", "buses", "meters", "points", "tariffs", "holidays", "hours",
    "customers", "accounts", "wallets", "account_meters",
]  # fmt: skip
Values = Mapping[str, Any]
NEW: Final = "new"
"""Stands for the id of an item that is to be added."""


class NoSuchItem(Exception):
    """The item that was to be changed is not in the plan."""


def edit(plan: SitePlan, section: Section, item: str, values: Values, new_id: Callable[[], Id], now_ms: Ms) -> SitePlan:
    """The plan with one item changed or added. Raises NoSuchItem."""
    match section:
        case "site":
            return msgspec.structs.replace(plan, name=values["name"])
        case "limits":
            return msgspec.structs.replace(plan, limits=msgspec.structs.replace(plan.limits, **values))
        case "defaults":
            return msgspec.structs.replace(plan, defaults=msgspec.structs.replace(plan.defaults, **values))
        case "holidays":
            return msgspec.structs.replace(plan, holidays=tuple(values["holidays"]))
        case "hours":
            return msgspec.structs.replace(plan, friendly_hours=_hours(values))
        case "tariffs":
            return _edit_tariff(plan, item, values, new_id)
        case "boxes":
            return _edit_box(plan, item, values, new_id)
        case "buses":
            return _edit_bus(plan, item, values, new_id)
        case "meters":
            return _edit_meter(plan, item, values, new_id, now_ms)
        case "account_meters":
            return _add_meters(plan, item, values, new_id)
        case "accounts" if item == NEW:
            return _open_account(plan, values, new_id)
        case _:
            return _edit_listed(plan, section, item, values, new_id)


_LISTED: Final[dict[str, tuple[str, type[msgspec.Struct]]]] = {
    "buildings": ("building", BuildingPlan),
    "points": ("point", PointPlan),
    "customers": ("customer", CustomerPlan),
    "accounts": ("account", AccountPlan),
    "wallets": ("wallet", WalletPlan),
}
"""Sections that are a plain list of the plan: the field that holds the id, and the type."""


def _edit_listed(plan: SitePlan, section: str, item: str, values: Values, new_id: Callable[[], Id]) -> SitePlan:
    key, kind = _LISTED[section]
    rows: list[Any] = list(getattr(plan, section))
    if item == NEW:
        rows.append(kind(**{key: new_id(), **values}))
    else:
        rows[_place(rows, key, item)] = msgspec.structs.replace(rows[_place(rows, key, item)], **values)
    return msgspec.structs.replace(plan, **{section: rows})


def _place(rows: Sequence[Any], key: str, item: str) -> int:
    for index, row in enumerate(rows):
        if getattr(row, key) == item:
            return index
    raise NoSuchItem(item)


def _hours(values: Values) -> tuple[FriendlyHours, ...]:
    if not values["weekdays"]:
        return ()
    return (
        FriendlyHours(
            from_minute=values["from_minute"], to_minute=values["to_minute"], weekdays=list(values["weekdays"])
        ),
    )


def _edit_tariff(plan: SitePlan, item: str, values: Values, new_id: Callable[[], Id]) -> SitePlan:
    """A version never changes its text: whatever is written becomes the tariff's next version."""
    tariff = new_id() if item == NEW else item
    versions = [one.version for one in plan.tariffs if one.tariff == tariff]
    if item != NEW and not versions:
        raise NoSuchItem(item)
    text = values["text"]
    added = TariffText(tariff=tariff, version=max(versions, default=0) + 1, text=text, hash=text_hash(text))
    return msgspec.structs.replace(plan, tariffs=[*plan.tariffs, added])


def _edit_box(plan: SitePlan, item: str, values: Values, new_id: Callable[[], Id]) -> SitePlan:
    boxes = list(plan.boxes)
    if item == NEW:
        boxes.append(BoxPlan(box=new_id(), buses=[], devices=[], meters=[], **values))
    else:
        boxes[_place(boxes, "box", item)] = msgspec.structs.replace(boxes[_place(boxes, "box", item)], **values)
    return msgspec.structs.replace(plan, boxes=boxes)


def _edit_bus(plan: SitePlan, item: str, values: Values, new_id: Callable[[], Id]) -> SitePlan:
    """A bus stays on its box; a new one gets an enclosure of its own, named like it."""
    told = dict(values)
    box = told.pop("box")
    boxes = list(plan.boxes)
    for index, planned in enumerate(boxes):
        if item == NEW and planned.box == box:
            bus = BusConfig(bus=new_id(), **told)
            device = DeviceConfig(device=new_id(), bus=bus.bus, name=bus.name)
            boxes[index] = msgspec.structs.replace(
                planned, buses=[*planned.buses, bus], devices=[*planned.devices, device]
            )
            return msgspec.structs.replace(plan, boxes=boxes)
        if item in [bus.bus for bus in planned.buses]:
            buses = list(planned.buses)
            buses[_place(buses, "bus", item)] = msgspec.structs.replace(buses[_place(buses, "bus", item)], **told)
            boxes[index] = msgspec.structs.replace(planned, buses=buses)
            return msgspec.structs.replace(plan, boxes=boxes)
    raise NoSuchItem(item)


def _edit_meter(plan: SitePlan, item: str, values: Values, new_id: Callable[[], Id], now_ms: Ms) -> SitePlan:
    told = dict(values)
    ct, bus = tuple(told.pop("ct")), told.pop("bus")
    watts, delay_s = told.pop("overload_w"), told.pop("overload_delay_s")
    told["overload"] = Overload(threshold_w=watts, delay_s=delay_s, open_s=delay_s or 60) if watts else None
    boxes = list(plan.boxes)
    for index, planned in enumerate(boxes):
        meters = list(planned.meters)
        if item == NEW and bus in [one.bus for one in planned.buses]:
            device = next((one.device for one in planned.devices if one.bus == bus), None)
            if device is None:
                raise NoSuchItem(bus)
            first = Ratio(version=1, from_ms=now_ms, ct=ct, pt=(1, 1))
            told |= {"meter": new_id(), "device": device, "bus": bus, "ratios": [first]}
            meters.append(MeterConfig(**told))
        elif item in [meter.meter for meter in meters]:
            place = _place(meters, "meter", item)
            ratios = _ratios(meters[place], ct, now_ms)
            meters[place] = msgspec.structs.replace(meters[place], ratios=ratios, **told)
        else:
            continue
        boxes[index] = msgspec.structs.replace(planned, meters=meters)
        return msgspec.structs.replace(plan, boxes=boxes)
    raise NoSuchItem(item)


def _ratios(meter: MeterConfig, ct: tuple[int, ...], now_ms: Ms) -> list[Ratio]:
    """A new ratio is a new version from now on: what was charged stands."""
    newest = max(meter.ratios, key=lambda ratio: ratio.version)
    if newest.ct == ct:
        return list(meter.ratios)
    added = Ratio(version=newest.version + 1, from_ms=now_ms, ct=(ct[0], ct[1]), pt=newest.pt)
    return [*meter.ratios, added]


def _open_account(plan: SitePlan, values: Values, new_id: Callable[[], Id]) -> SitePlan:
    """A customer with an account and a wallet on each box of the meters. An opening balance goes to the first one."""
    wanted = set(values["meters"])
    customer = values["customer"] or new_id()
    account = new_id()
    customers = list(plan.customers)
    if not values["customer"]:
        customers.append(CustomerPlan(customer=customer, name=values["name"], phones=tuple(values["phones"])))
    wallets: list[WalletPlan] = []
    for box in plan.boxes:
        meters = [meter.meter for meter in box.meters if meter.meter in wanted]
        if meters:
            wallets.append(
                WalletPlan(
                    wallet=new_id(),
                    account=account,
                    box=box.box,
                    meters=meters,
                    alarm1_micro=values["alarm1_micro"],
                    alarm2_micro=values["alarm2_micro"],
                    credit_limit_micro=values["credit_limit_micro"],
                    opening_micro=values["opening_micro"] if not wallets else 0,
                )
            )
    return msgspec.structs.replace(
        plan,
        customers=customers,
        accounts=[*plan.accounts, AccountPlan(account=account, number=values["number"], customer=customer)],
        wallets=[*plan.wallets, *wallets],
    )


def _add_meters(plan: SitePlan, account: str, values: Values, new_id: Callable[[], Id]) -> SitePlan:
    """Meters for an account: into the wallet that it has on the same box, or into one of their own on each box."""
    if account not in {one.account for one in plan.accounts}:
        raise NoSuchItem(account)
    wanted = set(values["meters"])
    wallets = list(plan.wallets)
    for box in plan.boxes:
        meters = [meter.meter for meter in box.meters if meter.meter in wanted]
        # A wallet without meters is closed: what it fed went elsewhere.
        shared = [at for at, one in enumerate(wallets) if (one.account, one.box) == (account, box.box) and one.meters]
        if meters and shared and values["share"]:
            wallet = wallets[shared[0]]
            wallets[shared[0]] = msgspec.structs.replace(wallet, meters=[*wallet.meters, *meters])
        elif meters:
            alarms = {name: values[name] for name in ("alarm1_micro", "alarm2_micro")}
            wallets.append(WalletPlan(wallet=new_id(), account=account, box=box.box, meters=meters, **alarms))
    return msgspec.structs.replace(plan, wallets=wallets)
