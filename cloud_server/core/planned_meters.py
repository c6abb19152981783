"""What becomes of a plan when a meter is replaced or goes to another box. Pure."""

from collections.abc import Set
from dataclasses import dataclass

import msgspec

from protocol.box_config import MeterConfig
from protocol.site_plan import SitePlan, WalletPlan

NEW_WALLET_ALARMS_MICRO = (20_000_000, 5_000_000)
"""Alarm 1 and 2 of a wallet that follows none: a shop's day, and its last hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMeter:
    """The meter that serves a point from now on; None where it is as the old one."""

    meter: str
    serial: str
    name: str | None = None
    unit: int | None = None
    profile: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPlace:
    """Where a meter goes, and whose wallet feeds it there: one that is there, a new one of an account, or none."""

    box: str
    bus: str
    device: str
    unit: int
    to_wallet: str | None = None
    account: str | None = None
    new_wallet: str | None = None


def placed_meter(plan: SitePlan, meter: str) -> tuple[str, MeterConfig]:
    """The box of a meter, and its place there. Raises KeyError."""
    for box in plan.boxes:
        for placed in box.meters:
            if placed.meter == meter:
                return box.box, placed
    raise KeyError(meter)


def replaced_plan(plan: SitePlan, old: str, new: NewMeter) -> SitePlan:
    """The same plan with another meter at the old one's place; its wallets go on."""
    _, placed = placed_meter(plan, old)
    put = msgspec.structs.replace(
        placed,
        meter=new.meter,
        serial=new.serial,
        name=new.name or placed.name,
        unit=new.unit or placed.unit,
        profile=new.profile or placed.profile,
    )
    boxes = [
        msgspec.structs.replace(box, meters=[put if meter.meter == old else meter for meter in box.meters])
        for box in plan.boxes
    ]
    wallets = [
        msgspec.structs.replace(wallet, meters=[new.meter if meter == old else meter for meter in wallet.meters])
        for wallet in plan.wallets
    ]
    return msgspec.structs.replace(plan, boxes=boxes, wallets=wallets)


def relocated_plan(plan: SitePlan, meter: str, to: NewPlace) -> SitePlan:
    """The same plan with the meter on another box: out of the wallets of the old one, in one of the new one."""
    from_box, placed = placed_meter(plan, meter)
    put = msgspec.structs.replace(placed, bus=to.bus, device=to.device, unit=to.unit)
    boxes = []
    for box in plan.boxes:
        meters = [other for other in box.meters if other.meter != meter]
        boxes.append(msgspec.structs.replace(box, meters=[*meters, put] if box.box == to.box else meters))
    like = next((wallet for wallet in plan.wallets if wallet.box == from_box and meter in wallet.meters), None)
    wallets = [
        msgspec.structs.replace(wallet, meters=[other for other in wallet.meters if other != meter])
        for wallet in plan.wallets
    ]
    if to.to_wallet is not None:
        wallets = [
            msgspec.structs.replace(wallet, meters=[*wallet.meters, meter]) if wallet.wallet == to.to_wallet else wallet
            for wallet in wallets
        ]
    elif to.account is not None and to.new_wallet is not None:
        wallets.append(_new_wallet(to.new_wallet, to.account, to.box, meter, like))
    return msgspec.structs.replace(plan, boxes=boxes, wallets=wallets)


def _new_wallet(name: str, account: str, box: str, meter: str, like: WalletPlan | None) -> WalletPlan:
    if like is not None:
        return msgspec.structs.replace(like, wallet=name, account=account, box=box, meters=[meter], opening_micro=0)
    alarm1_micro, alarm2_micro = NEW_WALLET_ALARMS_MICRO
    return WalletPlan(
        wallet=name, account=account, box=box, meters=[meter], alarm1_micro=alarm1_micro, alarm2_micro=alarm2_micro
    )


def sole_wallet(plan: SitePlan, meter: str, closed: Set[str]) -> WalletPlan | None:
    """The open wallet that feeds this meter and no other; None where there is none such."""
    for wallet in plan.wallets:
        if wallet.wallet not in closed and wallet.meters == [meter]:
            return wallet
    return None
