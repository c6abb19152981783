"""`cloud-server accept-history`: batches that no machine has any more, and of which nothing tells but their box."""

import argparse
import sys
from dataclasses import asdict
from getpass import getpass
from typing import TYPE_CHECKING, Any

from cloud_server.config import Config
from cloud_server.core.mistakes import Conflict, NotFound
from cloud_server.core.roles import may
from cloud_server.flows.accept_history import Lost
from cloud_server.ports import Actor, Refused
from cloud_server.ports.hardware_orders import HistoryOrder
from cloud_server.ports.ledger import CheckStep
from cloud_server.terminal.came import Came
from cloud_server.terminal.wired import wired
from protocol.units import amount_to_text

if TYPE_CHECKING:
    from cloud_server.wiring import Parts

AT_TERMINAL = "terminal"
"""In the place of an address, where failed tries are counted."""


def accept_history(config: Config, options: argparse.Namespace) -> Came:
    """Show what waits; ask for it, or confirm what another person has asked for, with the person's own password."""
    with wired(config) as parts:
        waiting = parts.office.histories.waiting()
        if options.person is None:
            return Came(0, [facts_of(lost) for lost in waiting], "\n".join(map(words_of, waiting)) or "nothing waits")
        lost = next((one for one in waiting if options.box in (one.point.box, one.name)), None)
        if lost is None:
            return Came(1, {"fault": "box"}, f"{options.box!r}: nothing of a box of this name waits to be accepted")
        by = parts.sign_in.vouch(options.person, _password(options.person), AT_TERMINAL)
        if by is None:
            return Came(1, {"fault": "person"}, f"{options.person!r}: nobody of this name and password")
        return _step(parts, lost, by, options.reason, parts.centre.new_id())


def _step(parts: "Parts", lost: Lost, by: Actor, reason: str | None, key: str) -> Came:
    """Confirm what another has asked for; else ask for it."""
    asked = next(
        (one for one in parts.office.second.waiting() if (one.kind, one.about) == ("history", lost.point.box)), None
    )
    if asked is None and not may(by.roles, "settings"):
        return Came(1, {"fault": "person"}, f"{by.name}: asked for by whoever may change settings")
    try:
        if asked is not None and asked.maker.name != by.name:
            done = parts.office.second.approve(CheckStep(key=key, request=asked.request, note=""), by)
            return Came(
                0, {"state": done.answer["state"]}, f"{words_of(lost)}\naccepted by {asked.maker.name} and {by.name}"
            )
        if asked is not None:
            return Came(1, {"fault": "second"}, f"asked for by {by.name} already: another person confirms it")
        order = HistoryOrder(key=key, box=lost.point.box, last=lost.point.last, reason=reason or "")
        answer = parts.office.histories.accept(order, by)
    except (Conflict, NotFound, Refused) as fault:
        return Came(1, {"fault": str(fault)}, f"not done: {fault}")
    return Came(0, asdict(answer), f"{words_of(lost)}\nasked for by {by.name}: another person confirms it the same way")


def _password(person: str) -> str:
    """Typed without being shown; read from a pipe where there is no terminal."""
    return getpass(f"password of {person}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


def facts_of(lost: Lost) -> dict[str, Any]:
    """Everything, for JSON."""
    point = lost.point
    return {
        "box": point.box,
        "name": lost.name,
        "epoch": point.epoch,
        "first": point.first,
        "last": point.last,
        "goes_on_at_ms": lost.said.at_ms,
        "differences": dict(sorted(point.differences.items())),
    }


def words_of(lost: Lost) -> str:
    """What is accepted, in words."""
    point = lost.point
    lines = [
        f"{lost.name}: batches {point.first} to {point.last} of epoch {point.epoch} are on no machine any more.",
        "Nothing tells of them but the box itself. Accepted, its balances count, and the books follow in one entry "
        "against opening; revenue by rate and energy of that time are not in the books any more:",
    ]
    for wallet, micro in sorted(point.differences.items()):
        balance = amount_to_text(lost.said.balances.get(wallet, 0))
        lines.append(f"  wallet {wallet}: {amount_to_text(micro)}, to {balance}")
    return "\n".join(lines)
