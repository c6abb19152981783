"""What differs between two site plans, item by item and field by field, for people to look at before it holds. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from protocol.site_plan import SitePlan

_KEYS: Final = ("building", "box", "point", "customer", "account", "wallet", "bus", "device", "meter", "tariff")
_NAMES: Final = ("number", "name")
_INSIDE: Final = ("buses", "meters")
"""What of a box people know by name."""
VALUE_CHARACTERS_MAX: Final = 120
"""How much of a value is shown: a tariff's text is long, and stands beside in full."""


@dataclass(frozen=True, slots=True)
class PlanChange:
    """One difference: `what` is the kind of item, `name` which one, `field` empty where the whole item came or went."""

    how: Literal["added", "removed", "changed"]
    what: str
    name: str
    field: str = ""
    before: str = ""
    after: str = ""


def plan_changes(before: SitePlan, after: SitePlan) -> tuple[PlanChange, ...]:
    """Every difference, in the plan's order."""
    old, new = _plain(before), _plain(after)
    return tuple(_of(old, new, "site", after.name, _called(old) | _called(new)))


def _called(plan: dict[str, Any]) -> dict[str, str]:
    """What an account and a box are called, for items that have no name of their own."""
    accounts = {one["account"]: one["number"] for one in plan["accounts"]}
    return accounts | {one["box"]: one["name"] for one in plan["boxes"]}


def _plain(value: Any) -> Any:
    """Structs as dicts with all of their fields: what stands at its default is told as such too."""
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def _of(
    old: dict[str, Any], new: dict[str, Any], what: str, name: str, called: Mapping[str, str]
) -> Iterator[PlanChange]:
    for field in dict.fromkeys([*new, *old]):
        was, now = old.get(field), new.get(field)
        if was == now:
            continue
        if isinstance(now, dict) and isinstance(was, dict):
            yield from _of(was, now, field, name, called)
        elif _is_items(was) or _is_items(now):
            yield from _of_items(was or [], now or [], field, called)
        else:
            yield PlanChange("changed", what, name, field, _text(was), _text(now))


def _is_items(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and isinstance(value[0], dict)


def _of_items(old: Any, new: Any, what: str, called: Mapping[str, str]) -> Iterator[PlanChange]:
    was, now = {_key(row): row for row in old}, {_key(row): row for row in new}
    for key, row in now.items():
        if key not in was:
            yield PlanChange("added", what, _name(row, called))
            # What hangs in a new box is new too, and is looked at as closely.
            for field in _INSIDE if what == "boxes" else ():
                yield from _of_items([], row[field], field, called)
        elif was[key] != row:
            yield from _of(was[key], row, what, _name(row, called), called)
    for key, row in was.items():
        if key not in now:
            yield PlanChange("removed", what, _name(row, called))


def _key(row: dict[str, Any]) -> str:
    """The field that names an item: of a wallet its own id and not its account's."""
    for field in (
        "wallet", "meter", "device", "bus", "point", "account", "customer", "box", "building", "tariff", "profile",
    ):  # fmt: skip
        if field in row:
            return f"{row[field]}/{row['version']}" if "version" in row else str(row[field])
    return msgspec.json.encode(row).decode()


def _name(row: dict[str, Any], called: Mapping[str, str]) -> str:
    if "wallet" in row and "account" in row:
        return " · ".join(called.get(row[field], "") for field in ("account", "box") if field in row)
    if "version" in row and "profile" in row:
        return f"{row['profile']} · {row['version']}"
    found = " ".join(str(row[field]) for field in _NAMES if row.get(field))
    if "version" in row and "tariff" in row:
        lines = [line for line in row.get("text", "").splitlines() if line.strip().startswith("name")]
        name = lines[0].partition("=")[2].strip(' "') if lines else row["tariff"]
        return f"{name} · {row['version']}"
    return found


def _text(value: Any) -> str:
    shown = value if isinstance(value, str) else "" if value is None else msgspec.json.encode(value).decode()
    return shown[:VALUE_CHARACTERS_MAX]
