"""A meter replaced, or moved to another box: told to the box that has it, and gone on with when that has answered.

The plan changes only when the box's `replaced` or `released` record is posted, so that no register is counted twice.
"""

from typing import Any

import msgspec

from cloud_server.core import sale_order
from cloud_server.core.contracts import MeterChange
from cloud_server.core.fleet import Box, BoxState
from cloud_server.core.mistakes import Conflict, FieldError, NotFound
from cloud_server.core.money_requests import ReclaimRequest
from cloud_server.core.planned_meters import (
    NewMeter,
    NewPlace,
    placed_meter,
    relocated_plan,
    replaced_plan,
    sole_wallet,
)
from cloud_server.flows.ask_back import ask_back
from cloud_server.flows.carry_meter import MeterGoal, finish_change, judge_plan
from cloud_server.flows.centre import Centre
from cloud_server.flows.close_account import typed_readings
from cloud_server.flows.money_step import Done, key_errors, money_step, reason_errors, refuse_if_wrong
from cloud_server.flows.second_person import confirmed, wait_for_second
from cloud_server.flows.sign_lines import Asker, issue_command
from cloud_server.ports import Actor, Unit
from cloud_server.ports.hardware_orders import ChangeAnswer, RelocateOrder, ReplaceOrder
from protocol.commands import Body, ReleaseMeter, ReplaceMeter
from protocol.limits import INTEGER_MAX
from protocol.site_plan import SitePlan, WalletPlan


class Meters:
    """Changes meters."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def replace_meter(self, order: ReplaceOrder, by: Actor) -> ChangeAnswer:
        """Another meter serves a point. Raises Mistaken beside the usual."""
        contents = (order.meter, order.old_raw_wh, order.serial, order.new_raw_wh, order.reason, order.name, order.unit)
        request = sale_order.order_hash("meter_replaced", *contents, order.profile, by.name)
        step = money_step(self._centre, "meter_replaced", order.key, request, lambda u: self._replace(u, order, by))
        return ChangeAnswer(**step)

    def relocate_meter(self, order: RelocateOrder, by: Actor) -> ChangeAnswer:
        """A meter goes to another box; a register that is typed wants a second person."""
        contents = (order.meter, order.box, order.bus, order.device, order.unit, order.account, order.to_wallet)
        request = sale_order.order_hash("meter_relocated", *contents, repr(order.typed), order.reason, by.name)
        step = money_step(self._centre, "meter_relocated", order.key, request, lambda u: self.take(u, order, by))
        return ChangeAnswer(**step)

    def change(self, change: str) -> MeterChange:
        """One change and how far it is. Raises NotFound."""
        with self._centre.store.read() as unit:
            found = unit.contracts.change(change)
        if found is None:
            raise NotFound("change", change)
        return found

    def go_on(self) -> int:
        """Go on with changes whose box has answered; how many. Repeatable."""
        centre = self._centre
        if centre.journal.fault is not None:
            return 0
        with centre.store.read() as unit:
            due = [change for change in unit.contracts.open_changes() if _answered(unit, change)]
        for change in due:
            finish_change(centre, change.change)
        return len(due)

    # --- replacing ----------------------------------------------------------------------------------------------

    def _replace(self, unit: Unit, order: ReplaceOrder, by: Actor) -> Done:
        plan, box = _place(unit, order.meter)
        errors = [*key_errors(order.key), *reason_errors(order.reason)]
        if not order.serial.strip():
            errors.append(FieldError(field="serial", value="", code="required", message="is on the new meter's plate"))
        for field, raw in (("old_raw_wh", order.old_raw_wh), ("new_raw_wh", order.new_raw_wh)):
            if raw < 0:
                message = "is no register in watt-hours"
                errors.append(FieldError(field=field, value=str(raw), code="not_a_number", message=message))
        refuse_if_wrong(errors)
        _takes_commands(box)
        second = confirmed(by, order.second)
        new = self._centre.new_id()
        made = NewMeter(meter=new, serial=order.serial.strip(), name=order.name, unit=order.unit, profile=order.profile)
        judge_plan(self._centre, unit, replaced_plan(plan, order.meter, made), {order.meter})
        _, placed = placed_meter(plan, order.meter)
        body = ReplaceMeter(
            point=placed.point,
            old=order.meter,
            old_raw_wh=order.old_raw_wh,
            new=new,
            serial=order.serial.strip(),
            new_raw_wh=order.new_raw_wh,
        )
        contents = msgspec.json.encode(made).decode()
        asker = Asker(operator=by.name, key=order.key, second=second, reason=order.reason.strip())
        return self._tell(unit, box, "replace", order.meter, placed.point, body, contents, asker)

    # --- relocating ---------------------------------------------------------------------------------------------

    def take(self, unit: Unit, order: RelocateOrder, by: Actor) -> Done:
        """All of asking for a meter's move inside one transaction."""
        plan, box = _place(unit, order.meter)
        refuse_if_wrong([*key_errors(order.key), *reason_errors(order.reason)])
        if order.box == box.box:
            raise Conflict(f"meter {order.meter} hangs on that box already", "hangs_there")
        second = confirmed(by, order.second)
        if order.typed is not None and second is None:
            return wait_for_second(self._centre, unit, "meters", order, by, order.meter, None, order.reason.strip())
        known = unit.fleet.known_site(self._centre.site.zone, self._centre.site.currency)
        sole = sole_wallet(plan, order.meter, known.closed_wallets)
        account = order.account or (sole.account if sole is not None else None)
        place = NewPlace(
            box=order.box,
            bus=order.bus,
            device=order.device,
            unit=order.unit,
            to_wallet=order.to_wallet,
            account=account,
            new_wallet=self._centre.new_id() if order.to_wallet is None and account is not None else None,
        )
        closing = {sole.wallet} if sole is not None else set[str]()
        judge_plan(self._centre, unit, relocated_plan(plan, order.meter, place), {order.meter}, closing)
        goal_box = unit.fleet.box(order.box)
        if goal_box is None:
            raise NotFound("box", order.box)
        _takes_commands(goal_box)
        asker = Asker(operator=by.name, key=order.key, second=second, reason=order.reason.strip())
        return self._ask(unit, box, order, place, sole, asker)

    def _ask(
        self, unit: Unit, box: Box, order: RelocateOrder, place: NewPlace, sole: WalletPlan | None, by: Asker
    ) -> Done:
        """The old box closes the meter's own wallet, if it has one, and gives the meter up."""
        _, placed = placed_meter(_plan(unit), order.meter)
        if box.state is BoxState.RETIRED:
            contents = msgspec.json.encode(MeterGoal(place=place)).decode()
            change = self._kept(unit, box, "move", order.meter, placed.point, 0, contents, by)
            return Done({"state": "asked", "change": change, "meter": order.meter, "command": None})
        _takes_commands(box)
        registers = typed_readings([order.typed], by) if order.typed is not None else []
        request = None
        if sole is not None:
            request = ask_back(self._centre, unit, _closing(self._centre, sole, by), registers)
            box = _box(unit, box.box)
        goal = MeterGoal(place=place, reclaim=request.reclaim if request is not None else None)
        body = ReleaseMeter(meter=order.meter, typed=registers[0] if registers else None)
        contents = msgspec.json.encode(goal).decode()
        return self._tell(unit, box, "move", order.meter, placed.point, body, contents, by)

    def _tell(
        self, unit: Unit, box: Box, kind: Any, meter: str, point: str, body: Body, contents: str, by: Asker
    ) -> Done:
        after = issue_command(self._centre, unit, box, body, by.operator)
        seq = after.command_head.seq
        change = self._kept(unit, box, kind, meter, point, seq, contents, by)
        return Done({"state": "asked", "change": change, "meter": meter, "command": seq}, (box.box,))

    def _kept(
        self, unit: Unit, box: Box, kind: Any, meter: str, point: str, command: int, contents: str, by: Asker
    ) -> str:
        change = MeterChange(
            change=self._centre.new_id(),
            kind=kind,
            meter=meter,
            point=point,
            box=box.box,
            command=command,
            contents=contents,
            operator=by.operator,
            second=by.second,
            reason=by.reason or "",
            key=by.key,
            asked_at_ms=self._centre.clock.wall_ms(),
        )
        unit.contracts.add_change(change)
        detail = {"box": box.box, "second": by.second}
        unit.audit.append(change.asked_at_ms, by.operator, f"meter_{kind}", meter, detail)
        return change.change


