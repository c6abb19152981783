"""The chart of accounts: every account of the ledger by its id, and what kind of account it is. Pure.

An id is a text such as `wallet/<wallet>`; nothing else in the program puts one together or takes one apart.
A credit is a positive amount, a debit a negative one: what customers are owed and what was earned stands above zero,
what lies in a till below it. The sum of all accounts is zero.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from cloud_server.core.mistakes import mistaken


class Side(StrEnum):
    """Which side of the balance an account stands on."""

    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EQUITY = "equity"


NAMES_KEPT_MAX: Final = 16_384
"""Accounts whose names were put together or taken apart lately; every batch names the same ones again. Some 4 MB."""


@dataclass(frozen=True, slots=True)
class LedgerAccount:
    """An account taken apart: its kind, and what of that kind it is for (empty where there is only one)."""

    kind: str
    about: tuple[str, ...]
    side: Side


_KINDS: Final[dict[str, tuple[int, Side]]] = {
    "till": (2, Side.ASSET),
    "bank": (0, Side.ASSET),
    "till_difference": (0, Side.INCOME),
    "rounding": (0, Side.INCOME),
    "customer": (1, Side.LIABILITY),
    "in_flight": (1, Side.LIABILITY),
    "wallet": (1, Side.LIABILITY),
    "payable": (1, Side.LIABILITY),
    "revenue": (1, Side.INCOME),
    "adjustments": (0, Side.INCOME),
    "opening": (0, Side.EQUITY),
    "write_off": (0, Side.INCOME),
}
"""Kind -> how many names follow it, and its side."""

OPENING: Final = "opening"
"""Balances of an old system."""
REVENUE_FIXED: Final = "revenue/fixed"
"""Daily fees. No rate may have this name."""
BANK: Final = "bank"
"""What tills handed over."""
TILL_DIFFERENCE: Final = "till_difference"
"""What was counted above the books' till; below 0 it was missing."""
ROUNDING: Final = "rounding"
"""What is below a fen when an account is closed."""
ADJUSTMENTS: Final = "adjustments"
"""Credit and debit outside the tills."""
WRITE_OFF: Final = "write_off"
"""Debts given up."""


def till(operator: str, method: str) -> str:
    """What an operator took in by one method and has not handed over."""
    return _account("till", operator, method)


def customer(account: str) -> str:
    """Credit of a customer's account that is at the centre."""
    return _account("customer", account)


def in_flight(wallet: str) -> str:
    """Credit in signed grants that the box has not answered yet."""
    return _account("in_flight", wallet)


@lru_cache(maxsize=NAMES_KEPT_MAX)
def wallet(wallet_id: str) -> str:
    """A wallet on its box, as of the last batch posted."""
    return _account("wallet", wallet_id)


def payable(account: str) -> str:
    """What was given back for a refund and is neither paid out nor granted again."""
    return _account("payable", account)


@lru_cache(maxsize=NAMES_KEPT_MAX)
def revenue(rate: str) -> str:
    """What was charged for energy at one rate."""
    return _account("revenue", rate)


def _account(kind: str, *about: str) -> str:
    for name in about:
        if not name or "/" in name:
            raise mistaken(kind, name, "the name of an account must not be empty or hold a slash")
    return "/".join((kind, *about))


@lru_cache(maxsize=NAMES_KEPT_MAX)
def parse_account(text: str) -> LedgerAccount:
    """Take an account id apart. Raises ValueError where the chart has no such account."""
    kind, *about = text.split("/")
    known = _KINDS.get(kind)
    if known is None or len(about) != known[0] or not all(about):
        raise ValueError(f"{text!r} is not in the chart of accounts")
    return LedgerAccount(kind, tuple(about), known[1])
