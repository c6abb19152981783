"""Which meters are guards now, what their accounts should hold, and how a released relay is seen. Pure.

The account's own arithmetic is in `guard`; here it meets wallets, modes, tariffs and tests.
"""

import enum
from typing import Final

from edge_agent.core.guard import (
    LEAST_MARGIN_MICRO,
    Wanted,
    has_account,
    may_guard,
    price_for,
    wanted_level,
)
from edge_agent.core.measured import RelayOrdered, RelayPosition
from edge_agent.core.place import Place
from edge_agent.core.readings import fresh_reading
from edge_agent.core.state import BoxState, MeterRow, Now
from edge_agent.core.wallets import all_read, feeding, running_micro
from protocol.records import Cause, Contact

IN_CREDIT: Final[tuple[Cause, ...]] = ("normal", "restored")
"""Causes for which a guard's relay is left to the meter; every other one forces it."""


TOP_UP_SHARE: Final = 10
"""A tenth of the margin may be missing: register and account move in other steps than the balance."""


class Keeping(enum.Enum):
    """What a visit to a meter's account is for."""

    NOT_OURS = "no guard was ever proved on it: nobody touches its account"
    OFF = "it was a guard and is none now: its switch is off"
    REST = "it is a guard, and the box keeps it open, or too little is known: leave the account alone"
    ON = "it guards"


def is_guard(place: Place, state: BoxState, meter: str) -> bool:
    """Whether the site wants it, the profile allows it, a test on that very meter proved it, and it may guard now."""
    row, defaults = state.meters[meter], place.config.defaults
    return (
        defaults.guard == "on"
        and may_guard(place.profile_of[meter], defaults.guard_inferred)
        and proved(row)
        and row.state.service == "in_service"
        and row.state.mode == "prepaid"
        and row.state.locked_out is None
        and feeding(place, state, meter) is not None
        and _price(place, meter, row.state.read_at_ms or 0) > 0
    )


def proved(row: MeterRow) -> bool:
    """Whether the newest test of the last guard on this very meter was passed."""
    return next((test.passed for test in reversed(row.state.tests) if test.test == "guard"), False)


def leaves_to_meter(place: Place, state: BoxState, row: MeterRow) -> bool:
    """Whether this relay is released rather than forced closed."""
    return row.wanted == "closed" and row.cause in IN_CREDIT and is_guard(place, state, row.meter)


def leaves_to_person(place: Place, state: BoxState, row: MeterRow) -> bool:
    """Whether this relay is armed rather than closed: the site wants a person to look before it closes (rule 9)."""
    relay = place.profile_of[row.meter].relay
    return (
        place.config.defaults.reconnect == "arm"
        and relay is not None
        and relay.write_arm is not None
        and row.wanted == "closed"
        and row.cause in IN_CREDIT
        and not leaves_to_meter(place, state, row)
    )


def seen_contact(place: Place, state: BoxState, meter: str, position: RelayPosition, register: RelayOrdered) -> Contact:
    """The relay as well as it is known; a guard that is released is closed unless its own account is used up."""
    if position is not RelayPosition.UNKNOWN or register is not RelayOrdered.RELEASED:
        return position.value
    if not is_guard(place, state, meter):
        return "unknown"
    account = state.accounts.get(meter)
    return "open" if account is not None and account.on and account.balance_micro <= 0 else "closed"


def keeping(place: Place, state: BoxState, meter: str, now: Now) -> Keeping:
    """What to do about a meter's account now."""
    row = state.meters.get(meter)
    if row is None or row.released or row.state.held or not proved(row) or not has_account(place.profile_of[meter]):
        return Keeping.NOT_OURS
    if row.state.service == "observe" or row.state.locked_out is not None:
        return Keeping.REST
    if not is_guard(place, state, meter):
        return Keeping.OFF
    wallet = feeding(place, state, meter)
    sure = wallet is not None and all_read(state, wallet) and fresh_reading(place, state, meter, now)
    return Keeping.ON if sure and leaves_to_meter(place, state, row) else Keeping.REST


def wanted_account(place: Place, state: BoxState, meter: str, now: Now) -> Wanted | None:
    """What the account of a guard should be; None where the meter feeds on no wallet."""
    wallet = feeding(place, state, meter)
    if wallet is None:
        return None
    margin = margin_micro(place, state, meter)
    return Wanted(
        level_micro=wanted_level(running_micro(state, wallet), wallet.trip_micro, margin),
        price_micro=_price(place, meter, now.wall_ms),
        clear_alarm2=place.config.defaults.alarm2_action != "trip_once",
        least_top_up_micro=margin // TOP_UP_SHARE,
    )


def margin_micro(place: Place, state: BoxState, meter: str) -> int:
    """By how much the meter acts later than the box: as the site sets, else one day's use."""
    planned = place.config.defaults.guard_margin_micro
    if planned is not None:
        return planned
    use = state.meters[meter].day_use
    return LEAST_MARGIN_MICRO if use is None else max(LEAST_MARGIN_MICRO, use.today_micro, use.before_micro)


def _price(place: Place, meter: str, at_ms: int) -> int:
    """The price that the meter is told: the lowest that holds or comes with a later version, rounded down."""
    tariff = place.meters[meter].tariff
    begun = place.book.version_at(tariff, at_ms)
    found = [text for (name, version), text in place.book.tariffs.items() if name == tariff and version >= begun]
    lowest = min(min(text.price_micro.values()) + min((0, *(s.add_micro for s in text.steps))) for text in found)
    return price_for(place.profile_of[meter], lowest)
