"""One box back after thirty days, and sales to it meanwhile: how long the drain takes, how soon a command goes out."""

import tempfile
import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.ingest.fleet import METERS, make_buyer, make_fleet
from benchmarks.ingest.load import BEGIN_MS, make_load
from benchmarks.ingest.run import HALF_MONTH_MS, Spent, server_seconds
from cloud_server.flows import synchronise
from cloud_server.flows.again import again
from cloud_server.store.schema import make_months_ahead
from protocol.commands import Command
from protocol.envelope import Line, read_body, write_body
from protocol.payload import read_payload
from tests.cloud_server.site_rig import SiteRig, open_rig
from tests.postgres_server import PostgresServer

DAYS: Final = 30
BATCHES_A_REQUEST: Final = 180
"""What an agent packs into one request when it has that much to tell."""
PAUSE_S: Final = 0.5
"""Between two sales."""


@dataclass(frozen=True)
class Drained:
    """What it took, and for each sale the seconds until it was sold and until an answer carried its command."""

    records: int
    spent: Spent
    sold_s: tuple[float, ...]
    under_way_s: tuple[float, ...]


def drain(made: PostgresServer) -> Drained:
    """A box of sixty meters with a batch for each half hour; it has one request under way at a time."""
    made.execute("CREATE DATABASE drain")
    with (
        tempfile.TemporaryDirectory(prefix="tb") as folder,
        open_rig(Path(folder), database=made.address("drain")) as rig,
    ):
        make_months_ahead(rig.engine, BEGIN_MS + HALF_MONTH_MS)
        fleet = make_fleet(rig.engine, rig.site, range(1, 2))
        make_buyer(rig.engine, rig.site, fleet[0])
        load = make_load(rig.site, fleet)[0]
        left, bodies = DAYS * 48, []
        while left:
            some = min(left, BATCHES_A_REQUEST)
            bodies.append(write_body([*(load.batch(1) for _ in range(some)), load.sync()]))
            left -= some
        return _drain(made, rig, bodies)


def _drain(made: PostgresServer, rig: SiteRig, bodies: list[bytes]) -> Drained:
    sold: dict[int, tuple[float, float]] = {}
    came: dict[int, float] = {}
    over = threading.Event()
    seller = threading.Thread(target=_sell, args=(rig, sold, over))
    ours_s, server_s, began = time.process_time(), server_seconds(made), time.monotonic()
    seller.start()
    for body in bodies:
        result = again(partial(synchronise.exchange, rig.centre, read_body(body, "zstd")))
        answer = synchronise.sign_answer(rig.centre, result)
        for command in filter(None, map(_number, answer)):
            came.setdefault(command, time.monotonic())
    wall_s = time.monotonic() - began
    over.set()
    seller.join(60)
    spent = Spent(wall_s, time.process_time() - ours_s, server_seconds(made) - server_s)
    both = sorted(sold.keys() & came.keys())
    return Drained(
        records=DAYS * 48 * METERS,
        spent=spent,
        sold_s=tuple(sold[n][1] - sold[n][0] for n in sorted(sold)),
        under_way_s=tuple(came[n] - sold[n][0] for n in both),
    )


def _sell(rig: SiteRig, sold: dict[int, tuple[float, float]], over: threading.Event) -> None:
    """A person at the desk: each sale is the box's next command."""
    number = 0
    while not over.wait(PAUSE_S):
        number += 1
        began = time.monotonic()
        rig.sell("10.00", box=1, shop=1)
        sold[number] = (began, time.monotonic())


def _number(line: Line) -> int | None:
    return read_payload(line.payload, Command).seq if line.type_name == "command" else None
