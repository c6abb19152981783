"""What the sending of messages asks of a modem and of other ways out; and their errors, sorted by what is certain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from protocol.units import Ms

ModemProblem = Literal[
    "", "no_port", "silent", "pin_wanted", "pin_refused", "puk_wanted", "no_sim", "not_registered", "weak_signal"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModemState:
    """How the modem is. `problem` is empty where messages go out; `detail` says more in the modem's own words."""

    problem: ModemProblem
    detail: str = ""
    signal_dbm: int | None = None

    @property
    def sends(self) -> bool:
        """Whether a message may be tried: a weak signal is told, and tried."""
        return self.problem in ("", "weak_signal")


@dataclass(frozen=True, slots=True, kw_only=True)
class OnePart:
    """One part as the modem is to send it. `of` and `n` (from 1) tie the parts of one `reference` together; `wide`
    where the whole message travels as UCS-2."""

    number: str
    text: str
    reference: int
    of: int
    n: int
    validity_min: int
    wide: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFate:
    """A report of the network: what became of the part with the modem's `number`, and when it was taken."""

    number: int
    recipient: str
    accepted_at_ms: Ms
    ended_at_ms: Ms
    fate: Literal["delivered", "trying", "failed"]
    status: int


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """What an opened modem told of a part that an earlier run had begun: still at the prompt, so certainly not sent;
    or its number, so certainly sent; or nothing."""

    at_prompt: bool = False
    number: int | None = None


class NotSent(Exception):
    """The part did not leave, for certain. `lasting`: it never will; else it may be tried again."""

    def __init__(self, reason: str, *, lasting: bool = False) -> None:
        super().__init__(reason)
        self.lasting = lasting


class NotKnown(Exception):
    """The part may have left and may not have: it was handed over and no answer came."""


class Modem(Protocol):
    """A modem for short messages. One thread uses it."""

    def open(self) -> LeftBehind:
        """Open the port and make the modem ready. Raises NotSent where it cannot be used; `state` says why."""
        ...

    def is_open(self) -> bool: ...

    def state(self) -> ModemState:
        """As last seen."""
        ...

    def look(self) -> ModemState:
        """Ask for registration and signal anew; closes the port of a modem that does not answer."""
        ...

    def send(self, part: OnePart, hand_over: Callable[[], None]) -> int:
        """Send; the modem's number of the part. `hand_over` is called when all is written but the last key, so that
        before it nothing can have left. Raises NotSent, NotKnown, and what `hand_over` raises (nothing left then)."""
        ...

    def reports(self, wait_s: float) -> list[PartFate]:
        """What the network told since, waiting so long for more."""
        ...

    def close(self) -> None: ...


class OtherWays(Protocol):
    """Ways out beside the modem: mail and chat services, by the names that the configuration gives them."""

    def names(self) -> tuple[str, ...]: ...

    def send(self, name: str, title: str, text: str) -> None:
        """Hand a text over. Raises NotSent, NotKnown."""
        ...
