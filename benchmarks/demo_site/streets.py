"""Streets made to measure on. Everything but their shops is the demo's."""

import zlib
from collections.abc import Iterator
from typing import Any, Final

from provisioning.demo.street import METERS, RATED_MA, Spot, Street

BUSES: Final = 4
METERS_A_BUS: Final = 20
SALE_SPEED: Final = 4.0
"""Loads run four times as fast, so that a few fen are gone in seconds."""
SALE_WATTS: Final = 8_000
SALE_OPENING_MICRO: Final = 10_000


class FullBox(Street):
    """One box with four full buses: single-phase cabinet users on two, single meters on two. Nobody runs dry."""

    def __init__(self, *, speed: float = 1.0) -> None:
        super().__init__(speed=speed)
        self.spots = list(_full_spots())
        self.numbers = {spot.number for spot in self.spots}

    @property
    def shown_first(self) -> list[str]:
        return []

    def _account(self, spot: Spot) -> str:
        return spot.number

    @staticmethod
    def _device(spot: Spot) -> str:
        """A cabinet on each bus that has one; a single meter is its own device."""
        return f"{spot.bus}-{spot.number}" if spot.model == METERS else f"{spot.bus}-AL1"

    def _money(self, spot: Spot) -> tuple[int, int, int]:
        return 900_000_000, 50_000_000, 10_000_000


def _full_spots() -> Iterator[Spot]:
    for bus in range(1, BUSES + 1):
        model = "adf400l_1ph" if bus % 2 else METERS
        for unit in range(1, METERS_A_BUS + 1):
            number = f"{bus}{unit:02}"
            yield Spot(
                number=number, name=f"Shop {number}", tenant=f"Tenant {number}", load="constant",
                watts=200 + zlib.crc32(number.encode()) % 4_000, use="tenant", building="East", box="B1",
                bus=f"B1-{bus}", model=model, unit=unit, rated_ma=RATED_MA[model],
            )  # fmt: skip


class ThriftyStreet(Street):
    """The demo's small street, where every tenant has one fen and a heavy load: dark whenever nobody pays."""

    def __init__(self, *, speed: float = SALE_SPEED) -> None:
        super().__init__(small=True, speed=speed)

    @property
    def shown_first(self) -> list[str]:
        return []

    def begin_as(self, state: str) -> list[str]:
        return []

    def _money(self, spot: Spot) -> tuple[int, int, int]:
        return SALE_OPENING_MICRO, 5_000_000, 1_000_000

    def simulated(self, ttys: dict[str, str], ids: dict[str, dict[str, str]]) -> dict[str, Any]:
        site = super().simulated(ttys, ids)
        for bus in site["buses"]:
            for meter in bus["meters"]:
                meter["load"] = {"kind": "constant", "watts": SALE_WATTS}
        return site
