"""The street of the demo as a plan with labels, and as the simulator sees it. PURE but for reading its own data.

Shops stand in `street.toml`. A label is the shop's number, the box's or bus's name: `plan_file` gives them ids.
"""

import tomllib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata, resources
from typing import Any, Final

FLAT_PRICE_MICRO: Final = 950_000
"""As in tariff_flat.toml: the shop that runs dry pays the same at any hour."""
DRY_AFTER_S: Final = 80
"""How long the money of that shop lasts from its first reading: long enough to look, and over in two minutes."""
ALARM1_MICRO: Final = 50_000_000
ALARM2_MICRO: Final = 10_000_000
OPENING_ALARM1_MICRO: Final = 36_500_000
OPENING_ALARM2_MICRO: Final = 6_200_000
OPENING_ARREARS_MICRO: Final = 10_000
"""One fen, gone with the first ten watt-hours."""
INTERVAL_S: Final = 300
SWITCH_PAUSE_S: Final = 10
"""Shorter than on a real site, so that a sale after the relay tests does not wait for a minute."""

USERS: Final = ("adf400l_3ph", "adf400l_1ph")
METERS: Final = "dtsy1352"
UNITS: Final = {"adf400l_3ph": 3, "adf400l_1ph": 1, "dtsy1352": 1}
"""Unit ids that one user takes (ADF400L manual: three-phase users occupy three addresses each)."""
RATED_MA: Final = {"adf400l_3ph": 63_000, "adf400l_1ph": 40_000, "dtsy1352": 80_000}


@dataclass(frozen=True, slots=True)
class Spot:
    """One metered circuit of the street. `model` is the simulator's name of the meter."""

    number: str
    name: str
    tenant: str
    load: str
    watts: int
    use: str
    building: str
    box: str
    bus: str
    model: str
    unit: int
    ct: int = 1
    rated_ma: int = 0

    @property
    def has_account(self) -> bool:
        return self.use == "tenant" and self.load != "vacant"

    @property
    def phases(self) -> int:
        return 1 if self.model == "adf400l_1ph" else 3

    @property
    def serial(self) -> str:
        """Twelve digits; a meter of this number leaves the factory with it."""
        return f"2026{zlib.crc32(f'{self.box}{self.number}'.encode()) % 10**8:08}"


