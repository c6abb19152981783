"""A bus of the running agent, lent to a command at the box: both ends of it. One question at a time, reads alone.

The agent's worker asks in the guest's stead, behind relay orders and in turns with its round, so that a scan does not
keep a shop dark. The other end looks like a line of one's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from edge_agent.bus.serial_port import LineDown
from edge_agent.bus.transaction import Pace, Stray
from edge_agent.bus.verdict import LineFault, Reply
from edge_agent.console.local_socket import AgentUnreachable, ask
from edge_agent.core.measured import FaultKind
from edge_agent.ports import Clock, LentAnswer, LentQuestion, LocalRequest
from protocol.meter_profile.frames import READ_BIT_FUNCTIONS, READ_REGISTER_FUNCTIONS, Request

if TYPE_CHECKING:
    from edge_agent.agent.owner import Owner

MOST_REGISTERS: Final = 125
MOST_BITS: Final = 2_000
LONGEST_TURNAROUND_MS: Final = 5_000
"""No known meter takes longer; a guest must not hold the line for ever."""
LONGEST_SILENCE_MS: Final = 1_000


# --- the agent's end -------------------------------------------------------------------------------------------------


def lent_buses(owner: Owner, request: LocalRequest) -> dict[str, Any]:  # noqa: ARG001 - one row of a table of requests
    """The buses that the agent serves, with their ports and how they talk."""
    ports = owner.buses.ports
    return {
        "buses": [
            {
                "bus": bus.bus,
                "name": bus.name,
                "kind": ports[bus.name].kind.value,
                "address": ports[bus.name].address,
                "baud": bus.baud,
                "parity": bus.parity,
                "stop_bits": bus.stop_bits,
            }
            for bus in owner.box.state.config.buses
            if bus.name in ports and bus.bus in owner.buses.workers
        ]
    }


def bus_ask(owner: Owner, request: LocalRequest) -> dict[str, Any] | None:
    """Ask one thing on a bus for a guest; the worker answers when it has."""
    numbers = _numbers(request.arguments)
    if isinstance(numbers, str):
        return {"error": numbers}
    named = {bus.name: bus.bus for bus in owner.box.state.config.buses}
    worker = owner.buses.workers.get(named.get(str(request.arguments.get("bus", "")), ""))
    if worker is None:
        return {"down": f"no such bus runs; there are {', '.join(sorted(named)) or 'none'}"}
    question = LentQuestion(
        unit=numbers["unit"],
        function=numbers["function"],
        address=numbers["address"],
        count=numbers["count"],
        silence_ms=numbers["silence_ms"],
        turnaround_ms=numbers["turnaround_ms"],
        answer=lambda answer: request.answer.put(_told(answer)),
    )
    worker.lend(question)
    return None


def _numbers(arguments: Mapping[str, object]) -> dict[str, int] | str:
    """The numbers of a question, or the first that cannot be."""
    function = arguments.get("function")
    bits = function in READ_BIT_FUNCTIONS
    if not bits and function not in READ_REGISTER_FUNCTIONS:
        return f"function {function!r}: a lent bus only reads; right would be 1, 2, 3 or 4"
    bounds = {
        "unit": (1, 247),
        "function": (1, 4),
        "address": (0, 0xFFFF),
        "count": (1, MOST_BITS if bits else MOST_REGISTERS),
        "silence_ms": (0, LONGEST_SILENCE_MS),
        "turnaround_ms": (1, LONGEST_TURNAROUND_MS),
    }
    numbers: dict[str, int] = {}
    for name, (least, most) in bounds.items():
        value = arguments.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            return f"{name} = {value!r}: right would be a whole number from {least} to {most}"
        numbers[name] = value
    return numbers


def _told(answer: LentAnswer) -> dict[str, object]:
    if answer.down:
        return {"down": answer.down}
    told: dict[str, object] = {"strays": [[kind.value, heard.hex()] for kind, heard in answer.strays]}
    if answer.words is not None:
        return told | {"words": list(answer.words)}
    fault = answer.fault.value if answer.fault is not None else ""
    return told | {"fault": fault, "detail": answer.detail, "heard": answer.heard.hex()}


# --- the guest's end -------------------------------------------------------------------------------------------------


def buses_of_agent(state_dir: Path) -> list[dict[str, Any]] | None:
    """The buses that a running agent would lend; None where none runs."""
    try:
        found: list[dict[str, Any]] = ask(state_dir, "buses").get("buses", [])
    except AgentUnreachable:
        return None
    return found


class LentLine:
    """A bus of the running agent as a line; satisfies `Line`. For one thread."""

    def __init__(self, state_dir: Path, bus: str, clock: Clock) -> None:
        """`bus`: its name."""
        self._state_dir = state_dir
        self._bus = bus
        self._clock = clock
        self._strays: list[Stray] = []

    def open(self) -> None:
        """It is the agent's to open."""

    def close(self) -> None:
        """And to close."""

    def transact(self, request: Request, pace: Pace) -> Reply | LineFault:
        """Have one read asked. Raises LineDown where the bus or the agent is gone, ValueError for a write."""
        if not request.is_read:
            raise ValueError("a lent bus only reads")
        try:
            told = ask(
                self._state_dir,
                "bus_ask",
                bus=self._bus,
                unit=request.unit,
                function=request.function,
                address=request.address,
                count=request.count,
                silence_ms=pace.silence_ms,
                turnaround_ms=pace.turnaround_ms,
            )
        except AgentUnreachable as fault:
            raise LineDown(str(fault)) from None
        if "down" in told or "error" in told:
            raise LineDown(f"bus {self._bus}: {told.get('down') or told.get('error')}")
        self._strays += [Stray(request.unit, FaultKind(kind), bytes.fromhex(heard)) for kind, heard in told["strays"]]
        if "words" in told:
            return Reply(request, tuple(told["words"]), self._clock.mono_ms())
        heard = bytes.fromhex(told["heard"])
        return LineFault(FaultKind(told["fault"]), told["detail"], heard)

    def closed_until_ms(self, unit: int) -> int:  # noqa: ARG002 - the agent's worker knows, and waits
        """Never: the agent asks when it may."""
        return 0

    def take_strays(self) -> list[Stray]:
        """What was heard beside the answers since the last call."""
        strays, self._strays = self._strays, []
        return strays

    def take_foreign(self) -> tuple[bytes, ...]:
        """None: the agent hears another master, and raises the alarm."""
        return ()
