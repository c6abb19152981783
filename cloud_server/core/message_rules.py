"""When a message may go, how often a part is tried, and in which state a message is by its parts. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal
from zoneinfo import ZoneInfo

from cloud_server.core.message_settings import MessageSettings
from protocol.units import Ms

Occasion = Literal[
    "alarm1", "alarm2", "arrears", "cut_off", "restored", "sale", "sale_waiting", "refund", "reversal", "forecast",
    "estimated", "number_changed", "duty",
]  # fmt: skip
ALWAYS_URGENT: Final = frozenset({"cut_off", "restored", "duty"})
"""Told at any hour: who sits in the dark, who may turn heating on again, who is on duty."""
TRIES_MAX: Final = 8
"""With the pauses below: given up after four hours."""
PAUSES_MS: Final = (5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000, 7_200_000)
"""Between tries: a busy network is free in seconds, a lost one in hours."""
LASTS_MS: Final = 24 * 3_600_000
"""News of yesterday is none; the network is told the same (validity)."""
KNOWN_WITHIN_MS: Final = LASTS_MS + 3_600_000
"""A part whose leaving is not known may still be told of by a report for as long as the network keeps it."""


class PartState(StrEnum):
    """Where one part stands. `handed`: the last key was about to be pressed; from there it may have left."""

    WAITING = "waiting"
    HANDED = "handed"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNSURE = "unsure"


class MessageState(StrEnum):
    """Where a message stands. `queued` and `sending` are not at their end yet."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNSURE = "unsure"
    EXPIRED = "expired"
    WITHHELD = "withheld"


ENDED: Final = frozenset(
    {MessageState.DELIVERED, MessageState.FAILED, MessageState.UNSURE, MessageState.EXPIRED, MessageState.WITHHELD}
)


@dataclass(frozen=True, slots=True)
class Go:
    """Send it now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Not before this instant."""

    until_ms: Ms
    reason: Literal["quiet_hours", "customer_budget", "site_budget", "switched_off"]


@dataclass(frozen=True, slots=True)
class Drop:
    """Never."""

    state: Literal[MessageState.EXPIRED, MessageState.WITHHELD]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A message that wants to go, with what was sent today: to its customer (messages) and from the site (parts)."""

    urgent: bool
    ends_at_ms: Ms
    on_file: bool
    customer_today: int
    site_today: int


def may_go(asked: Asked, settings: MessageSettings, zone: ZoneInfo, now_ms: Ms) -> Go | Wait | Drop:
    """The first rule that applies. Quiet hours and budgets never hold an urgent one."""
    if now_ms >= asked.ends_at_ms:
        return Drop(MessageState.EXPIRED, "expired")
    if not asked.on_file:
        return Drop(MessageState.WITHHELD, "not_on_file")
    if not settings.on:
        return Wait(now_ms + 60_000, "switched_off")
    if asked.urgent:
        return Go()
    quiet_until_ms = quiet_end_ms(settings, zone, now_ms)
    if quiet_until_ms is not None:
        return Wait(quiet_until_ms, "quiet_hours")
    if asked.customer_today >= settings.customer_day_max:
        return Wait(next_midnight_ms(zone, now_ms), "customer_budget")
    if asked.site_today >= settings.site_day_max:
        return Wait(next_midnight_ms(zone, now_ms), "site_budget")
    return Go()


def quiet_end_ms(settings: MessageSettings, zone: ZoneInfo, now_ms: Ms) -> Ms | None:
    """When the quiet hours that hold now are over; None outside of them."""
    begin, end = settings.quiet_from_minute, settings.quiet_to_minute
    local = datetime.fromtimestamp(now_ms // 1000, zone)
    minute = local.hour * 60 + local.minute
    quiet = begin <= minute < end if begin <= end else minute >= begin or minute < end
    if not quiet:
        return None
    day = local.date() + timedelta(days=1 if minute >= end else 0)
    return _instant_ms(datetime(day.year, day.month, day.day, end // 60, end % 60, tzinfo=zone))


def next_midnight_ms(zone: ZoneInfo, now_ms: Ms) -> Ms:
    """When the site's next day begins."""
    day = datetime.fromtimestamp(now_ms // 1000, zone).date() + timedelta(days=1)
    return _instant_ms(datetime(day.year, day.month, day.day, tzinfo=zone))


def last_midnight_ms(zone: ZoneInfo, now_ms: Ms) -> Ms:
    """When the site's day began."""
    day = datetime.fromtimestamp(now_ms // 1000, zone).date()
    return _instant_ms(datetime(day.year, day.month, day.day, tzinfo=zone))


def _instant_ms(local: datetime) -> Ms:
    return int(local.timestamp()) * 1000


def is_urgent(occasion: str, cut_at_ms: Ms | None, settings: MessageSettings, zone: ZoneInfo, now_ms: Ms) -> bool:
    """Whether neither quiet hours nor budget may hold it: a cut that may come before they are over cannot wait.

    `cut_at_ms`: the earliest expected cut; None where nothing is known of it, which counts as soon.
    """
    if occasion in ALWAYS_URGENT:
        return True
    if occasion not in ("alarm2", "arrears"):
        return False
    held_until_ms = max(quiet_end_ms(settings, zone, now_ms) or 0, next_midnight_ms(zone, now_ms))
    return cut_at_ms is None or cut_at_ms <= held_until_ms


def pause_ms(tries: int) -> Ms:
    """How long until a part is tried again that was tried so often."""
    return PAUSES_MS[min(max(tries, 1), len(PAUSES_MS)) - 1]


def state_of(parts: Iterable[PartState]) -> MessageState:
    """A message's state by its parts: as far as the one that is least far; failed or unsure where one is."""
    states = set(parts)
    if PartState.FAILED in states:
        return MessageState.FAILED
    if states & {PartState.WAITING, PartState.HANDED}:
        return MessageState.SENDING
    if PartState.UNSURE in states:
        return MessageState.UNSURE
    return MessageState.SENT if PartState.SENT in states else MessageState.DELIVERED
