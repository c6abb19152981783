"""`edge-agent profile try`: ask one meter all that its profile reads, once, and show raw words beside values.

Writes nothing. Takes the port for itself, so that the agent must not be running on it; the port says who holds it.
"""

from collections.abc import Iterator

from edge_agent.bus.gateway import rtu_over_tcp
from edge_agent.bus.line import SerialLine
from edge_agent.bus.meter import BusMeter, PlannedRead
from edge_agent.bus.profile_description import REFUSED, describe_answer
from edge_agent.bus.serial_port import SerialSettings
from edge_agent.bus.transaction import Line
from edge_agent.bus.verdict import LineFault
from edge_agent.ports import Clock


def try_profile(meter: BusMeter, settings: SerialSettings, clock: Clock) -> Iterator[tuple[bool, str]]:
    """Ask and tell, line by line: whether all is well with it, and the words. Raises LineDown.

    `settings.port` is a serial device, or HOST:PORT of a serial server.
    """
    is_server = ":" in settings.port and not settings.port.startswith("/")
    line: Line = rtu_over_tcp(settings, clock) if is_server else SerialLine(settings, clock)
    try:
        line.open()
        yield from ask_once(line, meter)
    finally:
        line.close()


def ask_once(line: Line, meter: BusMeter) -> Iterator[tuple[bool, str]]:
    """The same on a line that is open."""
    for read in (*meter.enforcement, *meter.details, *((meter.serial,) if meter.serial else ())):
        yield from _ask(line, meter, read)


def _ask(line: Line, meter: BusMeter, read: PlannedRead) -> Iterator[tuple[bool, str]]:
    yield True, f"{read.block.name}: {read.request.frame.hex(' ').upper()}"
    outcome = line.transact(read.request, meter.pace_of(read.request))
    if isinstance(outcome, LineFault):
        heard = f" (heard {outcome.heard.hex(' ').upper()})" if outcome.heard else ""
        yield False, f"    {outcome.kind}: {outcome.detail}{heard}"
        return
    for words in describe_answer(meter, read, outcome.words):
        yield REFUSED not in words, words
