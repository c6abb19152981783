"""A bus without a wire: units that answer from images of their registers and bits, and take writes into them."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

from edge_agent.bus.transaction import Pace, Stray
from edge_agent.bus.verdict import LineFault, Reply
from edge_agent.core.measured import FaultKind
from protocol.meter_profile.frames import Request

Image = dict[int, int]
"""Words by address."""
BITS_OF = {5: 1, 15: 1}
WORDS_OF = {6: 3, 16: 3}


def f32(number: float) -> list[int]:
    """A float as two words, high word first."""
    return list(struct.unpack(">HH", struct.pack(">f", number)))


def u32(number: int) -> list[int]:
    """An unsigned or negative number as two words, high word first."""
    return [number >> 16 & 0xFFFF, number & 0xFFFF]


def image(*runs: tuple[int, Iterable[int]]) -> Image:
    """Runs of words, each from its address on."""
    return {address + place: word for address, words in runs for place, word in enumerate(words)}


@dataclass
class ImageLine:
    """Satisfies `Line`. `units` hold an image for each function that reads; who is in `dead` says nothing."""

    units: dict[int, dict[int, Image]]
    dead: set[int] = field(default_factory=set)
    asked: list[Request] = field(default_factory=list)
    paces: list[Pace] = field(default_factory=list)
    now_ms: int = 1

    def open(self) -> None:
        """Nothing to open."""

    def close(self) -> None:
        """Nothing to close."""

    def closed_until_ms(self, unit: int) -> int:
        """A dead unit's question is open for a while."""
        return self.now_ms + 150 if unit in self.dead else 0

    def take_strays(self) -> list[Stray]:
        """None."""
        return []

    def take_foreign(self) -> tuple[bytes, ...]:
        """None."""
        return ()

    def transact(self, request: Request, pace: Pace) -> Reply | LineFault:
        """Answer from the image; what it does not hold is an illegal data address."""
        self.asked.append(request)
        self.paces.append(pace)
        if request.unit in self.dead or request.unit not in self.units:
            return LineFault(FaultKind.TIMEOUT, "no answer")
        images = self.units[request.unit]
        if request.is_read:
            held = images.get(request.function, {})
            wanted = range(request.address, request.address + request.count)
            if not all(address in held for address in wanted):
                return LineFault(FaultKind.EXCEPTION, "exception 2 (illegal data address)", b"", 2)
            return Reply(request, tuple(held[address] for address in wanted), self.now_ms)
        self._take(images, request)
        return Reply(request, (), self.now_ms)

    def _take(self, images: dict[int, Image], request: Request) -> None:
        data = request.frame[4:-2] if request.function in (5, 6) else request.frame[7:-2]
        if request.function == 5:
            images[BITS_OF[5]][request.address] = int(data == b"\xff\x00")
        elif request.function == 15:
            for place in range(request.count):
                images[1][request.address + place] = data[place // 8] >> place % 8 & 1
        elif request.function in WORDS_OF:
            for place in range(request.count):
                images[3][request.address + place] = int.from_bytes(data[2 * place : 2 * place + 2], "big")
