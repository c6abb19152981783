"""Which profile fits a meter that nobody has described yet: asked what each profile would read, and judged by sense.

A profile fits where all its enforcement reads are answered and nothing that comes is nonsense. Of several that fit the
one stands first that proves most: voltages and frequency of a grid, a serial number and a relay that can be. Reads
alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from edge_agent.bus.decode import Refused
from edge_agent.bus.meter import BusMeter, Decoded
from edge_agent.bus.transaction import Line
from edge_agent.bus.verdict import LineFault, Reply
from edge_agent.core.measured import FaultKind, RelayOrdered, RelayPosition
from edge_agent.ports import PolledMeter
from protocol.meter_profile.questions import PlannedRead
from protocol.meter_profile.values import Profile

GRID_MV = (150_000, 300_000)
"""Phase voltages from 230 V less a third to 230 V and a third more; a phase that is off tells about 0."""
OFF_MV = 10_000
GRID_MHZ = (45_000, 65_000)
TRIES = 3
"""Questions whose answers are damaged, until it is no disturbance any more: two meters, or a bad line."""
DAMAGED = frozenset(FaultKind) - {FaultKind.TIMEOUT, FaultKind.EXCEPTION, FaultKind.ECHO, FaultKind.LATE}
"""What is heard when two meters speak at once: frames that are no frames, or whole ones of nobody who was asked."""
READS_GIVEN_UP = 3
"""Reads in a row that nobody answers: such a meter does not refuse what it does not know, it is silent."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A profile that fits a meter, what it told by it, and how much speaks for it."""

    profile: Profile
    score: int
    serial: str | None
    energy_wh: int
    values: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Probed:
    """What came of it. `damaged`: the last answer that could not be read; `failed`: questions damaged at every try."""

    fits: list[Fit] = field(default_factory=list)
    damaged: LineFault | None = None
    failed: int = 0

    def read(self, line: Line, meter: BusMeter, read: PlannedRead) -> Reply | LineFault:
        """Ask, and again where the answer is damaged. Raises LineDown."""
        outcome = line.transact(read.request, meter.pace_of(read.request))
        for _ in range(TRIES - 1):
            if isinstance(outcome, Reply) or outcome.kind not in DAMAGED:
                return outcome
            self.damaged = outcome
            outcome = line.transact(read.request, meter.pace_of(read.request))
        self.failed += isinstance(outcome, LineFault) and outcome.kind in DAMAGED
        return outcome


def probe(line: Line, unit: int, profiles: Iterable[Profile]) -> Probed:
    """The profiles that fit the meter at this unit id, best first. Raises LineDown."""
    probed = Probed()
    silent = 0
    for profile in profiles:
        found = _fit(line, BusMeter(PolledMeter("probe", unit, profile)), probed)
        if isinstance(found, Fit):
            probed.fits.append(found)
        silent = silent + 1 if isinstance(found, LineFault) and not found.heard else 0
        if silent >= READS_GIVEN_UP and probed.fits:
            break
    probed.fits.sort(key=lambda fit: -fit.score)
    return probed


def _fit(line: Line, meter: BusMeter, probed: Probed) -> Fit | LineFault | None:
    """The fit; None where what was told is nonsense, a fault where it was not told."""
    decoded = Decoded()
    for read in meter.enforcement:
        outcome = probed.read(line, meter, read)
        if isinstance(outcome, LineFault):
            return outcome
        meter.decode(read.block, outcome.words, decoded)
    energy_wh = decoded.values.pop(meter.polled.profile.energy.key, None)
    if energy_wh is None or decoded.refused:
        return None
    refused = 0
    for read in meter.details:
        outcome = probed.read(line, meter, read)
        if isinstance(outcome, LineFault):
            refused += 1
        else:
            meter.decode(read.block, outcome.words, decoded)
    proofs = [_proof(key, value) for key, value in decoded.values.items()]
    if min(proofs, default=0) < 0 or decoded.refused:
        return None
    serial = _serial(line, meter, probed)
    relay_told = decoded.order_register is not RelayOrdered.UNKNOWN or decoded.contact is not RelayPosition.UNKNOWN
    score = sum(proofs) + 2 * (serial is not None) + relay_told - 2 * refused
    return Fit(meter.polled.profile, score, serial, energy_wh, dict(decoded.values))


def _proof(key: str, value: int) -> int:
    """1: a number as a grid has it; -1: one that no grid has; 0: says nothing."""
    if key == "frequency_mhz":
        least, most = GRID_MHZ
    elif key in ("voltage_mv", "voltage_a_mv", "voltage_b_mv", "voltage_c_mv"):
        if value < OFF_MV:
            return 0
        least, most = GRID_MV
    else:
        return 0
    return 1 if least <= value <= most else -1


def _serial(line: Line, meter: BusMeter, probed: Probed) -> str | None:
    if meter.serial is None:
        return None
    outcome = probed.read(line, meter, meter.serial)
    told = meter.serial_number(outcome.words) if isinstance(outcome, Reply) else None
    return None if told is None or isinstance(told, Refused) or not told.strip("0") else told
