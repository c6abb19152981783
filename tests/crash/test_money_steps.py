"""Every money step killed between its lock and its receipt: before or after, never between; asked again, done once.

A child runs the step on a copy of a lived-in centre and is ended by SIGKILL at a named place. A second centre opens the
copy as it was left, the step is asked again with its key, the boxes catch up: the books are then those of a centre that
nobody killed, to the last account, and every invariant holds.
"""

import copy
import dataclasses
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cloud_server.flows.close_day import SEALED_AFTER_MS
from cloud_server.flows.office import Office, open_office
from cloud_server.ports import Operation
from cloud_server.ports.hardware_orders import RelocateOrder, ReplaceOrder, RetireOrder
from cloud_server.ports.ledger import (
    AccountOrder,
    AdjustmentOrder,
    CheckStep,
    ClosingOrder,
    MoveOrder,
    NextTenant,
    SettleOrder,
)
from cloud_server.ports.money import RefundOrder, RefundStep, ReversalOrder
from cloud_server.ports.tills import DayOrder, TillCount, TillOpening
from tests.cloud_server.flows.test_refund_credit import SUPERVISOR
from tests.cloud_server.site_rig import CASHIER, SiteRig, open_rig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import account_id, box_id, meter_id, name, wallet_id
from tests.fakes.centre_clock import NOON_MS, FakeClock

pytestmark = pytest.mark.xdist_group("crash_money_steps")

SHOPS = 8
FIRST, SECOND = wallet_id(1, 1), wallet_id(2, 1)
SECOND_MS = 1_000


@dataclass
class Lived:
    """A centre's folder as a day left it, its boxes, and the names of what waits in it."""

    folder: Path
    boxes: list[SpeakingBox] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    ends_ms: int = 0


def refund(key: str, box: int, shop: int, amount: str) -> RefundOrder:
    return RefundOrder(key=key, account=account_id(box, shop), amount=amount, method="cash", reason="x")


def adjustment(key: str, amount: str) -> AdjustmentOrder:
    return AdjustmentOrder(key=key, account=account_id(1, 2), amount=amount, reason="x")


def move(key: str) -> MoveOrder:
    return MoveOrder(key=key, account=account_id(1, 1), from_wallet=FIRST, to_wallet=SECOND, amount="5.00", reason="x")


def closing(key: str, box: int, shop: int, tenant: NextTenant | None = None) -> ClosingOrder:
    return ClosingOrder(key=key, account=account_id(box, shop), reason="x", next_tenant=tenant)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """Something of every kind waits for its next step."""
    made = Lived(tmp_path_factory.mktemp("lived"))
    with open_rig(made.folder) as rig:
        rig.plan(shops=SHOPS)
        made.boxes = [rig.enrol(1), rig.enrol(2)]
        office, ids = open_office(rig.centre), made.ids
        rig.sell("100.00", shop=1, parts=((FIRST, "60.00"), (SECOND, "40.00")))
        for box, shop in ((1, 2), (1, 3), (1, 4), (1, 6), (2, 2), (2, 3), (2, 6)):
            rig.sell("50.00", box=box, shop=shop)
        settle(rig, made.boxes)
        ids["payable"] = office.refunds.ask(refund("p", 1, 3, "20.00"), CASHIER).refund
        ids["unpaid"] = office.refunds.ask(refund("u", 2, 3, "20.00"), CASHIER).refund
        ids["ready"] = office.closings.close(closing("r", 1, 4), CASHIER).closing or ""
        office.closings.close(closing("f", 2, 4, NextTenant(number="K77", customer_name="新")), CASHIER)
        office.moves.move(move("m0"), CASHIER)
        order = ReplaceOrder(key="x", meter=meter_id(2, 5), old_raw_wh=0, serial="N", new_raw_wh=0, reason="x")
        office.meters.replace_meter(order, CASHIER)
        settle(rig, made.boxes)
        ids["asked"] = office.refunds.ask(refund("a", 2, 2, "20.00"), CASHIER).refund
        ids["wrong"] = rig.sell("7.00", box=2, shop=6)
        ids["second"] = office.adjustments.adjust(adjustment("q", "500.00"), CASHIER).request or ""
        made.ends_ms = rig.clock.now_ms
    return made


