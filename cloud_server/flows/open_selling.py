"""Selling for a box that was not heard since this centre was restored: closed, until two people open it by its name.

What the box holds may be more than the books say: a sale on top of it could be one too many. Opened, sales to it are
taken, and their credit stays at the centre until it has been heard.
"""

from collections.abc import Iterable
from dataclasses import replace

from cloud_server.core import sale_order
from cloud_server.core.fleet import Box, Wallet
from cloud_server.core.mistakes import Conflict, FieldError, NotFound
from cloud_server.core.recovery import is_selling_closed
from cloud_server.flows.centre import Centre
from cloud_server.flows.money_step import Done, key_errors, money_step, reason_errors, refuse_if_wrong
from cloud_server.flows.second_person import confirmed, wait_for_second
from cloud_server.ports import Actor, Unit
from cloud_server.ports.hardware_orders import OpenSellingAnswer, OpenSellingOrder


class Selling:
    """Opens selling, box by box."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def open(self, order: OpenSellingOrder, by: Actor) -> OpenSellingAnswer:
        """Open it for one box; always by two people. Raises NotFound, Conflict, Refused."""
        request = sale_order.order_hash("open_selling", order.box, order.reason, by.name)
        step = money_step(self._centre, "open_selling", order.key, request, lambda unit: self.take(unit, order, by))
        return OpenSellingAnswer(state=step["state"], request=step.get("request"))

    def take(self, unit: Unit, order: OpenSellingOrder, by: Actor) -> Done:
        """All of it inside one transaction."""
        refuse_if_wrong([*key_errors(order.key), *reason_errors(order.reason)])
        box = unit.fleet.box(order.box)
        if box is None:
            raise NotFound("box", order.box)
        recovery = unit.recovery.open_of(box.box)
        if recovery is None or not is_selling_closed(recovery, box.seen_at_ms):
            raise Conflict(f"selling for box {box.name} is not closed", "answered")
        second = confirmed(by, order.second)
        if second is None:
            why = order.reason.strip()
            return wait_for_second(self._centre, unit, "open_selling", order, by, box.box, None, why)
        now_ms = self._centre.clock.wall_ms()
        unit.recovery.save(replace(recovery, opened_by=by.name, opened_second=second, opened_at_ms=now_ms))
        detail = {"second": second, "reason": order.reason.strip(), "term": recovery.term}
        unit.audit.append(now_ms, by.name, "selling_opened", box.box, detail)
        return Done({"state": "opened"})


def closed_boxes(unit: Unit, wallets: Iterable[Wallet]) -> list[Box]:
    """Boxes of these wallets for which nothing is sold now."""
    found = []
    for name in sorted({wallet.box for wallet in wallets}):
        box = unit.fleet.box(name)
        recovery = unit.recovery.open_of(name) if box is not None and box.recovery else None
        if box is not None and recovery is not None and is_selling_closed(recovery, box.seen_at_ms):
            found.append(box)
    return found


def selling_errors(unit: Unit, wallets: Iterable[Wallet]) -> list[FieldError]:
    """A mistake for each box of a sale for which selling is closed."""
    return [
        FieldError(
            field="account",
            value=box.name,
            code="box_not_heard",
            message=f"box {box.name} was not heard since the centre was restored; two people may open selling for it",
        )
        for box in closed_boxes(unit, wallets)
    ]
