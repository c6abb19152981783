"""The primary is killed under sales and batches, its synchronous standby is promoted, and everything goes on by itself.

Two clusters, two processes of the centre, tills that ask again with their keys and boxes that send again, as they do.
"""

import logging
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest

from cloud_server.ports.database import PostgresAddress
from cloud_server.store.server_check import server_warnings
from tests.cloud_server.api.site_process import free_port
from tests.end_to_end.centre_cluster import Cluster, Sender, Till, centre_cluster
from tests.postgres_server import USER, PostgresServer, find_programs

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

log = logging.getLogger(__name__)

BOXES = 4
LOAD_S = 4.0
UNNOTICED_S = 1.0
"""How long a watchdog takes to decide that the primary is gone."""


@dataclass
class Pair:
    """A primary and its synchronous standby."""

    primary: PostgresServer
    standby: PostgresServer

    @property
    def address(self) -> PostgresAddress:
        hosts = f"127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}"
        return PostgresAddress(f"postgresql://{USER}@{hosts}/books?target_session_attrs=read-write")

    def wait_for_standby(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with psycopg.connect(self.primary.address("postgres").text) as connection:
                if connection.execute("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'").fetchall():
                    return
            time.sleep(0.05)
        raise AssertionError("the standby does not follow")


@pytest.fixture
def pair() -> Iterator[Pair]:
    programs = find_programs()
    assert programs is not None
    primary = PostgresServer(programs, ("synchronous_standby_names=*", "wal_level=replica"), free_port())
    standby = PostgresServer(programs, (), free_port())
    try:
        primary.make()
        primary.settings, wanted = ["wal_level=replica"], primary.settings
        primary.start()
        primary.execute("CREATE DATABASE books")
        standby.copy(primary)
        standby.start()
        primary.stop()
        primary.settings = wanted
        primary.start()
        made = Pair(primary, standby)
        made.wait_for_standby()
        yield made
    finally:
        primary.remove()
        standby.remove()


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory, pair: Pair) -> Iterator[Cluster]:
    with centre_cluster(tmp_path_factory.mktemp("failover"), pair.address) as made:
        made.site.plan(boxes=BOXES)
        yield made


def kept_sales(address: PostgresAddress) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    with psycopg.connect(address.text) as connection:
        rows = connection.execute("SELECT key, sale, receipt FROM sale WHERE key LIKE 'till-%'").fetchall()
    for key, sale, receipt in rows:
        found.setdefault(key, []).append((sale, receipt))
    return found


def kept_batches(address: PostgresAddress) -> dict[str, int]:
    with psycopg.connect(address.text) as connection:
        return dict(
            connection.execute("SELECT box, COUNT(*) FROM batch WHERE state = 'posted' GROUP BY box").fetchall()
        )


@pytest.mark.timeout(180)
def test_nothing_acknowledged_is_missing_and_nobody_is_served_twice(pair: Pair, cluster: Cluster) -> None:
    assert not [said for said in server_warnings(pair.address) if "standby" in said]
    ends = threading.Event()
    token = cluster.site.token("read", "sell")
    senders = [Sender(cluster.site, cluster.site.enrol(n), n, ends) for n in range(1, BOXES + 1)]
    tills = [Till(cluster.site, token, f"till-{n}", n, ends) for n in (1, 2, 3)]
    threads = [threading.Thread(target=run) for run in (*(t.run for t in tills), *(s.run for s in senders))]
    for thread in threads:
        thread.start()
    time.sleep(LOAD_S)
    pair.primary.stop(signal.SIGKILL)
    killed = time.monotonic()
    before = [len(till.acknowledged) for till in tills], [sender.box.acked_seq for sender in senders]
    time.sleep(UNNOTICED_S)
    pair.standby.execute("SELECT pg_promote()")
    promoted_s = time.monotonic() - killed
    time.sleep(LOAD_S)
    ends.set()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)

    answered = {key: answer for till in tills for key, answer in till.acknowledged.items()}
    kept = kept_sales(pair.address)
    assert {key: [answer] for key, answer in answered.items()} == kept
    assert len({receipt for [(_, receipt)] in kept.values()}) == len(kept)
    assert kept_batches(pair.address) == {sender.box.box: sender.box.acked_seq for sender in senders}
    for till, sold in zip(tills, before[0], strict=True):
        assert len(till.acknowledged) > sold > 0
    for sender, acked in zip(senders, before[1], strict=True):
        assert sender.box.acked_seq > acked > 0
    assert cluster.verify() == []
    longest_s = max([till.longest_s for till in tills] + [sender.longest_s for sender in senders])
    asked = sum(till.asked_again for till in tills) + sum(sender.asked_again for sender in senders)
    told = f"{len(kept)} sales, {sum(s.box.acked_seq for s in senders)} batches, promoted after {promoted_s:.1f} s"
    log.warning("%s; longest wait %.1f s; asked again %d times", told, longest_s, asked)
