"""What a meter measures, as people read it: by phase where it has phases, then the rest, then what only experts ask."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from cloud_server.core.views import LiveValue
from cloud_server.web.show import Show
from cloud_server.web.word_tables import N_, RATE

UNITS: Final[dict[str, tuple[int, int, str]]] = {
    "mv": (1_000, 1, "V"),
    "ma": (1_000, 2, "A"),
    "w": (1_000, 3, "kW"),
    "var": (1_000, 3, "kvar"),
    "va": (1_000, 3, "kVA"),
    "wh": (1_000, 2, "kWh"),
    "varh": (1_000, 2, "kvarh"),
    "mhz": (1_000, 2, "Hz"),
    "raw_wh": (1_000, 2, "kWh"),
    "raw_varh": (1_000, 2, "kvarh"),
    "s": (1, 0, "s"),
    "micro": (1_000_000, 4, ""),
}
"""The unit at the end of a name: the divisor to the unit shown, its decimals, its sign."""
QUANTITIES: Final[dict[str, tuple[str, str]]] = {
    "voltage": ("mv", N_("Voltage")),
    "current": ("ma", N_("Current")),
    "power": ("w", N_("Power")),
    "power_factor": ("milli", N_("Power factor")),
    "reactive_power": ("var", N_("Reactive power")),
    "apparent_power": ("va", N_("Apparent power")),
    "frequency": ("mhz", N_("Frequency")),
    "energy": ("raw_wh", N_("Energy")),
    "energy_forward": ("raw_wh", N_("Energy, import")),
    "energy_reverse": ("raw_wh", N_("Energy, export")),
    "reactive_energy": ("raw_varh", N_("Reactive energy")),
    "reactive_energy_forward": ("raw_varh", N_("Reactive energy, import")),
    "reactive_energy_reverse": ("raw_varh", N_("Reactive energy, export")),
    "voltage_unbalance": ("milli", N_("Voltage unbalance")),
    "current_unbalance": ("milli", N_("Current unbalance")),
    "ct": ("milli", N_("CT ratio in the meter")),
    "pt": ("milli", N_("PT ratio in the meter")),
    "status_word": ("", N_("Status word")),
    "switch": ("", N_("Switch in the meter")),
    "balance": ("micro", N_("Balance in the meter")),
    "purchased": ("micro", N_("Bought in all, in the meter")),
    "purchase_amount": ("micro", N_("Last purchase, in the meter")),
    "purchase_count": ("", N_("Number of purchases, in the meter")),
    "base": ("micro", N_("Basic amount, in the meter")),
    "base_balance": ("micro", N_("Rest of the basic amount, in the meter")),
    "overdraft": ("micro", N_("Credit limit in the meter")),
    "alarm1": ("micro", N_("Alarm 1 in the meter")),
    "alarm2": ("micro", N_("Alarm 2 in the meter")),
    "overload_power": ("w", N_("Overload threshold in the meter")),
    "overload_open": ("s", N_("Open after overload, in the meter")),
    "overload_switch": ("", N_("Overload control in the meter")),
    "overload_restores": ("", N_("Closed again after overload, in the meter")),
    "overload_restores_allowed": ("", N_("Closings allowed after overload, in the meter")),
}
"""Each quantity with the unit of its name and its word. In the order in which it is shown."""
PHASES: Final = ("a", "b", "c")
BY_PHASE: Final = ("voltage", "current", "power", "power_factor")
"""The columns of the table by phase."""
FOR_EVERYBODY: Final = frozenset(
    {
        "voltage",
        "current",
        "power_factor",
        "reactive_power",
        "apparent_power",
        "frequency",
        "energy_forward",
        "energy_reverse",
        "voltage_unbalance",
        "current_unbalance",
    }
)
"""What stands on the page itself; all the rest is behind "More values"."""
PRICE: Final = "price_"
"""Begins the name of a price that the meter holds; the rate follows."""
SHOWN_ELSEWHERE: Final = frozenset({"power_w", "raw_wh"})
"""The page's own large figure, and the register among the meter's facts."""
_NAME: Final = re.compile(
    r"(?P<quantity>[a-z_]+?)(?:_(?P<phase>a|b|c|ab|bc|ca|zero))?(?:_(?P<unit>mv|ma|w|var|va|raw_wh|raw_varh|wh|varh|mhz|milli|micro|s))?"
)


@dataclass(frozen=True, slots=True)
class Measured:
    """A meter's values, ready to be shown: texts only."""

    phases: tuple[tuple[str, ...], ...]
    """By phase: its letter, then voltage, current, power, power factor."""
    columns: tuple[str, ...]
    """The words over them."""
    values: tuple[tuple[str, str], ...]
    more: tuple[tuple[str, str], ...]


def measured(values: Iterable[LiveValue], show: Show, translate: Callable[[str], str]) -> Measured:
    """Sort values into what is shown where. A name that is not known stands among what experts ask."""
    by_name = {value.name: value.value for value in values if value.name not in SHOWN_ELSEWHERE}
    rows = []
    for phase in PHASES:
        names = [f"{quantity}_{phase}_{QUANTITIES[quantity][0]}" for quantity in BY_PHASE]
        if any(name in by_name for name in names):
            rows.append((phase.upper(), *(_text(name, by_name.pop(name, None), show) for name in names)))
    plain: list[tuple[str, str]] = []
    more: list[tuple[str, str]] = []
    for name in sorted(by_name, key=_order):
        is_plain, word = _word(name, translate)
        (plain if is_plain else more).append((word, _text(name, by_name[name], show)))
    return Measured(tuple(rows), tuple(translate(QUANTITIES[q][1]) for q in BY_PHASE), tuple(plain), tuple(more))


def _order(name: str) -> tuple[int, str]:
    found = _NAME.fullmatch(name)
    known = list(QUANTITIES)
    return (known.index(found["quantity"]) if found and found["quantity"] in known else len(known), name)


def _word(name: str, translate: Callable[[str], str]) -> tuple[bool, str]:
    """Whether it is for everybody, and its word."""
    found = _NAME.fullmatch(name)
    if name.startswith(PRICE) and found is not None:
        rate = found["quantity"].removeprefix(PRICE)
        return False, translate(N_("Price in the meter: %(rate)s")) % {"rate": translate(RATE.get(rate, rate))}
    if found is None or found["quantity"] not in QUANTITIES:
        # A site's own profile may name what this program has no word for yet: its name, without the unit, as text.
        return False, name.replace("_", " ")
    word, phase = translate(QUANTITIES[found["quantity"]][1]), found["phase"]
    if phase is None:
        return found["quantity"] in FOR_EVERYBODY, word
    letters = translate(N_("neutral")) if phase == "zero" else phase.upper()
    return False, translate(N_("%(quantity)s %(phase)s")) % {"quantity": word, "phase": letters}


def _text(name: str, value: int | None, show: Show) -> str:
    if value is None:
        return "–"
    found = _NAME.fullmatch(name)
    if found is None:
        return str(value)
    unit = found["unit"]
    if unit is None:
        return f"{value}"
    if unit == "milli":
        if found["quantity"].endswith("unbalance"):
            return f"{show.scaled(value, 10, 1)} %"
        return show.scaled(value, 1_000, 3)
    divisor, decimals, sign = UNITS[unit]
    return f"{show.scaled(value, divisor, decimals)} {sign or show.sign}".rstrip()
