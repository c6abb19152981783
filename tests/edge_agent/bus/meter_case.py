"""What a meter holds, as its maker's table prints it, and what must be read out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from edge_agent.core.measured import RelayOrdered
from tests.edge_agent.bus.register_image import Image


@dataclass(frozen=True)
class MeterCase:
    """One meter.

    Attributes:
        holding, inputs: words for functions 3 and 4; what is not in them does not exist, so that a read over a hole
            fails.
        values: every quantity but rates, by reported key, `raw_wh` among them; nothing else may be reported.
        ordered: what the order register says; None where the profile has no relay.
    """

    profile: str
    holding: Image
    values: Mapping[str, int]
    inputs: Image = field(default_factory=dict)
    rates: Mapping[str, int] = field(default_factory=dict)
    ct: Fraction = Fraction(1)
    pt: Fraction = Fraction(1)
    ordered: RelayOrdered | None = None
    serial: str | None = None
