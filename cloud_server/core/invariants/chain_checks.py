"""Checks of chains: numbers without holes, links, signatures, commands answered once, one writer, time. Pure."""

from collections.abc import Iterable, Mapping, Set
from typing import Final

from cloud_server.core.checkpoint import UNTOLD
from cloud_server.core.fleet import Box, GrantState, OpenedEpoch
from cloud_server.core.invariants.evidence import CheckResult, Evidence, SignedBytes, parsed, told_batches
from cloud_server.core.invariants.passed_over import checkpoint_faults, points_within
from protocol.chain import EMPTY_COMMANDS, Head, Link, link
from protocol.commands import (
    Body,
    CloseWallet,
    Command,
    Grant,
    Reclaim,
    ReleaseMeter,
    ReplaceMeter,
    TypedReading,
    read_body,
)
from protocol.display import unwrapped_wh
from protocol.envelope import Line, check_signature
from protocol.errors import BadPayload, BadSignature, WireError
from protocol.messages import Batch, Epoch, Money
from protocol.payload import read_payload
from protocol.records import CommandResult, Granted, Interval, Reclaimed
from protocol.signing import PublicKey, public_key_from_text

_TYPED: Final = frozenset({"typed", "replaced"})
"""Flags of intervals that end at a register which people typed."""


def chains_have_no_holes(evidence: Evidence) -> CheckResult:
    """5, 6. Batches, commands and money lines: numbered without holes, linked by hash, signed, one content a number."""
    breaches: list[str] = []
    counts = {"batches": 0, "commands": 0, "money lines": 0}
    for box in evidence.boxes():
        counts["batches"] += _batch_chain(evidence, box, breaches)
        counts["commands"] += _centre_chain(
            evidence, f"box {box.box} command", evidence.command_lines(box.box), breaches
        )
    counts["money lines"] += _centre_chain(evidence, "money line", evidence.money_lines(), breaches)
    looked = ", ".join(f"{count} {what}" for what, count in counts.items())
    return CheckResult("5, 6 chains without holes", looked, tuple(breaches))


def _batch_chain(evidence: Evidence, box: Box, breaches: list[str]) -> int:
    epochs = {epoch.epoch: epoch for epoch in evidence.epochs(box.box)}
    heads = {epoch.epoch: Head(0, epoch.hash) for epoch in epochs.values()}
    gone, count = points_within(evidence, box.box), 0
    for stored in evidence.batches(box.box):
        count += 1
        place = f"box {box.box} epoch {stored.epoch} batch {stored.seq}"
        epoch, line = epochs.get(stored.epoch), parsed(stored.raw)
        if epoch is None or line is None:
            breaches.append(f"{place}: {'its epoch was never opened' if epoch is None else 'its bytes are no line'}")
            continue
        lost = gone.get((stored.epoch, stored.seq))
        if lost is not None and lost.line_hash == stored.hash:
            heads[stored.epoch] = _head_before(line, heads[stored.epoch])
        breaches += [f"{place}: {text}" for text in _batch_faults(line, stored.hash, epoch, heads[stored.epoch])]
        heads[stored.epoch] = Head(stored.seq, stored.hash)
    if box.epoch and heads.get(box.epoch) != box.batch_head:
        breaches.append(f"box {box.box}: its head is {box.batch_head}, the last batch kept is {heads.get(box.epoch)}")
    return count


def _head_before(line: Line, known: Head) -> Head:
    """The head behind which people have accepted that a batch goes on; where it cannot be read, the one before."""
    try:
        batch = read_payload(line.payload, Batch)
    except BadPayload:
        return known
    return Head(batch.seq - 1, batch.prev)


def _batch_faults(line: Line, stored_hash: str, epoch: OpenedEpoch, head: Head) -> list[str]:
    key = public_key_from_text(epoch.record_key)
    found = _line_faults(line, stored_hash, {key.keyid: key})
    try:
        batch = read_payload(line.payload, Batch)
    except BadPayload:
        return found
    if link(head, batch.seq, batch.prev) is not Link.NEXT:
        found.append(f"does not go on from batch {head.seq}")
    return found


def _line_faults(line: Line, stored_hash: str, keys: Mapping[str, PublicKey]) -> list[str]:
    found = [] if line.hash == stored_hash else ["its bytes do not have the hash under which it was stored"]
    try:
        check_signature(line, keys)
    except BadSignature as fault:
        found.append(str(fault))
    return found


