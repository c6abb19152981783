"""The walk through a box: its plan, its buses, its relays, each with a person's yes. Speaks with the agent alone.

The agent stays master of its buses: it lends them question by question, and a relay moves only through its own test.
"""

import base64
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from edge_agent.bus.packaged import builtin_names
from edge_agent.config import read_box_file
from edge_agent.console.local_socket import AgentUnreachable, ask
from provisioning.commission.findings import (
    Finding,
    Heard,
    Planned,
    alone_on_bus,
    compare,
    judge_ratios,
    named_meter,
    read_heard,
    read_planned,
    standing_alarms,
)

COMMAND_WITHIN_S: Final = 900.0
"""A scan of all 247 unit ids of a slow bus, with much to spare."""

_WARNINGS: Final = {
    "relay-test": "the relay opens and closes, the shop is dark for some seconds.",
    "guard-test": "the meter's own account is topped up by 0.01; no relay moves.",
}

Ask = Callable[[str], str]
Tell = Callable[[str], None]


class CommissionFault(Exception):
    """The walk cannot be made: the agent does not run, or does not answer; the text says which."""


@dataclass(slots=True)
class RelayTried:
    """One relay: tried or left alone, and what came of it."""

    name: str
    place: str
    passed: bool | None
    detail: str


@dataclass(frozen=True, slots=True)
class UnitSet:
    """A meter that was to get its unit id: from where, to where, whether it is there now, and in words."""

    name: str
    bus: str
    was: int
    planned: int
    moved: bool
    detail: str


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """What a meter with an account of its own holds: offered as opening balance, never taken over by itself."""

    name: str
    remaining_micro: int
    prices_micro: dict[str, int]


