"""One fleet through its day: all come in, wait idly, bring their batches, are sold to, and return after an outage."""

import json
import math
import random
import signal
import socket
import statistics
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import httpx

from benchmarks.fleet.load import Generator, Orders, cores, generators
from benchmarks.fleet.site import Fleet, Spent, fleet
from benchmarks.ingest.fleet import METERS
from protocol.envelope import read_line
from protocol.messages import Keys
from protocol.payload import read_payload
from tests.cloud_server import street
from tests.cloud_server.api.site_process import run as run_centre

HALF_HOUR_S: Final = 1_800
FLEET: Final = 10_000
"""The fleet whose steady state is offered: its batches and its requests a second, from however many boxes play it."""
HELD_S: Final = 25
SETTLE_S: Final = 4.0
BACKGROUND_S: Final = 10.0
SERVED_WITHIN_S: Final = 30.0
DOWN_S: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be played."""

    boxes: int
    processes: int
    players: int
    sales: int
    sales_a_second: float
    steady_s: float
    idle_s: float
    returns: bool


@dataclass(kw_only=True)
class Row:
    """What one fleet came to; `share` is of the whole machine, `ms` are of processor."""

    boxes: int
    processes: int
    attach_s: float = 0.0
    attach_ms_a_box: float = 0.0
    memory_mib: float = 0.0
    background_share: float = 0.0
    """Of one core, before the first box came: what the processes do by themselves."""
    idle_polls_a_second: float = 0.0
    idle_ms_a_poll: float = 0.0
    idle_database_ms_a_poll: float = 0.0
    sold: int = 0
    lost: int = 0
    receipt_median_s: float = 0.0
    delivered_median_s: float = 0.0
    delivered_p99_s: float = 0.0
    applied_median_s: float = 0.0
    applied_p99_s: float = 0.0
    applied_worst_s: float = 0.0
    steady_batches_a_second: float = 0.0
    steady_polls_a_second: float = 0.0
    steady_share: float = 0.0
    steady_database_share: float = 0.0
    return_s: float = 0.0
    return_ms_a_box: float = 0.0
    asked_to_wait: int = 0
    failures: dict[str, int] = field(default_factory=dict)


def measure(wanted: Wanted) -> Row:
    """Play one fleet."""
    with fleet(wanted.boxes, wanted.processes) as made:
        keys = read_payload(read_line(made.cluster.site.config.keys_line.read_bytes().strip()).payload, Keys)
        config = made.cluster.site.config
        orders = Orders(
            site=config.site.site,
            ports=made.ports,
            answer_keys=list(keys.answer_keys),
            ca=config.keys_dir / "ca.pem",
            wait_s=_held_for(wanted.boxes),
            whole=made.whole,
            light=list(made.light),
        )
        players = generators(orders, wanted.players)
        try:
            return _play(made, players, wanted)
        finally:
            for player in players:
                player.order("end")
                player.process.join(30)
                player.process.kill()


def _play(made: Fleet, players: Sequence[Generator], wanted: Wanted) -> Row:
    row = Row(boxes=wanted.boxes, processes=wanted.processes)
    before = made.spent()
    time.sleep(BACKGROUND_S)
    spent = made.spent().since(before)
    background = Spent(1.0, spent.centre_s / spent.wall_s, spent.database_s / spent.wall_s)
    row.background_share = round(background.centre_s + background.database_s, 3)
    made.be_in_service()
    before = made.spent()
    row.attach_s = round(max(_all(players, "attach")), 2)
    spent = made.spent().since(before)
    row.attach_ms_a_box = round((spent.centre_s + spent.database_s) / wanted.boxes * 1_000, 2)
    row.memory_mib = round(made.memory_mib())
    _failures(row, players)
    _tell(row)
    if wanted.idle_s:
        _idle(row, made, players, wanted.idle_s, background)
        _tell(row)
    if wanted.steady_s:
        _steady(row, made, players, wanted.steady_s)
        _tell(row)
    _all(players, "wait", HELD_S)
    if wanted.sales:
        _sell(row, made, players, wanted)
        _tell(row)
    if wanted.returns:
        _return(row, made, players)
    return row


def _all(players: Sequence[Generator], what: str, argument: Any = None) -> list[Any]:
    for player in players:
        player.order(what, argument)
    return [player.answer() for player in players]


def _failures(row: Row, players: Sequence[Generator]) -> tuple[int, int]:
    """Add up what failed since one looked last; answers and batches."""
    answers = batches = 0
    for counts, _ in _all(players, "counts"):
        answers += counts.answers
        batches += counts.batches
        row.asked_to_wait += counts.asked_to_wait
        for kind, count in counts.failures.items():
            row.failures[kind] = row.failures.get(kind, 0) + count
    return answers, batches


def _held_for(boxes: int) -> int:
    """How long requests are held so that these boxes ask as often as the whole fleet does."""
    return max(1, round(HELD_S * boxes / FLEET))


def _idle(row: Row, made: Fleet, players: Sequence[Generator], seconds: float, background: Spent) -> None:
    """All wait; nothing happens. What the processes do without any box is taken off."""
    time.sleep(SETTLE_S)
    _failures(row, players)
    before = made.spent()
    time.sleep(seconds)
    answers, _ = _failures(row, players)
    spent = made.spent().since(before)
    row.idle_polls_a_second = round(answers / spent.wall_s, 1)
    centre_s = spent.centre_s - background.centre_s * spent.wall_s
    database_s = spent.database_s - background.database_s * spent.wall_s
    row.idle_ms_a_poll = round(centre_s / max(answers, 1) * 1_000, 3)
    row.idle_database_ms_a_poll = round(database_s / max(answers, 1) * 1_000, 3)


def _sell(row: Row, made: Fleet, players: Sequence[Generator], wanted: Wanted) -> None:
    """One sale after another to boxes by chance, each when its time has come."""
    token = made.cluster.site.token("read", "sell")
    chance = random.Random(7)
    receipts = []
    asked: dict[str, float] = {}
    clients = [
        httpx.Client(
            base_url=f"https://127.0.0.1:{port}", verify=made.cluster.site.trust, timeout=120, trust_env=False,
            headers={"Authorization": f"Bearer {token}"},
        )
        for port in made.ports
    ]  # fmt: skip
    for number, client in enumerate(clients):
        # The first sale of a process reads the whole plan.
        first = {"account": street.account_id(1, 1), "amount": "1.00", "method": "wechat"}
        client.post("/api/v1/sales", json=first, headers={"Idempotency-Key": f"warm-{number}"}).raise_for_status()
    _all(players, "taken")
    began = time.monotonic()
    for number in range(wanted.sales):
        time.sleep(max(0.0, began + number / wanted.sales_a_second - time.monotonic()))
        box, shop = chance.choice(made.whole), chance.randint(1, METERS)
        body = {"account": street.account_id(box.number, shop), "amount": "1.00", "method": "wechat"}
        key = f"fleet-{number}"
        asked[key] = time.monotonic()
        answer = clients[number % len(clients)].post("/api/v1/sales", json=body, headers={"Idempotency-Key": key})
        assert answer.status_code == 201, answer.text
        receipts.append(time.monotonic() - asked[key])
    served = _served(players, asked.keys())
    for client in clients:
        client.close()
    delivered = sorted(at - asked[key] for key, (at, _) in served.items())
    applied = sorted(at - asked[key] for key, (_, at) in served.items())
    row.sold, row.lost = len(asked), len(asked) - len(served)
    row.receipt_median_s = round(statistics.median(receipts), 3)
    row.delivered_median_s, row.delivered_p99_s = _middle_and_p99(delivered)
    row.applied_median_s, row.applied_p99_s = _middle_and_p99(applied)
    row.applied_worst_s = round(applied[-1], 3)
    _failures(row, players)


def _served(players: Sequence[Generator], asked: Collection[str]) -> dict[str, tuple[float, float]]:
    """Of each sale when its box got it and when it carried it out; what was not served in time is left out."""
    served: dict[str, tuple[float, float]] = {}
    end = time.monotonic() + SERVED_WITHIN_S
    while len(served) < len(asked) and time.monotonic() < end:
        for taken in _all(players, "taken"):
            served |= {key: (delivered, applied) for key, delivered, applied in taken if key in asked}
        time.sleep(0.2)
    return served


def _middle_and_p99(ordered: Sequence[float]) -> tuple[float, float]:
    return round(statistics.median(ordered), 3), round(ordered[min(len(ordered) * 99 // 100, len(ordered) - 1)], 3)


def _steady(row: Row, made: Fleet, players: Sequence[Generator], seconds: float) -> None:
    """The batches and the requests of the whole fleet, by the second."""
    a_second = FLEET / HALF_HOUR_S / len(players)
    _all(players, "measure", math.ceil(a_second * seconds) + 1)
    time.sleep(SETTLE_S)
    _failures(row, players)
    before = made.spent()
    _all(players, "bring", (a_second, seconds))
    answers, batches = _failures(row, players)
    spent = made.spent().since(before)
    row.steady_batches_a_second = round(batches / spent.wall_s, 2)
    row.steady_polls_a_second = round((answers - batches) / spent.wall_s, 1)
    row.steady_share = round((spent.centre_s + spent.database_s) / spent.wall_s / cores(), 3)
    row.steady_database_share = round(spent.database_s / spent.wall_s / cores(), 3)


def _return(row: Row, made: Fleet, players: Sequence[Generator]) -> None:
    """The centre dies and comes back: all boxes come at once."""
    cluster = made.cluster
    for process in cluster.processes:
        process.send_signal(signal.SIGKILL)
        process.wait(15)
    time.sleep(DOWN_S)
    _failures(row, players)
    cluster.processes[:] = [run_centre(settings, log=cluster.log, anew=True) for settings in cluster.settings]
    for port in made.ports:
        _wait_for(port)
    began, before = time.monotonic(), made.spent()
    row.return_s = round(max(_all(players, "return", began)), 2)
    spent = made.spent().since(before)
    row.return_ms_a_box = round((spent.centre_s + spent.database_s) / row.boxes * 1_000, 2)
    _failures(row, players)


def _wait_for(port: int) -> None:
    """Until somebody listens there."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.01)


def _tell(row: Row) -> None:
    """How far it is: a run takes minutes, and what was measured is not lost with what follows."""
    print(as_text(row), file=sys.stderr, flush=True)


def as_text(row: Row) -> str:
    return json.dumps(asdict(row), ensure_ascii=False)
