"""Bounds that the box keeps by itself, whatever a command says. Values only."""

from dataclasses import dataclass
from typing import Final

from protocol.units import UNIT_MICRO

GREATEST_GRANT_MICRO: Final = 200_000 * UNIT_MICRO
"""Greatest grant where neither box.toml nor a root-signed line says otherwise: a year of a large shop's use."""
GREATEST_PRICE_MICRO: Final = 10 * UNIT_MICRO
"""Greatest price per kWh likewise: several times the dearest public rate, so that a stolen key cannot drain wallets."""


@dataclass(frozen=True, slots=True)
class BoxLimits:
    """What a signed command may reach on this box. Set by a local or root-signed file, never by `configure`."""

    greatest_grant_micro: int = GREATEST_GRANT_MICRO
    greatest_price_micro: int = GREATEST_PRICE_MICRO
    protected_always: frozenset[str] = frozenset()
    generation: int = 0
    """Of the newest line that the root signed; 0 where there is none."""
