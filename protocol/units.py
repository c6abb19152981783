"""Units of the domain and the only rounding: watt-hours, micro-units of money, UTC milliseconds.

Integers everywhere between the edges. `Decimal` appears only where people type or read an amount.
"""

import re
from decimal import Decimal
from typing import Final

Micro = int
"""Money in millionths of the site's currency unit: 1 yuan = 1,000,000."""
Wh = int
"""Energy in watt-hours."""
Ms = int
"""An instant in UTC milliseconds since 1970, or a length in milliseconds where the name says so."""

UNIT_MICRO: Final = 1_000_000
"""One yuan (or other currency unit) in micro-units."""
FEN_MICRO: Final = 10_000
"""One fen, the least amount that people pay, in micro-units."""
NANO_PER_MICRO: Final = 1_000
"""watt-hours × (micro-units per kilowatt-hour) gives nano-units."""
DAY_MS: Final = 86_400_000
AMOUNT_MICRO_MAX: Final = 1_000_000_000 * UNIT_MICRO
"""Greatest amount that the program handles in one step: a milliard yuan, far above any shop, far below 2^53."""

_AMOUNT: Final = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,6})?", re.ASCII)


class BadAmount(ValueError):
    """A typed amount that is not a whole number of fen above zero; the text says why."""


def amount_from_text(text: str) -> Micro:
    """Read an amount of money as people and programs type it: "100", "100.5", "100.00" -> micro-units.

    Above zero, at most two decimals, digits and one point only.
    Raises BadAmount, whose text can be shown beside the field.
    """
    cleaned = text.strip()
    if _AMOUNT.fullmatch(cleaned) is None:
        raise BadAmount(f"{text!r}: type digits with at most two decimals, for example 100.00")
    value = Decimal(cleaned)
    if value <= 0:
        raise BadAmount(f"{text!r}: the amount must be above 0")
    micro = value * UNIT_MICRO
    if micro % FEN_MICRO != 0:
        raise BadAmount(f"{text!r}: at most two decimals (the least amount is 0.01)")
    if micro > AMOUNT_MICRO_MAX:
        raise BadAmount(f"{text!r}: above the greatest amount of {AMOUNT_MICRO_MAX // UNIT_MICRO}")
    return int(micro)


def amount_to_text(micro: Micro) -> str:
    """Print money with two decimals, rounded toward minus infinity so that no one is shown more than there is."""
    fen = micro // FEN_MICRO
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def split_largest_remainder(total: int, weights: list[int]) -> list[int]:
    """Share a whole number by weights so that the shares add up to it; ties go to the earlier part.

    `total` >= 0; weights >= 0, at least one > 0 unless total is 0. (domain.md, Charging.)
    """
    weight_sum = sum(weights)
    if weight_sum == 0:
        if total:
            raise ValueError("nothing to share by: all weights are 0")
        return [0] * len(weights)
    shares = [total * weight // weight_sum for weight in weights]
    remainders = [total * weight % weight_sum for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-remainders[i], i))
    for i in order[: total - sum(shares)]:
        shares[i] += 1
    return shares
