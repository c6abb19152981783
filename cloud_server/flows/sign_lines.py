"""Signing inside a unit of work: commands, money lines and grants, each with the rows that must stand beside it; and
what a command that was signed orders.

A line exists from the unit's commit. It may be shown to anyone only when the journal holds it.
"""

from dataclasses import dataclass, replace

from cloud_server.core.command_chain import next_command
from cloud_server.core.fleet import Box, CommandFact, GrantState, SaleFact, WalletGrant
from cloud_server.core.posting_rules import grant_signed
from cloud_server.core.transaction import Transaction
from cloud_server.flows.centre import Centre
from cloud_server.ports import Unit
from protocol.chain import Head
from protocol.commands import (
    Body,
    Command,
    Configure,
    Grant,
    InService,
    LiftLockOut,
    LockOutCommand,
    SalePart,
    SetMode,
    Upgrade,
    read_body,
)
from protocol.envelope import read_line
from protocol.errors import BadPayload
from protocol.messages import Money, MoneyKind
from protocol.money import MoneyBody, write_money_body
from protocol.payload import read_payload

MONEY_CHAIN = ""
"""Money lines form one chain for the whole site; it stands under no box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asked, under which idempotency key, with whose second yes and why."""

    operator: str
    key: str
    second: str | None = None
    reason: str | None = None


def stored_body(unit: Unit, box: str, seq: int) -> Body | None:
    """What a command of a box's chain orders; None where it is not here, or of a kind that is not known here."""
    raw = unit.lines.line("command", box, seq)
    if raw is None:
        return None
    try:
        return read_body(read_payload(read_line(raw).payload, Command))
    except BadPayload:
        return None


def issue_command(centre: Centre, unit: Unit, box: Box, body: Body, who: str, expires_at_ms: int | None = None) -> Box:
    """Sign the next command of a box and store it; the box's row as it stands after."""
    now_ms = centre.clock.wall_ms()
    command = next_command(centre.place_of_box(box.box), box.command_head, body, now_ms, expires_at_ms)
    line = centre.authority.command_line("command", command)
    what, subject, until_ms = about(body)
    unit.lines.add_lines([(line, box.box, command.seq)], now_ms)
    unit.lines.add_command(
        CommandFact(
            box=box.box,
            seq=command.seq,
            hash=line.hash,
            kind=command.kind,
            what=what,
            subject=subject,
            who=who,
            issued_at_ms=now_ms,
            expires_at_ms=expires_at_ms,
            until_ms=until_ms,
        )
    )
    after = replace(box, command_head=Head(command.seq, line.hash))
    unit.fleet.save_box(after)
    return after


def about(body: Body) -> tuple[str, str, int | None]:
    """The body's own word, what it is about, and until when it holds."""
    match body:
        case SetMode(meter=meter, mode=mode, until_ms=until_ms):
            return mode, meter, until_ms
        case InService(meter=meter, on=on):
            return "on" if on else "off", meter, None
        case LockOutCommand(meter=meter) | LiftLockOut(meter=meter):
            return "", meter, None
        case Grant(wallet=wallet, cause=cause):
            return cause, wallet, None
        case Configure(config_version=version):
            return str(version), "", None
        case Upgrade(version=program):
            return program, "", None
        case _:
            return "", str(getattr(body, "meter", getattr(body, "wallet", ""))), None


def add_money_line(centre: Centre, unit: Unit, kind: MoneyKind, body: MoneyBody, by: Asker) -> int:
    """Sign the next money line and store it; its number."""
    now_ms = centre.clock.wall_ms()
    head = unit.lines.chain_head("money", MONEY_CHAIN, journaled_only=False)
    money = Money(
        site=centre.site.site,
        term=centre.term,
        number=head.seq + 1,
        prev=head.hash,
        kind=kind,
        body=write_money_body(body),
        operator=by.operator,
        second=by.second,
        reason=by.reason,
        idempotency_key=by.key,
        posted_at_ms=now_ms,
    )
    line = centre.authority.command_line("money", money)
    unit.lines.add_lines([(line, MONEY_CHAIN, money.number)], now_ms)
    return money.number


def sign_grant(
    centre: Centre, unit: Unit, box: Box, grant: WalletGrant, sale: SaleFact | None, parts: list[WalletGrant]
) -> Box:
    """Sign a waiting grant for a box that takes commands, and post customer -> in_flight; the box's row after."""
    now_ms = centre.clock.wall_ms()
    key = sale.key if sale is not None else grant.key or f"{grant.cause}/{grant.wallet}"
    operator = sale.operator if sale is not None else grant.operator or "centre"
    body = Grant(
        grant=grant.grant,
        wallet=grant.wallet,
        amount_micro=grant.amount_micro,
        cause=grant.cause,
        sale=grant.sale,
        receipt=sale.receipt if sale is not None else None,
        parts=[SalePart(wallet=p.wallet, box=p.box, amount_micro=p.amount_micro) for p in parts],
        undoes=grant.undoes,
        account=grant.account,
        method=sale.method if sale is not None else None,
        operator=operator,
        second=grant.second,
        idempotency_key=key,
        paid_at_ms=sale.paid_at_ms if sale is not None else grant.made_at_ms,
    )
    after = issue_command(centre, unit, box, body, operator)
    unit.ledger.save_grant(replace(grant, state=GrantState.SIGNED, command=after.command_head.seq))
    unit.ledger.post(
        Transaction(
            kind="grant",
            cause=f"grant/{grant.grant}",
            effective_at_ms=now_ms,
            posting_day=centre.posting_day(unit, now_ms),
            who=operator,
            key=key,
            second=grant.second,
            postings=grant_signed(grant.account, grant.wallet, grant.amount_micro),
        ),
        now_ms,
    )
    return after


def sign_waiting_grants(centre: Centre, unit: Unit, box: Box) -> Box:
    """Sign every grant that waited for this box to take commands, oldest first; the box's row after."""
    for grant in unit.ledger.grants_in_state(box.box, GrantState.WAITING):
        sale = unit.ledger.sale(grant.sale) if grant.sale is not None else None
        parts = unit.ledger.grants_of_sale(grant.sale) if grant.sale is not None else [grant]
        box = sign_grant(centre, unit, box, grant, sale, parts)
    return box
