"""What stands on the box itself, in `box.toml`. Reading and checking only.

What the centre configures (meters, wallets, tariffs) is not here: it travels in `configure` and `epoch`.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.config.table import BadConfig, Table, open_table
from edge_agent.core.limits import GREATEST_GRANT_MICRO, GREATEST_PRICE_MICRO, BoxLimits
from protocol.limits import WAIT_S_MAX

STICK_FOLDERS: Final = ("/media", "/run/media")
"""Where desktop and server systems mount what is plugged in."""


class ClockFollows(enum.StrEnum):
    """Who sets this machine's clock: the agent by the centre's signed time, or something else (NTP, GPS)."""

    CENTRE = "centre"
    SYSTEM = "system"


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
    clock_follows: ClockFollows
    stick_folders: tuple[Path, ...]
    """A stick mounted below one of these is read and written by itself; none: never."""


def read_box_file(path: Path) -> BoxFile:
    """Read `box.toml`. Raises BadConfig with all mistakes."""
    mistakes: list[str] = []
    top = open_table(path, mistakes)
    folder = path.resolve().parent
    state_dir = top.take("state_dir", str, 'the folder for keys and store, for example "/var/lib/tallybox"')
    claim = top.take("claim", str, 'the claim file, for example "claim.toml"', optional=True)
    buses = _buses(path, top, mistakes)
    limits = _limits(path, top, mistakes)
    wait_s = _wait(path, top, mistakes)
    follows = _clock(path, top, mistakes)
    sticks = _sticks(path, top, mistakes)
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
        clock_follows=follows,
        stick_folders=sticks,
    )


def _buses(path: Path, top: Table, mistakes: list[str]) -> dict[str, BusPort]:
    """`[bus.NAME]`: exactly one kind of port each, none used twice."""
    tables = top.take("bus", dict, 'a table for each bus, for example [bus.A1-1] with serial = "/dev/ttyS1"') or {}
    found: dict[str, BusPort] = {}
    used: dict[str, str] = {}
    for name, values in tables.items():
        if not isinstance(values, dict):
            top.wrong(f"bus.{name}", values, f"a table [bus.{name}]")
            continue
        table = Table(path, f"[bus.{name}] ", values, mistakes)
        port = _port(table)
        table.done()
        if port is None:
            continue
        if port.address in used:
            table.wrong(port.kind, port.address, f"a port of its own; bus {used[port.address]} has it")
        used.setdefault(port.address, name)
        found[name] = port
    return found


def _port(table: Table) -> BusPort | None:
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


def _limits(path: Path, top: Table, mistakes: list[str]) -> BoxLimits:
    values = top.take("limits", dict, "a table [limits]", optional=True) or {}
    table = Table(path, "[limits] ", values, mistakes)
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


def _wait(path: Path, top: Table, mistakes: list[str]) -> int:
    table = Table(path, "[sync] ", top.take("sync", dict, "a table [sync]", optional=True) or {}, mistakes)
    right = f"whole seconds from 0 to {WAIT_S_MAX}"
    value = table.take("wait_s", int, right, optional=True)
    if value is not None and not 0 <= value <= WAIT_S_MAX:
        table.wrong("wait_s", value, right)
    table.done()
    return WAIT_S_MAX if value is None else int(value)


def _clock(path: Path, top: Table, mistakes: list[str]) -> ClockFollows:
    table = Table(path, "[clock] ", top.take("clock", dict, "a table [clock]", optional=True) or {}, mistakes)
    right = '"centre" or "system" (NTP or GPS on this machine sets its clock)'
    value = table.take("follow", str, right, optional=True)
    if value is not None and value not in list(ClockFollows):
        table.wrong("follow", value, right)
        value = None
    table.done()
    return ClockFollows(value or ClockFollows.CENTRE)


def _sticks(path: Path, top: Table, mistakes: list[str]) -> tuple[Path, ...]:
    table = Table(path, "[stick] ", top.take("stick", dict, "a table [stick]", optional=True) or {}, mistakes)
    right = 'a list of absolute folders below which sticks are mounted, for example ["/media"], or [] for none'
    found = table.take("folders", list, right, optional=True)
    table.done()
    if found is None:
        return tuple(map(Path, STICK_FOLDERS))
    if not all(isinstance(folder, str) and folder.startswith("/") for folder in found):
        table.wrong("folders", found, right)
        return ()
    return tuple(map(Path, found))
