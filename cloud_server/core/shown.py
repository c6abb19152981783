"""Small values that reading brings together before they become the rows of `views`. Types only."""

from dataclasses import dataclass

from protocol.units import Micro, Ms, Wh


@dataclass(frozen=True, slots=True)
class StandingAlarm:
    """An alarm that stands, with its subject."""

    kind: str
    box: str
    bus: str | None
    device: str | None
    meter: str | None
    wallet: str | None
    raised_at_ms: Ms


@dataclass(frozen=True, slots=True)
class ShownInterval:
    """One interval of a meter."""

    from_ms: Ms
    to_ms: Ms
    from_wh: Wh
    to_wh: Wh
    energy_wh: Wh
    charge_micro: Micro
    max_power_w: int | None
    rates: tuple[str, ...]
    flags: tuple[str, ...]
