"""Which messages follow from what boxes recorded: the outcome of a stretch of records, not each step of it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from protocol.ids import Id
from protocol.records import Alarm, Record, Relay
from protocol.units import Ms

CUT_CAUSES: Final = frozenset({"arrears", "alarm2", "overload", "overload_latched", "forced_off"})
"""Openings that a customer is told of; a lock-out and a relay test are made by somebody who stands there."""
RANK: Final[tuple[Literal["arrears", "alarm2", "alarm1"], ...]] = ("arrears", "alarm2", "alarm1")
"""Gravest first: only the gravest is told."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One record with its place in the box's chain."""

    place: str
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that a customer is to be told, about a wallet or about a meter. `place` makes it the only one."""

    occasion: Literal["alarm1", "alarm2", "arrears", "cut_off", "restored"]
    place: str
    at_ms: Ms
    wallet: Id | None = None
    meter: Id | None = None
    cause: str = ""


def notices(happened: Iterable[Happened]) -> list[Notice]:
    """What is so at the end of these records and was not told: the gravest level of each wallet that still stands, and
    each relay's last place. What came and went within them is not told."""
    levels: dict[Id, dict[str, Happened | None]] = {}
    relays: dict[Id, Happened] = {}
    for one in happened:
        match one.record:
            case Alarm(alarm=("alarm1" | "alarm2" | "arrears") as kind, state=state, subject=subject):
                if subject.wallet is not None:
                    levels.setdefault(subject.wallet, {})[kind] = one if state == "raised" else None
            case Relay(meter=meter, seen="open" | "closed"):
                relays[meter] = one
            case _:
                pass
    found = [notice for one in relays.values() if (notice := _switched(one)) is not None]
    for wallet, standing in levels.items():
        for kind in RANK:
            stands = standing.get(kind)
            if stands is not None:
                found.append(Notice(occasion=kind, place=stands.place, at_ms=stands.record.at_ms, wallet=wallet))
                break
    return found


def _switched(one: Happened) -> Notice | None:
    relay = one.record
    assert isinstance(relay, Relay)
    if relay.seen == "closed":
        return Notice(occasion="restored", place=one.place, at_ms=relay.at_ms, meter=relay.meter, cause=relay.cause)
    if relay.cause not in CUT_CAUSES:
        return None
    return Notice(occasion="cut_off", place=one.place, at_ms=relay.at_ms, meter=relay.meter, cause=relay.cause)
