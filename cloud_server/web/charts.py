"""What is drawn in the browser: labels and series as plain values. The same numbers always stand in a table beside."""

import json
from dataclasses import asdict, dataclass
from typing import Literal

Shape = Literal["bar", "line", "step", "dashed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line or row of bars; None where there is no value. `right`: it has the axis at the right."""

    name: str
    unit: str
    shape: Shape
    values: tuple[float | None, ...]
    right: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeAxis:
    """Where the values stand on an axis of time: `at` in minutes from its begin, one tick each `tick_minutes`."""

    at: tuple[float, ...]
    length_minutes: int
    tick_minutes: int
    ticks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Some series over the same labels, side by side or, where there is an axis of time, each at its own."""

    labels: tuple[str, ...]
    series: tuple[Series, ...]
    time: TimeAxis | None = None

    @property
    def is_worth_drawing(self) -> bool:
        """Whether there is more than one value to compare."""
        return len(self.labels) > 1 and any(value for one in self.series for value in one.values)

    def as_json(self) -> str:
        """For the attribute from which the page's script draws it."""
        series = [
            {"name": one.name, "unit": one.unit, "shape": one.shape, "values": one.values, "right": one.right}
            for one in self.series
        ]
        told: dict[str, object] = {"labels": self.labels, "series": series}
        if self.time is not None:
            told["time"] = asdict(self.time)
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
