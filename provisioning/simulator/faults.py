"""What can go wrong with a meter or on its line, on purpose and by seed.

Faults of the reply change what goes out; faults of the relay and the registers are asked for by the meter.
"""

import random
from dataclasses import dataclass, field
from enum import StrEnum

from provisioning.simulator.frames import (
    EXCEPTION_FLAG,
    READ_HOLDING,
    ExceptionCode,
    Request,
    exception_reply,
    with_crc,
)


class FaultKind(StrEnum):
    """The kinds, as the control socket names them."""

    LATE = "late"
    SILENT = "silent"
    CRC = "crc"
    ECHO = "echo"
    WRONG_UNIT = "wrong_unit"
    WRONG_FUNCTION = "wrong_function"
    WRONG_COUNT = "wrong_count"
    WRONG_ADDRESS = "wrong_address"
    SHORT = "short"
    LONG = "long"
    DUPLICATE = "duplicate"
    EXCEPTION = "exception"
    DEAF_RELAY = "deaf_relay"
    STUCK_OPEN = "stuck_open"
    FROZEN = "frozen"


# These are no matter of the reply: the meter asks for them itself.
OF_THE_METER = frozenset({FaultKind.DEAF_RELAY, FaultKind.STUCK_OPEN, FaultKind.FROZEN})
# These damage whatever goes out, so they come after those that make another whole frame of it.
DAMAGING = (FaultKind.ECHO, FaultKind.CRC, FaultKind.SHORT, FaultKind.LONG, FaultKind.DUPLICATE)
# What `long` adds at most, in bytes.
MOST_EXTRA_BYTES = 8


@dataclass(slots=True)
class Fault:
    """One fault: it strikes with `probability`; `late_ms` is the delay of a late reply."""

    kind: FaultKind
    probability: float = 1.0
    late_ms: int = 0
    seed: int = 0
    chance: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # A fault has to be the same at every run of its seed; nothing here is a secret.
        self.chance = random.Random(self.seed)  # noqa: S311 - noise, not a key

    def strikes(self) -> bool:
        """Whether it strikes this time."""
        return self.probability >= 1.0 or self.chance.random() < self.probability


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What goes out for one request: the bytes (None for silence), how late, and which faults struck."""

    frame: bytes | None
    late_ms: int = 0
    faults: tuple[FaultKind, ...] = ()


# Nothing goes out.
SILENCE = Outgoing(None)


def spoil(request: Request, asked: bytes, reply: bytes, faults: list[Fault]) -> Outgoing:
    """The reply to `request` (whose frame was `asked`) after the faults that strike it."""
    struck = [fault for fault in faults if fault.kind not in OF_THE_METER and fault.strikes()]
    kinds = tuple(fault.kind for fault in struck)
    late_ms = sum(fault.late_ms for fault in struck if fault.kind is FaultKind.LATE)
    if FaultKind.SILENT in kinds:
        return Outgoing(None, late_ms, kinds)
    frame = reply
    for fault in sorted(struck, key=lambda fault: fault.kind in DAMAGING):
        if fault.kind is not FaultKind.LATE:
            frame = _spoilt(fault, request, asked, frame)
    return Outgoing(frame, late_ms, kinds)


def _spoilt(fault: Fault, request: Request, asked: bytes, frame: bytes) -> bytes:
    chance = fault.chance
    body = bytearray(frame[:-2])
    match fault.kind:
        case FaultKind.CRC:
            bit = chance.randrange(8 * len(frame))
            return bytes(byte ^ (1 << bit % 8 if index == bit // 8 else 0) for index, byte in enumerate(frame))
        case FaultKind.ECHO:
            return asked + frame
        case FaultKind.WRONG_UNIT:
            body[0] = body[0] % 247 + 1
            return with_crc(bytes(body))
        case FaultKind.WRONG_FUNCTION:
            body[1] = body[1] & EXCEPTION_FLAG | (0x04 if body[1] & 0x7F == READ_HOLDING else READ_HOLDING)
            return with_crc(bytes(body))
        case FaultKind.WRONG_COUNT:
            return _other_count(request, body)
        case FaultKind.WRONG_ADDRESS:
            return _other_address(request, body)
        case FaultKind.SHORT:
            return frame[: chance.randrange(1, max(2, len(frame)))]
        case FaultKind.LONG:
            return frame + chance.randbytes(chance.randint(1, MOST_EXTRA_BYTES))
        case FaultKind.DUPLICATE:
            return _at_once_with_another(fault, frame)
        case FaultKind.EXCEPTION:
            return exception_reply(request, ExceptionCode.DEVICE_FAILURE)
        case _:
            raise AssertionError(f"{fault.kind} does not change a reply")


def _at_once_with_another(fault: Fault, frame: bytes) -> bytes:
    """A second meter on the same unit id answers with its own registers: a bit is 1 where both send 1."""
    other = with_crc(frame[:3] + fault.chance.randbytes(max(0, len(frame) - 5)))
    return bytes(one & two for one, two in zip(frame, other, strict=False))


def _other_count(request: Request, body: bytearray) -> bytes:
    """A read answered with one register less (more, where there was one); a write confirmed with another count."""
    if request.function == READ_HOLDING and body[1] == READ_HOLDING:
        data = body[3:-2] if body[2] > 2 else body[3:] + b"\0\0"
        return with_crc(bytes(body[:2]) + bytes((len(data),)) + bytes(data))
    body[-1] ^= 0x01
    return with_crc(bytes(body))


def _other_address(request: Request, body: bytearray) -> bytes:
    """A write confirmed for another address; a read tells no address and stays as it is."""
    if request.function != READ_HOLDING and not body[1] & EXCEPTION_FLAG:
        body[3] ^= 0x01
    return with_crc(bytes(body))
