"""Reading what a form sends: bounded bytes in, named text fields out; and mistakes beside the fields they belong to."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from cloud_server.core.views import METHODS
from cloud_server.ports import Chance, FieldError, FieldErrorCode
from protocol.units import BadAmount, Micro, amount_from_text

FORM_BYTES_MOST: Final = 32_768
"""The largest form is a sale of a hundred parts; this is ten times that."""
FIELDS_MOST: Final = 300
"""A sale of a hundred parts has two fields each."""
MANY_BYTES_MOST: Final = 262_144
MANY_FIELDS_MOST: Final = 2_100
"""A form that selects meters: two thousand ticks of 40 bytes, and a few fields beside them."""
FIELD_CHARACTERS_MOST: Final = 2_000
"""Longer than any field of one line, or of a few."""
TARIFF_CHARACTERS_MOST: Final = 16_384
"""One tariff's text as people type it: four seasons of workdays and weekends, each changed every half hour, take 6,000
characters, and twenty dates of their own a year for ten years as many again."""
LONG_FIELDS: Final = {"text": TARIFF_CHARACTERS_MOST, "dates": TARIFF_CHARACTERS_MOST}
"""Fields that hold a whole tariff, or its single dates; only forms that may be long have them."""
FORM_TYPE: Final = "application/x-www-form-urlencoded"


class BadForm(Exception):
    """What came is no form of ours: too large, too many fields, or another type. `status` is the answer's."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


async def read_form(request: Request, *, many: bool = False) -> dict[str, str]:
    """The fields of a posted form; of a field sent twice the last counts. `many`: a form that selects meters of a whole
    site. Raises BadForm."""
    bytes_most, fields_most = (MANY_BYTES_MOST, MANY_FIELDS_MOST) if many else (FORM_BYTES_MOST, FIELDS_MOST)
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != FORM_TYPE:
        raise BadForm(415, "a form is sent as application/x-www-form-urlencoded")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > bytes_most:
            raise BadForm(413, f"a form has at most {bytes_most} bytes")
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=fields_most, errors="strict")
    except ValueError as error:
        raise BadForm(400, "the form could not be read") from error
    long = LONG_FIELDS if many else {}
    for name, value in pairs:
        most = long.get(name, FIELD_CHARACTERS_MOST)
        if len(name) > FIELD_CHARACTERS_MOST or len(value) > most:
            raise BadForm(413, f"a field has at most {most} characters")
    return dict(pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleForm:
    """A sale as typed, with what is wrong with it. `parts` is wallet -> amount as typed, where there are several."""

    account: str
    amount: str
    method: str
    cash_given: str
    key: str
    parts: tuple[tuple[str, str], ...] = ()
    again: bool = False
    mistakes: Mapping[str, FieldError] = field(default_factory=dict)

    @property
    def amount_micro(self) -> Micro:
        """The amount; only for a form without mistakes."""
        return amount_from_text(self.amount)

    @property
    def given_micro(self) -> Micro | None:
        """The cash that the customer put down; None where none was typed."""
        return amount_from_text(self.cash_given) if self.cash_given else None

    @property
    def change_micro(self) -> Micro | None:
        """What the customer gets back; None where no cash was typed."""
        return amount_from_text(self.cash_given) - self.amount_micro if self.cash_given else None


def read_sale(form: Mapping[str, str]) -> SaleForm:
    """Read the desk's form and find every mistake in it that needs no ledger."""
    parts = tuple((name[5:], clean_amount(value)) for name, value in form.items() if name.startswith("part-"))
    read = SaleForm(
        account=form.get("account", ""),
        amount=clean_amount(form.get("amount", "")),
        method=form.get("method", ""),
        cash_given=clean_amount(form.get("cash_given", "")) if form.get("method") == "cash" else "",
        key=form.get("key", ""),
        parts=tuple((wallet, amount) for wallet, amount in parts if amount),
        again=form.get("again") == "yes",
    )
    return replace(read, mistakes=_check(read))


def _check(form: SaleForm) -> dict[str, FieldError]:
    found: dict[str, FieldError] = {}
    amounts = {"amount": form.amount, **{f"part-{wallet}": amount for wallet, amount in form.parts}}
    if form.cash_given:
        amounts["cash_given"] = form.cash_given
    for name, typed in amounts.items():
        if (error := amount_error(name, typed)) is not None:
            found[name] = error
    if form.method not in METHODS:
        found["method"] = FieldError(field="method", value=form.method, code="unknown", message="not a method")
    if "cash_given" not in found and "amount" not in found and form.cash_given:
        given = amount_from_text(form.cash_given)
        if given < form.amount_micro:
            found["cash_given"] = FieldError(
                field="cash_given", value=form.cash_given, code="cash_too_little", message="less than the amount"
            )
    return found


def clean_amount(value: str) -> str:
    """What a cashier's keyboard may add: spaces, a currency sign, thousands marks, full-width digits."""
    table = {0x3000: " ", 0xFF0E: ".", 0x3002: ".", 0xFFE5: "¥", 0xFF0C: ","}
    table.update({0xFF10 + digit: str(digit) for digit in range(10)})
    narrow = value.translate(table).strip().removeprefix("¥").strip()
    return narrow.replace(",", "") if _has_thousands(narrow) else narrow


def new_key(chance: Chance) -> str:
    """An idempotency key, born with its form: the same form sent twice is one step."""
    return f"desk-{chance.draw(16).hex()}"


def _has_thousands(text: str) -> bool:
    groups = text.partition(".")[0].split(",")
    return len(groups) > 1 and 1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])


def amount_error(name: str, typed: str) -> FieldError | None:
    """What is wrong with an amount of money as typed, or None."""
    if not typed:
        return FieldError(field=name, value=typed, code="required", message="required")
    try:
        amount_from_text(typed)
    except BadAmount as error:
        return FieldError(field=name, value=typed, code=_amount_code(typed), message=str(error))
    return None


def _amount_code(typed: str) -> FieldErrorCode:
    try:
        value = Decimal(typed)
    except InvalidOperation:
        return "not_a_number"
    if not value.is_finite() or not set(typed) <= set("0123456789.-"):
        return "not_a_number"
    if value <= 0:
        return "not_above_zero"
    if value != round(value, 2):
        return "too_many_decimals"
    return "too_great" if value > 1_000_000_000 else "not_a_number"