def _centre_chain(evidence: Evidence, what: str, lines: Iterable[SignedBytes], breaches: list[str]) -> int:
    head, count = EMPTY_COMMANDS, 0
    for stored in lines:
        count += 1
        line = parsed(stored.raw)
        if line is None:
            breaches.append(f"{what} {stored.number}: its bytes are no line")
            continue
        faults = _line_faults(line, stored.hash, evidence.command_keys)
        number, prev = _number_and_prev(line)
        if number != stored.number or link(head, number, prev) is not Link.NEXT:
            faults.append(f"does not go on from number {head.seq}")
        breaches += [f"{what} {stored.number}: {text}" for text in faults]
        head = Head(stored.number, stored.hash)
    return count


def _number_and_prev(line: Line) -> tuple[int, str]:
    """Number and link of a command or money line; 0 where it cannot be read."""
    try:
        if line.type_name == "money":
            money = read_payload(line.payload, Money)
            return money.number, money.prev
        command = read_payload(line.payload, Command)
    except BadPayload:
        return 0, ""
    return command.seq, command.prev


def commands_are_answered_once(evidence: Evidence) -> CheckResult:
    """4. Every command that a box has applied was answered once; no money id was applied twice."""
    breaches: list[str] = []
    answered = 0
    granted: dict[str, str] = {}
    for box in evidence.boxes():
        answers: dict[int, int] = {}
        applied = [0, 0]
        for batch in told_batches(evidence, box.box):
            applied.append(batch.header.commands_applied.seq)
            for record in batch.records:
                if isinstance(record, CommandResult):
                    answers[record.command] = answers.get(record.command, 0) + 1
                elif isinstance(record, Granted):
                    if record.grant in granted:
                        breaches.append(f"grant {record.grant}: applied in {granted[record.grant]} and {batch.place}")
                    granted[record.grant] = batch.place
        answered += len(answers)
        # What a full batch had no room for stands in the next one, so the newest batch is not held to its own word.
        due = range(_commands_base(evidence, box.box) + 1, applied[-2] + 1)
        wrong = sorted({seq for seq in due if seq not in answers} | {s for s, count in answers.items() if count > 1})
        breaches += [f"box {box.box} command {seq}: answered {answers.get(seq, 0)} times" for seq in wrong]
    breaches += [
        f"grant {grant.grant}: is {grant.state}, its box told of it in {granted.get(grant.grant, 'no batch')}"
        for grant in evidence.grants()
        if (grant.state is GrantState.APPLIED and grant.reason != UNTOLD) != (grant.grant in granted)
    ]
    breaches += checkpoint_faults(evidence)
    looked = f"{answered} answers to commands, {len(granted)} grants applied"
    return CheckResult("4 everything counts once", looked, tuple(breaches))


def _commands_base(evidence: Evidence, box: str) -> int:
    """The number behind which the newest epoch of a box takes commands."""
    base = 0
    for stored in evidence.epoch_lines(box):
        line = parsed(stored.raw)
        if line is not None:
            try:
                base = read_payload(line.payload, Epoch).commands_base.seq
            except BadPayload:
                continue
    return max([base, *(point.commands_seq for point in points_within(evidence, box).values())])


def nothing_without_authority(evidence: Evidence) -> CheckResult:
    """7. Every grant applied and every credit given back stands in a signed command of that number, as it was."""
    breaches, count = [], 0
    for box in evidence.boxes():
        signed = {line.number: line.raw for line in evidence.command_lines(box.box)}
        typed: set[tuple[str, int]] = set()
        for batch in told_batches(evidence, box.box):
            for record in batch.records:
                if isinstance(record, Granted):
                    count += 1
                    body = _body(signed.get(record.command))
                    said = (record.grant, record.wallet, record.amount_micro)
                    if not isinstance(body, Grant) or (body.grant, body.wallet, body.amount_micro) != said:
                        breaches.append(
                            f"{batch.place}: grant {record.grant} is not what command {record.command} says"
                        )
                elif isinstance(record, Interval) and not _TYPED.isdisjoint(record.flags):
                    count += 1
                    typed = typed or _typed_in(signed)
                    breaches += [f"{batch.place}: {text}" for text in _display_faults(record, typed)]
                elif isinstance(record, Reclaimed):
                    count += 1
                    body = _body(signed.get(record.command))
                    if not isinstance(body, Reclaim | CloseWallet) or not _gives_as_asked(record, body):
                        breaches.append(
                            f"{batch.place}: reclaim {record.reclaim} is not what command {record.command} asks"
                        )
    return CheckResult("7 nothing without a signed command", f"{count} answers against their commands", tuple(breaches))