def settle(rig: SiteRig, boxes: list[SpeakingBox]) -> None:
    for box in boxes:
        rig.settle(box)


Step = Callable[[SiteRig, Office, dict[str, str]], object]

STEPS: dict[str, Step] = {
    "refund": lambda _, o, __: o.refunds.ask(refund("k", 1, 6, "30.00"), CASHIER),
    "refund_paid": lambda _, o, ids: o.refunds.pay(RefundStep(key="k", refund=ids["payable"]), CASHIER),
    "refund_returned": lambda _, o, ids: o.refunds.give_back(RefundStep(key="k", refund=ids["unpaid"]), CASHIER),
    "refund_withdrawn": lambda _, o, ids: o.refunds.withdraw(RefundStep(key="k", refund=ids["asked"]), CASHIER),
    "reversal": lambda _, o, ids: o.reversals.reverse(ReversalOrder(key="k", sale=ids["wrong"], reason="x"), CASHIER),
    "adjustment": lambda _, o, __: o.adjustments.adjust(adjustment("k", "-12.00"), CASHIER),
    "second_yes": lambda _, o, ids: o.second.approve(CheckStep(key="k", request=ids["second"]), SUPERVISOR),
    "move": lambda _, o, __: o.moves.move(dataclasses.replace(move("k"), amount="2.00"), CASHIER),
    "move_granted": lambda _, o, __: o.moves.go_on(),
    "closing": lambda _, o, __: o.closings.close(closing("k", 1, 6), CASHIER),
    "settling": lambda _, o, ids: o.settlements.settle(
        SettleOrder(key="k", closing=ids["ready"], how="refund"), CASHIER
    ),
    "tenant": lambda _, o, __: o.accounts.go_on(),
    "account_opened": lambda _, o, __: o.accounts.open_account(
        AccountOrder(key="k", number="K88", customer_name="x", meters=(meter_id(1, 4),)), CASHIER
    ),
    "meter_replaced": lambda _, o, __: o.meters.replace_meter(
        ReplaceOrder(key="k", meter=meter_id(1, 7), old_raw_wh=0, serial="S", new_raw_wh=0, reason="x"), CASHIER
    ),
    "meter_relocated": lambda _, o, __: o.meters.relocate_meter(
        RelocateOrder(
            key="k", meter=meter_id(1, 6), box=box_id(2), bus=name(0xB05, 2), device=name(0xDE, 2), unit=99, reason="x"
        ),
        CASHIER,
    ),
    "change": lambda _, o, __: o.meters.go_on(),
    "till_opened": lambda _, o, __: o.tills.open_till(TillOpening(key="k", float_amount="20.00"), CASHIER),
    "till_closed": lambda _, o, __: o.tills.close_till(TillCount(key="k", counted={"cash": "452.00"}), CASHIER),
    "day": lambda _, o, __: o.days.close_day(DayOrder(key="k"), CASHIER),
    "retirement": lambda _, o, __: o.boxes.retire(
        RetireOrder(key="k", box=box_id(1), reason="x", second=SUPERVISOR), CASHIER
    ),
    "operation": lambda rig, _, __: rig.operations.order(
        Operation(key="k", kind="prepaid", meters=(meter_id(1, 1),)), CASHIER
    ),
}
BY_ITSELF = ("move_granted", "tenant", "change")
"""Steps that nobody asks for: they are done when the centre runs again."""
POINTS = [f"{step}_committed" for step in STEPS]
"""Where most can go wrong: it is in the database and nowhere else."""
OTHER_POINTS = [f"{step}_{point}" for step in STEPS for point in ("before_commit", "journaled")]
OTHER_POINTS.remove("operation_journaled")


