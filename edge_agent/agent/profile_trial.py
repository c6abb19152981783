"""`edge-agent profile try`: ask one meter all that its profile reads, once, and show raw words beside values.

Writes nothing. Works on a line that the running agent lends, or on a port of its own.
"""

from collections.abc import Iterator
from typing import Any

from edge_agent.bus.answer_description import REFUSED, describe_answer
from edge_agent.bus.meter import BusMeter, Decoded
from edge_agent.bus.transaction import Line
from edge_agent.bus.verdict import LineFault
from protocol.meter_profile.questions import PlannedRead


def try_profile(line: Line, meter: BusMeter) -> Iterator[tuple[bool, str]]:
    """Ask and tell, line by line: whether all is well with it, and the words. Raises LineDown."""
    try:
        line.open()
        for read in _all_reads(meter):
            yield from _ask(line, meter, read)
    finally:
        line.close()


def read_values(line: Line, meter: BusMeter) -> dict[str, Any]:
    """All that the profile reads, by quantity and unit, with what could not be read. Raises LineDown."""
    decoded, faults, serial = Decoded(), [], None
    try:
        line.open()
        for read in _all_reads(meter):
            outcome = line.transact(read.request, meter.pace_of(read.request))
            if isinstance(outcome, LineFault):
                faults.append(f"{read.block.name}: {outcome.kind}: {outcome.detail}")
            elif read is meter.serial:
                told = meter.serial_number(outcome.words)
                serial = told if isinstance(told, str) else None
            else:
                meter.decode(read.block, outcome.words, decoded)
    finally:
        line.close()
    refused = [str(one) for one in decoded.refused]
    return {"serial": serial, "values": decoded.values, "rates_wh": decoded.rates_raw_wh, "faults": faults + refused}


def _all_reads(meter: BusMeter) -> tuple[PlannedRead, ...]:
    """Whatever the meter has to tell, its own account included."""
    return (*meter.enforcement, *meter.details, *meter.prepaid, *((meter.serial,) if meter.serial else ()))


def _ask(line: Line, meter: BusMeter, read: PlannedRead) -> Iterator[tuple[bool, str]]:
    yield True, f"{read.block.name}: {read.request.frame.hex(' ').upper()}"
    outcome = line.transact(read.request, meter.pace_of(read.request))
    if isinstance(outcome, LineFault):
        heard = f" (heard {outcome.heard.hex(' ').upper()})" if outcome.heard else ""
        yield False, f"    {outcome.kind}: {outcome.detail}{heard}"
        return
    for words in describe_answer(meter, read, outcome.words):
        yield REFUSED not in words, words
