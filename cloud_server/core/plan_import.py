"""A site as people listed it, put over the plan that holds: what the list names is added or changed, the rest stays.

A list knows less than a plan. What it has no column for (calendars, holidays, limits, fees by the month) stays as it
is, and so does what an empty cell of it would say. Contracts are never ended here: accounts close at the desk. Pure.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any, Final

import msgspec

from cloud_server.core.mistakes import Mistake, mistake_at
from protocol import plan_labels
from protocol.box_config import BusConfig, MeterConfig, Ratio, TariffText, text_hash
from protocol.errors import BadTariff
from protocol.plan_labels import IdBook
from protocol.reason import Reason
from protocol.site_plan import BoxPlan, SitePlan, WalletPlan
from protocol.tariff_text import read_tariff
from protocol.units import Ms

NAME_OF_TWO: Final = Reason("is the name of two here; give them names of their own first")
SITE_HAS: Final = Reason("this site has %(right)s")
ACCOUNT_CLOSED: Final = Reason("is closed here; a new account has a number of its own")
ACCOUNT_CLOSING: Final = Reason("is being closed here; a new account has a number of its own")
REASONS: Final = (NAME_OF_TWO, SITE_HAS, ACCOUNT_CLOSED, ACCOUNT_CLOSING)


def labels_of(plan: SitePlan, closed: Set[str]) -> IdBook:
    """The names by which a list calls what the plan has. `closed` wallets have none: nothing of them changes."""
    number = {account.account: account.number for account in plan.accounts}
    box_name = {box.box: box.name for box in plan.boxes}
    return {
        "site": {plan.site: plan.site},
        "building": {one.name: one.building for one in plan.buildings},
        "box": {box.name: box.box for box in plan.boxes},
        "bus": {bus.name: bus.bus for box in plan.boxes for bus in box.buses},
        "device": {device.name: device.device for box in plan.boxes for device in box.devices},
        "meter": {meter.name: meter.meter for box in plan.boxes for meter in box.meters},
        "point": {point.number: point.point for point in plan.points},
        "customer": {account.number: account.customer for account in plan.accounts},
        "account": {account.number: account.account for account in plan.accounts},
        "wallet": {f"{number[w.account]} {box_name[w.box]}": w.wallet for w in plan.wallets if w.wallet not in closed},
        "tariff": {_tariff_name(one.text): one.tariff for one in plan.tariffs},
    }


def ambiguous(plan: SitePlan) -> list[Mistake]:
    """Names that stand for two things in the plan: a list could not say which it means."""
    found = []
    for what, names in (
        ("building", [one.name for one in plan.buildings]),
        ("bus", [bus.name for box in plan.boxes for bus in box.buses]),
        ("meter", [meter.name for box in plan.boxes for meter in box.meters]),
    ):
        twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
        found += [mistake_at(what, name, NAME_OF_TWO) for name in twice]
    return found


def read_listed(
    labelled: Mapping[str, Any], before: SitePlan, closed: Set[str], new_id: Callable[[], str]
) -> tuple[SitePlan | None, list[Mistake], IdBook]:
    """The list with the ids that its names have in the plan, and new ones for what is new; or its mistakes."""
    found = [
        mistake_at(place, str(said), SITE_HAS(right=right))
        for place, said, right in (
            ("Site id", labelled["site"], before.site),
            ("Time zone", labelled["settings"]["zone"], before.settings.zone),
            ("Currency", labelled["settings"]["currency"], before.settings.currency),
        )
        if said != right
    ]
    found += ambiguous(before)
    if found:
        return None, found, {}
    tariffs = [{**one, "hash": text_hash(one["text"])} for one in labelled["tariffs"]]
    given, book = plan_labels.give_ids({**labelled, "tariffs": tariffs}, labels_of(before, closed), new_id)
    listed, wrong = plan_labels.read_plan(given, book)
    return listed, [mistake_at(one.place, one.value, one.right) for one in wrong], book


def merged(before: SitePlan, listed: SitePlan, now_ms: Ms, *, gone: bool) -> SitePlan:
    """The plan that holds with the list put over it. `gone`: buildings, boxes, buses, meters and supply points that
    the list does not name are left out."""
    keep: Callable[[Sequence[Any], Sequence[Any], str], list[Any]] = _only if gone else _over
    wallets = {wallet.wallet: wallet for wallet in before.wallets}
    return msgspec.structs.replace(
        before,
        name=listed.name,
        defaults=msgspec.structs.replace(
            before.defaults,
            interval_s=listed.defaults.interval_s,
            unopened_supply=listed.defaults.unopened_supply,
            trip_notice_s=listed.defaults.trip_notice_s,
        ),
        buildings=keep(before.buildings, listed.buildings, "building"),
        boxes=_boxes(before, listed, now_ms, gone=gone),
        points=keep(before.points, listed.points, "point"),
        customers=_over(before.customers, listed.customers, "customer"),
        accounts=_over(before.accounts, listed.accounts, "account"),
        wallets=_over(before.wallets, [_wallet(wallets.get(one.wallet), one) for one in listed.wallets], "wallet"),
        tariffs=[*before.tariffs, *_new_versions(before, listed)],
    )


def _over(before: Sequence[Any], listed: Sequence[Any], key: str) -> list[Any]:
    """Rows of both by id, in the plan's order, as the list has them where it does."""
    said = {getattr(row, key): row for row in listed}
    kept = [said.pop(getattr(row, key), row) for row in before]
    return [*kept, *said.values()]