def moved(lived: Lived, folder: Path) -> list[SpeakingBox]:
    """A copy of the folder and of its boxes."""
    shutil.copytree(lived.folder, folder, dirs_exist_ok=True)
    for settings in folder.rglob("*.toml"):
        settings.write_text(settings.read_text().replace(str(lived.folder), str(folder)))
    return [_clone(box) for box in lived.boxes]


def _clone(box: SpeakingBox) -> SpeakingBox:
    keys = {"key": box.key, "tls": box.tls}
    fields = {f.name: getattr(box, f.name) for f in dataclasses.fields(box) if f.name not in keys}
    return SpeakingBox(**keys, **copy.deepcopy(fields))  # type: ignore[arg-type]  # its own fields


def killed(lived: Lived, folder: Path, step: str, point: str | None) -> bool:
    """Run a step in a child; whether it was killed at the point."""

    def end_here(reached: str) -> None:
        if reached == point:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        code = 1
        try:
            with open_rig(folder, FakeClock(lived.ends_ms + SECOND_MS), end_here) as rig:
                STEPS[step](rig, open_office(rig.centre), lived.ids)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, (step, point)
    return os.WIFSIGNALED(status)


def went_on(lived: Lived, folder: Path, boxes: list[SpeakingBox], step: str) -> dict[str, int]:
    """The centre starts again, whoever was not answered asks again, the boxes catch up; the sums of all accounts."""
    with open_rig(folder, FakeClock(lived.ends_ms + 10 * SECOND_MS)) as rig:
        rig.centre.journal.check_at_start()
        rig.centre.journal.append_unmarked()
        assert rig.breaches() == []
        office = open_office(rig.centre)
        if step not in BY_ITSELF:
            first = STEPS[step](rig, office, lived.ids)
            assert STEPS[step](rig, office, lived.ids) == first
        standing = boxes[1:] if step == "retirement" else boxes
        for _ in range(2):
            settle(rig, standing)
            office.work()
        settle(rig, standing)
        rig.clock.advance(SEALED_AFTER_MS)
        office.work()
        assert rig.breaches() == []
        with rig.centre.store.read() as unit:
            assert unit.lines.unjournaled(10) == []
            kinds = ("till", "customer", "in_flight", "wallet", "payable", "bank")
            return {f"{kind}/{about}": micro for kind in kinds for about, micro in unit.books.balances(kind).items()}


@pytest.fixture(scope="module")
def right(lived: Lived, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, int]]:
    """What the books come to after a step that nobody killed."""
    known: dict[str, dict[str, int]] = {}

    def books(step: str) -> dict[str, int]:
        if step not in known:
            folder = tmp_path_factory.mktemp(step)
            boxes = moved(lived, folder)
            assert not killed(lived, folder, step, None)
            known[step] = _without_new(went_on(lived, folder, boxes, step))
        return known[step]

    return books


def _without_new(sums: dict[str, int]) -> dict[str, int]:
    """New wallets have names of their own in each run: those that hold nothing do not count."""
    return {name: micro for name, micro in sums.items() if micro}


@pytest.mark.parametrize("point", [*POINTS, *(pytest.param(point, marks=pytest.mark.slow) for point in OTHER_POINTS)])
def test_a_step_cut_short_is_one_step_after_all(
    lived: Lived, right: Callable[[str], dict[str, int]], tmp_path: Path, point: str
) -> None:
    step = next(step for step in sorted(STEPS, key=len, reverse=True) if point.startswith(f"{step}_"))
    boxes = moved(lived, tmp_path)
    assert killed(lived, tmp_path, step, point)
    after = _without_new(went_on(lived, tmp_path, boxes, step))
    wanted = right(step)
    if step == "meter_relocated":  # its new wallet has a name of its own
        assert sorted(after.values()) == sorted(wanted.values())
    else:
        assert after == wanted


def test_the_day_of_this_test_is_one_day(lived: Lived) -> None:
    assert lived.ends_ms == NOON_MS
