"""The street that is simulated: boxes with a few shops, one wallet on two meters, one account on two boxes."""

import msgspec

from protocol.box_config import Defaults, FeeConfig, MeterConfig, Overload, TariffText, text_hash
from protocol.site_plan import SitePlan, WalletPlan
from tests.cloud_server.street import TARIFF, YUAN, account_id, box_id, meter_id, point_id, street, wallet_id

PROFILE = "acrel_adf400l_1ph"
OVERLOAD = Overload(threshold_w=9_000, delay_s=15, open_s=90)
FEE = FeeConfig(fee="network", charge_micro=350_000)
TARIFF_TEXT = """
name = "分时"
starts_at = {starts_at}
fallback_rate = "flat"
[rates.flat]
price_micro = {flat}
[rates.peak]
price_micro = {peak}
[rates.valley]
price_micro = {valley}
[days.workday]
switches = ["00:00 valley", "08:00 flat", "13:00 peak", "22:00 valley"]
[calendar]
default = "workday"
"""


def tariff(version: int, starts_at: str, percent: int = 100) -> TariffText:
    """A version of the street's tariff, all prices at so many percent."""
    prices = {rate: micro * percent // 100 for rate, micro in (("flat", 812_345), ("peak", 1_234_567), ("valley", 301))}
    text = TARIFF_TEXT.format(starts_at=starts_at, **prices)
    return TariffText(tariff=TARIFF, version=version, text=text, hash=text_hash(text))


def simulated_street(site: str, boxes: int, interval_s: int, tariffs: list[TariffText], **defaults: object) -> SitePlan:
    """Three shops a box and a fourth meter that shop 3 has beside its own; the last meter has no account."""
    plan = street(site, boxes=boxes, shops=5)
    wallets = [_wallet(wallet) for wallet in plan.wallets if not wallet.wallet.endswith(("0004", "0005"))]
    settings = msgspec.structs.replace(
        Defaults(), interval_s=interval_s, lost_after_tries=3, switch_pause_s=20, **defaults
    )
    placed = [
        msgspec.structs.replace(box, meters=[_meter(meter) for meter in box.meters]) for box in plan.boxes
    ]  # fmt: skip
    return msgspec.structs.replace(plan, boxes=placed, wallets=wallets, tariffs=tariffs, defaults=settings)


def _meter(meter: MeterConfig) -> MeterConfig:
    limit = OVERLOAD if meter.unit in (1, 4) else None
    serial = None if meter.unit == 3 else f"20261122{meter.unit:04}"
    return msgspec.structs.replace(meter, profile=PROFILE, rated_ma=80_000, overload=limit, serial=serial)


def _wallet(wallet: WalletPlan) -> WalletPlan:
    box, shop = int(wallet.wallet[-8:-4], 16), int(wallet.wallet[-4:], 16)
    if shop == 3:
        return msgspec.structs.replace(wallet, meters=[meter_id(box, 3), meter_id(box, 4)], credit_limit_micro=2 * YUAN)
    return msgspec.structs.replace(wallet, fees=(FEE,)) if shop == 2 else wallet


__all__ = ["account_id", "box_id", "meter_id", "point_id", "simulated_street", "tariff", "wallet_id"]