@dataclass(slots=True)
class Walked:
    """All that the walk found out."""

    box: str
    config_version: int
    who: str
    began_at_ms: int
    ended_at_ms: int = 0
    planned: list[Planned] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    accounts: list[OwnAccount] = field(default_factory=list)
    relays: list[RelayTried] = field(default_factory=list)
    units_set: list[UnitSet] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be done: `units` as `edge-agent scan` takes them; relays and guards only where asked for."""

    settings: Path
    who: str
    units: str
    relays: bool
    guards: bool
    yes: bool
    set_unit: str = ""
    """The one meter that is to get the unit id of the plan: its name or id; then nothing else is done."""


class Walk:
    """One walk. `put` puts a question to the person at the box; `tell` shows how far it is."""

    def __init__(self, wishes: Wishes, put: Ask, tell: Tell) -> None:
        self._wishes = wishes
        self._put = put
        self._tell = tell
        self._state_dir = read_box_file(wishes.settings).state_dir

    def run(self) -> Walked:
        """Look at everything. Raises CommissionFault."""
        told = self._agent("plan")
        walked = Walked(told["box"], told["config_version"], self._wishes.who, _now_ms())
        walked.planned = read_planned(told)
        if self._wishes.set_unit:
            self._set_unit(walked)
            walked.ended_at_ms = _now_ms()
            return walked
        looked = {}
        for bus in told["buses"]:
            self._tell(f"bus {bus}: looking for meters")
            scanned = self._command("scan", "--bus", bus, "--units", self._wishes.units)
            walked.heard += read_heard(bus, scanned)
            looked[bus] = bool(scanned["complete"])
        walked.findings = compare(walked.planned, walked.heard, looked, frozenset(builtin_names()))
        there = {(one.bus, one.unit) for one in walked.heard if not one.doubled}
        self._read_settings([one for one in walked.planned if (one.bus, one.unit) in there], told["profiles"], walked)
        if self._wishes.relays:
            self._try_all("relay-test", [one for one in walked.planned if (one.bus, one.unit) in there], walked)
        if self._wishes.guards:
            self._try_all("guard-test", [one for one in walked.planned if (one.bus, one.unit) in there], walked)
        self._add_alarms(walked)
        walked.ended_at_ms = _now_ms()
        return walked

    def _set_unit(self, walked: Walked) -> None:
        """Give one new meter, alone on its bus, the unit id that the plan has for it. Raises CommissionFault."""
        plan = named_meter(walked.planned, self._wishes.set_unit)
        if not plan.settable:
            cure = "set it at the meter itself, then commission"
            raise CommissionFault(f"{plan.name}: profile {plan.profile} does not say how a unit id is set: {cure}")
        self._tell(f"bus {plan.bus}: looking for the one meter on it")
        scanned = self._command("scan", "--bus", plan.bus, "--units", self._wishes.units)
        walked.heard = read_heard(plan.bus, scanned)
        alone = alone_on_bus(plan, walked.heard, whole=bool(scanned["complete"]))
        if isinstance(alone, Finding):
            walked.findings.append(alone)
            return
        if alone.unit == plan.unit:
            words = "answers there already"
            walked.units_set.append(UnitSet(plan.name, plan.bus, alone.unit, plan.unit, moved=True, detail=words))
            return
        seen = f"unit {alone.unit}, {alone.profiles[0] if alone.profiles else 'unknown model'}, serial {alone.serial}"
        question = f"{plan.bus}: one meter answers, {seen}. Give it unit {plan.unit}, as {plan.name}? [y/N] "
        if not _is_yes(self._put(question)):
            raise CommissionFault("nothing was written: nobody said yes")
        done = self._agent("set_unit", meter=plan.meter, unit=alone.unit, who=self._wishes.who)
        detail = str(done.get("detail") or done.get("refused") or done.get("error") or "")
        moved = bool(done.get("moved"))
        walked.units_set.append(UnitSet(plan.name, plan.bus, alone.unit, plan.unit, moved, detail))
        self._tell(f"{plan.name}: unit {alone.unit} to {plan.unit}: {'done' if moved else 'NOT DONE'}, {detail}")
        if not moved:
            cure = "scan the bus to see where it answers; set it at the meter itself if it does not obey"
            place = f"{plan.bus} unit {alone.unit}"
            walked.findings.append(Finding("unit_not_set", place, f"{plan.name}: {detail}", cure))

    def _read_settings(self, meters: Sequence[Planned], texts: dict[str, str], walked: Walked) -> None:
        """Ratios that the meters hold, and accounts of their own that an older system left in them."""
        self._tell("reading what the meters themselves hold")
        with tempfile.TemporaryDirectory() as folder:
            for plan in meters:
                file = plan.profile
                if plan.profile in texts:
                    file = str(Path(folder) / f"{plan.profile}.toml")
                    Path(file).write_text(texts[plan.profile], encoding="utf-8")
                values = self._command("profile", "try", file, "--bus", plan.bus, "--unit", str(plan.unit))["values"]
                walked.findings += judge_ratios(plan, values)
                if values.get("balance_micro"):
                    prices = {key: value for key, value in values.items() if key.startswith("price_")}
                    walked.accounts.append(OwnAccount(plan.name, values["balance_micro"], prices))

    def _try_all(self, test: str, meters: Sequence[Planned], walked: Walked) -> None:
        for plan in meters:
            place = f"{plan.bus} unit {plan.unit}"
            operation = test.replace("-", "_")
            looked = self._agent(f"{operation}_look", meter=plan.meter)
            if "refused" in looked or "error" in looked:
                refused = str(looked.get("detail") or looked.get("refused") or looked.get("error"))
                walked.relays.append(RelayTried(plan.name, place, None, f"left alone: {refused}"))
                continue
            question = f"{plan.name} ({place}), {_load(looked['status'])}: {_WARNINGS[test]} Now? [y/N] "
            if not (self._wishes.yes or _is_yes(self._put(question))):
                walked.relays.append(RelayTried(plan.name, place, None, "left alone: nobody said yes"))
                continue
            done = self._agent(operation, meter=plan.meter, who=self._wishes.who)
            not_done = done.get("refused") or done.get("error")
            passed = None if not_done else bool(done.get("passed"))
            detail = str(done.get("detail") or not_done or "")
            walked.relays.append(RelayTried(plan.name, place, passed, detail))
            self._tell(f"{plan.name}: {test} {'not done' if not_done else 'passed' if passed else 'FAILED'} {detail}")
            if passed is False:
                cure = "look at the relay, its wiring and its setting; the meter cannot be put in service as it is"
                walked.findings.append(Finding("relay_fails", place, f"{plan.name}: {test}: {detail}", cure))
            elif passed and test == "relay-test" and not self._wishes.yes:
                self._ask_which_was_dark(plan, place, walked)

    def _ask_which_was_dark(self, plan: Planned, place: str, walked: Walked) -> None:
        """Without serial numbers this alone shows two shops that were swapped."""
        seen = self._put(f"Which shop went dark? Enter for {plan.name}, else its name, ? for not seen: ").strip()
        if seen and seen not in (plan.name, "?"):
            text = f"{plan.name}: the relay of this meter darkens {seen}"
            cure = "correct the shops in the plan, or the wiring"
            walked.findings.append(Finding("wrong_shop_dark", place, text, cure))

    def _add_alarms(self, walked: Walked) -> None:
        status = {meter["meter"]: meter for meter in self._agent("status")["meters"]}
        told = {finding.place for finding in walked.findings}
        for plan in walked.planned:
            place = f"{plan.bus} unit {plan.unit}"
            alarms = status.get(plan.meter, {}).get("alarms", [])
            if place not in told:
                walked.findings += standing_alarms(plan.name, place, alarms)

    def sign(self, text: str) -> tuple[bytes, str]:
        """The report as a line signed by the box, and its public record key. Raises CommissionFault."""
        signed = self._agent("sign_report", text=text)
        if "error" in signed:
            raise CommissionFault(f"the agent does not sign the report: {signed['error']}")
        return base64.b64decode(signed["line"]), str(signed["record_key"])

    def _agent(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """One request to the running agent. Raises CommissionFault."""
        try:
            return ask(self._state_dir, operation, **arguments)
        except AgentUnreachable as fault:
            raise CommissionFault(f"the agent has to run while it is commissioned: {fault}") from None

    def _command(self, *words: str) -> dict[str, Any]:
        """One command of `edge-agent` that reads on a lent bus. Raises CommissionFault."""
        line = [sys.executable, "-m", "edge_agent", *words, "--json", "--config", str(self._wishes.settings)]
        named = " ".join(words)
        try:
            done = subprocess.run(line, capture_output=True, text=True, timeout=COMMAND_WITHIN_S, check=False)
        except subprocess.TimeoutExpired:
            raise CommissionFault(f"{named} did not end within {COMMAND_WITHIN_S:.0f} s") from None
        try:
            found: dict[str, Any] = json.loads(done.stdout)
        except json.JSONDecodeError:
            raise CommissionFault(f"{named}: {done.stderr.strip() or done.stdout.strip()}") from None
        return found


def _load(status: dict[str, Any]) -> str:
    """What the shop draws at this moment, so that nobody is cut off in the middle of work."""
    return "load not known" if status["power_w"] is None else f"{status['power_w']} W at this moment"


def _is_yes(answer: str) -> bool:
    return answer.strip().lower() in ("y", "yes")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
