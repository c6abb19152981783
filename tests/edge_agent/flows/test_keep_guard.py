"""Visits to a guard's account: begun when due, decided afresh, given up in time; and the test that proves a guard."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from edge_agent.agent.owner import FromBus
from edge_agent.core.decision import Decision
from edge_agent.core.measured import MeterReading, ReadPurpose, RelayOrdered
from edge_agent.flows.keep_guard import AGAIN_AFTER_MS, VISIT_ENDS_MS, VISIT_EVERY_MS, WRITES_IN_A_ROW
from edge_agent.ports import PrepaidOrder, PrepaidReport, ReadingReport
from protocol.records import MeterTest, MeterTestKind
from tests.edge_agent.agent.owner_rig import OwnerRig, owner_rig
from tests.edge_agent.core.street import BUS, METERS, YUAN, box_config, meter_config, wallet_config

PROFILE = "acrel_adf400l_3ph"
METER = METERS[0]
FEN = 10_000


@dataclass
class Meter:
    """An account as the makers' registers have it, and whether its answers come through."""

    values: dict[str, int] = field(
        default_factory=lambda: {
            "switch": 0, "price_flat_micro": 500_000, "alarm2_micro": 0, "purchase_amount_micro": 0,
            "purchase_count": 0, "balance_micro": 0,
        }
    )  # fmt: skip
    deaf: bool = False
    mute: bool = False

    def visit(self, order: PrepaidOrder) -> PrepaidReport:
        for write in order.writes:
            if not self.deaf:
                self._take(write.address, write.values)
        values = None if self.mute else dict(self.values)
        return PrepaidReport("A1", METER, order.order_id, values, "timeout" if self.mute else "", 0)

    def _take(self, address: int, words: tuple[int, ...]) -> None:
        amount = (words[0] << 16 | words[1]) * FEN if len(words) > 1 else words[0]
        if address == 0x0536:
            self.values["switch"] = amount
        elif address == 0x053B:
            self.values["price_flat_micro"] = amount
        elif address == 0x0543 and words[2] == self.values["purchase_count"] + 1:
            self.values["balance_micro"] += amount
            self.values["purchase_amount_micro"] = amount
            self.values["purchase_count"] = words[2]


@dataclass
class Guarded:
    """A box with one guard on a bus that waits for the test."""

    rig: OwnerRig
    meter: Meter = field(default_factory=Meter)

    def read(self, register: RelayOrdered = RelayOrdered.RELEASED) -> None:
        clock = self.rig.a.clock
        reading = MeterReading(METER, clock.mono, clock.wall, 1_000, 0, order_register=register)
        self.rig.give(FromBus(BUS, ReadingReport("A1", reading, ReadPurpose.ROUND)))

    def seconds(self, count: int) -> None:
        for _ in range(count):
            self.read()
            self.rig.seconds(1)

    def answer(self) -> PrepaidOrder:
        """The bus carries the newest visit out."""
        order = self.rig.a.bus.visits[-1]
        self.rig.give(FromBus(BUS, self.meter.visit(order)))
        return order

    @property
    def visits(self) -> int:
        return len(self.rig.a.bus.visits)

    def settle(self) -> int:
        """Answer until no visit follows; how many there were."""
        answered, visits = 0, -1
        while self.visits != visits:
            visits = self.visits
            self.answer()
            answered += 1
        return answered

    def set_balance(self, yuan: int) -> None:
        state = self.rig.a.box.state
        row = next(iter(state.wallets.values()))
        changed = replace(row, state=replace(row.state, book_micro=yuan * YUAN))
        self.rig.a.box.take(Decision(wallets=(changed,)))


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Guarded]:
    config = box_config(
        (meter_config(0, profile=PROFILE),),
        (wallet_config(0),),
        guard="on",
        guard_inferred=(PROFILE,),
        guard_margin_micro=2 * YUAN,
    )
    with owner_rig(tmp_path, config) as rig:
        guarded = Guarded(rig)
        state = rig.a.box.state
        row = state.meters[METER]
        kinds: tuple[MeterTestKind, ...] = ("relay", "guard")
        tests = [MeterTest(at_ms=1, meter=METER, test=kind, passed=True, who="Li") for kind in kinds]
        kept = replace(row.state, service="in_service", tests=tests)
        rig.a.box.take(Decision(meters=(replace(row, state=kept),)))
        guarded.set_balance(30)
        yield guarded


