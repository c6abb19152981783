"""Commands of the centre: whether one may be taken, and what carrying it out means.

Signature, storage and sequence of lines are the flow's work; here is number, link, term, expiry, and the effect.
A command that cannot be carried out is refused with one reason of a closed list and uses up its number.
"""

import enum
from collections.abc import Callable

import msgspec

from edge_agent.core.asked import Asked, meter_row
from edge_agent.core.decision import Decision, Steps
from edge_agent.core.intervals import close_at_latest, move
from edge_agent.core.meeting import judge_supply
from edge_agent.core.meter_orders import adopt, release_meter, replace, resolve
from edge_agent.core.money_orders import close_wallet, reclaim, withdraw
from edge_agent.core.overload import release
from edge_agent.core.place import Place
from edge_agent.core.reconfigure import apply_config
from edge_agent.core.refusal import Refusal
from edge_agent.core.relay import want_nothing
from edge_agent.core.state import BoxState, Marks, Now
from protocol.bundle import version_number
from protocol.chain import Link, link
from protocol.commands import (
    MONEY_KINDS,
    AdoptMeter,
    Body,
    CloseWallet,
    Command,
    Configure,
    Grant,
    InService,
    LiftLockOut,
    LockOutCommand,
    Reclaim,
    ReleaseMeter,
    ReleaseOverload,
    ReplaceMeter,
    ResolveRegister,
    SetMode,
    UnknownKind,
    Upgrade,
    Withdraw,
    read_body,
)
from protocol.errors import BadPayload
from protocol.ids import Hash
from protocol.records import CommandResult, Granted, LockOut, Record
from protocol.state import LockOutState


class Standing(enum.Enum):
    """How a command stands to what the box has applied."""

    NEXT = "next"
    KNOWN = "known"
    GAP = "gap"
    EQUIVOCATION = "equivocation"


def judge_command(marks: Marks, command: Command, line_hash: Hash, known_hash: Hash | None) -> Standing:
    """Tell whether a command is the next one. `known_hash`: that of the line kept under its number, if any.

    One that was carried out behind the base of the epoch in force, with an effect that the epoch does not know, is next
    again; another one under its number never is.
    """
    if known_hash is not None and known_hash != line_hash:
        return Standing.EQUIVOCATION
    if known_hash is not None and command.seq <= marks.commands_seq:
        return Standing.KNOWN
    match link(marks.command_head, command.seq, command.prev):
        case Link.NEXT:
            return Standing.NEXT
        case Link.GAP:
            return Standing.GAP
        case Link.KNOWN:
            return Standing.KNOWN
        case Link.FORK:
            return Standing.EQUIVOCATION


def carry_out(state: BoxState, asked: Asked, line_hash: Hash) -> Decision:
    """Carry the next command out, or refuse it. Either way the decision moves the command head on."""
    command, steps = asked.command, Steps(state)
    outcome = _try(steps, asked)
    if isinstance(outcome, Refusal):
        steps = Steps(state)
    marks = msgspec.structs.replace(
        steps.state.marks,
        commands_seq=command.seq,
        commands_hash=line_hash,
        term=max(command.term, state.marks.term),
    )
    steps.take(Decision(records=(_result(asked, outcome),), marks=marks, urgent=True))
    return steps.decision()


def _try(steps: Steps, asked: Asked) -> Refusal | None:
    command = asked.command
    if command.term < steps.state.marks.term:
        return Refusal("lower_term", f"term {command.term}, seen {steps.state.marks.term}")
    try:
        body = read_body(command)
    except UnknownKind as fault:
        return Refusal("not_supported", str(fault))
    except BadPayload as fault:
        return Refusal("bad_body", str(fault)[:500])
    expires = command.expires_at_ms
    if expires is not None and command.kind not in MONEY_KINDS and asked.now.sure and asked.now.wall_ms > expires:
        return Refusal("expired", f"was good until {expires}")
    effect = _EFFECTS.get(type(body))
    if effect is None:
        return Refusal("not_supported", f"{command.kind} is not carried out by this version")
    return effect(steps, asked, body)


def _result(asked: Asked, outcome: Refusal | None) -> CommandResult:
    return CommandResult(
        at_ms=asked.now.wall_ms,
        command=asked.command.seq,
        outcome="done" if outcome is None else "refused",
        reason=outcome.reason if outcome is not None else None,
        detail=outcome.detail if outcome is not None else None,
    )


def _configure(steps: Steps, asked: Asked, body: Body) -> Refusal | None:
    assert isinstance(body, Configure)
    return apply_config(steps, asked.place, body, asked.read_place, asked.limits, asked.now)


def _grant(steps: Steps, asked: Asked, body: Body) -> Refusal | None:
    """Credit comes in: intervals closed at the newest readings, book balance up, alarms and relays judged."""
    assert isinstance(body, Grant)
    wallet = asked.place.wallets.get(body.wallet)
    if wallet is None or body.wallet not in steps.state.wallets:
        return Refusal("unknown_wallet", f"wallet {body.wallet}")
    if asked.known_money(body.grant):
        return Refusal("money_id_known", f"grant {body.grant}")
    gone = wallet.account_state == "closed" or steps.state.wallets[body.wallet].closed
    if gone and body.amount_micro > 0:
        return Refusal("wallet_closed", f"wallet {body.wallet}")
    if abs(body.amount_micro) > asked.limits.greatest_grant_micro:
        return Refusal("over_limit", f"{body.amount_micro} above {asked.limits.greatest_grant_micro}")
    for meter in wallet.meters:
        steps.take(close_at_latest(asked.place, steps.state, meter, asked.now.sure))
    row = move(msgspec.structs.replace(steps.state.wallets[body.wallet], funded=True), body.amount_micro)
    record = Granted(
        at_ms=asked.now.wall_ms,
        command=asked.command.seq,
        grant=body.grant,
        wallet=body.wallet,
        amount_micro=body.amount_micro,
        book_micro=row.state.book_micro,
    )
    steps.take(Decision(records=(record,), wallets=(row,), money_ids=(body.grant,)))
    judge_supply(asked.place, steps, wallet.meters[0], asked.now, asked.command.seq)
    return None


