"""Bounds of the centre: what a sale may be, and how long or how much of anything is waited for or kept. Pure."""

from dataclasses import dataclass
from typing import Final

from cloud_server.core.mistakes import FieldError, FieldErrorCode
from protocol.site_plan import SaleLimits
from protocol.units import Micro, amount_to_text

DUPLICATE_WITHIN_MS: Final = 120_000
"""Same account and amount again within two minutes is more often a second click than a second customer."""

CLAIM_LASTS_MS: Final = 24 * 3_600_000
"""A claim file travels to a shaft on the day it was made."""

IN_REACH_WITHIN_MS: Final = 60_000
"""A box in reach asks at least every 25 s; two missed turns and a slow line are not yet an outage."""

GRANT_ANSWERED_WITHIN_MS: Final = 5_000
"""A box in reach answers a grant within a second or two; longer than this the sale says that it waits for its box."""

LOST_AFTER_MS: Final = 180_000
"""Three minutes without a word: long enough for a restart of the box, short enough for somebody to look."""

ANSWER_COMMANDS_MAX: Final = 500
"""Commands in one answer: well below the 2,000 lines of a body; the rest comes with the next answer."""

ANSWER_COMMAND_BYTES_MAX: Final = 8 * 1024 * 1024
"""Bytes of command lines in one answer: half of what a body may hold, since an epoch may travel with them."""

REFUND_ALONE_MAX_MICRO: Final = 1_000_000_000
"""A refund above a thousand units of the currency wants a second person: a month's power of a shop is below it."""

KEY_CHARACTERS_MAX: Final = 200
"""An idempotency key; the wire allows as much."""

TOKEN_DAYS_MAX: Final = 400
"""An API token ends: a year and a month for whoever renews it late."""

ORDER_LASTS_MS: Final = 24 * 3_600_000
"""A wish for a relay that could not be told to its box for a day is given up, so that it moves nothing days later."""

LIVE_FRESH_MS: Final = 60_000
"""A live value older than a minute is not shown as what is now."""

READ_WISH_LASTS_MS: Final = 30_000
"""Whoever pressed *read* has gone on to something else after half a minute."""

LOOK_LASTS_MS: Final = 10_000
"""One look at a live page keeps boxes sending for ten seconds: open pages look again every few seconds."""


@dataclass(frozen=True, slots=True)
class SaleFacts:
    """What a sale is judged by: its amount, and the account's balance and the operator's day before it."""

    amount_micro: Micro
    balance_micro: Micro
    operator_day_micro: Micro


def sale_errors(facts: SaleFacts, bounds: SaleLimits) -> list[FieldError]:
    """Every bound of the site that this sale would break, for the field `amount`."""
    amount = facts.amount_micro
    after = facts.balance_micro + amount
    day = facts.operator_day_micro + amount
    broken: list[tuple[FieldErrorCode, Micro, str]] = []
    if amount < bounds.least_sale_micro:
        limit = bounds.least_sale_micro
        broken.append(("below_least", limit, f"below the least sale of {amount_to_text(limit)}"))
    if amount > bounds.greatest_sale_micro:
        limit = bounds.greatest_sale_micro
        broken.append(("above_greatest", limit, f"above the greatest sale of {amount_to_text(limit)}"))
    if after > bounds.greatest_balance_micro:
        limit = bounds.greatest_balance_micro
        text = f"the balance would be {amount_to_text(after)}, above the greatest of {amount_to_text(limit)}"
        broken.append(("above_balance_limit", limit, text))
    if day > bounds.operator_day_micro:
        limit = bounds.operator_day_micro
        text = f"the operator's day would come to {amount_to_text(day)}, above the limit of {amount_to_text(limit)}"
        broken.append(("above_day_limit", limit, text))
    return [
        FieldError(field="amount", value=amount_to_text(amount), code=code, message=text, limit_micro=limit)
        for code, limit, text in broken
    ]
