"""A box that knows less than it has told: it gets a new epoch, nothing is lost, nothing counts twice."""

import copy
import tomllib
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from cloud_server.core.box_memory import HEARD_LATELY_MS
from cloud_server.core.fleet import BoxState
from cloud_server.flows import enrol_box, synchronise
from cloud_server.flows.box_hardware import decide_quarantine, revoke_box
from cloud_server.flows.enrol_box import TakenIn, Waiting
from cloud_server.flows.who_asks import Stranger
from cloud_server.ports.database import PostgresAddress
from protocol.chain import EMPTY_COMMANDS, Head
from protocol.envelope import read_line
from protocol.messages import Answer, Epoch
from protocol.payload import read_payload
from tests.cloud_server.site_rig import SiteRig, open_rig
from tests.cloud_server.speaking_box import SpeakingBox, make_box
from tests.cloud_server.street import YUAN, box_id, meter_id, wallet_id

BOX = box_id(1)
SHOP = meter_id(1, 2)
WALLET = wallet_id(1, 2)


@pytest.fixture
def rig(tmp_path: Path, database: PostgresAddress | None) -> Iterator[SiteRig]:
    with open_rig(tmp_path, database=database) as made:
        made.plan()
        yield made


@pytest.fixture
def box(rig: SiteRig) -> SpeakingBox:
    """A box with credit and two batches of use."""
    box = rig.enrol(1)
    rig.sell("100")
    rig.settle(box)
    use(rig, box, 1_000)
    use(rig, box, 2_000)
    return box


def use(rig: SiteRig, box: SpeakingBox, energy_wh: int) -> None:
    rig.clock.now_ms += 1_800_000
    box.use(SHOP, energy_wh)
    box.seal()
    rig.settle(box)


def state_of(rig: SiteRig) -> tuple[BoxState, int]:
    with rig.store.read() as unit:
        row = unit.fleet.box(BOX)
    assert row is not None
    return row.state, row.epoch


def books(rig: SiteRig) -> int:
    return rig.ledger(f"wallet/{WALLET}")[f"wallet/{WALLET}"]


def until_epoch(rig: SiteRig, box: SpeakingBox, epoch: int) -> Answer:
    for _ in range(4):
        answer = rig.exchange(box)
        if box.epoch == epoch:
            return answer
    raise AssertionError(f"still in epoch {box.epoch}")


def test_an_old_image_gets_a_new_epoch_and_its_registers_tell_the_rest(rig: SiteRig, box: SpeakingBox) -> None:
    image = copy.deepcopy(box)
    use(rig, box, 4_000)
    held = books(rig)
    until_epoch(rig, image, 2)
    assert state_of(rig) == (BoxState.ENROLLED, 2)
    assert (image.registers[SHOP], image.book[WALLET]) == (7_000, held)
    use(rig, image, 1_000)
    assert books(rig) == 100 * YUAN - 8 * 800_000
    assert rig.breaches() == []


def test_one_late_request_alone_opens_nothing(rig: SiteRig, box: SpeakingBox) -> None:
    late = box.request()
    use(rig, box, 1_000)
    for _ in range(3):
        synchronise.exchange(rig.centre, late)
    assert state_of(rig)[1] == 1
    rig.exchange(box)
    synchronise.exchange(rig.centre, late)
    assert state_of(rig)[1] == 1
    assert rig.breaches() == []


def test_an_empty_store_gets_a_new_epoch_and_the_recharge_it_had_not_answered(rig: SiteRig, box: SpeakingBox) -> None:
    rig.sell("50")
    rig.exchange(box)
    assert box.book[WALLET] < 100 * YUAN, "applied, and lost before it was told"
    empty = make_box(rig.site, BOX, rig.clock.now_ms)
    empty.batch_head, empty.command_head = Head(0, EMPTY_COMMANDS.hash), EMPTY_COMMANDS
    answer = until_epoch(rig, empty, 2)
    with rig.store.read() as unit:
        raw = unit.lines.line("epoch", BOX, 2)
        epoch = read_payload(read_line(raw or b"").payload, Epoch)
    assert (epoch.why, answer.batch_ack.epoch) == ("store_lost", 2)
    rig.settle(empty)
    assert books(rig) == 150 * YUAN - 3 * 800_000
    assert rig.ledger(f"in_flight/{WALLET}") == {}
    assert rig.breaches() == []


def test_a_second_history_is_kept_apart_until_a_person_decides(rig: SiteRig, box: SpeakingBox) -> None:
    image = copy.deepcopy(box)
    use(rig, box, 4_000)
    image.use(SHOP, 5_000)
    image.seal()
    rig.exchange(image)
    assert state_of(rig) == (BoxState.QUARANTINED, 1)
    held = books(rig)
    box.use(SHOP, 500)
    box.seal()
    rig.exchange(box)
    assert books(rig) == held, "batches of a quarantined box are kept, not posted"
    rig.sell("30")
    rig.exchange(box)
    assert rig.ledger(f"in_flight/{WALLET}") == {}, "its credit waits at the centre"
    decide_quarantine(rig.centre, BOX, "present", "chen", "the other machine was switched off")
    until_epoch(rig, box, 2)
    assert state_of(rig) == (BoxState.ENROLLED, 2)
    assert box.registers[SHOP] == 7_000
    box.use(SHOP, 500)
    box.seal()
    rig.settle(box)
    assert books(rig) == 130 * YUAN - 15 * 400_000
    assert rig.breaches() == []


