"""The centre's own signed lines, brought back by a box or by the journal: what they had done is done again.

Sales, grants and requests come back under their old ids. A line is believed by the centre's own signature.
"""

from dataclasses import replace

from cloud_server.core import posting_rules
from cloud_server.core.fleet import Box, CommandFact, GrantState, SaleFact, WalletGrant
from cloud_server.core.money_requests import ReclaimRequest, ReclaimState
from cloud_server.core.recovery import HEARD
from cloud_server.core.transaction import Transaction
from cloud_server.flows.centre import Centre
from cloud_server.flows.sell_again import BY_RECOVERY, ask, await_part, end_part, receipt_of, write_sale_again
from cloud_server.flows.sign_lines import Asker, about, add_money_line
from cloud_server.ports import Unit
from protocol.chain import Head
from protocol.commands import Body, CloseWallet, Command, Configure, Grant, Reclaim, read_body
from protocol.envelope import Line, check_signature
from protocol.errors import BadPayload, WireError
from protocol.limits import INTEGER_MAX
from protocol.money import SaleBody
from protocol.payload import read_payload


def take_back_command(centre: Centre, unit: Unit, box: Box, line: Line) -> Box:
    """Take one command of a box's chain back where it is the next; the box's row after, saved. Raises TheirFault.

    One that stands under a number which this centre has signed anew goes before ours: the box has carried it out.
    """
    check_signature(line, centre.authority.command_keys)
    command = read_payload(line.payload, Command)
    if (command.site, command.box) != (box.site, box.box):
        raise BadPayload(f"command of box {command.box}")
    ours = unit.lines.command_hash(box.box, command.seq)
    if ours == line.hash or command.seq > box.command_head.seq + 1:
        return box
    if ours is not None:
        box = void_from(centre, unit, box, command.seq)
    if (command.seq, command.prev) != (box.command_head.seq + 1, box.command_head.hash):
        return box
    return _take(centre, unit, box, line, command)


def void_from(centre: Centre, unit: Unit, box: Box, seq: int) -> Box:
    """Our own commands from a number on were never carried out: their grants wait for a new number."""
    now_ms = centre.clock.wall_ms()
    for number, line_hash, raw in unit.lines.lines_after("command", box.box, seq - 1, 100_000, journaled_only=False):
        unit.recovery.void(box.box, number, line_hash, raw, now_ms)
        grant = unit.ledger.grant_of_command(box.box, number)
        if grant is not None:
            unit.ledger.save_grant(replace(grant, command=None))
    unit.lines.drop_commands(box.box, seq)
    head_hash = unit.lines.command_hash(box.box, seq - 1)
    after = replace(box, command_head=Head(seq - 1, head_hash) if head_hash else Head(0, "0" * 64))
    unit.fleet.save_box(after)
    unit.audit.append(now_ms, f"box:{box.box}", "numbers_signed_twice", box.box, {"from": seq})
    return after


def _take(centre: Centre, unit: Unit, box: Box, line: Line, command: Command) -> Box:
    now_ms = centre.clock.wall_ms()
    try:
        body: Body | None = read_body(command)
    except WireError:
        body = None
    what, subject, until_ms = about(body) if body is not None else ("", "", None)
    unit.lines.add_lines([(line, box.box, command.seq)], now_ms)
    unit.lines.add_command(
        CommandFact(
            box=box.box,
            seq=command.seq,
            hash=line.hash,
            kind=command.kind,
            what=what,
            subject=subject,
            who=body.operator if isinstance(body, Grant) else BY_RECOVERY,
            issued_at_ms=command.issued_at_ms,
            expires_at_ms=command.expires_at_ms,
            until_ms=until_ms,
        )
    )
    after = replace(box, command_head=Head(command.seq, line.hash))
    if isinstance(body, Grant):
        _take_grant(centre, unit, box, command.seq, body)
    elif isinstance(body, Reclaim):
        _take_reclaim(centre, unit, box, command, body)
    elif isinstance(body, CloseWallet):
        _take_reclaim(centre, unit, box, command, _closing(body))
    elif isinstance(body, Configure) and unit.enrolments.configuration(box.box, body.config_version) is None:
        unit.enrolments.add_configuration(box.box, body.config_version, body.hash, body.config, now_ms)
        if body.config_version > box.config_version:
            after = replace(after, config_version=body.config_version, config_hash=body.hash)
    unit.fleet.save_box(after)
    return after


def _take_grant(centre: Centre, unit: Unit, box: Box, seq: int, body: Grant) -> None:
    """Its sale first, where that was forgotten; then the grant as signed."""
    known = unit.ledger.grants([body.grant]).get(body.grant)
    if known is not None and known.state is not GrantState.WAITING:
        unit.ledger.save_grant(replace(known, command=seq))
        return
    if body.cause == "sale" and body.sale is not None and unit.ledger.sale(body.sale) is None:
        _sell_again(centre, unit, body)
    elif body.cause in ("undo", "adjustment") and known is None and not _is_explained(unit, body):
        detail = {"grant": body.grant, "amount_micro": body.amount_micro, "account": body.account}
        ask(centre, unit, "reversal" if body.cause == "undo" else "money_line", body.grant, box.box, detail)
    part = unit.recovery.part(body.sale, body.wallet) if body.sale is not None else None
    if part is not None and part.state == "expected":
        end_part(centre, unit, part, HEARD)
    grant = WalletGrant(
        grant=body.grant,
        wallet=body.wallet,
        box=box.box,
        account=body.account,
        amount_micro=body.amount_micro,
        cause=body.cause,
        sale=body.sale,
        state=GrantState.SIGNED,
        command=seq,
        made_at_ms=body.paid_at_ms,
        undoes=body.undoes,
        operator=body.operator,
        key=body.idempotency_key,
        second=body.second,
    )
    if known is None:
        _end_twin(unit, grant)
        unit.ledger.add_grants([grant])
    else:
        unit.ledger.save_grant(replace(known, state=GrantState.SIGNED, command=seq))
    postings = posting_rules.grant_signed(body.account, body.wallet, body.amount_micro)
    post(centre, unit, "grant", f"grant/{body.grant}", body, postings)


