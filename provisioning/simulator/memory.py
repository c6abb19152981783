"""What a meter remembers without power, and the file that keeps it through a kill of the simulator.

A meter's EEPROM must never tell a value that a restart would take back, so its memory is written before a reply
goes out. `pwrite` into the page cache is enough: it outlives the process, and the simulator does not promise to
outlive the machine. Nothing about time, lines or registers.
"""

import dataclasses
import hashlib
import json
import os
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RATES = ("tip", "peak", "flat", "valley", "deep_valley")
MICROJOULES_PER_WH = 3_600_000_000
# A fresh meter's register is spread over its rates like this (per cent), so that no rate register starts at 0.
FIRST_SPREAD_PERCENT = (4, 26, 42, 28, 0)

# One meter's memory as JSON is about 2 KiB, 4 KiB with twenty recharge records: twice that, so that it always fits.
SLOT_BYTES = 8192
# The slot begins with its sequence number, the length of the JSON, and the CRC-32 of both and the JSON.
_HEADER = struct.Struct(">QII")


@dataclass(slots=True)
class MeterMemory:
    """All that one meter keeps. Energies are the meter's own side (before CT and PT), unwrapped.

    energy_uj, reactive_uj: microjoules (µvar·s) by phase and rate, rates in the order of RATES.
    remaining: own balance, in units of (0.01 yuan per kWh) × microjoule, so that energy × price is exact.
    recharge_records: newest first, each ten words as the meter tells them.
    """

    model: str
    serial: str
    energy_uj: list[list[int]]
    reactive_uj: list[list[int]]
    settings: dict[str, int] = field(default_factory=dict)
    tables: dict[str, list[int]] = field(default_factory=dict)
    contact_closed: bool = True
    remaining: int = 0
    purchased_total: int = 0
    purchase_count: int = 0
    last_purchase: int = 0
    recharge_records: list[list[int]] = field(default_factory=list)
    arrears_open: bool = False
    alarm2_open: bool = False
    alarm2_told: bool = False
    alarm2_restore_ms: int = 0
    overload_open: bool = False
    overload_restore_ms: int = 0
    clock_offset_ms: int = 0

    @property
    def total_energy_uj(self) -> int:
        """Active energy of all phases and rates."""
        return sum(map(sum, self.energy_uj))

    def set_energy_wh(self, energy_wh: int) -> None:
        """Put the total register at `energy_wh` (a new meter, or a jump), spread over phases and rates."""
        phases = len(self.energy_uj)
        total_uj = energy_wh * MICROJOULES_PER_WH
        for phase in range(phases):
            of_phase_uj = total_uj * (phase + 1) // phases - total_uj * phase // phases
            by_rate = [of_phase_uj * percent // 100 for percent in FIRST_SPREAD_PERCENT]
            by_rate[RATES.index("flat")] += of_phase_uj - sum(by_rate)
            self.energy_uj[phase] = by_rate


_FIELDS = tuple(each.name for each in dataclasses.fields(MeterMemory))


class MemoryDamaged(Exception):
    """The file of a meter's memory holds no whole copy, or that of something else."""


class MemoryFile:
    """Two slots in a file of fixed size, written in turn: a kill in the middle of a write leaves the other one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._sequence = 0
        self._last = b""
        if os.fstat(self._fd).st_size < 2 * SLOT_BYTES:
            os.ftruncate(self._fd, 2 * SLOT_BYTES)

    @classmethod
    def of_meter(cls, state_dir: Path, meter_id: str) -> "MemoryFile":
        """The file of `meter_id`: ids are free text, so the name is a digest of it."""
        return cls(state_dir / f"meter-{hashlib.sha256(meter_id.encode()).hexdigest()[:16]}.memory")

    def load(self) -> MeterMemory | None:
        """The newest whole copy, or None in a new file; raises MemoryDamaged where something else stands there."""
        newest: tuple[int, bytes] | None = None
        blank = True
        for slot in (0, 1):
            raw = os.pread(self._fd, SLOT_BYTES, slot * SLOT_BYTES)
            sequence, length, checksum = _HEADER.unpack_from(raw)
            blank = blank and not any(raw)
            payload = raw[_HEADER.size : _HEADER.size + length]
            if sequence and checksum == _checksum(sequence, payload) and (newest is None or sequence > newest[0]):
                newest = (sequence, payload)
        if newest is None:
            if blank:
                return None
            raise MemoryDamaged(f"{self.path}: neither copy is whole")
        self._sequence, self._last = newest
        return _memory_of(json.loads(self._last))

    def save(self, memory: MeterMemory) -> None:
        """Write `memory` where it differs from what was written last."""
        payload = json.dumps({name: getattr(memory, name) for name in _FIELDS}, separators=(",", ":")).encode()
        if payload == self._last:
            return
        if len(payload) + _HEADER.size > SLOT_BYTES:
            raise MemoryDamaged(f"{self.path}: {len(payload)} bytes do not fit a slot of {SLOT_BYTES}")
        sequence = self._sequence + 1
        header = _HEADER.pack(sequence, len(payload), _checksum(sequence, payload))
        os.pwrite(self._fd, header + payload, (sequence % 2) * SLOT_BYTES)
        self._sequence, self._last = sequence, payload

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)


def _checksum(sequence: int, payload: bytes) -> int:
    return zlib.crc32(struct.pack(">QI", sequence, len(payload)) + payload)


def _memory_of(fields: dict[str, Any]) -> MeterMemory:
    return MeterMemory(**fields)