def test_a_head_on_another_branch_is_a_fork_without_a_batch(rig: SiteRig, box: SpeakingBox) -> None:
    box.batch_head = Head(box.batch_head.seq, "a" * 64)
    rig.exchange(box)
    assert state_of(rig)[0] is BoxState.QUARANTINED
    assert rig.breaches() == []


def test_other_hardware_takes_the_place_and_the_old_one_only_brings_evidence(rig: SiteRig, box: SpeakingBox) -> None:
    spare = make_box(rig.site, BOX, rig.clock.now_ms, "spare")
    token = tomllib.loads(enrol_box.make_claim(rig.centre, BOX, "chen", replaces=True))["token"]
    line = spare.enrol_line(token)
    asked = enrol_box.ask_to_enrol(rig.centre, line)
    assert isinstance(asked, Waiting)
    use(rig, box, 1_000)
    assert state_of(rig) == (BoxState.ENROLLED, 1), "the old one serves until a person has compared"
    enrol_box.confirm(rig.centre, BOX, asked.fingerprint, "chen")
    came = enrol_box.ask_to_enrol(rig.centre, line)
    assert isinstance(came, TakenIn)
    spare.open_epoch(came.lines[-1])
    assert (spare.epoch, spare.registers[SHOP]) == (2, 4_000)
    box.use(SHOP, 700)
    box.seal()
    box.now_ms = rig.clock.now_ms
    result = synchronise.exchange(rig.centre, box.request())
    assert [said.verdict for said in result.verdicts] == ["superseded_epoch"]
    assert not [line for line in result.lines if line.type_name == "command"]
    use(rig, spare, 1_000)
    assert books(rig) == 100 * YUAN - 5 * 800_000
    assert rig.breaches() == []


def test_a_revoked_key_is_nobodys(rig: SiteRig, box: SpeakingBox) -> None:
    revoke_box(rig.centre, BOX, "chen", "stolen from the shaft")
    with pytest.raises(Stranger):
        rig.exchange(box)
    assert state_of(rig)[0] is BoxState.REVOKED
    token = tomllib.loads(enrol_box.make_claim(rig.centre, BOX, "chen", replaces=True))["token"]
    with pytest.raises(enrol_box.NotTakenIn):
        enrol_box.ask_to_enrol(rig.centre, box.enrol_line(token))
    assert rig.breaches() == []


def test_two_that_take_turns_are_two_machines(rig: SiteRig, box: SpeakingBox) -> None:
    """The clone of a living box is never renewed: its turns with the other are what tells of it."""
    clone = copy.deepcopy(box)
    clone.nonces = 1_000_000
    use(rig, box, 1_000)
    for _ in range(4):
        for machine in (clone, clone, box):
            rig.clock.now_ms += 1_000
            with mock.patch.object(rig.bells, "listening", return_value=True):
                rig.exchange(machine)
    assert state_of(rig) == (BoxState.QUARANTINED, 1)
    assert rig.breaches() == []


def test_late_requests_now_and_then_are_no_second_machine(rig: SiteRig, box: SpeakingBox) -> None:
    for _ in range(5):
        late = box.request()
        use(rig, box, 100)
        synchronise.exchange(rig.centre, late)
        rig.exchange(box)
        rig.clock.now_ms += 700_000
    assert state_of(rig) == (BoxState.ENROLLED, 1)


@pytest.mark.parametrize("listening", [True, False])
def test_requests_overtaken_again_and_again_are_no_second_machine(
    rig: SiteRig, box: SpeakingBox, listening: bool
) -> None:
    """A busy centre, or a slow line, takes a box's requests in out of order many times within ten minutes."""
    for turn in range(8):
        box.now_ms = rig.clock.now_ms
        late = [box.request() for _ in range(1 + turn % 2)]
        rig.clock.now_ms += 1_000
        box.use(SHOP, 10)
        box.seal()
        rig.settle(box)
        with mock.patch.object(rig.bells, "listening", return_value=listening):
            for request in late:
                synchronise.exchange(rig.centre, request)
        rig.exchange(box)
    assert state_of(rig) == (BoxState.ENROLLED, 1)
    assert rig.breaches() == []


def test_a_box_set_back_whose_clock_lost_its_time_is_renewed_all_the_same(rig: SiteRig, box: SpeakingBox) -> None:
    image = copy.deepcopy(box)
    image.nonces = 1_000_000
    use(rig, box, 4_000)
    for said in (1, 1, 2):
        image.now_ms = rig.clock.now_ms - 3_600_000
        synchronise.exchange(rig.centre, image.request())
        synchronise.exchange(rig.centre, image.request())
        assert state_of(rig) == (BoxState.ENROLLED, said), "ten minutes after it was in its place it is believed"
        rig.clock.now_ms += HEARD_LATELY_MS // 2 + 1


def test_requests_from_before_a_clock_was_set_are_no_loss_of_memory(rig: SiteRig, box: SpeakingBox) -> None:
    """A site comes back with empty batteries: each box asks twice before a busy centre has answered once."""
    box.now_ms = 86_400_000
    late = [box.request() for _ in range(6)]
    box.now_ms = rig.clock.now_ms
    use(rig, box, 10)
    for request in late:
        rig.clock.now_ms += 1_000
        synchronise.exchange(rig.centre, request)
    assert state_of(rig) == (BoxState.ENROLLED, 1)
    assert rig.breaches() == []
