"""One epoch, longer than its box keeps batches, and a centre of which only the journal is left: two people end it."""

import copy
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cloud_server.core.accounts import OPENING
from cloud_server.core.checkpoint import ACTION
from cloud_server.core.mistakes import Conflict
from cloud_server.flows.accept_history import Lost
from cloud_server.flows.office import Office, open_office
from cloud_server.flows.recovery_report import recovery_report
from cloud_server.ports.database import PostgresAddress
from cloud_server.ports.hardware_orders import HistoryOrder
from cloud_server.ports.ledger import CheckStep
from protocol.envelope import Line
from protocol.messages import BatchHead
from tests.cloud_server.flows.test_from_journal import SUPERVISOR, from_journal, use
from tests.cloud_server.flows.test_pass_over import REST, WALLETS, Left
from tests.cloud_server.flows.test_recover_centre import enrol
from tests.cloud_server.site_rig import CASHIER, SiteRig, open_rig
from tests.cloud_server.street import YUAN, box_id, wallet_id
from tests.fakes.centre_clock import FakeClock
from tests.postgres_server import PostgresServer

WALLET = wallet_id(1, 2)


class Thinned(Left):
    """A box that has let go of the older batches of its epoch."""

    first = 1

    def _request(self) -> list[Line]:
        if self.wanted is not None or self.resend is None:
            return super()._request()
        begin = max(self.resend, self.first)
        return [*self.box.sealed[begin - 1 : begin + 2], self._sync()]

    def _sync(self) -> Line:
        if self.resend is None or self.resend >= self.first:
            return self.box.sync_line()
        before = self.box.sealed[self.first - 2].hash
        return self.box.sync_line(goes_on_from=BatchHead(epoch=self.box.epoch, seq=self.first - 1, hash=before))


@contextmanager
def lived_in(
    place: Path, clock: FakeClock, database: PostgresAddress | None = None
) -> Iterator[tuple[SiteRig, Thinned]]:
    """A year of one epoch in small: sold, used, sold, and the older half of the batches let go."""
    with open_rig(place, clock, database=database) as rig:
        rig.plan(opening_micro=3 * YUAN)
        one = enrol(rig, 1)
        rig.sell("100")
        one.settle(rig)
        use(rig, one, 1, 2, 5_000)
        use(rig, one, 1, 3, 1_000)
        box = Thinned(one.box, one.epochs[0])
        box.commands = one.commands
        box.first = len(one.box.sealed) + 1
        rig.sell("20")
        box.settle(rig)
        use(rig, box, 1, 2, 700)
        assert rig.breaches() == []
        yield rig, box


def waits(office: Office) -> Lost:
    (lost,) = office.histories.waiting()
    return lost


def accepted(office: Office, key: str = "lost") -> None:
    """One asks, a second says yes."""
    order = HistoryOrder(key=key, box=box_id(1), last=waits(office).point.last, reason="中心与备份均已丢失")
    asked = office.histories.accept(order, CASHIER)
    assert (asked.state, asked.request is not None) == ("confirming", True)
    step = CheckStep(key=f"{key}-yes", request=asked.request or "", note="")
    assert office.second.approve(step, SUPERVISOR).answer["state"] == "accepted"


def told(rig: SiteRig) -> list[tuple[str, str]]:
    with rig.store.evidence(rig.centre.authority.command_keys) as evidence:
        return [(entry.who, entry.detail) for entry in evidence.audit_entries() if entry.action == ACTION]


def is_over(rig: SiteRig) -> bool:
    report = recovery_report(rig.centre)
    assert report is not None
    return not any(box.under_way for box in report.boxes if box.box == box_id(1))


