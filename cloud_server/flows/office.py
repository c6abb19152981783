"""Every step of the ledger's office put together, for console, API and the work that nobody asks for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cloud_server.core.second_person import RequestKind
from cloud_server.core.tasks import Task
from cloud_server.flows.accept_history import Histories
from cloud_server.flows.adjust_credit import Adjustments
from cloud_server.flows.centre import Centre
from cloud_server.flows.change_meter import Meters
from cloud_server.flows.close_account import Closings
from cloud_server.flows.close_day import Days
from cloud_server.flows.keep_till import Tills
from cloud_server.flows.move_credit import Moves
from cloud_server.flows.open_account import Accounts
from cloud_server.flows.open_selling import Selling
from cloud_server.flows.operate_meters import MeterOperations
from cloud_server.flows.read_tasks import tasks
from cloud_server.flows.recovery_report import RecoveryDesk
from cloud_server.flows.refund_credit import Refunds
from cloud_server.flows.retire_box import Boxes
from cloud_server.flows.reverse_sale import Reversals
from cloud_server.flows.second_person import SecondPerson, StepKind
from cloud_server.flows.settle_account import Settlements
from cloud_server.ports import Operation
from cloud_server.ports.hardware_orders import HistoryOrder, OpenSellingOrder, RelocateOrder, RetireOrder
from cloud_server.ports.ledger import AdjustmentOrder, ClosingOrder, ClosingStep, SettleOrder
from cloud_server.ports.money import RefundOrder, ReversalOrder

WORK_EVERY_S: Final = 3.0
"""How soon work goes on by itself where a box has answered: a move's grant, a tenant's account, a meter's change."""


@dataclass(frozen=True, kw_only=True)
class Office:
    """Made once by the wiring."""

    tills: Tills
    days: Days
    refunds: Refunds
    reversals: Reversals
    adjustments: Adjustments
    closings: Closings
    settlements: Settlements
    moves: Moves
    accounts: Accounts
    meters: Meters
    boxes: Boxes
    selling: Selling
    recovery: RecoveryDesk
    histories: Histories
    second: SecondPerson
    tasks: Callable[[], tuple[Task, ...]]
    """Everything that waits for somebody, oldest first."""

    def work(self) -> int:
        """What is due by itself; how much was done. Repeatable, and taken up anew after a crash."""
        going_on = self.moves.go_on() + self.meters.go_on() + self.accounts.go_on()
        return going_on + self.days.close_due_days() + self.days.seal_due_days()


def open_office(centre: Centre) -> Office:
    """Put the steps together."""
    refunds, reversals, adjustments = Refunds(centre), Reversals(centre), Adjustments(centre)
    closings, settlements = Closings(centre), Settlements(centre)
    meters, boxes, selling = Meters(centre), Boxes(centre), Selling(centre)
    histories = Histories(centre)
    kinds: Mapping[RequestKind, StepKind] = {
        "refund": StepKind(RefundOrder, refunds.take),
        "reversal": StepKind(ReversalOrder, reversals.take),
        "adjustment": StepKind(AdjustmentOrder, adjustments.take),
        "closing": StepKind(ClosingOrder, closings.take),
        "closing_again": StepKind(ClosingStep, closings.take_again),
        "settling": StepKind(SettleOrder, settlements.take),
        "meters": StepKind(RelocateOrder, meters.take),
        "retirement": StepKind(RetireOrder, boxes.take),
        "open_selling": StepKind(OpenSellingOrder, selling.take),
        "history": StepKind(HistoryOrder, histories.take),
        "operation": StepKind(Operation, MeterOperations(centre).take),
    }
    return Office(
        tills=Tills(centre),
        days=Days(centre),
        refunds=refunds,
        reversals=reversals,
        adjustments=adjustments,
        closings=closings,
        settlements=settlements,
        moves=Moves(centre),
        accounts=Accounts(centre),
        meters=meters,
        boxes=boxes,
        selling=selling,
        recovery=RecoveryDesk(centre),
        histories=histories,
        second=SecondPerson(centre, kinds),
        tasks=lambda: tasks(centre),
    )