def _only(before: Sequence[Any], listed: Sequence[Any], key: str) -> list[Any]:
    named = {getattr(row, key) for row in listed}
    return [row for row in _over(before, listed, key) if getattr(row, key) in named]


def _boxes(before: SitePlan, listed: SitePlan, now_ms: Ms, *, gone: bool) -> list[BoxPlan]:
    known = {meter.meter: meter for box in before.boxes for meter in box.meters}
    named = {meter.meter for box in listed.boxes for meter in box.meters}
    said = {box.box: box for box in listed.boxes}
    boxes = []
    for box in before.boxes:
        over = said.pop(box.box, None)
        if over is not None:
            boxes.append(_box(box, over, known, named, now_ms, gone=gone))
        elif not gone:
            # A meter that the list has in another box is not in this one any more.
            meters = [meter for meter in box.meters if meter.meter not in named]
            boxes.append(msgspec.structs.replace(box, meters=meters))
    for box in said.values():
        meters = [_meter(known.get(meter.meter), meter, {}, now_ms) for meter in box.meters]
        boxes.append(msgspec.structs.replace(box, meters=meters))
    return boxes


def _box(
    box: BoxPlan, over: BoxPlan, known: Mapping[str, MeterConfig], named: Set[str], now_ms: Ms, *, gone: bool
) -> BoxPlan:
    here = {meter.meter for meter in box.meters}
    said = {device.device: device.name for device in over.devices}
    meters = [
        _meter(known.get(meter.meter), meter, said if meter.meter in here else {}, now_ms) for meter in over.meters
    ]
    kept = [meter for meter in box.meters if meter.meter not in named and not gone]
    old = {bus.bus: bus for bus in box.buses}
    buses = [_bus(old.get(bus.bus), bus) for bus in over.buses]
    buses = _only(box.buses, buses, "bus") if gone else _over(box.buses, buses, "bus")
    order = {meter.meter: place for place, meter in enumerate(box.meters)}
    both = sorted([*kept, *meters], key=lambda meter: order.get(meter.meter, len(order)))
    used = {meter.device for meter in both}
    devices = [one for one in _over(box.devices, over.devices, "device") if one.device in used]
    spare = [one for one in box.devices if one.device not in used and not gone]
    return msgspec.structs.replace(
        box, name=over.name, building=over.building, buses=buses, devices=[*spare, *devices], meters=both
    )


def _bus(before: BusConfig | None, listed: BusConfig) -> BusConfig:
    if before is None:
        return listed
    return msgspec.structs.replace(
        before, name=listed.name, baud=listed.baud, parity=listed.parity, stop_bits=listed.stop_bits
    )


def _meter(before: MeterConfig | None, listed: MeterConfig, devices: Mapping[str, str], now_ms: Ms) -> MeterConfig:
    """`devices` are names of the enclosures that the list has where the meter stays on its box: one that is called
    like the meter stands for a meter by itself, and leaves it in the enclosure where it is."""
    if before is None:
        return listed
    newest, wanted = max(before.ratios, key=lambda ratio: ratio.version), listed.ratios[0]
    ratios = list(before.ratios)
    if (newest.ct, newest.pt) != (wanted.ct, wanted.pt):
        ratios.append(Ratio(version=newest.version + 1, from_ms=now_ms, ct=wanted.ct, pt=wanted.pt))
    overload = before.overload
    if listed.overload is not None:
        watts = listed.overload.threshold_w
        overload = msgspec.structs.replace(overload, threshold_w=watts) if overload is not None else listed.overload
    return msgspec.structs.replace(
        before,
        name=listed.name,
        device=before.device if devices.get(listed.device) == listed.name else listed.device,
        bus=listed.bus,
        unit=listed.unit,
        profile=listed.profile,
        point=listed.point,
        use=listed.use,
        rated_ma=listed.rated_ma,
        phases=listed.phases,
        ratios=ratios,
        tariff=listed.tariff,
        serial=listed.serial or before.serial,
        overload=overload,
    )


def _wallet(before: WalletPlan | None, listed: WalletPlan) -> WalletPlan:
    if before is None:
        return listed
    same_limit = before.credit_limit_micro == listed.credit_limit_micro
    return msgspec.structs.replace(
        listed,
        reconnect_micro=before.reconnect_micro if same_limit else listed.reconnect_micro,
        fees=listed.fees or before.fees,
        opening_micro=before.opening_micro,
    )


def _new_versions(before: SitePlan, listed: SitePlan) -> Iterator[TariffText]:
    """Tariffs that say another thing than their newest version: a version never changes its text."""
    newest = {one.tariff: one for one in sorted(before.tariffs, key=lambda one: one.version)}
    for said in listed.tariffs:
        old = newest.get(said.tariff)
        if old is None:
            yield said
        elif not _same(old.text, said.text):
            yield msgspec.structs.replace(said, version=old.version + 1)


def _same(text: str, other: str) -> bool:
    try:
        return read_tariff(text) == read_tariff(other)
    except BadTariff:
        return False


def _tariff_name(text: str) -> str:
    try:
        return read_tariff(text).name
    except BadTariff:
        return ""