def _is_explained(unit: Unit, body: Grant) -> bool:
    """Whether the step that stands behind a grant is known by its key."""
    return unit.lines.kept_answer(body.idempotency_key) is not None


def _end_twin(unit: Unit, grant: WalletGrant) -> None:
    """A grant that was made anew for the same step, since its command was not known then, is not wanted any more."""
    for twin in unit.ledger.grants_of_account(grant.account, GrantState.WAITING):
        same = (twin.wallet, twin.cause, twin.undoes) == (grant.wallet, grant.cause, grant.undoes)
        if same and grant.cause != "sale" and (grant.cause == "opening" or twin.key == grant.key):
            unit.ledger.save_grant(replace(twin, state=GrantState.UNDONE))


def _sell_again(centre: Centre, unit: Unit, body: Grant) -> None:
    """Write a sale again as its grant tells of it, with all its parts. Others of its parts are awaited."""
    assert body.sale is not None
    assert body.receipt is not None
    amount_micro = sum(part.amount_micro for part in body.parts)
    sale = SaleFact(
        sale=body.sale,
        receipt=receipt_of(centre, unit, body.receipt),
        account=body.account,
        amount_micro=amount_micro,
        method=body.method or "other",
        operator=body.operator,
        operator_name=body.operator,
        paid_at_ms=body.paid_at_ms,
        till_day=centre.day_of(body.paid_at_ms),
        key=body.idempotency_key,
        balance_before_micro=None,
        balance_before_at_ms=None,
    )
    told = SaleBody(
        sale=sale.sale,
        receipt=sale.receipt,
        account=sale.account,
        amount_micro=amount_micro,
        method=sale.method,
        till_day=sale.till_day,
        parts=list(body.parts),
    )
    add_money_line(centre, unit, "sale", told, Asker(operator=sale.operator, key=sale.key))
    write_sale_again(centre, unit, sale, told, "sold")
    for part in body.parts:
        if part.wallet != body.wallet:
            await_part(centre, unit, sale, part.wallet, part.box, part.amount_micro)


def post(centre: Centre, unit: Unit, kind: str, cause: str, body: Grant, postings: posting_rules.Postings) -> None:
    """One entry of a grant that came back."""
    now_ms = centre.clock.wall_ms()
    unit.ledger.post(
        Transaction(
            kind=kind,
            cause=cause,
            effective_at_ms=body.paid_at_ms,
            posting_day=centre.posting_day(unit, body.paid_at_ms),
            who=body.operator,
            key=body.idempotency_key,
            second=body.second,
            postings=postings,
        ),
        now_ms,
    )


def _closing(body: CloseWallet) -> Reclaim:
    """A wallet told to close is asked for everything."""
    return Reclaim(
        reclaim=body.request,
        wallet=body.wallet,
        amount_micro=INTEGER_MAX,
        floor_micro=0,
        purpose="close",
        request=body.request,
        typed=body.typed,
    )


def _take_reclaim(centre: Centre, unit: Unit, box: Box, command: Command, body: Reclaim) -> None:
    """Credit was asked back. Where no line tells what for, people are asked whether it was paid out then."""
    known = unit.money.reclaims([body.reclaim]).get(body.reclaim)
    if known is not None:
        unit.money.save_reclaim(replace(known, state=ReclaimState.ASKED, command=command.seq))
        return
    account = next((w.account for w in unit.fleet.wallets_of_box(box.box) if w.wallet == body.wallet), "")
    unit.money.add_reclaim(
        ReclaimRequest(
            reclaim=body.reclaim,
            account=account,
            wallet=body.wallet,
            box=box.box,
            purpose=body.purpose,
            amount_micro=body.amount_micro,
            floor_micro=body.floor_micro,
            state=ReclaimState.ASKED,
            command=command.seq,
            made_at_ms=command.issued_at_ms,
            operator=BY_RECOVERY,
            key=f"{BY_RECOVERY}/{body.reclaim}",
        )
    )
    told_for = any(refund.fact.reclaim == body.reclaim for refund in unit.money.refunds_of_account(account))
    closed = body.purpose == "close" and _is_closing(unit, account)
    if told_for or closed:
        return
    detail = {"account": account, "wallet": body.wallet, "amount_micro": body.amount_micro, "purpose": body.purpose}
    ask(centre, unit, "refund_paid" if body.purpose == "refund" else "closing", body.reclaim, box.box, detail)


def _is_closing(unit: Unit, account: str) -> bool:
    found = unit.fleet.account(account)
    return found is not None and found.state != "in_use"
