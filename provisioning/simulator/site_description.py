"""The site file: buses and the meters on them, checked strictly, with all mistakes told at once.

Text and JSON values in, frozen values out. Nothing is opened but the file itself.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioning.simulator.loads import DAY_PERCENT, GREATEST_WATTS, ConstantLoad, Load, ShopLoad
from provisioning.simulator.models import MODELS

BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
DEFAULT_TURNAROUND_MS = 5
# Serial Line V1.02, 2.2: units 1..247.
UNITS = (1, 247)
# Longer than this is no turnaround but a lost meter, and no adapter's latency timer.
LONGEST_TURNAROUND_MS = 5_000
LONGEST_LATENCY_MS = 255
# The total register is a U32 of 0.01 kWh.
GREATEST_ENERGY_WH = ((1 << 32) - 1) * 10
GREATEST_RATIO = 9999
SERIAL_DIGITS = 12
# China's, where these meters come from: their clocks leave the factory with it.
DEFAULT_UTC_OFFSET_MINUTES = 480
GREATEST_UTC_OFFSET_MINUTES = 14 * 60
SEED_LIMIT = 1 << 63


@dataclass(frozen=True, slots=True)
class MeterDescription:
    """One meter: `energy_wh` is its total register when it is seen first; `turnaround_ms` from request to reply."""

    id: str
    model: str
    unit: int
    serial: str
    energy_wh: int
    ct: int
    pt: int
    load: Load
    turnaround_ms: float
    point: str

    @property
    def noise_seed(self) -> int:
        """Two meters do not flicker alike."""
        return zlib.crc32(self.serial.encode())


@dataclass(frozen=True, slots=True)
class BusDescription:
    """One RS-485 line: `tty` becomes a symbolic link to its pty; `latency_ms` is the adapter's timer."""

    name: str
    tty: Path
    baud: int
    latency_ms: float
    echo: bool
    meters: tuple[MeterDescription, ...]


@dataclass(frozen=True, slots=True)
class SiteDescription:
    """The whole site; `utc_offset_minutes` is what the meters' clocks show."""

    buses: tuple[BusDescription, ...]
    utc_offset_minutes: int = DEFAULT_UTC_OFFSET_MINUTES


class SiteMistakes(ValueError):
    """The site description is wrong; `mistakes` names place, value and what would be right, all of them."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


def is_serial(text: str) -> bool:
    """Whether a text is a serial number: twelve digits, which fill the DTSY1352's six bytes."""
    return len(text) == SERIAL_DIGITS and text.isascii() and text.isdigit()


def load_site(path: Path) -> SiteDescription:
    """Read a site file; raises SiteMistakes, or OSError where it cannot be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SiteMistakes([f"{path}: not JSON: {error}"]) from error
    return parse_site(value)


def parse_site(value: object) -> SiteDescription:
    """Check a site description; raises SiteMistakes."""
    mistakes: list[str] = []
    top = _Table(value, "site", mistakes)
    buses = tuple(_bus(_Table(entry, place, mistakes)) for place, entry in top.entries("buses"))
    offset = top.integer(
        "utc_offset_minutes", -GREATEST_UTC_OFFSET_MINUTES, GREATEST_UTC_OFFSET_MINUTES, DEFAULT_UTC_OFFSET_MINUTES
    )
    top.nothing_else()
    if not mistakes:
        mistakes += _contradictions(buses)
    if mistakes:
        raise SiteMistakes(mistakes)
    return SiteDescription(buses, offset)


class _Table:
    """A JSON object that is read key by key; what is wrong is noted and a harmless value goes on."""

    def __init__(self, value: object, place: str, mistakes: list[str]) -> None:
        self.place = place
        self.mistakes = mistakes
        self._known: set[str] = set()
        self._values: Mapping[str, Any] = {}
        if isinstance(value, dict):
            self._values = value
        else:
            self.wrong("", value, "an object")
            # Each of its keys would be missing too: one word about it is enough.
            self.mistakes = []

    def wrong(self, key: str, value: object, right: str) -> None:
        """Note a mistake at `key`."""
        place = f"{self.place}.{key}" if key else self.place
        self.mistakes.append(f"{place}: {json.dumps(value, ensure_ascii=False, default=str)}: must be {right}")

    def _take(self, key: str, right: str, default: object) -> tuple[Any, bool]:
        self._known.add(key)
        if key in self._values:
            return self._values[key], True
        if default is None:
            self.mistakes.append(f"{self.place}.{key}: missing: must be {right}")
        return default, False

    def text(self, key: str, right: str = "a text that is not empty") -> str:
        """A text that is not empty and has no control characters."""
        value, given = self._take(key, right, None)
        if given and (not isinstance(value, str) or not value or not value.isprintable()):
            self.wrong(key, value, right)
        return value if isinstance(value, str) else ""

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        """One of `choices`."""
        right = "one of " + ", ".join(choices)
        value, given = self._take(key, right, None)
        if given and value not in choices:
            self.wrong(key, value, right)
        return value if value in choices else choices[0]

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        """A number within low..high."""
        right = f"a number {low:g}..{high:g}"
        value, given = self._take(key, right, default)
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return value
        if given:
            self.wrong(key, value, right)
        return low

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number within low..high."""
        right = f"a whole number {low}..{high}"
        value, given = self._take(key, right, default)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        if given:
            self.wrong(key, value, right)
        return low

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value, _ = self._take(key, "true or false", default)
        if not isinstance(value, bool):
            self.wrong(key, value, "true or false")
            return default
        return value

    def entries(self, key: str) -> list[tuple[str, object]]:
        """A list with at least one entry, each with its place."""
        value, given = self._take(key, "a list with at least one entry", None)
        if not isinstance(value, list) or not value:
            if given:
                self.wrong(key, value, "a list with at least one entry")
            return []
        return [(f"{self.place}.{key}[{index}]", entry) for index, entry in enumerate(value)]

    def inner(self, key: str) -> "_Table":
        """An object within this one."""
        value, given = self._take(key, "an object", None)
        return _Table(value if given else {}, f"{self.place}.{key}", self.mistakes if given else [])

    def nothing_else(self) -> None:
        """Note each key that nobody asked for."""
        known = ", ".join(sorted(self._known))
        for key in sorted(set(map(str, self._values)) - self._known):
            self.mistakes.append(f"{self.place}.{key}: unknown: the keys here are {known}")


