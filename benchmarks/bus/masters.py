"""The masters that are compared, each run in a process of its own: `python -m benchmarks.bus.masters NAME TTY CYCLES`.

Each makes one round that is not counted, then the rounds that are; a round runs from the end of the last reply of the
one before to the end of its own last reply. Peers are set up as their manuals say: no retries, time-out 1 s.
"""

import asyncio
import itertools
import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import minimalmodbus
from pymodbus.client import AsyncModbusSerialClient, ModbusSerialClient
from pymodbus.exceptions import ModbusException

from benchmarks.bus.theory import BAUD, FIRST_REGISTER, REGISTERS, UNITS
from edge_agent.bus.line import SerialLine
from edge_agent.bus.packaged import builtin_profile
from edge_agent.bus.serial_port import SerialSettings
from edge_agent.bus.worker import BusWorker
from edge_agent.clock import SystemClock
from edge_agent.ports import BusReport, CycleDone, PolledMeter, ReadingReport

TIMEOUT_S = 1.0
PAUSE_S = 0.0037
"""What a caller who knows of the silence adds: 3.5 characters are 3.65 ms at 9600 baud."""
Read = Callable[[int], bool]


@dataclass(frozen=True)
class Measured:
    """What one master did: seconds of each round, reads that came, processor time of all rounds."""

    cycles_s: list[float]
    served: int
    processor_s: float


def _measured(ends_s: list[float], served: int, processor_s: float) -> Measured:
    return Measured([after - before for before, after in itertools.pairwise(ends_s)], served, processor_s)


class _Kept:
    """Keeps reports for later: what the owner's thread makes of them is measured elsewhere."""

    def __init__(self, cycles: int) -> None:
        self.ends_s: list[float] = []
        self.served = 0
        self.began_processor_s = 0.0
        self.done = threading.Event()
        self._cycles = cycles

    def put(self, report: BusReport) -> None:
        """Count it; called on the worker's thread."""
        if isinstance(report, ReadingReport) and self.ends_s and not self.done.is_set():
            self.served += 1
        elif isinstance(report, CycleDone):
            self.began_processor_s = self.began_processor_s or time.process_time()
            self.ends_s.append(report.at_mono_ms / 1_000)
            if len(self.ends_s) > self._cycles:
                self.done.set()


def agent(tty: str, cycles: int) -> Measured:
    """The agent's own worker, as it runs on a box; its one block is as long as the others' read."""
    profile = replace(builtin_profile("acrel_adf400l_3ph"), relay=None, serial=None, quantities={}, rates={})
    profile = replace(profile, enforcement=("raw_wh",), read_multiple=REGISTERS, longest_read=REGISTERS)
    meters = [PolledMeter(f"m{unit}", unit, profile) for unit in UNITS]
    kept = _Kept(cycles)
    clock = SystemClock()
    worker = BusWorker("bench", SerialLine(SerialSettings(tty, baud=BAUD), clock), meters, kept, clock, lambda: 0.5)
    worker.start()
    kept.done.wait()
    processor_s = time.process_time() - kept.began_processor_s
    worker.stop()
    return _measured(kept.ends_s[: cycles + 1], kept.served, processor_s)


def _rounds(read: Read, cycles: int) -> Measured:
    for unit in UNITS:
        read(unit)
    began_processor_s = time.process_time()
    ends_s = [time.monotonic()]
    served = 0
    for _ in range(cycles):
        served += sum(read(unit) for unit in UNITS)
        ends_s.append(time.monotonic())
    return _measured(ends_s, served, time.process_time() - began_processor_s)


def minimal(tty: str, cycles: int) -> Measured:
    """minimalmodbus, which keeps the silence itself."""
    instruments = {}
    for unit in UNITS:
        instruments[unit] = minimalmodbus.Instrument(tty, unit)
        instruments[unit].serial.baudrate = BAUD
        instruments[unit].serial.timeout = TIMEOUT_S

    def read(unit: int) -> bool:
        try:
            return len(instruments[unit].read_registers(FIRST_REGISTER, REGISTERS)) == REGISTERS
        except minimalmodbus.ModbusException:
            return False

    return _rounds(read, cycles)


def pymodbus_sync(tty: str, cycles: int) -> Measured:
    """pymodbus's synchronous serial client, as it is."""
    client = ModbusSerialClient(tty, baudrate=BAUD, timeout=TIMEOUT_S, retries=0)
    client.connect()

    def read(unit: int) -> bool:
        try:
            reply = client.read_holding_registers(FIRST_REGISTER, count=REGISTERS, device_id=unit)
        except ModbusException:
            return False
        return not reply.isError()

    return _rounds(read, cycles)


async def _asynchronous(tty: str, cycles: int, pause_s: float) -> Measured:
    client = AsyncModbusSerialClient(tty, baudrate=BAUD, timeout=TIMEOUT_S, retries=0)
    await client.connect()

    async def read(unit: int) -> bool:
        if pause_s:
            await asyncio.sleep(pause_s)
        try:
            reply = await client.read_holding_registers(FIRST_REGISTER, count=REGISTERS, device_id=unit)
        except ModbusException:
            return False
        return not reply.isError()

    for unit in UNITS:
        await read(unit)
    began_processor_s = time.process_time()
    ends_s = [time.monotonic()]
    served = 0
    for _ in range(cycles):
        for unit in UNITS:
            served += await read(unit)
        ends_s.append(time.monotonic())
    processor_s = time.process_time() - began_processor_s
    client.close()
    return _measured(ends_s, served, processor_s)


def pymodbus_async(tty: str, cycles: int) -> Measured:
    """pymodbus's asynchronous serial client, as it is."""
    return asyncio.run(_asynchronous(tty, cycles, 0))


def pymodbus_async_pause(tty: str, cycles: int) -> Measured:
    """The same, with a caller who pauses before each request."""
    return asyncio.run(_asynchronous(tty, cycles, PAUSE_S))


MASTERS: dict[str, Callable[[str, int], Measured]] = {
    "agent": agent,
    "minimalmodbus": minimal,
    "pymodbus sync": pymodbus_sync,
    "pymodbus async, pausing": pymodbus_async_pause,
    "pymodbus async": pymodbus_async,
}


def main() -> int:
    """Run one master and print what was measured, as JSON."""
    name, tty, cycles = sys.argv[1:]
    print(json.dumps(asdict(MASTERS[name](tty, int(cycles)))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
