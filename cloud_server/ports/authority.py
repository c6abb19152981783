"""What flows ask of whoever holds the keys, of the journal, of those who wait, and of the tests that break things."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from protocol.envelope import Line
from protocol.messages import Keys
from protocol.payload import Payload
from protocol.records import Contact
from protocol.signing import PublicKey
from protocol.units import Ms


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFacts:
    """What the centre's own configuration says of the site."""

    site: str
    name: str
    zone: str
    currency: str
    code: str
    """Head of receipt numbers."""
    public_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxCertificate:
    """A TLS client certificate made for a box: serial in hex, chain as PEM (leaf first)."""

    serial: str
    pem: str
    ends_at_ms: Ms


class BadProof(Exception):
    """A request for a certificate whose proof does not fit; the text may go back to the box."""


class JournalFault(Exception):
    """The journal file cannot be written or looked at; selling stops."""


class Authority(Protocol):
    """Holds the centre's keys. Signs what flows have decided; decides nothing."""

    def command_line(self, type_name: str, payload: Payload) -> Line:
        """Sign with the command key: `command`, `epoch`, `money`."""
        ...

    def countersigned(self, line: Line) -> Line:
        """A line of ours with the signature of the command key in force beside that of an older one."""
        ...

    def answer_line(self, payload: Payload) -> Line:
        """Sign an answer."""
        ...

    @property
    def keys(self) -> Keys:
        """The root-signed keys in force."""
        ...

    @property
    def keys_line(self) -> Line: ...

    def limits_for(self, box: str, held_generation: int) -> Line | None:
        """The root-signed limits where they hold for this box and it keeps older ones, or none (generation 0)."""
        ...

    @property
    def command_keys(self) -> dict[str, PublicKey]:
        """By keyid: what the centre's own lines are checked with, those of earlier generations too."""
        ...

    @property
    def root_public(self) -> PublicKey: ...

    @property
    def ca_pem(self) -> str: ...

    @property
    def ca_sha256(self) -> str:
        """SHA-256 of the CA certificate's DER in hex."""
        ...

    def certify(self, box: str, csr_pem: str, proof: bytes, proved: bytes, now_ms: Ms) -> BoxCertificate:
        """Make a client certificate for the key of a CSR that signed itself and `proved`. Raises BadProof."""
        ...

    def check_proof(self, csr_pem: str, proof: bytes, proved: bytes) -> None:
        """The same check without a certificate. Raises BadProof."""
        ...


class Journal(Protocol):
    """The append-only file on another disk."""

    def append(self, lines: Iterable[bytes]) -> int:
        """Append and flush; the file's length after it. Raises JournalFault."""
        ...

    def length(self) -> int | None:
        """None where there is no file. Raises JournalFault."""
        ...

    def line_behind(self, offset: int) -> bytes | None:
        """The first whole line behind an offset. Raises JournalFault."""
        ...


class WakeUp(Protocol):
    """Ends the waiting of boxes that hold a request open."""

    def wake(self, box: str) -> None:
        """There is something for this box. May be called from any thread."""
        ...

    def wake_some(self, most: int) -> None:
        """Let some of those that this process holds ask again."""
        ...

    def listening(self, box: str) -> bool:
        """Whether the box holds a request open now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveMeter:
    """What a meter showed last: when by its box's clock, and when the centre heard it. Never booked."""

    meter: str
    at_ms: Ms
    heard_at_ms: Ms
    power_w: int | None
    power_estimated: bool
    relay: Contact
    balance_micro: int | None
    values: dict[str, int]


class LiveBoard(Protocol):
    """Live values in memory."""

    def show(self, values: Iterable[LiveMeter]) -> None: ...

    def values(self) -> dict[str, LiveMeter]: ...

    def invite(self, box: str) -> Ms:
        """Until when this box is to send live values; 0 where it is not to."""
        ...

    def changed(self) -> None:
        """Something that pages show has changed."""
        ...

    def number(self) -> int:
        """The number of the newest change."""
        ...


class FailPoint(Protocol):
    """Named places at which a test ends the process."""

    def __call__(self, name: str, /) -> None: ...
