"""Who and what appears in the vectors: keys from fixed seeds, ids, instants, one small configuration. Values only."""

import hashlib
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from protocol.box_config import (
    BoxConfig,
    BusConfig,
    Defaults,
    DeviceConfig,
    FeeConfig,
    FriendlyHours,
    MeterConfig,
    Overload,
    ProfileText,
    Ratio,
    SiteConfig,
    TariffText,
    WalletConfig,
    text_hash,
)
from protocol.config_text import write_config
from protocol.ids import Id, make_id
from protocol.signing import SigningKey, signing_key

ZONE: Final = "Asia/Shanghai"
DAY_MS: Final = int(datetime(2026, 11, 22, tzinfo=ZoneInfo(ZONE)).timestamp()) * 1000
"""The site's midnight at which the day of the vectors begins."""
HOUR_MS: Final = 3_600_000


def at(hour: int, minute: int = 0, second: int = 0) -> int:
    """An instant of the vectors' day by the site's clock."""
    return DAY_MS + hour * HOUR_MS + minute * 60_000 + second * 1_000


def an_id(name: str) -> Id:
    """The same UUIDv7 for the same name, always."""
    return make_id(DAY_MS, hashlib.sha256(f"tallybox vectors: id {name}".encode()).digest()[:10])


def a_key(name: str) -> SigningKey:
    """The same key pair for the same name, always. Public knowledge: never to be trusted anywhere."""
    return signing_key(hashlib.sha256(f"tallybox vectors: key {name}".encode()).digest())


KEYS: Final = {name: a_key(name) for name in ("root", "command", "answer", "record", "next_command", "stranger")}

SITE: Final = an_id("site")
BOX: Final = an_id("box A1")
OTHER_BOX: Final = an_id("box A2")
BUS: Final = an_id("bus 1")
DEVICE: Final = an_id("device 1")
METER: Final = an_id("meter 101")
MAIN_METER: Final = an_id("meter of the whole shaft")
NEW_METER: Final = an_id("meter 101, new")
POINT: Final = an_id("point 101")
MAIN_POINT: Final = an_id("point of the whole shaft")
WALLET: Final = an_id("wallet 101")
ACCOUNT: Final = an_id("account 101")
CUSTOMER: Final = an_id("customer 101")
TARIFF: Final = an_id("tariff")
BOOT: Final = an_id("boot 1")

TARIFF_TEXT: Final = """\
name = "商铺分时 2026"
starts_at = 2026-01-01T00:00:00
fallback_rate = "flat"

[rates.peak]
price_micro = 1234567
[rates.flat]
price_micro = 812345
[rates.valley]
price_micro = 398765

[days.workday]
switches = ["00:00 valley", "08:00 flat", "18:00 peak", "22:00 flat"]
[days.weekend]
switches = ["00:00 valley", "10:00 flat"]

[calendar]
default = "workday"
weekdays = { sat = "weekend" }
dates = { "2026-10-01" = "weekend" }
"""

CONFIG: Final = BoxConfig(
    site=SiteConfig(zone=ZONE, currency="CNY", tzdata="2026.1"),
    defaults=Defaults(trip_notice_s=3_600),
    buses=[BusConfig(bus=BUS, name="A1-1", silence_ms=25)],
    devices=[DeviceConfig(device=DEVICE, bus=BUS, name="箱 1")],
    meters=[
        MeterConfig(
            meter=METER,
            device=DEVICE,
            bus=BUS,
            unit=1,
            profile="acrel_adf400l_1p",
            serial="24010101",
            point=POINT,
            name="101",
            rated_ma=60_000,
            ratios=[Ratio(version=1, from_ms=0, ct=(1, 1), pt=(1, 1))],
            tariff=TARIFF,
            overload=Overload(threshold_w=12_000, delay_s=60, open_s=300),
        ),
        MeterConfig(
            meter=MAIN_METER,
            device=DEVICE,
            bus=BUS,
            unit=40,
            profile="acrel_dtsy1352",
            point=MAIN_POINT,
            name="总表",
            use="main",
            rated_ma=5_000,
            phases=3,
            ratios=[Ratio(version=1, from_ms=0, ct=(200, 3), pt=(1, 1))],
            tariff=TARIFF,
            interval_s=3_600,
        ),
    ],
    wallets=[
        WalletConfig(
            wallet=WALLET,
            account=ACCOUNT,
            account_state="in_use",
            alarm1_micro=20_000_000,
            alarm2_micro=5_000_000,
            credit_limit_micro=0,
            reconnect_micro=10_000,
            fees=(FeeConfig(fee="管理费", charge_micro=500_000),),
            meters=[METER],
        )
    ],
    tariffs=[TariffText(tariff=TARIFF, version=1, text=TARIFF_TEXT, hash=text_hash(TARIFF_TEXT))],
    holidays=("2027-01-01",),
    friendly_hours=(FriendlyHours(from_minute=22 * 60, to_minute=7 * 60, weekdays=[1, 2, 3, 4, 5, 6, 7]),),
)
CONFIG_TEXT: Final = write_config(CONFIG)

PROFILE_TEXT: Final = """\
format = 1
vendor = "Elsewhere"
model = "NX-1"
grade = "manual"
sources = ["Elsewhere, NX-1 手册"]
phases = 1
[line]
longest_read = 40
[quantities]
energy = { address = 0x0100, type = "u32", scale = "0.01", unit = "kWh" }
"""
PROFILE: Final = ProfileText(profile="elsewhere_nx1", version=3, text=PROFILE_TEXT, hash=text_hash(PROFILE_TEXT))
PROFILED_CONFIG_TEXT: Final = write_config(
    msgspec.structs.replace(
        CONFIG,
        meters=[msgspec.structs.replace(CONFIG.meters[0], profile=PROFILE.profile), *CONFIG.meters[1:]],
        profiles=(PROFILE,),
    )
)
"""With a make of meter that does not come with the agent."""
