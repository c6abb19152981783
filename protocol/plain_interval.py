"""Intervals as most meters bring them, computed again in a few steps: one rate, one price, no energy carried.

Never says that box and centre differ: what is not plain, or does not agree, is for `charging.differences` to tell.
"""

from typing import Final

from protocol.ids import Id
from protocol.records import Interval
from protocol.tariff import Span, TariffBook
from protocol.units import NANO_PER_MICRO

_NO_CARRY: Final = (0, 1)
"""No energy below 1 Wh, as an interval says it."""


def agreed_span(book: TariffBook, tariff: Id, said: Interval, ratio: int, money_carry_nano: int) -> Span | None:
    """What held during a plain interval on which box and centre agree to the last digit, else None.

    Where it answers, `charging.differences` finds nothing, given `ratio` (CT × PT, whole), no energy carried from the
    meter's interval before, and `money_carry_nano` carried from it. None says nothing: the interval may still be right.
    """
    if said.flags or len(said.parts) != 1 or said.energy_carry != _NO_CARRY or said.source != "total":
        return None
    part, begin, end = said.parts[0], said.from_, said.to
    span = book.span(tariff, begin.at_ms, end.at_ms)
    if span is None or end.raw_wh < begin.raw_wh:
        return None
    energy_wh = (end.raw_wh - begin.raw_wh) * ratio
    charge_micro = 0
    if said.wallet is not None:
        charge_micro, money_carry_nano = divmod(money_carry_nano + energy_wh * span.price_micro, NANO_PER_MICRO)
    agrees = (
        energy_wh == said.energy_wh == part.energy_wh
        and charge_micro == said.charge_micro == part.charge_micro
        and money_carry_nano == said.money_carry_nano
        and part.from_ms == begin.at_ms
        and part.to_ms == end.at_ms
        and part.rate == span.rate
        and part.step == 0
        and part.tariff == tariff
        and part.tariff_version == span.version
        and part.price_micro == span.price_micro
    )
    return span if agrees else None
