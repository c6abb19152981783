"""One simulated meter under a clock that a test moves, asked by frames without a line."""

import struct
from datetime import UTC, datetime
from pathlib import Path

from provisioning.simulator.frames import parse_request
from provisioning.simulator.loads import ConstantLoad
from provisioning.simulator.memory import MemoryFile
from provisioning.simulator.meter import SimulatedMeter
from provisioning.simulator.models import MODELS
from provisioning.simulator.simulator_clock import SimulatorClock
from provisioning.simulator.site_description import MeterDescription
from tests.provisioning.simulator.master import Refused, framed, read_frame, write_frame

# A Monday in March, shortly after nine: flat by the factory's calendar until ten.
MORNING = datetime(2026, 3, 2, 9, 5, tzinfo=UTC)


class MovedClock(SimulatorClock):
    """Stands until a test moves it."""

    def __init__(self, local: datetime = MORNING) -> None:
        super().__init__(0)
        self.ms = 0
        self._start_ms = int(local.timestamp() * 1000)

    def now_ns(self) -> int:
        return self.ms * 1_000_000

    def now_ms(self) -> int:
        return self.ms

    def local_ms(self, monotonic_ms: int) -> int:
        return monotonic_ms + self._start_ms


class Bench:
    """A meter on the bench: ask it, let time pass."""

    def __init__(
        self,
        folder: Path,
        model: str,
        watts: float = 1000,
        energy_wh: int = 0,
        ct: int = 1,
        clock: MovedClock | None = None,
    ) -> None:
        self.clock = clock or MovedClock()
        folder.mkdir(exist_ok=True)
        self.description = MeterDescription(
            id="bench",
            model=model,
            unit=1,
            serial="202401020304",
            energy_wh=energy_wh,
            ct=ct,
            pt=1,
            load=ConstantLoad(watts),
            turnaround_ms=5,
            point="bench",
        )
        self.meter = SimulatedMeter(self.description, MODELS[model], MemoryFile.of_meter(folder, "bench"), self.clock)

    def ask(self, frame: bytes) -> bytes:
        """The reply to a frame; raises Refused for an exception."""
        request = parse_request(frame)
        assert request is not None
        reply = self.meter.answer(request, self.clock.now_ms())
        assert reply is not None
        assert reply == framed(reply[:-2])
        if reply[1] & 0x80:
            raise Refused(reply[2])
        return reply

    def read(self, address: int, count: int) -> tuple[int, ...]:
        """Registers."""
        return struct.unpack(f">{count}H", self.ask(read_frame(1, address, count))[3:-2])

    def read32(self, address: int, *, signed: bool = False) -> int:
        """A number of two registers."""
        high, low = self.read(address, 2)
        return int.from_bytes(struct.pack(">HH", high, low), "big", signed=signed)

    def write(self, address: int, *words: int) -> None:
        """Write with function 16."""
        self.ask(write_frame(1, address, *words))

    def is_closed(self) -> bool:
        """Whether the relay's contact is closed."""
        return self.meter.contact_closed

    def wait(self, seconds: float) -> None:
        """Time passes; nobody asks."""
        self.clock.ms += round(seconds * 1000)
        self.meter.advance(self.clock.ms)
