"""Looks that are done in pieces: what changes between two of them is found, a program that ends between them begins
anew, and nobody is told twice. On both engines."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloud_server.flows import foresee, foretell, note_occasions, note_records, watch_fleet
from cloud_server.flows.foresee import Foresight
from cloud_server.flows.note_occasions import Noter
from cloud_server.messages.worker import MessageWorker, Steps
from cloud_server.ports.database import PostgresAddress
from cloud_server.ports.outbox import ForecastRow
from tests.cloud_server.messages.outbox_rig import OutboxRig, served_street
from tests.cloud_server.street import box_id, wallet_id

HOUR = 3_600_000
SHOPS = 3


class Ended(Exception):
    """The program ends here."""


class EndsAt:
    """Ends at the n-th pass of a named place."""

    def __init__(self) -> None:
        self.passes_left: int | None = None

    def __call__(self, name: str) -> None:
        if name != "some_noted" or self.passes_left is None:
            return
        self.passes_left -= 1
        if self.passes_left == 0:
            raise Ended


@pytest.fixture
def ends() -> EndsAt:
    return EndsAt()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def rig(
    request: pytest.FixtureRequest, tmp_path: Path, ends: EndsAt, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OutboxRig]:
    """Three boxes in service, and pieces as small as they can be."""
    for module, name in (
        (note_records, "BOXES_AT_ONCE"),
        (note_records, "TOLD_AT_ONCE"),
        (note_occasions, "SALES_AT_ONCE"),
        (note_occasions, "BOXES_AT_ONCE"),
        (foretell, "WALLETS_AT_ONCE"),
        (foretell, "TOLD_AT_ONCE"),
        (foresee, "AT_ONCE_MAX"),
        (watch_fleet, "LOST_AT_ONCE"),
    ):
        monkeypatch.setattr(module, name, 1)
    database: PostgresAddress | None = None
    if request.param == "postgres":
        server, template = request.getfixturevalue("postgres_server"), request.getfixturevalue("postgres_template")
        database = server.make_database(template)
    with served_street(tmp_path, boxes=3, database=database, fail_point=ends) as made:
        yield made


def told(rig: OutboxRig) -> list[tuple[str, str]]:
    """Occasion and shop (商铺11) of each message: whoever is told twice stands twice."""
    return sorted((row.occasion, row.text.partition("商铺")[2][:2]) for row in rig.rows())


def shops(occasion: str, *boxes: int) -> list[tuple[str, str]]:
    """All shops of some boxes, each once."""
    return [(occasion, f"{box}{shop}") for box in boxes for shop in range(1, SHOPS + 1)]


def anew(rig: OutboxRig) -> Noter:
    """The program was started anew."""
    return Noter(rig.site.centre, rig.links, to_phones=True)


def test_records_of_many_boxes_are_told_once_however_often_the_look_is_broken_off(rig: OutboxRig, ends: EndsAt) -> None:
    for box in (1, 2, 3):
        for shop in range(1, SHOPS + 1):
            rig.alarm("alarm2", box=box, shop=shop)
        rig.heard(box)
    broken_off = 0
    for passes in (1, 2, 1, 3):
        ends.passes_left = passes
        with pytest.raises(Ended):
            anew(rig).look()
        broken_off += 1
    ends.passes_left = None
    anew(rig).look()
    assert broken_off == 4
    assert told(rig) == shops("alarm2", 1, 2, 3)
    assert rig.noter.look() == 0


def test_what_a_box_tells_while_another_is_looked_at_is_found(rig: OutboxRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.alarm("alarm2", box=2, shop=1)
    rig.heard(2)
    heard_of: list[str] = []

    def between(noter: note_records.RecordNoter, news: note_records._News) -> int:
        """Box 1, which the look has passed, and box 2, which it is at, tell more."""
        if not heard_of:
            for box in (1, 2):
                rig.alarm("alarm2", box=box, shop=2)
                rig.heard(box)
        heard_of.append(news.box)
        return original(noter, news)

    original: Callable[[note_records.RecordNoter, note_records._News], int] = note_records.RecordNoter._tell
    monkeypatch.setattr(note_records.RecordNoter, "_tell", between)
    noted = rig.noter.look()
    assert noted == 1
    assert rig.noter.look() == 2
    assert rig.noter.look() == 0
    assert heard_of == [box_id(2), box_id(1), box_id(2)]


def test_sales_are_told_once_however_often_the_look_is_broken_off(rig: OutboxRig, ends: EndsAt) -> None:
    for box in (1, 2, 3):
        rig.site.sell("5.00", box=box)
        rig.site.settle(rig.boxes[box])
    ends.passes_left = 2
    with pytest.raises(Ended):
        anew(rig).look()
    ends.passes_left = None
    anew(rig).look()
    rig.site.clock.advance(3 * 60_000)
    rig.noter.look()
    assert told(rig) == [("sale", "12"), ("sale", "22"), ("sale", "32")]


def all_pieces(work: Callable[[], bool]) -> None:
    while work():
        pass


def foreseen(rig: OutboxRig, *wallets: tuple[int, int]) -> None:
    """Forecasts by which these wallets, by box and shop, have long been empty."""
    now_ms = rig.site.clock.now_ms
    rows = [
        ForecastRow(
            wallet=wallet_id(*wallet), made_at_ms=now_ms, balance_micro=-(10**9), balance_at_ms=now_ms,
            zero_at_ms=now_ms, week_micro=0,
        )
        for wallet in wallets
    ]  # fmt: skip
    with rig.site.store.note() as unit:
        unit.messages.put_forecasts(rows)


def test_a_forecast_that_changes_while_others_are_looked_at_is_told_in_its_time(rig: OutboxRig) -> None:
    foreseen(rig, (1, 1), (2, 1), (3, 1))
    rig.site.clock.advance(HOUR)
    assert rig.noter.foretell()
    assert told(rig) == [("estimated", "11")]
    # Box 1 is behind the pass, box 3 before it.
    foreseen(rig, (1, 2), (3, 2))
    all_pieces(rig.noter.foretell)
    assert told(rig) == [("estimated", shop) for shop in ("11", "21", "31", "32")]
    assert not rig.noter.foretell()
    rig.site.clock.advance(60_000)
    all_pieces(rig.noter.foretell)
    assert told(rig) == [("estimated", shop) for shop in ("11", "12", "21", "31", "32")]


def test_a_pass_that_is_broken_off_begins_anew_and_tells_nobody_twice(rig: OutboxRig, ends: EndsAt) -> None:
    foreseen(rig, *((box, shop) for box in (1, 2, 3) for shop in range(1, SHOPS + 1)))
    rig.site.clock.advance(HOUR)
    for passes in (1, 2, 4):
        ends.passes_left = passes
        noter = anew(rig)
        noter.look()
        with pytest.raises(Ended):
            all_pieces(noter.foretell)
    ends.passes_left = None
    noter = anew(rig)
    noter.look()
    all_pieces(noter.foretell)
    assert told(rig) == shops("estimated", 1, 2, 3)


def test_a_forecast_that_failed_has_its_turn_again(rig: OutboxRig, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def fails_once(_centre: object, _unit: object, _look: object, wallet: object) -> None:
        tried.append(wallet.wallet)  # type: ignore[attr-defined]  # a wallet of the plan
        if len(tried) == 2:
            raise Ended

    monkeypatch.setattr(foresee, "foresee", fails_once)
    foresight = Foresight(rig.site.centre)
    with pytest.raises(Ended):
        all_pieces(foresight.piece)
    all_pieces(foresight.piece)
    assert len(set(tried)) == len(tried) - 1 == 3 * SHOPS


def test_lost_boxes_are_told_once_and_all_of_them(rig: OutboxRig) -> None:
    rig.site.clock.advance(HOUR)
    rig.heard(2)
    assert watch_fleet.watch_fleet(rig.site.centre) == 2
    assert watch_fleet.watch_fleet(rig.site.centre) == 0
    rig.heard(1)
    with rig.site.store.read() as unit:
        assert [box for box, _ in unit.alarms.standing_alarms("box_lost")] == [box_id(3)]


def test_work_that_can_wait_is_done_piece_by_piece_in_what_is_left_of_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def turn() -> int:
        done.append("turn")
        return 0

    def work(name: str, pieces: int) -> Callable[[], bool]:
        def piece() -> bool:
            done.append(name)
            if name == "c":
                raise Ended
            return done.count(name) < pieces

        return piece

    steps = Steps(
        take_up=lambda: 0,
        take_left=lambda _: None,
        note=(),
        turn=turn,
        take_reports=lambda _: 0,
        chores=(),
        pieces=(work("a", 3), work("c", 1), work("b", 2)),
        modem_seen=lambda _: None,
    )
    worker = MessageWorker(None, steps, 9, turn_s=5.0)
    monkeypatch.setattr(worker._stop, "wait", lambda _timeout=None: False)  # no rest between pieces
    worker.once()
    assert done == ["turn", "a", "c", "b", "a", "b", "a"]