def _change_meter(
    steps: Steps, asked: Asked, meter: str, records: tuple[Record, ...] = (), **changes: object
) -> Refusal | None:
    """Change fields of a meter's state, record it, and judge its supply at once."""
    row = steps.state.meters[meter]
    after = msgspec.structs.replace(row, state=msgspec.structs.replace(row.state, **changes))
    steps.take(Decision(records=records, meters=(after,)))
    judge_supply(asked.place, steps, meter, asked.now, asked.command.seq)
    return None


def _set_mode(steps: Steps, asked: Asked, body: Body) -> Refusal | None:
    assert isinstance(body, SetMode)
    row = meter_row(steps, asked, body.meter)
    if isinstance(row, Refusal):
        return row
    if body.mode != "protected" and body.meter in asked.limits.protected_always:
        return Refusal("protected_always", f"meter {body.meter}")
    return _change_meter(
        steps,
        asked,
        body.meter,
        mode=body.mode,
        mode_until_ms=body.until_ms,
        no_trip_before_ms=body.no_trip_before_ms,
    )


def _in_service(steps: Steps, asked: Asked, body: Body) -> Refusal | None:
    """In service only with a passed relay test; back to observe the relay stays as it is."""
    assert isinstance(body, InService)
    row = meter_row(steps, asked, body.meter)
    if isinstance(row, Refusal):
        return row
    if body.on:
        tests = [test for test in row.state.tests if test.test == "relay"]
        if not tests or not tests[-1].passed:
            return Refusal("not_tested", f"meter {body.meter}: no passed relay test")
        return _change_meter(steps, asked, body.meter, service="in_service")
    steps.take(want_nothing(asked.place, steps.state, body.meter, asked.now))
    return _change_meter(steps, asked, body.meter, service="observe")


def _lock_out(steps: Steps, asked: Asked, body: Body) -> Refusal | None:
    assert isinstance(body, LockOutCommand)
    row = meter_row(steps, asked, body.meter)
    if isinstance(row, Refusal):
        return row
    record = LockOut(at_ms=asked.now.wall_ms, meter=body.meter, on=True, who=body.who, where="console")
    hung = LockOutState(who=body.who, at_ms=asked.now.wall_ms)
    return _change_meter(steps, asked, body.meter, (record,), locked_out=hung)


def _lift_lock_out(steps: Steps, asked: Asked, body: Body) -> Refusal | None:
    assert isinstance(body, LiftLockOut)
    row = meter_row(steps, asked, body.meter)
    if isinstance(row, Refusal):
        return row
    record = LockOut(at_ms=asked.now.wall_ms, meter=body.meter, on=False, who=body.who, where="console")
    return _change_meter(steps, asked, body.meter, (record,), locked_out=None)


def _release_overload(steps: Steps, asked: Asked, body: Body) -> Refusal | None:
    assert isinstance(body, ReleaseOverload)
    row = meter_row(steps, asked, body.meter)
    if isinstance(row, Refusal):
        return row
    steps.take(release(asked.place, steps.state, body.meter, asked.now))
    judge_supply(asked.place, steps, body.meter, asked.now, asked.command.seq)
    return None


def lock_out_on_the_spot(place: Place, state: BoxState, meter: str, who: str, now: Now) -> Decision | Refusal:
    """Somebody at the box hangs a lock-out: opening for safety needs no signature."""
    row = state.meters.get(meter)
    if row is None or meter not in place.meters:
        return Refusal("unknown_meter", f"meter {meter}")
    steps = Steps(state)
    hung = msgspec.structs.replace(row.state, locked_out=LockOutState(who=who, at_ms=now.wall_ms))
    record = LockOut(at_ms=now.wall_ms, meter=meter, on=True, who=who, where="spot")
    steps.take(Decision(records=(record,), meters=(msgspec.structs.replace(row, state=hung),), urgent=True))
    judge_supply(place, steps, meter, now)
    return steps.decision()


def _upgrade(steps: Steps, asked: Asked, body: Body) -> Refusal | None:  # noqa: ARG001 - one row of the table below
    """Keep the order: the bundle is fetched, judged and started by the agent, which says in its lines what it is."""
    assert isinstance(body, Upgrade)
    if version_number(body.version) is None:
        return Refusal("bad_body", f"version {body.version!r}; right would be numbers, for example 1.4.0")
    steps.take(Decision(marks=msgspec.structs.replace(steps.state.marks, upgrade=body)))
    return None


_EFFECTS: dict[type[Body], Callable[[Steps, Asked, Body], Refusal | None]] = {
    Configure: _configure,
    Grant: _grant,
    SetMode: _set_mode,
    InService: _in_service,
    LockOutCommand: _lock_out,
    LiftLockOut: _lift_lock_out,
    ReleaseOverload: _release_overload,
    Reclaim: reclaim,
    Withdraw: withdraw,
    CloseWallet: close_wallet,
    ReplaceMeter: replace,
    ReleaseMeter: release_meter,
    AdoptMeter: adopt,
    ResolveRegister: resolve,
    Upgrade: _upgrade,
}
"""What this version carries out; every other kind is refused as not_supported."""