def _bus(entry: _Table) -> BusDescription:
    baud = entry.integer("baud", BAUDS[0], BAUDS[-1])
    if baud not in BAUDS:
        entry.wrong("baud", baud, "one of " + ", ".join(map(str, BAUDS)))
    tty = entry.text("tty", "an absolute path")
    if tty and not Path(tty).is_absolute():
        entry.wrong("tty", tty, "an absolute path")
    bus = BusDescription(
        name=entry.text("name"),
        tty=Path(tty),
        baud=baud,
        latency_ms=entry.number("latency_ms", 0, LONGEST_LATENCY_MS, 0),
        echo=entry.flag("echo", default=False),
        meters=tuple(_meter(_Table(value, place, entry.mistakes)) for place, value in entry.entries("meters")),
    )
    entry.nothing_else()
    return bus


def _meter(entry: _Table) -> MeterDescription:
    serial = entry.text("serial", f"{SERIAL_DIGITS} digits")
    if serial and not is_serial(serial):
        entry.wrong("serial", serial, f"{SERIAL_DIGITS} digits")
    meter = MeterDescription(
        id=entry.text("id"),
        model=entry.choice("model", tuple(MODELS)),
        unit=entry.integer("unit", *UNITS),
        serial=serial,
        energy_wh=entry.integer("energy_wh", 0, GREATEST_ENERGY_WH),
        ct=entry.integer("ct", 1, GREATEST_RATIO, 1),
        pt=entry.integer("pt", 1, GREATEST_RATIO, 1),
        load=_load(entry.inner("load")),
        turnaround_ms=entry.number("turnaround_ms", 0, LONGEST_TURNAROUND_MS, DEFAULT_TURNAROUND_MS),
        point=entry.text("point"),
    )
    for key, ratio in (("ct", meter.ct), ("pt", meter.pt)):
        if ratio != 1 and not MODELS[meter.model].transformers:
            entry.wrong(key, ratio, f"1: {meter.model} has no transformers")
    entry.nothing_else()
    return meter


def _load(entry: _Table) -> Load:
    load: Load
    if entry.choice("kind", ("constant", "shop")) == "constant":
        load = ConstantLoad(entry.number("watts", 0, GREATEST_WATTS))
    else:
        load = ShopLoad(
            peak_w=entry.number("peak_w", 0, GREATEST_WATTS),
            profile=entry.choice("profile", tuple(DAY_PERCENT)),
            seed=entry.integer("seed", 0, SEED_LIMIT),
        )
    entry.nothing_else()
    return load


def _contradictions(buses: tuple[BusDescription, ...]) -> list[str]:
    """What is wrong between entries that are right by themselves."""
    mistakes: list[str] = []
    seen: dict[tuple[str, str], str] = {}
    for bus_index, bus in enumerate(buses):
        place = f"site.buses[{bus_index}]"
        unique = [("name", bus.name, place), ("tty", str(bus.tty), place)]
        taken: dict[int, str] = {}
        for meter_index, meter in enumerate(bus.meters):
            meter_place = f"{place}.meters[{meter_index}]"
            unique += [(key, getattr(meter, key), meter_place) for key in ("id", "serial", "point")]
            for unit in range(meter.unit, meter.unit + MODELS[meter.model].units):
                if unit in taken:
                    mistakes.append(f"{meter_place}.unit: {unit} belongs to {taken[unit]} on this bus already")
                elif unit > UNITS[1]:
                    mistakes.append(f"{meter_place}.unit: {unit}, the last unit that the meter takes, is above 247")
                taken.setdefault(unit, f"{meter.id!r} ({meter.model} at {meter.unit})")
        for key, value, where in unique:
            first = seen.setdefault((key, value), where)
            if first != where:
                mistakes.append(f"{where}.{key}: {value!r} is at {first} already: must be unique on the site")
    return mistakes
