"""A small street as a site plan: two boxes, shops with accounts, one account with wallets on both boxes."""

from protocol.box_config import BusConfig, Defaults, DeviceConfig, MeterConfig, Ratio, SiteConfig, TariffText, text_hash
from protocol.site_plan import (
    AccountPlan,
    BoxPlan,
    BuildingPlan,
    CustomerPlan,
    PointPlan,
    SaleLimits,
    SitePlan,
    WalletPlan,
)

YUAN = 1_000_000
PRICE_MICRO = 800_000
FLAT_TARIFF = """
name = "商铺单一电价"
starts_at = 2026-01-01T00:00:00
fallback_rate = "flat"
[rates.flat]
price_micro = 800000
[days.all]
switches = ["00:00 flat"]
[calendar]
default = "all"
"""
TARIFF = "00000000000070008000000000000a01"
BUILDING = "00000000000070008000000000000b01"


def name(kind: int, box: int, number: int = 0) -> str:
    """An id that a reader can tell: kind (c box, d meter …), box, number."""
    return f"00000000000070008000{kind:04x}{box:04x}{number:04x}"


def box_id(box: int) -> str:
    return name(0xC, box)


def meter_id(box: int, number: int) -> str:
    return name(0xD, box, number)


def point_id(box: int, number: int) -> str:
    return name(0xE, box, number)


def wallet_id(box: int, number: int) -> str:
    return name(0xF, box, number)


def account_id(box: int, number: int) -> str:
    return name(0xACC, box, number)


def customer_id(box: int, number: int) -> str:
    return name(0xC05, box, number)


def street(site: str, *, boxes: int = 2, shops: int = 3, opening_micro: int = 0) -> SitePlan:
    """`boxes` boxes with `shops` shops each; shop 1 of box 1 also has a wallet on box 2 where there is one."""
    wallets = [_wallet(box, shop, opening_micro) for box in range(1, boxes + 1) for shop in range(1, shops + 1)]
    if boxes > 1:
        wallets[shops] = _wallet(2, 1, opening_micro, account=account_id(1, 1))
    places = [(box, shop) for box in range(1, boxes + 1) for shop in range(1, shops + 1)]
    return SitePlan(
        site=site,
        name="测试街",
        settings=SiteConfig(zone="Asia/Shanghai", currency="CNY", tzdata="2026.1"),
        defaults=Defaults(),
        limits=SaleLimits(),
        buildings=[BuildingPlan(building=BUILDING, name="东街")],
        boxes=[_box(box, shops) for box in range(1, boxes + 1)],
        points=[
            PointPlan(point=point_id(b, n), building=BUILDING, number=f"{_street(b)}{n:02d}", name=f"商铺{b}{n}")
            for b, n in places
        ],
        customers=[
            CustomerPlan(customer=customer_id(b, n), name=f"张记{b}{n}", phones=(f"1380000{b:02d}{n:02d}",))
            for b, n in places
        ],
        accounts=[
            AccountPlan(account=account_id(b, n), number=f"K{b}{n:03d}", customer=customer_id(b, n)) for b, n in places
        ],
        wallets=wallets,
        tariffs=[TariffText(tariff=TARIFF, version=1, text=FLAT_TARIFF, hash=text_hash(FLAT_TARIFF))],
    )


def _street(box: int) -> str:
    """The letter in the numbers of a box's shops; beyond the alphabet of a small street, its number."""
    return "ABCDEFGH"[box - 1] if box <= 8 else f"{box}-"


def _wallet(box: int, shop: int, opening_micro: int, account: str | None = None) -> WalletPlan:
    return WalletPlan(
        wallet=wallet_id(box, shop),
        account=account or account_id(box, shop),
        box=box_id(box),
        meters=[meter_id(box, shop)],
        alarm1_micro=20 * YUAN,
        alarm2_micro=5 * YUAN,
        opening_micro=opening_micro,
    )


def _box(box: int, shops: int) -> BoxPlan:
    bus = BusConfig(bus=name(0xB05, box), name=f"A{box}-1")
    device = DeviceConfig(device=name(0xDE, box), bus=bus.bus, name=f"表箱{box}")
    return BoxPlan(
        box=box_id(box),
        name=f"A{box}",
        building=BUILDING,
        buses=[bus],
        devices=[device],
        meters=[
            MeterConfig(
                meter=meter_id(box, n),
                device=device.device,
                bus=bus.bus,
                unit=n,
                profile="acrel_adf400l",
                point=point_id(box, n),
                name=f"M{box}{n:02d}",
                rated_ma=60_000,
                ratios=[Ratio(version=1, from_ms=0, ct=(1, 1), pt=(1, 1))],
                tariff=TARIFF,
            )
            for n in range(1, shops + 1)
        ],
    )
