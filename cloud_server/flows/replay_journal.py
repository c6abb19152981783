"""The journal's lines taken into books that are older than it: what the centre signed and the database forgot.

Sales come back with all their parts awaited; their grants come with the commands behind them, or are signed anew when
their box has been heard. A money step of another kind is put before people, with its line.
"""

import itertools
import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from cloud_server.core.fleet import SaleFact
from cloud_server.flows.centre import Centre
from cloud_server.flows.recover_box import adopt_epochs, keep_epoch
from cloud_server.flows.sell_again import ask, await_part, grant_parts_anew, write_sale_again
from cloud_server.flows.sign_lines import MONEY_CHAIN
from cloud_server.flows.take_back import take_back_command
from cloud_server.ports import Unit
from protocol.commands import Command
from protocol.envelope import Line, check_signature, read_line
from protocol.errors import TheirFault
from protocol.messages import Epoch, Money
from protocol.money import SaleBody, read_money_body
from protocol.payload import read_payload

AT_ONCE = 500
"""Lines in one transaction."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Replayed:
    """What the journal gave: lines looked at, taken by type, and those that did not fit."""

    looked_at: int = 0
    taken: Counter[str] = field(default_factory=Counter)
    not_taken: int = 0


def newest_term(lines: Iterable[bytes]) -> int:
    """The highest term that any line of the journal says; 0 where there is none."""
    newest = 0
    for raw in lines:
        try:
            line = read_line(raw)
            kind = _KINDS.get(line.type_name)
            newest = max(newest, read_payload(line.payload, kind).term) if kind is not None else newest
        except TheirFault:
            continue
    return newest


_KINDS: dict[str, type[Command] | type[Epoch] | type[Money]] = {"command": Command, "epoch": Epoch, "money": Money}


def replay(centre: Centre, lines: Iterable[bytes]) -> Replayed:
    """Take in what the books lack, in the order of the file. A line cut short by a crash is passed by."""
    done = Replayed()
    rest = iter(lines)
    while piece := list(itertools.islice(rest, AT_ONCE)):
        with centre.store.write() as unit:
            for raw in piece:
                _one(centre, unit, raw, done)
    with centre.store.write() as unit:
        for box in unit.fleet.boxes():
            if box.recovery:
                adopt_epochs(centre, unit, box)
            elif done.looked_at and box.epoch == 0 and unit.lines.line("epoch", box.box, 1) is None:
                # The journal knows of no hardware at this place: nothing was ever signed for it.
                grant_parts_anew(centre, unit, box)
    log.warning("journal_replayed", extra={"looked_at": done.looked_at, "taken": dict(done.taken)})
    return done


def _one(centre: Centre, unit: Unit, raw: bytes, done: Replayed) -> None:
    done.looked_at += 1
    try:
        line = read_line(raw)
        if unit.lines.has_line(line.hash):
            return
        check_signature(line, centre.authority.command_keys)
        taken = _take(centre, unit, line)
    except TheirFault as fault:
        log.warning("journal_line_not_taken", extra={"fault": str(fault)})
        taken = False
        line = None
    if not taken or line is None:
        done.not_taken += 1
        return
    unit.lines.mark_journaled([line.hash])
    done.taken[line.type_name] += 1


def _take(centre: Centre, unit: Unit, line: Line) -> bool:
    """Whether the line fitted into its chain. Raises TheirFault."""
    if line.type_name == "money":
        return _take_money(centre, unit, line)
    kind = _KINDS.get(line.type_name)
    if kind is None:
        return False
    told = read_payload(line.payload, kind)
    assert isinstance(told, Command | Epoch)
    box = unit.fleet.box(told.box)
    if box is None:
        ask(centre, unit, "money_line", line.hash, told.box, {"type": line.type_name, "why": "no such box in the plan"})
        return False
    if line.type_name == "epoch":
        keep_epoch(centre, unit, box, line)
    else:
        take_back_command(centre, unit, box, line)
    return unit.lines.has_line(line.hash)


def _take_money(centre: Centre, unit: Unit, line: Line) -> bool:
    money = read_payload(line.payload, Money)
    head = unit.lines.chain_head("money", MONEY_CHAIN, journaled_only=False)
    if (money.number, money.prev) != (head.seq + 1, head.hash):
        return False
    now_ms = centre.clock.wall_ms()
    unit.lines.add_lines([(line, MONEY_CHAIN, money.number)], now_ms)
    body = read_money_body(money)
    if not isinstance(body, SaleBody):
        detail: dict[str, object] = {"number": money.number, "kind": money.kind, "operator": money.operator}
        detail |= {"at_ms": money.posted_at_ms, "body": bytes(money.body).decode()}
        ask(centre, unit, "money_line", line.hash, None, detail)
        return True
    if unit.ledger.sale(body.sale) is not None:
        return True
    sale = SaleFact(
        sale=body.sale,
        receipt=body.receipt,
        account=body.account,
        amount_micro=body.amount_micro,
        method=body.method,
        operator=money.operator,
        operator_name=money.operator,
        paid_at_ms=money.posted_at_ms,
        till_day=body.till_day,
        key=money.idempotency_key,
        balance_before_micro=None,
        balance_before_at_ms=None,
    )
    write_sale_again(centre, unit, sale, body, "sold")
    for part in body.parts:
        await_part(centre, unit, sale, part.wallet, part.box, part.amount_micro)
    return True
