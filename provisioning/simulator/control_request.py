"""One request on the control socket, read key by key and strictly. Text in, values out."""

import json
import math
from typing import Any

from provisioning.simulator.bus import SimulatedBus
from provisioning.simulator.meter import SimulatedMeter
from provisioning.simulator.site import SimulatedSite


class RequestMistake(ValueError):
    """The request is wrong; the text names key, value and what would be right."""


class ControlRequest:
    """The keys of a request; each is taken once, and what nobody took is a mistake."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values
        self._left = set(values)

    @classmethod
    def parse(cls, line: bytes) -> "ControlRequest":
        """A request line; raises RequestMistake."""
        try:
            values = json.loads(line)
        except ValueError as error:
            raise RequestMistake(f"not JSON: {error}") from error
        if not isinstance(values, dict):
            raise RequestMistake(f"{values!r}: must be an object with the key op")
        return cls(values)

    @property
    def names_target(self) -> bool:
        """Whether a meter or a bus is named."""
        return bool(self._left & {"meter", "bus"})

    def nothing_else(self) -> None:
        """Raises RequestMistake where a key is left that nobody asked for."""
        if self._left:
            raise RequestMistake(f"unknown: {', '.join(sorted(self._left))}")

    def _take(self, key: str, right: str, default: object = None) -> Any:
        self._left.discard(key)
        value = self._values.get(key, default)
        if value is None:
            raise RequestMistake(f"{key}: missing: must be {right}")
        return value

    def text(self, key: str) -> str:
        """A text."""
        value = self._take(key, "a text")
        if not isinstance(value, str):
            raise RequestMistake(f"{key}: {value!r}: must be a text")
        return value

    def optional_text(self, key: str) -> str | None:
        """A text, or None where the key is absent."""
        return self.text(key) if key in self._values else None

    def choice(self, key: str, choices: list[str]) -> str:
        """One of `choices`."""
        right = "one of " + ", ".join(choices)
        value = self._take(key, right)
        if value not in choices:
            raise RequestMistake(f"{key}: {value!r}: must be {right}")
        return str(value)

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        """A number within low..high."""
        right = f"a number {low:g}..{high:g}"
        value = self._take(key, right, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise RequestMistake(f"{key}: {value!r}: must be {right}")
        if not low <= value <= high:
            raise RequestMistake(f"{key}: {value!r}: must be {right}")
        return value

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number within low..high."""
        right = f"a whole number {low}..{high}"
        value = self._take(key, right, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise RequestMistake(f"{key}: {value!r}: must be {right}")
        return value

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self._take(key, "true or false")
        if not isinstance(value, bool):
            raise RequestMistake(f"{key}: {value!r}: must be true or false")
        return value

    def meter(self, site: SimulatedSite) -> SimulatedMeter:
        """The meter that `meter` names; raises UnknownName."""
        return site.meter(self.text("meter"))

    def bus(self, site: SimulatedSite) -> SimulatedBus:
        """The bus that `bus` names; raises UnknownName."""
        return site.bus(self.text("bus"))

    def meter_or_point(self, site: SimulatedSite) -> SimulatedMeter:
        """The meter that `meter` names, or the one at the supply point that `point` names."""
        self._one_of("meter", "point")
        return self.meter(site) if "meter" in self._values else site.point(self.text("point"))

    def meter_or_bus(self, site: SimulatedSite) -> SimulatedMeter | SimulatedBus:
        """The meter that `meter` names, or the bus that `bus` names."""
        self._one_of("meter", "bus")
        return self.meter(site) if "meter" in self._values else self.bus(site)

    def _one_of(self, one: str, other: str) -> None:
        if (one in self._values) == (other in self._values):
            raise RequestMistake(f"{one}, {other}: must name one of the two")
