"""Two processes of one centre on one PostgreSQL behind one address: a sale on one wakes a box that the other holds."""

import signal
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from cloud_server.ports.database import PostgresAddress
from tests.cloud_server.api.site_process import exchange
from tests.cloud_server.street import account_id
from tests.end_to_end.centre_cluster import Cluster, Sender, Till, centre_cluster
from tests.end_to_end.shaft import wait_for
from tests.postgres_server import PostgresServer

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def address(postgres_server: PostgresServer) -> PostgresAddress:
    return postgres_server.make_database()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, address: PostgresAddress) -> Iterator[Cluster]:
    with centre_cluster(tmp_path_factory.mktemp("cluster"), address) as made:
        made.site.plan(boxes=2)
        yield made


def holder_of_turn(address: PostgresAddress) -> list[int]:
    """Backends that hold the lock of background work."""
    with psycopg.connect(address.text) as connection:
        rows = connection.execute("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted").fetchall()
    return [row[0] for row in rows]


def test_a_sale_on_one_wakes_the_box_that_the_other_holds(cluster: Cluster) -> None:
    box = cluster.site.enrol(1)
    token = cluster.site.token("read", "sell")
    cluster.forwarder.only = 0
    with cluster.site.client() as wire:
        exchange(wire, box)
    took = []
    for number in range(5):
        reached: list[float] = []

        def wait(reached: list[float] = reached) -> None:
            with cluster.site.client() as wire:
                exchange(wire, box, 20)
                reached.append(time.monotonic())

        cluster.forwarder.only = 0
        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.7)
        cluster.forwarder.only = 1
        body = {"account": account_id(1, 2), "amount": "2.00", "method": "wechat"}
        with cluster.site.client(token) as api:
            before = time.monotonic()
            answer = api.post("/api/v1/sales", json=body, headers={"Idempotency-Key": f"across-{number}"})
        assert answer.status_code == 201, answer.text
        waiting.join(10)
        took.append(reached[0] - before)
        assert len(box.taken) == number + 1
    cluster.forwarder.only = None
    assert sorted(took)[2] < 0.5, took


def test_a_process_that_dies_takes_no_sale_with_it_and_hands_its_turn_on(
    cluster: Cluster, address: PostgresAddress
) -> None:
    token = cluster.site.token("read", "sell")
    ends = threading.Event()
    tills = [Till(cluster.site, token, f"till-{n}", 1, ends) for n in (1, 2)]
    sender = Sender(cluster.site, cluster.site.enrol(2), 2, ends)
    threads = [threading.Thread(target=run) for run in (*(till.run for till in tills), sender.run)]
    [before] = holder_of_turn(address)
    for thread in threads:
        thread.start()
    time.sleep(1.0)
    wait_for(lambda: sum(len(till.acknowledged) for till in tills) > 1, "sales on both processes")
    cluster.processes[0].send_signal(signal.SIGKILL)
    time.sleep(2.0)
    wait_for(lambda: sum(len(till.acknowledged) for till in tills) > 5, "sales on the one that is left")
    ends.set()
    for thread in threads:
        thread.join(30)
    [after] = holder_of_turn(address)
    assert after != before
    answered = {key: answer for till in tills for key, answer in till.acknowledged.items()}
    assert len({sale for sale, _ in answered.values()}) == len(answered) > 5
    with psycopg.connect(address.text) as connection:
        kept: dict[str, str] = dict(connection.execute("SELECT key, sale FROM sale WHERE key LIKE 'till-%'").fetchall())
    assert kept == {key: sale for key, (sale, _) in answered.items()}
    assert sender.box.acked_seq == len(sender.box.sealed)
    assert cluster.verify() == []
