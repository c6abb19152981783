"""An adjustment as people type it: an amount with its sign, kilowatt-hours with theirs, a period; and its row. Pure."""

from datetime import date
from typing import Final

from cloud_server.core.contracts import Adjustment
from cloud_server.core.mistakes import FieldError
from cloud_server.core.sale_order import read_amount
from protocol.money import AdjustmentBody
from protocol.units import Micro, Ms

ENERGY_DECIMALS: Final = 3
"""A meter tells no less than a watt-hour."""
ENERGY_DIGITS_MAX: Final = 9


def read_signed(field: str, text: str) -> Micro | FieldError:
    """An amount above or below 0, as typed: "12.00", "-12.00"."""
    said = text.strip().replace("\u2212", "-")
    below = said.startswith("-")
    amount = read_amount(field, said[1:] if below else said.removeprefix("+"))
    if isinstance(amount, FieldError):
        return amount
    return -amount if below else amount


def read_energy(text: str) -> int | FieldError:
    """Kilowatt-hours as typed, in watt-hours."""
    said = text.strip().replace("\u2212", "-")
    digits = said.removeprefix("-").removeprefix("+")
    whole, _, decimals = digits.partition(".")
    right = whole.isdecimal() and digits.isascii() and len(whole) <= ENERGY_DIGITS_MAX
    if not right or (decimals and not decimals.isdecimal()) or len(decimals) > ENERGY_DECIMALS:
        message = f"kilowatt-hours with at most {ENERGY_DECIMALS} decimals, such as 120.5"
        return FieldError(field="energy", value=text[:40], code="not_a_number", message=message)
    energy_wh = int(whole) * 1_000 + int((decimals or "0").ljust(ENERGY_DECIMALS, "0"))
    return -energy_wh if said.startswith("-") else energy_wh


def period_errors(from_day: str | None, to_day: str | None) -> list[FieldError]:
    """What is wrong with the period that an adjustment concerns; it has both ends or none."""
    if from_day is None and to_day is None:
        return []
    errors = []
    for field, text in (("from_day", from_day), ("to_day", to_day)):
        try:
            date.fromisoformat(text or "")
        except ValueError:
            message = "a day such as 2026-08-01; a period has a first and a last one"
            errors.append(FieldError(field=field, value=(text or "")[:20], code="required", message=message))
    if not errors and (to_day or "") < (from_day or ""):
        message = f"is before the period's first day {from_day}"
        errors.append(FieldError(field="to_day", value=to_day or "", code="unknown", message=message))
    return errors


def adjustment_row(
    body: AdjustmentBody, grant: str, *, operator: str, second: str | None, reason: str, key: str, made_at_ms: Ms
) -> Adjustment:
    """The row of an adjustment, made now or taken from its line of the journal; `grant` carries it to the box."""
    return Adjustment(
        adjustment=body.adjustment,
        account=body.account,
        wallet=body.wallet,
        amount_micro=body.amount_micro,
        energy_wh=body.energy_wh,
        from_day=body.from_day,
        to_day=body.to_day,
        grant=grant,
        operator=operator,
        second=second,
        reason=reason,
        key=key,
        made_at_ms=made_at_ms,
    )