class Street:
    """The whole street, or its small part with one shaft and six meters a bus."""

    def __init__(self, *, small: bool = False, speed: float = 1.0, first_speed: float | None = None) -> None:
        """`speed`: how much faster than in life the loads run; `first_speed`: how fast they ran at the first start."""
        self.speed = speed
        self.first_speed = speed if first_speed is None else first_speed
        self._data = _street_data()
        wanted = self._data["small"] if small else None
        self.spots = [
            spot
            for shaft in self._data["shafts"]
            if wanted is None or shaft["box"] == wanted["box"]
            for spot in self._spots(shaft, None if wanted is None else wanted["numbers"])
        ]
        self.numbers = {spot.number for spot in self.spots}

    @property
    def boxes(self) -> list[str]:
        return list(dict.fromkeys(spot.box for spot in self.spots))

    @property
    def dry(self) -> str:
        """Number of the shop that runs dry soon."""
        return str(self._data["states"]["dry"])

    def begin_as(self, state: str) -> list[str]:
        """Numbers of the shops that begin in a state: arrears, alarm1, alarm2, lost, protected."""
        return [number for number in self._data["states"][state] if number in self.numbers]

    @property
    def shown_first(self) -> list[str]:
        """Numbers of the shops that show something at once: their relays are tested before all others."""
        lists = [self.begin_as(state) for state in ("lost", "arrears", "alarm2", "alarm1", "protected")]
        return [self.dry, *(number for numbers in lists for number in numbers)]

    @staticmethod
    def _spots(shaft: dict[str, Any], numbers: list[str] | None) -> Iterator[Spot]:
        """Users of the cabinet on the first bus, three-phase ones first as its maker counts; meters on the second."""
        for bus_number, models in ((1, USERS), (2, (METERS,))):
            unit = 1
            for model in models:
                rows = [(*row, "tenant", 1, RATED_MA[model]) for row in shaft[model]]
                if model == METERS and numbers is None:
                    rows += _common_rows(shaft["box"])
                for number, name, tenant, load, watts, use, ct, rated_ma in rows:
                    if numbers is not None and number not in numbers:
                        continue
                    yield Spot(
                        number, name, tenant, load, watts, use, shaft["building"], shaft["box"],
                        f"{shaft['box']}-{bus_number}", model, unit, ct, rated_ma,
                    )  # fmt: skip
                    unit += UNITS[model]

    # --- the plan -------------------------------------------------------------------------------------------------

    def plan(self, site: str, name: str) -> dict[str, Any]:
        """The plan with labels, as `provision site apply` takes it. `site` is the id that `init` made."""
        tenants = [spot for spot in self.spots if spot.has_account]
        owners = [spot for spot in tenants if self._account(spot) == spot.number]
        return {
            "site": site,
            "name": name,
            "settings": {"zone": "Asia/Shanghai", "currency": "CNY", "tzdata": metadata.version("tzdata")},
            "defaults": {"interval_s": INTERVAL_S, "switch_pause_s": SWITCH_PAUSE_S},
            "buildings": [
                {"building": each, "name": each} for each in dict.fromkeys(spot.building for spot in self.spots)
            ],
            "boxes": [self._box(box) for box in self.boxes],
            "points": [
                {"point": s.number, "building": s.building, "number": s.number, "name": s.name, "use": s.use}
                for s in self.spots
            ],
            "customers": [
                {"customer": s.number, "name": s.tenant, "phones": [f"138{int(s.number):08}"]} for s in owners
            ],
            "accounts": [{"account": s.number, "number": f"2026{s.number}", "customer": s.number} for s in owners],
            "wallets": [self._wallet(s) for s in tenants if s.number not in self._data["shared"].values()],
            "tariffs": [
                {"tariff": each, "version": 1, "text": _text(f"tariff_{each}.toml")} for each in ("flat", "time_of_use")
            ],
        }

    def _account(self, spot: Spot) -> str:
        """Number of the account that pays for a shop: its own, but for shared and chained ones."""
        chain = self._data["chain"]
        if spot.number in chain["shops"] and chain["account"] in self.numbers:
            return str(chain["account"])
        for first, second in self._data["shared"].items():
            if spot.number == second:
                return str(first)
        return spot.number

    def _box(self, box: str) -> dict[str, Any]:
        spots = [spot for spot in self.spots if spot.box == box]
        cabinet = f"{box}-AL1"
        devices = {cabinet: f"{box}-1"} | {self._device(spot): spot.bus for spot in spots}
        return {
            "box": box,
            "name": box,
            "building": spots[0].building,
            "buses": [{"bus": bus, "name": bus} for bus in dict.fromkeys(spot.bus for spot in spots)],
            "devices": [{"device": device, "bus": bus, "name": device} for device, bus in devices.items()],
            "meters": [self._meter(spot) for spot in spots],
        }

    @staticmethod
    def _device(spot: Spot) -> str:
        """A cabinet holds all users of its bus; a single meter is its own device."""
        return f"{spot.bus}-{spot.number}" if spot.model == METERS else f"{spot.box}-AL1"

    def _meter(self, spot: Spot) -> dict[str, Any]:
        return {
            "meter": spot.number,
            "device": self._device(spot),
            "bus": spot.bus,
            "unit": spot.unit,
            "profile": f"acrel_{spot.model}",
            "serial": spot.serial,
            "point": spot.number,
            "name": f"{spot.number} {spot.name}",
            "use": spot.use,
            # Loads that run faster than life must not look impossible.
            "rated_ma": round(spot.rated_ma * max(self.speed, 1.0)),
            "phases": spot.phases,
            "ratios": [{"version": 1, "from_ms": 0, "ct": [spot.ct, 1], "pt": [1, 1]}],
            "tariff": "flat" if spot.number == self.dry or spot.model == "adf400l_1ph" else "time_of_use",
        }

    def _wallet(self, spot: Spot) -> dict[str, Any]:
        opening_micro, alarm1_micro, alarm2_micro = self._money(spot)
        shared = self._data["shared"].get(spot.number)
        return {
            "wallet": spot.number,
            "account": self._account(spot),
            "box": spot.box,
            "meters": [spot.number, *([shared] if shared in self.numbers else [])],
            "alarm1_micro": alarm1_micro,
            "alarm2_micro": alarm2_micro,
            "opening_micro": opening_micro,
        }

    def _money(self, spot: Spot) -> tuple[int, int, int]:
        """What a wallet begins with, and its two thresholds."""
        if spot.number == self.dry:
            opening_micro = round(spot.watts * DRY_AFTER_S * self.first_speed / 3_600 * FLAT_PRICE_MICRO / 1_000)
            opening_micro = opening_micro // 10_000 * 10_000
            return opening_micro, opening_micro * 6 // 10, opening_micro * 3 // 10
        for state, opening_micro in (
            ("arrears", OPENING_ARREARS_MICRO),
            ("alarm1", OPENING_ALARM1_MICRO),
            ("alarm2", OPENING_ALARM2_MICRO),
        ):
            if spot.number in self.begin_as(state):
                return opening_micro, ALARM1_MICRO, ALARM2_MICRO
        fen = 15_000 + zlib.crc32(spot.number.encode()) % 180_000 + spot.watts * 8
        return fen * 10_000, ALARM1_MICRO, ALARM2_MICRO

    # --- the simulator --------------------------------------------------------------------------------------------

    def simulated(self, ttys: dict[str, str], ids: dict[str, dict[str, str]]) -> dict[str, Any]:
        """The site file of the simulator. `ttys`: the path of each bus; `ids`: those of the plan's labels."""
        return {
            "buses": [
                {
                    "name": bus,
                    "tty": ttys[bus],
                    "baud": 9_600,
                    "meters": [self._simulated_meter(spot, ids) for spot in self.spots if spot.bus == bus],
                }
                for bus in self.buses
            ]
        }

    @property
    def buses(self) -> list[str]:
        return list(dict.fromkeys(spot.bus for spot in self.spots))

    @staticmethod
    def _simulated_meter(spot: Spot, ids: dict[str, dict[str, str]]) -> dict[str, Any]:
        seed = zlib.crc32(spot.number.encode())
        load: dict[str, Any] = {"kind": "shop", "peak_w": spot.watts, "profile": spot.load, "seed": seed}
        if spot.load in ("constant", "vacant"):
            load = {"kind": "constant", "watts": spot.watts}
        return {
            "id": ids["meter"][spot.number],
            "point": ids["point"][spot.number],
            "model": spot.model,
            "unit": spot.unit,
            "serial": spot.serial,
            "energy_wh": seed % 40_000_000 // spot.ct,
            "ct": spot.ct,
            "load": load,
        }


def _common_rows(box: str) -> list[tuple[Any, ...]]:
    common = _street_data()["common"]
    rows = []
    for number, (key, use) in enumerate((("main", "main"), ("lighting", "public"), ("lift", "public")), start=1):
        entry = common[key]
        rated_ma = entry.get("rated_ma", RATED_MA[METERS])
        rows.append(
            (f"{box}-Z{number}", entry["name"], "", "constant", entry["watts"], use, entry.get("ct", 1), rated_ma)
        )
    return rows


@cache
def _street_data() -> dict[str, Any]:
    return tomllib.loads(_text("street.toml"))


def _text(name: str) -> str:
    return (resources.files("provisioning.demo") / name).read_text(encoding="utf-8")
