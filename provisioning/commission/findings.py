"""PURE: what was found on the buses against what the plan says, as a list of findings that name meter, place and cure.

A finding is never a guess: where a meter does not tell its serial number, two shops that were swapped show only when a
person sees which of them goes dark.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

FindingKind = Literal[
    "missing", "unknown", "wrong_model", "serial_differs", "swapped", "two_on_one_address", "relay_fails",
    "wrong_shop_dark", "ratio_differs", "alarm", "not_looked_at", "unit_not_set",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Planned:
    """A meter as the plan has it; `ct` and `pt` as fractions."""

    meter: str
    name: str
    bus: str
    unit: int
    profile: str
    serial: str | None
    ct: tuple[int, int]
    pt: tuple[int, int]
    settable: bool = False
    """Whether its profile says how its unit id is set."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A unit id that answered: the profiles that fit, best first; `doubled` where two meters answer at once."""

    bus: str
    unit: int
    profiles: tuple[str, ...]
    serial: str | None
    energy_wh: int | None
    doubled: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as planned: what, where, and what to do about it."""

    kind: FindingKind
    place: str
    text: str
    cure: str


def compare(
    planned: Sequence[Planned], heard: Sequence[Heard], looked: Mapping[str, bool], models: frozenset[str]
) -> list[Finding]:
    """All that differs. `looked` says for each bus whether all of its unit ids were asked; `models` are those that a
    scan can tell: a site's own are judged by the agent, which reads by them."""
    by_place = {(one.bus, one.unit): one for one in heard}
    wanted = {(one.bus, one.unit): one for one in planned}
    found: list[Finding] = []
    for plan in planned:
        answer = by_place.get((plan.bus, plan.unit))
        if answer is not None:
            found += _judge(plan, answer, planned, models)
        elif looked.get(plan.bus, False):
            found.append(_missing(plan, heard))
        else:
            cure = "scan again with more time, or fewer unit ids"
            found.append(Finding("not_looked_at", _place(plan), f"{plan.name} was not asked", cure))
    found += [_unknown(one, planned) for one in heard if (one.bus, one.unit) not in wanted]
    return found


def _judge(plan: Planned, answer: Heard, planned: Sequence[Planned], models: frozenset[str]) -> Iterator[Finding]:
    if answer.doubled:
        cure = "take one of them off the bus, give it its own address, and commission again"
        yield Finding("two_on_one_address", _place(plan), f"two meters answer where {plan.name} should", cure)
        return
    if plan.profile in models and plan.profile not in answer.profiles:
        seems = answer.profiles[0] if answer.profiles else "no model that is known"
        cure = "correct the model in the plan, or exchange the meter"
        yield Finding("wrong_model", _place(plan), f"{plan.name}: planned {plan.profile}, seems {seems}", cure)
    if plan.serial is None or answer.serial is None or answer.serial == plan.serial:
        return
    other = next((one for one in planned if one.serial == answer.serial), None)
    if other is None:
        cure = "compare with the number on the meter; correct the plan, or exchange the meter"
        text = f"{plan.name}: planned {plan.serial}, says {answer.serial}"
        yield Finding("serial_differs", _place(plan), text, cure)
        return
    text = f"{plan.name} and {other.name} are swapped: here answers {answer.serial}, which is planned for {other.name}"
    cure = f"exchange the addresses of the two in the plan, or at the meters ({_place(other)})"
    yield Finding("swapped", _place(plan), text, cure)


def _missing(plan: Planned, heard: Sequence[Heard]) -> Finding:
    elsewhere = next((one for one in heard if plan.serial is not None and one.serial == plan.serial), None)
    if elsewhere is not None:
        text = f"{plan.name} does not answer here; its serial number answers at {elsewhere.bus} unit {elsewhere.unit}"
        return Finding("missing", _place(plan), text, "correct bus and address in the plan, or at the meter")
    cure = "look at its supply, its wiring, its address and its speed"
    return Finding("missing", _place(plan), f"{plan.name} does not answer", cure)


