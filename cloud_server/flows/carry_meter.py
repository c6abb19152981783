"""Going on with a meter's change when its box has answered: the plan, the configurations, the adoption, the credit."""

from collections.abc import Set
from dataclasses import replace
from typing import Any

import msgspec

from cloud_server.core.batch_facts import MeterFacts
from cloud_server.core.box_place import place_from_config
from cloud_server.core.charge_audit import MeterCharge
from cloud_server.core.contracts import MeterBinding, MeterChange
from cloud_server.core.epochs import meter_state
from cloud_server.core.mistakes import Mistaken
from cloud_server.core.money_requests import ReclaimState
from cloud_server.core.planned_meters import NewMeter, NewPlace, placed_meter, relocated_plan, replaced_plan
from cloud_server.core.planned_site import config_of, plan_mistakes
from cloud_server.flows.centre import Centre
from cloud_server.flows.grant_credit import grant_credit
from cloud_server.flows.plan_site import revise_plan
from cloud_server.flows.sign_lines import Asker, issue_command
from cloud_server.ports import Unit
from protocol.commands import AdoptMeter
from protocol.site_plan import SitePlan


def judge_plan(centre: Centre, unit: Unit, plan: SitePlan, gone: Set[str], closing: Set[str] = frozenset()) -> None:
    """Whether the plan could be taken when the box has given up meters and closed wallets. Raises Mistaken."""
    known = unit.fleet.known_site(centre.site.zone, centre.site.currency)
    known = replace(
        known,
        boxes={box: meters - gone for box, meters in known.boxes.items()},
        closed_wallets=known.closed_wallets | closing,
    )
    mistakes = plan_mistakes(plan, known)
    if mistakes:
        raise Mistaken(mistakes)


def finish_change(centre: Centre, name: str) -> None:
    """Take up what follows from a box's answer, in one transaction; once, however often it is called."""
    with centre.store.write() as unit:
        change = unit.contracts.change(name)
        if change is None or change.state != "asked":
            return
        command = unit.lines.command(change.box, change.command) if change.command else None
        if command is not None and command.state == "refused":
            _end(centre, unit, change, "refused", command.reason or "")
            return
        try:
            boxes = _replace(centre, unit, change) if change.kind == "replace" else _move(centre, unit, change)
        except Mistaken as fault:
            _end(centre, unit, change, "refused", str(fault)[:200])
            return
        if boxes is None:
            return
        _end(centre, unit, change, "done", None)
        centre.fail_point("change_before_commit")
    centre.fail_point("change_committed")
    centre.journal.append_unmarked()
    centre.fail_point("change_journaled")
    for box in boxes:
        centre.wake.wake(box)
    centre.live.changed()


def _end(centre: Centre, unit: Unit, change: MeterChange, state: Any, why: str | None) -> None:
    now_ms = centre.clock.wall_ms()
    unit.contracts.save_change(replace(change, state=state, ended_at_ms=now_ms, why=why))
    unit.audit.append(now_ms, change.operator, f"meter_{change.kind}_{state}", change.meter, {"why": why})


def _replace(centre: Centre, unit: Unit, change: MeterChange) -> tuple[str, ...]:
    plan = unit.fleet.plan()
    assert plan is not None
    new = msgspec.json.decode(change.contents, type=NewMeter)
    _unbind(centre, unit, plan, change)
    return revise_plan(
        centre, unit, replaced_plan(plan, change.meter, new), change.operator, frozenset({change.meter})
    ).configured


def _move(centre: Centre, unit: Unit, change: MeterChange) -> tuple[str, ...] | None:
    """The meter goes to its new box; None where that takes no commands now and the change waits."""
    plan = unit.fleet.plan()
    assert plan is not None
    goal = msgspec.json.decode(change.contents, type=MeterGoal)
    box = unit.fleet.box(goal.place.box)
    if box is None or not box.takes_commands:
        return None
    facts, charge = unit.readings.meter_states(change.box).get(
        change.meter, (MeterFacts(meter=change.meter), MeterCharge())
    )
    _unbind(centre, unit, plan, change)
    after = relocated_plan(plan, change.meter, goal.place)
    configured = revise_plan(centre, unit, after, change.operator, frozenset({change.meter})).configured
    planned = next(planned for planned in after.boxes if planned.box == box.box)
    known = unit.fleet.known_site(centre.site.zone, centre.site.currency)
    place = place_from_config(config_of(after, planned, known.account_states, known.closed_wallets))
    box = unit.fleet.box(box.box)
    assert box is not None
    state = meter_state(place, change.meter, facts, charge, centre.clock.wall_ms())
    issue_command(centre, unit, box, AdoptMeter(meter=change.meter, state=state), change.operator)
    _bring_credit(centre, unit, change, goal)
    return tuple(sorted({*configured, box.box}))


def _bring_credit(centre: Centre, unit: Unit, change: MeterChange, goal: "MeterGoal") -> None:
    """What the wallet that was closed for the move gave back goes to the wallet on the new box."""
    name = goal.place.to_wallet or goal.place.new_wallet
    request = unit.money.reclaims([goal.reclaim]).get(goal.reclaim) if goal.reclaim is not None else None
    if name is None or request is None or request.state is not ReclaimState.ANSWERED or not request.answered_micro:
        return
    wallets = {wallet.wallet: wallet for wallet in unit.fleet.wallets_of_account(request.account)}
    if name in wallets:
        asker = Asker(operator=change.operator, key=change.key, second=change.second, reason=change.reason)
        grant_credit(centre, unit, wallets[name], request.answered_micro, "move", asker)


def _unbind(centre: Centre, unit: Unit, plan: SitePlan, change: MeterChange) -> None:
    box, placed = placed_meter(plan, change.meter)
    _, charge = unit.readings.meter_states(box).get(change.meter, (None, MeterCharge()))
    unit.contracts.add_binding(
        MeterBinding(
            meter=change.meter,
            point=change.point,
            box=box,
            name=placed.name,
            until_ms=centre.clock.wall_ms(),
            last_raw_wh=charge.raw_wh,
            why=change.kind,
        )
    )


class MeterGoal(msgspec.Struct, frozen=True, kw_only=True):
    """What a meter's move still needs when its box has answered: its new place, and the credit of its old wallet."""

    place: NewPlace
    reclaim: str | None = None
