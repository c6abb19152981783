"""A sale as it was asked for, read into wallets and amounts, or into every mistake in it. Pure."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cloud_server.core.fleet import Account, Wallet
from cloud_server.core.limits import KEY_CHARACTERS_MAX
from cloud_server.core.mistakes import FieldError, FieldErrorCode
from cloud_server.core.views import METHODS
from protocol.units import AMOUNT_MICRO_MAX, UNIT_MICRO, BadAmount, Micro, amount_from_text, amount_to_text

SHOWN_CHARACTERS_MAX: Final = 60
"""How much of a wrong value is shown again."""


@dataclass(frozen=True, slots=True)
class WantedPart:
    """One wallet's share of a sale."""

    wallet: Wallet
    amount_micro: Micro


def read_amount(field: str, text: str) -> Micro | FieldError:
    """An amount as typed, or what is wrong with it."""
    try:
        return amount_from_text(text)
    except BadAmount as fault:
        return FieldError(
            field=field,
            value=text[:SHOWN_CHARACTERS_MAX],
            code=_amount_code(text.strip()),
            message=str(fault)[: 2 * SHOWN_CHARACTERS_MAX],
            limit_micro=AMOUNT_MICRO_MAX if _amount_code(text.strip()) == "too_great" else None,
        )


def _amount_code(text: str) -> FieldErrorCode:
    if not text:
        return "required"
    whole, point, decimals = text.removeprefix("-").partition(".")
    digits = whole + decimals
    if not (digits.isdecimal() and digits.isascii() and whole) or (point and not decimals):
        return "not_a_number"
    if text.startswith("-") or not digits.strip("0"):
        return "not_above_zero"
    if len(whole.lstrip("0")) > len(str(AMOUNT_MICRO_MAX // UNIT_MICRO)) or int(whole) * UNIT_MICRO > AMOUNT_MICRO_MAX:
        return "too_great"
    return "too_many_decimals" if len(decimals.rstrip("0")) > 2 else "too_great"


def form_errors(key: str, method: str, account: Account | None, account_text: str) -> list[FieldError]:
    """What can be said before the amount is looked at: key, method, and whether the account may be sold to."""
    found = []
    if not key or len(key) > KEY_CHARACTERS_MAX:
        code: FieldErrorCode = "too_long" if key else "required"
        text = f"a key of 1 to {KEY_CHARACTERS_MAX} characters, made once for this sale"
        found.append(FieldError(field="key", value=key[:SHOWN_CHARACTERS_MAX], code=code, message=text))
    if method not in METHODS:
        text = f"must be one of {', '.join(METHODS)}"
        value = method[:SHOWN_CHARACTERS_MAX]
        found.append(FieldError(field="method", value=value, code="unknown" if method else "required", message=text))
    if account is None:
        value = account_text[:SHOWN_CHARACTERS_MAX]
        found.append(FieldError(field="account", value=value, code="unknown", message="no such account"))
    elif account.state != "in_use":
        text = f"account {account.number} is {account.state}; only an account in use can be sold to"
        found.append(FieldError(field="account", value=account_text, code="account_not_in_use", message=text))
    return found


def wanted_parts(
    amount: str, parts: Sequence[tuple[str, str]] | None, wallets: Iterable[Wallet]
) -> tuple[tuple[WantedPart, ...], list[FieldError]]:
    """Share a sale among the account's wallets: as asked, or all to the only one. Parts must add up to the amount."""
    usable = {wallet.wallet: wallet for wallet in wallets if wallet.state == "in_use"}
    total = read_amount("amount", amount)
    errors = [total] if isinstance(total, FieldError) else []
    if parts is None:
        if len(usable) != 1:
            text = f"the account has {len(usable)} wallets in use; name the wallet of each part"
            errors.append(FieldError(field="parts", value="", code="several_wallets", message=text))
        if errors or isinstance(total, FieldError):
            return (), errors
        return (WantedPart(next(iter(usable.values())), total),), []
    wanted, sum_micro, named = [], 0, set()
    for index, (wallet_id, text) in enumerate(parts):
        share = read_amount(f"parts[{index}].amount", text)
        wallet = usable.get(wallet_id)
        if wallet is None or wallet_id in named:
            errors.append(_wrong_wallet(index, wallet_id, twice=wallet_id in named))
        named.add(wallet_id)
        if isinstance(share, FieldError):
            errors.append(share)
        elif wallet is not None:
            sum_micro += share
            wanted.append(WantedPart(wallet, share))
    if not errors and sum_micro != total:
        text = f"the parts add up to {amount_to_text(sum_micro)}, not to the amount"
        errors.append(FieldError(field="parts", value=amount_to_text(sum_micro), code="parts_differ", message=text))
    return (() if errors else tuple(wanted)), errors


def _wrong_wallet(index: int, wallet: str, *, twice: bool) -> FieldError:
    return FieldError(
        field=f"parts[{index}].wallet",
        value=wallet[:SHOWN_CHARACTERS_MAX],
        code="wallet_not_of_account",
        message="stands twice" if twice else "is no wallet in use of this account",
    )


def order_hash(kind: str, *contents: object) -> str:
    """What the idempotency key is tied to: the same key with another hash is refused."""
    text = json.dumps([kind, *contents], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def is_held(errors: Iterable[FieldError]) -> bool:
    """Whether money that was taken already stays credit at the centre: account, amount and method are known, and what
    stands against the sale is a bound of the site or the state of a wallet, which a person can mend."""
    return all(error.code in _HELD for error in errors)


_HELD: Final[frozenset[FieldErrorCode]] = frozenset(
    {
        "below_least", "above_greatest", "above_balance_limit", "above_day_limit", "account_not_in_use",
        "parts_differ", "several_wallets", "wallet_not_of_account", "wallet_quarantined",
        "box_not_heard",
    }
)  # fmt: skip
