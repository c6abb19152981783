"""Which account gives and which takes, for every kind of step. Pure; an accountant could read it.

Each rule answers with postings only; who, when and why are put around them where the step is told.
"""

from collections.abc import Iterable, Mapping

from cloud_server.core import accounts
from cloud_server.core.transaction import Posting
from protocol.commands import ReclaimPurpose
from protocol.records import Fee, Granted, Interval, Record
from protocol.units import Micro

Postings = tuple[Posting, ...]


def move(from_account: str, to_account: str, amount_micro: Micro) -> Postings:
    """Take an amount from one account and give it to another; a negative amount goes the other way."""
    return (Posting(from_account, -amount_micro), Posting(to_account, amount_micro))


def sale(operator: str, method: str, account: str, amount_micro: Micro) -> Postings:
    """Money taken in at a till: till -> customer."""
    return move(accounts.till(operator, method), accounts.customer(account), amount_micro)


def opening(account: str, amount_micro: Micro) -> Postings:
    """A balance of an old system: opening -> customer."""
    return move(accounts.OPENING, accounts.customer(account), amount_micro)


def grant_signed(account: str, wallet: str, amount_micro: Micro) -> Postings:
    """Credit leaves the centre in a signed command: customer -> in_flight."""
    return move(accounts.customer(account), accounts.in_flight(wallet), amount_micro)


def grant_applied(wallet: str, amount_micro: Micro) -> Postings:
    """The box says that the credit is in the wallet: in_flight -> wallet."""
    return move(accounts.in_flight(wallet), accounts.wallet(wallet), amount_micro)


def grant_refused(account: str, wallet: str, amount_micro: Micro) -> Postings:
    """The box did not take the credit: in_flight -> customer."""
    return move(accounts.in_flight(wallet), accounts.customer(account), amount_micro)


def reclaimed(purpose: ReclaimPurpose, account: str, wallet: str, amount_micro: Micro) -> Postings:
    """A box gave unused credit back: wallet -> payable for a refund, wallet -> customer for all else."""
    to_account = accounts.payable(account) if purpose == "refund" else accounts.customer(account)
    return move(accounts.wallet(wallet), to_account, amount_micro)


def refund_set_aside(account: str, amount_micro: Micro) -> Postings:
    """Credit never granted is to be paid back: customer -> payable."""
    return move(accounts.customer(account), accounts.payable(account), amount_micro)


def refund_paid(operator: str, method: str, account: str, amount_micro: Micro) -> Postings:
    """Money handed out: payable -> till."""
    return move(accounts.payable(account), accounts.till(operator, method), amount_micro)


def refund_returned(account: str, amount_micro: Micro) -> Postings:
    """Given back and not paid out after all: payable -> customer."""
    return move(accounts.payable(account), accounts.customer(account), amount_micro)


def reversal(operator: str, method: str, account: str, amount_micro: Micro) -> Postings:
    """The mirror of a sale, at the till that took it: customer -> till."""
    return move(accounts.customer(account), accounts.till(operator, method), amount_micro)


def adjustment(account: str, amount_micro: Micro) -> Postings:
    """Credit outside the tills: adjustments -> customer; a debit goes the other way."""
    return move(accounts.ADJUSTMENTS, accounts.customer(account), amount_micro)


def write_off(account: str, amount_micro: Micro) -> Postings:
    """A debt given up: write_off -> customer."""
    return move(accounts.WRITE_OFF, accounts.customer(account), amount_micro)


def settled_without_box(
    account: str, wallet: str, in_flight_micro: Micro, charges: Mapping[str, Micro], moved_micro: Micro
) -> Postings:
    """A wallet whose box will not return: grants on their way come back, energy is charged, the rest is the customer's.

    in_flight -> customer; wallet -> revenue; wallet -> customer (a debt the other way).
    """
    found = [*move(accounts.in_flight(wallet), accounts.customer(account), in_flight_micro)]
    for rate, micro in sorted(charges.items()):
        found += move(accounts.wallet(wallet), accounts.revenue(rate), micro)
    found += move(accounts.wallet(wallet), accounts.customer(account), moved_micro)
    return tuple(posting for posting in found if posting.amount_micro)


def fee(record: Fee) -> Postings:
    """A fixed charge for a day: wallet -> revenue/fixed."""
    return move(accounts.wallet(record.wallet), accounts.REVENUE_FIXED, record.charge_micro)


def for_records(records: Iterable[Record]) -> Postings:
    """What the records of one batch move, but for refused grants and reclaims, of which only the centre knows all.

    Energy comes as one sum for each wallet and rate, wallet -> revenue; nothing where no wallet feeds a meter.
    """
    found: list[Posting] = []
    charges: dict[tuple[str, str], Micro] = {}
    for record in records:
        match record:
            case Interval(wallet=str(wallet)):
                for part in record.parts:
                    key = wallet, part.rate
                    charges[key] = charges.get(key, 0) + part.charge_micro
            case Fee():
                found += fee(record)
            case Granted(wallet=wallet, amount_micro=amount_micro):
                found += grant_applied(wallet, amount_micro)
            case _:
                pass
    for (wallet, rate), micro in charges.items():
        if micro:
            found += move(accounts.wallet(wallet), accounts.revenue(rate), micro)
    return tuple(found)