def goes_through(place: Path, clock: FakeClock, box: Thinned, before: dict[str, int]) -> None:
    with from_journal(place, clock) as (rig, done):
        assert done.not_taken == 0
        office, opened_micro = open_office(rig.centre), rig.ledger(OPENING)[OPENING]
        box.settle(rig)
        assert not is_over(rig), "nobody has signed what lies before"
        assert rig.breaches() == []
        lost = waits(office)
        assert (lost.point.first, lost.point.last) == (1, box.first - 1)
        assert lost.point.differences == {WALLET: -5_000 * 800, wallet_id(1, 3): -1_000 * 800}
        accepted(office)
        assert rig.breaches() == []
        box.settle(rig)
        assert is_over(rig)
        assert rig.ledger(*WALLETS, *REST) == before
        assert rig.ledger(OPENING)[OPENING] - opened_micro == 6_000 * 800
        assert [who for who, _ in told(rig)] == [CASHIER.name]
        assert office.histories.waiting() == ()
        with rig.store.evidence(rig.centre.authority.command_keys) as evidence:
            assert list(evidence.findings()) == [], "where the meters stood is told by what they say next"
        use(rig, box, 1, 2, 300)
        rig.sell("5", key="after")
        box.settle(rig)
        assert rig.ledger(WALLETS[1])[WALLETS[1]] == before[WALLETS[1]] + 5 * YUAN - 300 * 800
        assert rig.breaches() == []


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "centre"


def test_two_people_take_the_boxs_word_and_its_recovery_ends(place: Path) -> None:
    clock = FakeClock()
    with lived_in(place, clock) as (rig, box):
        before = rig.ledger(*WALLETS, *REST)
    goes_through(place, clock, box, before)
    with from_journal(place, clock) as (rig, done):
        assert done.not_taken == 0
        box.resend = box.wanted = None
        box.settle(rig)
        assert is_over(rig), "the journal says that people have accepted it"
        assert [who for who, _ in told(rig)] == [CASHIER.name]
        assert rig.ledger(WALLETS[1])[WALLETS[1]] == before[WALLETS[1]] + 5 * YUAN - 300 * 800
        assert rig.breaches() == []


@pytest.mark.postgres
def test_it_does_so_on_a_server(place: Path, postgres_server: PostgresServer, postgres_template: str) -> None:
    clock = FakeClock()
    lost, empty = (postgres_server.make_database(postgres_template) for _ in range(2))
    with lived_in(place, clock, lost) as (rig, box):
        before, settings = rig.ledger(*WALLETS, *REST), rig.config.path
    settings.write_text(settings.read_text().replace(lost.text, empty.text))
    goes_through(place, clock, box, before)


def test_one_person_is_not_enough_and_what_moved_on_is_asked_anew(place: Path) -> None:
    clock = FakeClock()
    with lived_in(place, clock) as (_, box):
        pass
    with from_journal(place, clock) as (rig, _):
        office = open_office(rig.centre)
        with pytest.raises(Conflict, match="nothing of box"):
            office.histories.accept(HistoryOrder(key="early", box=box_id(1), last=1, reason="r"), CASHIER)
        box.settle(rig)
        order = HistoryOrder(key="one", box=box_id(1), last=box.first - 1, reason="中心丢失")
        asked = office.histories.accept(order, CASHIER)
        with pytest.raises(Conflict):
            office.second.approve(CheckStep(key="own", request=asked.request or "", note=""), CASHIER)
        later = copy.deepcopy(box)
        later.first += 1
        later.settle(rig)
        with pytest.raises(Conflict, match="let go of more"):
            office.second.approve(CheckStep(key="yes", request=asked.request or "", note=""), SUPERVISOR)
        accepted(office, "two")
        later.settle(rig)
        assert is_over(rig)
        assert rig.breaches() == []


def test_an_acceptance_that_was_bent_is_found(place: Path) -> None:
    clock = FakeClock()
    with lived_in(place, clock) as (_, box):
        pass
    with from_journal(place, clock) as (rig, _):
        box.settle(rig)
        accepted(open_office(rig.centre))
        box.settle(rig)
        with rig.store.write() as unit:
            (one, *_) = [grant for grant in unit.ledger.grants(granted(rig)).values() if grant.reason]
            unit.ledger.save_grant(dataclasses.replace(one, reason=None))
        assert any(one.grant in breach for breach in rig.breaches()), "neither batch nor checkpoint tells of it"


def granted(rig: SiteRig) -> list[str]:
    with rig.store.evidence(rig.centre.authority.command_keys) as evidence:
        return [grant.grant for grant in evidence.grants()]
