"""What must always hold on a box: one function an invariant, over what its store holds of one epoch. Pure.

The numbers are those of the project's list of invariants. Each answers with every breach in words; none mends anything.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from edge_agent.core.state import Marks, MeterRow, WalletRow
from protocol.commands import Body, Configure, Grant, LiftLockOut, LockOutCommand
from protocol.messages import Batch
from protocol.records import CommandResult, ConfigApplied, Granted, Interval, LockOut, MeterEvent, Record
from protocol.units import NANO_PER_MICRO
from protocol.wallet import replay


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxBooks:
    """What a box's store holds of the epoch in force.

    Attributes:
        opened: book balances with which the epoch began; commands_base: the number behind which it takes commands.
        headers: its sealed batches in order; `records` of them may be left out.
        records: everything that happened in it, sealed and pending, in order.
        first_seq: number of the first of these batches; 1 unless older ones are left out.
        commands: bodies of the kept command lines by number, None where one cannot be read.
    """

    opened: Mapping[str, int]
    commands_base: int
    headers: Sequence[Batch]
    records: Sequence[Record]
    commands: Mapping[int, Body | None]
    marks: Marks
    meters: Mapping[str, MeterRow]
    wallets: Mapping[str, WalletRow]
    first_seq: int = 1


def wallets_follow_from_records(books: BoxBooks) -> list[str]:
    """2. A wallet is what it began with, plus grants, less reclaims and charges."""
    right = replay(books.opened, books.records)
    return [
        f"2 wallet {wallet}: holds {row.state.book_micro}, its records give {right.get(wallet, 0)}"
        for wallet, row in books.wallets.items()
        if row.state.book_micro != right.get(wallet, 0)
    ]


def commands_count_once(books: BoxBooks) -> list[str]:
    """4. Every command up to the head is answered once, none beyond it; no grant is applied twice."""
    answers = Counter(record.command for record in books.records if isinstance(record, CommandResult))
    due = range(books.commands_base + 1, books.marks.commands_seq + 1)
    found = [f"4 command {seq}: answered {answers[seq]} times" for seq in due if answers[seq] != 1]
    found += [f"4 command {seq}: answered, the head is {books.marks.commands_seq}" for seq in answers if seq not in due]
    grants = Counter(record.grant for record in books.records if isinstance(record, Granted))
    return found + [f"4 grant {grant}: applied {count} times" for grant, count in grants.items() if count > 1]


def batches_hang_together(books: BoxBooks) -> list[str]:
    """6, 16. Batches are numbered from 1 without holes; within one boot the monotonic time never runs back."""
    found = []
    for number, header in enumerate(books.headers, start=books.first_seq):
        if header.seq != number:
            found.append(f"6 batch {header.seq} stands in place {number}")
    for earlier, later in itertools.pairwise(books.headers):
        if earlier.boot_id == later.boot_id and later.mono_ms < earlier.mono_ms:
            found.append(f"16 batch {later.seq}: monotonic time {later.mono_ms} after {earlier.mono_ms}")
        if later.commands_applied.seq < earlier.commands_applied.seq:
            found.append(f"6 batch {later.seq}: {later.commands_applied.seq} commands applied, fewer than before")
    return found


def nothing_without_authority(books: BoxBooks) -> list[str]:
    """7. Each grant, configuration and lock-out from afar stands in the signed command kept under its number."""
    found = []
    last: int | None = None
    for record in reversed(books.records):
        match record:
            case CommandResult(command=command, outcome="done"):
                last = command
            case Granted(command=command, grant=grant, wallet=wallet, amount_micro=amount):
                body = books.commands.get(command)
                if not isinstance(body, Grant) or (body.grant, body.wallet, body.amount_micro) != (
                    grant, wallet, amount,
                ):  # fmt: skip
                    found.append(f"7 grant {grant}: command {command} does not say so")
            case LockOut(where="console", meter=meter, on=on):
                body = books.commands.get(last or 0)
                right = LockOutCommand if on else LiftLockOut
                if not isinstance(body, right) or body.meter != meter:
                    found.append(f"7 lock-out of meter {meter}: command {last} does not say so")
            case ConfigApplied(hash=config_hash) if record is not _first_configuration(books.records):
                body = books.commands.get(last or 0)
                if not isinstance(body, Configure) or body.hash != config_hash:
                    found.append(f"7 configuration {record.config_version}: command {last} does not say so")
            case _:
                pass
    return found


def _first_configuration(records: Iterable[Record]) -> ConfigApplied | None:
    """The one that came with the epoch line."""
    return next((record for record in records if isinstance(record, ConfigApplied)), None)


def charges_are_exact(books: BoxBooks) -> list[str]:
    """10. Carry before plus energy × price is charge plus carry after, to the last nano-unit, of every meter."""
    found = []
    carries: dict[str, int] = {}
    for record in books.records:
        if not isinstance(record, Interval):
            continue
        before = carries.get(record.meter)
        carries[record.meter] = record.money_carry_nano
        if sum(part.energy_wh for part in record.parts) != record.energy_wh:
            found.append(f"10 meter {record.meter} at {record.to.at_ms}: its parts do not add up to its energy")
        if record.wallet is None or before is None:
            continue
        nano = before + sum(part.energy_wh * part.price_micro for part in record.parts)
        if nano != record.charge_micro * NANO_PER_MICRO + record.money_carry_nano:
            found.append(f"10 meter {record.meter} at {record.to.at_ms}: charged {record.charge_micro}, right {nano}")
    return found


def energy_counts_once(books: BoxBooks) -> list[str]:
    """11. Stretches of a register follow each other without gap or overlap, up to where the meter's row stands.

    A person who judges a held register may set another base; a replaced meter begins at its own.
    """
    ends: dict[str, int | None] = {}
    found = []
    for record in books.records:
        match record:
            case MeterEvent(event="released_hold", meter=meter):
                ends[meter] = None
            case Interval(meter=meter):
                begun = ends.get(meter)
                if begun is not None and record.from_.raw_wh != begun:
                    found.append(f"11 meter {meter}: {begun} Wh is followed by {record.from_.raw_wh} Wh")
                if record.to.raw_wh < record.from_.raw_wh:
                    found.append(f"11 meter {meter}: ran back from {record.from_.raw_wh} to {record.to.raw_wh} Wh")
                ends[meter] = record.to.raw_wh
            case _:
                pass
    for meter, end in ends.items():
        row = books.meters.get(meter)
        if end is not None and row is not None and row.state.raw_wh != end:
            found.append(f"11 meter {meter}: stands at {row.state.raw_wh}, charged up to {end}")
    return found


CHECKS: Final[tuple[Callable[[BoxBooks], list[str]], ...]] = (
    wallets_follow_from_records,
    commands_count_once,
    batches_hang_together,
    nothing_without_authority,
    charges_are_exact,
    energy_counts_once,
)


def breaches(books: BoxBooks) -> list[str]:
    """Every breach of every check."""
    return [breach for check in CHECKS for breach in check(books)]