def _place(unit: Unit, meter: str) -> tuple[SitePlan, Box]:
    plan, name = unit.fleet.plan(), unit.fleet.box_of_meter(meter)
    box = unit.fleet.box(name) if name is not None else None
    if plan is None or box is None:
        raise NotFound("meter", meter)
    if any(change.meter == meter for change in unit.contracts.open_changes()):
        raise Conflict(f"meter {meter} is being changed already and its box has not answered", "asked_already")
    return plan, box


def _plan(unit: Unit) -> SitePlan:
    plan = unit.fleet.plan()
    assert plan is not None
    return plan


def _box(unit: Unit, name: str) -> Box:
    box = unit.fleet.box(name)
    assert box is not None
    return box


def _closing(centre: Centre, wallet: WalletPlan, by: Asker) -> ReclaimRequest:
    """The wallet that feeds only this meter is closed with it; what it gives back follows the meter."""
    return ReclaimRequest(
        reclaim=centre.new_id(),
        account=wallet.account,
        wallet=wallet.wallet,
        box=wallet.box,
        purpose="close",
        amount_micro=INTEGER_MAX,
        made_at_ms=centre.clock.wall_ms(),
        operator=by.operator,
        key=by.key,
    )


def _takes_commands(box: Box) -> None:
    if not box.takes_commands:
        raise Conflict(f"box {box.name} takes no commands now", "box_takes_none")


def _answered(unit: Unit, change: MeterChange) -> bool:
    if change.command == 0:
        return True
    command = unit.lines.command(change.box, change.command)
    return command is not None and command.state != "signed"
