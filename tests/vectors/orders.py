"""One command of every kind, in the order of the vectors' chain, and two that a box cannot read. Values only."""

from typing import Final

from protocol.box_config import text_hash
from protocol.commands import (
    AdoptMeter,
    Body,
    CloseWallet,
    Configure,
    Grant,
    InService,
    LiftLockOut,
    LockOutCommand,
    Reclaim,
    ReleaseMeter,
    ReleaseOverload,
    ReplaceMeter,
    ResolveRegister,
    SalePart,
    SetMode,
    TypedReading,
    Upgrade,
    Withdraw,
)
from tests.vectors.cast import (
    ACCOUNT,
    BOX,
    CONFIG_TEXT,
    METER,
    NEW_METER,
    OTHER_BOX,
    POINT,
    PROFILED_CONFIG_TEXT,
    WALLET,
    an_id,
    at,
)
from tests.vectors.chronicle import GRANT_MICRO, RECLAIM_MICRO, STATE

TYPED: Final = TypedReading(meter=METER, raw_wh=1_240_000, who="chen", second="zhao", reason="电表烧毁，按照片读数")
SALE: Final = an_id("sale 1")
OTHER_WALLET: Final = an_id("wallet of account 101 on box A2")

COMMANDS: Final[tuple[tuple[str, Body, int | None], ...]] = (
    ("configure", Configure(config_version=5, config=CONFIG_TEXT, hash=text_hash(CONFIG_TEXT)), None),
    ("in_service", InService(meter=METER, on=True), at(23)),
    (
        "reclaim",
        Reclaim(
            reclaim=an_id("reclaim 0"),
            wallet=WALLET,
            amount_micro=1_000_000,
            floor_micro=0,
            purpose="move",
            request=an_id("request 0"),
        ),
        None,
    ),
    ("configure", Configure(config_version=7, config=CONFIG_TEXT, hash=text_hash(CONFIG_TEXT)), None),
    (
        "grant",
        Grant(
            grant=an_id("grant 1"),
            wallet=WALLET,
            amount_micro=GRANT_MICRO,
            cause="sale",
            sale=SALE,
            receipt="S1-20261122-TNBGG0-000017",
            parts=[
                SalePart(wallet=WALLET, box=BOX, amount_micro=GRANT_MICRO),
                SalePart(wallet=OTHER_WALLET, box=OTHER_BOX, amount_micro=50_000_000),
            ],
            account=ACCOUNT,
            method="wechat",
            operator="chen",
            idempotency_key="form-1",
            paid_at_ms=at(18, 30, 30),
        ),
        None,
    ),
    (
        "reclaim",
        Reclaim(
            reclaim=an_id("reclaim 1"),
            wallet=WALLET,
            amount_micro=RECLAIM_MICRO,
            floor_micro=5_000_000,
            purpose="refund",
            request=an_id("request 1"),
            typed=[TYPED],
        ),
        at(36),
    ),
    ("close_wallet", CloseWallet(wallet=WALLET, request=an_id("request 2"), typed=[TYPED]), None),
    ("withdraw", Withdraw(reclaim=an_id("reclaim 0")), None),
    ("set_mode", SetMode(meter=METER, mode="protected", until_ms=at(48), no_trip_before_ms=at(49)), at(25)),
    ("lock_out", LockOutCommand(meter=METER, who="li"), None),
    ("lift_lock_out", LiftLockOut(meter=METER, who="li"), None),
    ("release_overload", ReleaseOverload(meter=METER), at(25)),
    (
        "replace_meter",
        ReplaceMeter(
            point=POINT,
            old=METER,
            old_raw_wh=1_240_000,
            new=NEW_METER,
            serial="26000007",
            new_raw_wh=12,
            typed=TYPED,
        ),
        None,
    ),
    ("release_meter", ReleaseMeter(meter=METER), None),
    ("adopt_meter", AdoptMeter(meter=METER, state=STATE.meters[0]), None),
    ("resolve_register", ResolveRegister(meter=METER, base_raw_wh=1_240_001, who="chen", second="zhao"), None),
    (
        "grant",
        Grant(
            grant=an_id("grant 2"),
            wallet=WALLET,
            amount_micro=-GRANT_MICRO,
            cause="undo",
            sale=SALE,
            receipt="S1-20261122-TNBGG0-000017",
            parts=[SalePart(wallet=WALLET, box=BOX, amount_micro=-GRANT_MICRO)],
            undoes=an_id("grant 1"),
            account=ACCOUNT,
            method="wechat",
            operator="chen",
            second="zhao",
            idempotency_key="form-2",
            paid_at_ms=at(19),
        ),
        None,
    ),
    ("upgrade", Upgrade(version="0.2.0", bundle_hash=text_hash("a bundle"), not_before_ms=at(27)), at(48)),
    (
        "configure",
        Configure(config_version=8, config=PROFILED_CONFIG_TEXT, hash=text_hash(PROFILED_CONFIG_TEXT)),
        None,
    ),
)
"""Kind, body and, where it has one, the instant after which it is too late."""

UNREADABLE: Final[tuple[tuple[str, bytes], ...]] = (
    ("dance", b'{"meter":"' + METER.encode() + b'","steps":1.5}'),
    ("set_mode", b'{"meter":"' + METER.encode() + b'","mode":"prepaid","mode":"protected"}'),
)
"""Signed and numbered like any other: refused as not_supported and bad_body, and what stands behind them goes on."""
