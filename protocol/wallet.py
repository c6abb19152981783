"""The arithmetic of a wallet, replayed by both sides from records: grants − reclaims − charges. Pure."""

from collections.abc import Iterable, Mapping

from protocol.records import Fee, Granted, Interval, Reclaimed, Record
from protocol.units import Micro


def change(record: Record) -> tuple[str, Micro] | None:
    """The wallet that a record touches and by how much, or None where it moves no money."""
    match record:
        case Granted(wallet=wallet, amount_micro=amount):
            return wallet, amount
        case Reclaimed(wallet=wallet, amount_micro=amount):
            return wallet, -amount
        case Interval(wallet=str(wallet), charge_micro=charge):
            return wallet, -charge
        case Fee(wallet=wallet, charge_micro=charge):
            return wallet, -charge
        case _:
            return None


def replay(book_micro: Mapping[str, Micro], records: Iterable[Record]) -> dict[str, Micro]:
    """Book balances after the records, from those before. A wallet not named before begins at 0."""
    after = dict(book_micro)
    for record in records:
        moved = change(record)
        if moved is not None:
            wallet, amount = moved
            after[wallet] = after.get(wallet, 0) + amount
    return after