def test_a_guard_is_brought_to_its_level_and_then_left_alone(box: Guarded) -> None:
    box.seconds(2)
    assert box.rig.a.bus.visits[0].writes == (), "first it is read"
    assert box.settle() == 2
    assert box.meter.values["balance_micro"] == 32 * YUAN
    assert (box.meter.values["switch"], box.meter.values["purchase_count"]) == (1, 1)
    assert box.rig.a.box.details[METER] == {"own_balance_micro": 32 * YUAN, "exposure_micro": 0}
    count = box.visits
    box.seconds(60)
    assert box.visits == count
    box.rig.a.clock.go_on(VISIT_EVERY_MS)
    box.seconds(2)
    assert box.visits == count + 1
    assert box.settle() == 1, "read, found right, nothing written"


def test_a_sale_is_followed_at_once_and_a_refund_is_shown(box: Guarded) -> None:
    box.seconds(2)
    box.settle()
    box.set_balance(50)
    box.seconds(2)
    assert box.settle() == 2
    assert box.meter.values["balance_micro"] == 52 * YUAN
    box.set_balance(20)
    box.rig.a.clock.go_on(VISIT_EVERY_MS)
    box.seconds(2)
    assert box.settle() == 1, "never downwards"
    assert box.rig.a.box.details[METER]["exposure_micro"] == 30 * YUAN


def test_an_answer_lost_after_the_write_is_no_second_top_up(box: Guarded) -> None:
    box.seconds(2)
    box.answer()
    box.meter.mute = True
    box.answer()
    assert box.meter.values["balance_micro"] == 32 * YUAN, "it was written, nobody heard"
    count = box.visits
    box.meter.mute = False
    box.seconds(5)
    assert box.visits == count, "not at once"
    box.rig.a.clock.go_on(AGAIN_AFTER_MS)
    box.seconds(2)
    assert box.rig.a.bus.visits[-1].writes == ()
    assert box.settle() == 1
    assert box.meter.values["purchase_count"] == 1


def test_a_visit_without_a_report_is_given_up_and_a_late_report_moves_nothing(box: Guarded) -> None:
    box.seconds(2)
    lost = box.rig.a.bus.visits[-1]
    box.rig.a.clock.go_on(VISIT_ENDS_MS)
    box.seconds(2)
    count = box.visits
    box.rig.give(FromBus(BUS, box.meter.visit(lost)))
    assert box.visits == count, "what it asked for is decided anew"


def test_a_meter_that_takes_nothing_is_left_until_the_next_time(box: Guarded) -> None:
    box.meter.deaf = True
    box.seconds(2)
    assert box.settle() == WRITES_IN_A_ROW + 1
    count = box.visits
    box.seconds(30)
    assert box.visits == count


def test_a_guard_is_proved_with_a_persons_yes(box: Guarded) -> None:
    box.seconds(2)
    box.settle()
    assert box.rig.ask("guard_test", meter="M0", who="Li") is None
    box.answer()
    box.answer()
    told = box.rig.answer()
    assert told is not None
    assert told["passed"]
    row = box.rig.a.box.state.meters[METER]
    assert [test.test for test in row.state.tests] == ["relay", "guard"]
    looked = box.rig.ask("guard_test_look", meter="M0")
    assert looked is not None
    assert looked["status"]["guard"] == {"own_balance_micro": 32 * YUAN + FEN, "exposure_micro": 0, "on": True}


def test_a_test_without_answers_fails(box: Guarded) -> None:
    box.seconds(2)
    box.settle()
    box.rig.ask("guard_test", meter="M0", who="Li")
    box.rig.a.clock.go_on(30_000)
    box.seconds(1)
    told = box.rig.answer()
    assert told is not None
    assert not told["passed"]


def test_a_meter_whose_top_up_nobody_allows_is_not_tested(tmp_path: Path) -> None:
    with owner_rig(tmp_path, box_config((meter_config(0, profile=PROFILE),))) as rig:
        refused = rig.ask("guard_test", meter="M0", who="Li")
        assert refused is not None
        assert refused["refused"] == "not_supported"
        assert "guard_inferred" in refused["detail"]