def _display_faults(said: Interval, typed: Set[tuple[str, int]]) -> list[str]:
    """What is wrong with an interval that ends at a register which people read: its display, and what it means."""
    shown_wh = said.to.raw_wh if said.display is None else said.display.raw_wh
    if (said.meter, shown_wh) not in typed:
        return [f"register {shown_wh} of meter {said.meter} was typed by nobody"]
    wrap_wh = None if said.display is None else said.display.wrap_wh
    meant_wh = unwrapped_wh(shown_wh, said.from_.raw_wh, wrap_wh)
    if meant_wh == said.to.raw_wh:
        return []
    since = f"after {said.from_.raw_wh}, with a register that begins anew at {wrap_wh}"
    return [f"register {shown_wh} of meter {said.meter} {since}, is {meant_wh}, not {said.to.raw_wh}"]


def _typed_in(signed: Mapping[int, bytes]) -> set[tuple[str, int]]:
    """Meter and register of all that people typed in signed commands, as they read it on the display."""
    found: set[tuple[str, int]] = set()
    for raw in signed.values():
        match _body(raw):
            case Reclaim(typed=list(typed)) | CloseWallet(typed=list(typed)):
                found |= {(said.meter, said.raw_wh) for said in typed}
            case ReleaseMeter(typed=TypedReading(meter=meter, raw_wh=raw_wh)):
                found.add((meter, raw_wh))
            case ReplaceMeter(old=meter, old_raw_wh=raw_wh):
                found.add((meter, raw_wh))
            case _:
                pass
    return found


def _gives_as_asked(said: Reclaimed, asked: Reclaim | CloseWallet) -> bool:
    if isinstance(asked, CloseWallet):
        return (said.reclaim, said.wallet) == (asked.request, asked.wallet)
    same = (said.reclaim, said.wallet) == (asked.reclaim, asked.wallet)
    return same and said.amount_micro <= asked.amount_micro


def _body(raw: bytes | None) -> Body | None:
    line = parsed(raw) if raw is not None else None
    if line is None:
        return None
    try:
        return read_body(read_payload(line.payload, Command))
    except WireError:
        return None


def time_runs_forward(evidence: Evidence) -> CheckResult:
    """16. Within one boot of a box its monotonic time never runs back along the chain."""
    breaches, count = [], 0
    for box in evidence.boxes():
        last: dict[tuple[int, str], int] = {}
        for batch in told_batches(evidence, box.box):
            count += 1
            boot = (batch.stored.epoch, batch.header.boot_id)
            if batch.header.mono_ms < last.get(boot, 0):
                breaches.append(f"{batch.place}: monotonic time {batch.header.mono_ms} after {last[boot]}")
            last[boot] = batch.header.mono_ms
    return CheckResult("16 time does not run back in a chain", f"{count} batches", tuple(breaches))


def one_writer(evidence: Evidence) -> CheckResult:
    """17. Only the newest epoch grows: nothing was posted in a fenced epoch behind its closing batch."""
    breaches: list[str] = []
    count = 0
    for box in evidence.boxes():
        epochs = evidence.epochs(box.box)
        count += len(epochs)
        closed = {e.closes.epoch: e.closes.seq for e in epochs if e.closes is not None}
        breaches += [
            f"box {box.box} epoch {epoch.epoch}: is not fenced" for epoch in epochs[:-1] if epoch.fenced_at_ms is None
        ]
        breaches += [
            f"box {box.box} epoch {stored.epoch} batch {stored.seq}: posted behind the close"
            for stored in evidence.batches(box.box)
            if stored.state == "posted" and stored.seq > closed.get(stored.epoch, stored.seq)
        ]
    return CheckResult("17 one writer extends an epoch", f"{count} epochs", tuple(breaches))
