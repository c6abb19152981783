"""What stands on the box itself: `box.toml`, and the claim that provisioning wrote for it. Reading and checking only.

Every mistake is named at once, with file, key, value and what would be right. What the centre configures
(meters, wallets, tariffs) is not here: it travels in `configure` and `epoch`.
"""

import binascii
import difflib
import enum
import hashlib
import ssl
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from edge_agent.core.limits import GREATEST_GRANT_MICRO, GREATEST_PRICE_MICRO, BoxLimits
from protocol.errors import TheirFault
from protocol.ids import is_id
from protocol.limits import WAIT_S_MAX
from protocol.signing import public_key_from_text

FILE_BYTES_MAX: Final = 1024 * 1024
"""A box.toml has a few hundred bytes, a claim a few thousand; more is another file."""
CLAIM_FORMAT: Final = 1


class BadConfig(Exception):
    """A file cannot be used; `mistakes` has one line for each thing that is wrong with it."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class PortKind(enum.StrEnum):
    """How a bus is reached: the keys of a `[bus.NAME]` table."""

    SERIAL = "serial"
    TCP = "tcp"
    MODBUS_TCP = "modbus_tcp"


@dataclass(frozen=True, slots=True)
class BusPort:
    """Where a bus is plugged in: a serial device, or "host:port" of a serial server or of a Modbus TCP gateway."""

    kind: PortKind
    address: str


@dataclass(frozen=True, slots=True)
class BoxFile:
    """`box.toml`, checked. Paths are absolute."""

    path: Path
    state_dir: Path
    claim: Path | None
    buses: Mapping[str, BusPort]
    limits: BoxLimits
    wait_s: int


@dataclass(frozen=True, slots=True)
class Claim:
    """The claim file of one box: whom to ask, whom to believe, and the one-time token."""

    site: str
    box: str
    box_name: str
    centre: str
    ca_pem: str
    root_key: str
    token: str
    expires_at_ms: int


@dataclass(slots=True)
class _Table:
    """One TOML table being read; collects what is wrong with it."""

    file: Path
    place: str
    values: dict[str, Any]
    mistakes: list[str]
    seen: set[str] = field(default_factory=set)

    def take(self, key: str, kind: type, right: str, *, optional: bool = False) -> Any:
        """The value of a key, or None where it is missing or of another kind (then that is noted)."""
        self.seen.add(key)
        if key not in self.values:
            if not optional:
                self.wrong(key, None, right)
            return None
        value = self.values[key]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.wrong(key, value, right)
            return None
        return value

    def wrong(self, key: str, value: object, right: str) -> None:
        found = "is missing" if value is None else f"= {value!r}"
        self.mistakes.append(f"{self.file}: {self.place}{key} {found}; right would be {right}")

    def done(self) -> None:
        """Note the keys that nobody asked for, with the likeliest meaning."""
        for key in self.values.keys() - self.seen:
            near = difflib.get_close_matches(key, self.seen, 1)
            right = f"perhaps {near[0]!r} is meant" if near else f"known here: {', '.join(sorted(self.seen))}"
            self.mistakes.append(f"{self.file}: {self.place}{key} = {self.values[key]!r} is not known; {right}")


def read_box_file(path: Path) -> BoxFile:
    """Read `box.toml`. Raises BadConfig with all mistakes."""
    mistakes: list[str] = []
    top = _open(path, mistakes)
    folder = path.resolve().parent
    state_dir = top.take("state_dir", str, 'the folder for keys and store, for example "/var/lib/tallybox"')
    claim = top.take("claim", str, 'the claim file, for example "claim.toml"', optional=True)
    buses = _buses(path, top, mistakes)
    limits = _limits(path, top, mistakes)
    wait_s = _wait(path, top, mistakes)
    top.done()
    if mistakes:
        raise BadConfig(mistakes)
    return BoxFile(
        path=path.resolve(),
        state_dir=folder / state_dir,
        claim=None if claim is None else folder / claim,
        buses=buses,
        limits=limits,
        wait_s=wait_s,
    )


def _open(path: Path, mistakes: list[str]) -> _Table:
    try:
        raw = path.read_bytes()
        if len(raw) > FILE_BYTES_MAX:
            raise BadConfig([f"{path}: {len(raw)} bytes; a file of this kind has at most {FILE_BYTES_MAX}"])
        return _Table(path, "", tomllib.loads(raw.decode("utf-8")), mistakes)
    except OSError as fault:
        raise BadConfig([f"{path}: {fault.strerror}; right would be a readable file"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise BadConfig([f"{path}: no TOML: {fault}"]) from None


def _buses(path: Path, top: _Table, mistakes: list[str]) -> dict[str, BusPort]:
    """`[bus.NAME]`: exactly one kind of port each, none used twice."""
    tables = top.take("bus", dict, 'a table for each bus, for example [bus.A1-1] with serial = "/dev/ttyS1"') or {}
    found: dict[str, BusPort] = {}
    used: dict[str, str] = {}
    for name, values in tables.items():
        if not isinstance(values, dict):
            top.wrong(f"bus.{name}", values, f"a table [bus.{name}]")
            continue
        table = _Table(path, f"[bus.{name}] ", values, mistakes)
        port = _port(table)
        table.done()
        if port is None:
            continue
        if port.address in used:
            table.wrong(port.kind, port.address, f"a port of its own; bus {used[port.address]} has it")
        used.setdefault(port.address, name)
        found[name] = port
    return found


def _port(table: _Table) -> BusPort | None:
    """The one port of a bus, or None where there is none, several, or one that cannot be."""
    rights = {
        PortKind.SERIAL: 'a serial device, for example "/dev/serial/by-id/usb-…"',
        PortKind.TCP: 'a serial server that carries RTU frames, for example "192.0.2.7:4001"',
        PortKind.MODBUS_TCP: 'a Modbus TCP gateway, for example "192.0.2.7:502"',
    }
    given = [kind for kind in rights if kind in table.values]
    values = {kind: table.take(kind, str, right, optional=True) for kind, right in rights.items()}
    if not given:
        table.wrong(PortKind.SERIAL, None, f"{rights[PortKind.SERIAL]} (or {PortKind.TCP}, or {PortKind.MODBUS_TCP})")
        return None
    if len(given) > 1:
        table.wrong(given[1], table.values[given[1]], f"one of {', '.join(rights)}, and {given[0]} is there")
        return None
    kind, address = given[0], values[given[0]]
    if address is None:
        return None
    if not (_is_device(address) if kind is PortKind.SERIAL else _is_host_and_port(address)):
        right = "an absolute path" if kind is PortKind.SERIAL else '"host:port" with a port from 1 to 65535'
        table.wrong(kind, address, right)
        return None
    return BusPort(kind, address)


def _is_device(text: str) -> bool:
    return text.startswith("/")


def _is_host_and_port(text: str) -> bool:
    host, colon, port = text.rpartition(":")
    return bool(colon and host) and port.isdecimal() and 0 < int(port) < 65_536


def _limits(path: Path, top: _Table, mistakes: list[str]) -> BoxLimits:
    values = top.take("limits", dict, "a table [limits]", optional=True) or {}
    table = _Table(path, "[limits] ", values, mistakes)
    found: dict[str, int] = {}
    for key, usual in (("greatest_grant_micro", GREATEST_GRANT_MICRO), ("greatest_price_micro", GREATEST_PRICE_MICRO)):
        right = f"a whole number of micro-units above 0, for example {usual}"
        value = table.take(key, int, right, optional=True)
        if value is not None and value <= 0:
            table.wrong(key, value, right)
            value = None
        found[key] = usual if value is None else value
    table.done()
    return BoxLimits(found["greatest_grant_micro"], found["greatest_price_micro"])


def _wait(path: Path, top: _Table, mistakes: list[str]) -> int:
    table = _Table(path, "[sync] ", top.take("sync", dict, "a table [sync]", optional=True) or {}, mistakes)
    right = f"whole seconds from 0 to {WAIT_S_MAX}"
    value = table.take("wait_s", int, right, optional=True)
    if value is not None and not 0 <= value <= WAIT_S_MAX:
        table.wrong("wait_s", value, right)
    table.done()
    return WAIT_S_MAX if value is None else int(value)


def read_claim(path: Path) -> Claim:
    """Read a claim file. Raises BadConfig with all mistakes."""
    mistakes: list[str] = []
    top = _open(path, mistakes)
    form = top.take("format", int, f"{CLAIM_FORMAT}")
    if form is not None and form != CLAIM_FORMAT:
        top.wrong("format", form, f"{CLAIM_FORMAT}; a newer claim needs a newer edge-agent")
    values: dict[str, Any] = {key: _id(top, key) for key in ("site", "box", "token")}
    values["box_name"] = top.take("box_name", str, "the box's name, for people")
    values["centre"] = _address(top)
    values["ca_pem"] = _authority(top)
    values["root_key"] = _root(top)
    values["expires_at_ms"] = top.take("expires_at_ms", int, "UTC milliseconds")
    top.done()
    if mistakes:
        raise BadConfig(mistakes)
    return Claim(**values)


def _id(top: _Table, key: str) -> str | None:
    right = "32 lowercase hex digits, as the claim was made"
    value = top.take(key, str, right)
    if value is not None and not is_id(value):
        top.wrong(key, "…" if key == "token" else value, right)
    return value if value is None else str(value)


def _address(top: _Table) -> str | None:
    right = 'the centre\'s address, for example "https://192.0.2.10:18443"'
    value = top.take("centre", str, right)
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        good = parts.scheme == "https" and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good:
        top.wrong("centre", value, right)
    return str(value)


def _authority(top: _Table) -> str | None:
    """The CA's certificate, which must have the fingerprint that stands beside it."""
    pem = top.take("ca_pem", str, "the CA certificate of the site in PEM")
    said = top.take("ca_sha256", str, "64 hex digits: SHA-256 of the CA certificate in DER")
    if pem is None:
        return None
    try:
        found = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.strip())).hexdigest()
    except (ValueError, binascii.Error):
        top.wrong("ca_pem", f"{pem[:40]}…", "one certificate in PEM")
        return None
    if said is not None and found != said.lower():
        top.wrong("ca_sha256", said, f"{found}, the fingerprint of ca_pem; the file was changed")
    return str(pem)


def _root(top: _Table) -> str | None:
    right = "the site root's public key, 32 bytes in base64"
    value = top.take("root_key", str, right)
    if value is None:
        return None
    try:
        public_key_from_text(value)
    except TheirFault as fault:
        top.wrong("root_key", value, f"{right} ({fault})")
    return str(value)