def _unknown(one: Heard, planned: Sequence[Planned]) -> Finding:
    place = f"{one.bus} unit {one.unit}"
    if one.doubled:
        text, cure = (
            "two meters answer here, and none is planned",
            "take them off one by one and look at their addresses",
        )
        return Finding("two_on_one_address", place, text, cure)
    owner = next((plan for plan in planned if plan.serial is not None and plan.serial == one.serial), None)
    seems = one.profiles[0] if one.profiles else "no model that is known"
    said = f"a meter that is not planned here: {seems}, serial number {one.serial or 'not told'}"
    if owner is not None:
        said += f"; the plan has it at {_place(owner)} as {owner.name}"
    return Finding("unknown", place, said, "add it to the plan, or find out whose it is")


def judge_ratios(plan: Planned, values: Mapping[str, int]) -> Iterator[Finding]:
    """Whether the ratios that the meter itself holds are the planned ones, where it tells them."""
    for what, planned in (("ct", plan.ct), ("pt", plan.pt)):
        held = values.get(f"{what}_milli")
        if held is not None and Fraction(held, 1_000) != Fraction(*planned):
            text = f"{plan.name}: the meter holds {what.upper()} {Fraction(held, 1_000)}, planned {Fraction(*planned)}"
            cure = "compare with the transformer's plate; correct the plan, or the meter's own setting"
            yield Finding("ratio_differs", _place(plan), text, cure)


def standing_alarms(name: str, place: str, alarms: Sequence[str]) -> Iterator[Finding]:
    """What the agent itself holds against a meter while it is commissioned."""
    for alarm in alarms:
        if alarm not in ("serial_differs", "ratio_differs"):
            yield Finding("alarm", place, f"{name}: {alarm}", "see `edge-agent status`")


def _place(plan: Planned) -> str:
    return f"{plan.bus} unit {plan.unit}"


def read_planned(told: Mapping[str, Any]) -> list[Planned]:
    """The plan as the agent tells it."""
    return [
        Planned(
            meter=one["meter"],
            name=one["name"],
            bus=one["bus"],
            unit=one["unit"],
            profile=one["profile"],
            serial=one["serial"],
            ct=(one["ct"][0], one["ct"][1]),
            pt=(one["pt"][0], one["pt"][1]),
            settable=bool(one["settable"]),
        )
        for one in told["meters"]
    ]


def read_heard(bus: str, scanned: Mapping[str, Any]) -> list[Heard]:
    """What a scan of one bus found."""
    return [
        Heard(
            bus=bus,
            unit=one["unit"],
            profiles=tuple(name for name in (one["profile"], *one["also"]) if name),
            serial=one["serial"],
            energy_wh=one["energy_wh"],
            doubled=one["doubled"],
        )
        for one in scanned["meters"]
    ]


class NoSuchMeter(Exception):
    """A name that no planned meter has, or that several have."""


def named_meter(planned: Sequence[Planned], name: str) -> Planned:
    """The planned meter of that id or name. Raises NoSuchMeter."""
    found = [one for one in planned if name in (one.meter, one.name)]
    if len(found) != 1:
        raise NoSuchMeter(f"{name!r} is {'no' if not found else 'more than one'} meter of the plan")
    return found[0]


def alone_on_bus(plan: Planned, heard: Sequence[Heard], *, whole: bool) -> Heard | Finding:
    """The one meter that hangs on the bus of a planned one, or why it may not be given an address."""
    place = f"{plan.bus} unit {plan.unit}"
    if not whole:
        return Finding("not_looked_at", place, f"not all of {plan.bus} was asked", "scan again with more time")
    if not heard:
        return Finding("missing", place, f"nothing answers on {plan.bus}", "look at its supply, wiring and speed")
    if len(heard) > 1 or heard[0].doubled:
        there = ", ".join(str(one.unit) for one in heard)
        cure = "leave the new meter alone on the bus: take the others off, or wire them after it"
        return Finding("unit_not_set", place, f"more than one meter answers on {plan.bus} (unit {there})", cure)
    (one,) = heard
    if plan.serial is not None and one.serial is not None and plan.serial != one.serial:
        cure = "compare with the number on the meter; correct the plan, or take the right meter"
        return Finding("serial_differs", place, f"{plan.name}: planned {plan.serial}, says {one.serial}", cure)
    if one.profiles and plan.profile not in one.profiles:
        cure = "correct the model in the plan, or take the right meter"
        return Finding("wrong_model", place, f"{plan.name}: planned {plan.profile}, seems {one.profiles[0]}", cure)
    return one
