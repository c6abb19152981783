"""The line that a command at the box works on: lent by the running agent, or opened by the command itself.

An agent that serves the bus lends it. Where none runs the command takes the port alone, and where somebody else holds
it, says who.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from edge_agent.agent.lending import LentLine, buses_of_agent
from edge_agent.agent.offline import stored_config
from edge_agent.bus.gateway import ModbusTcpLine, is_port_number, rtu_over_tcp
from edge_agent.bus.line import SerialLine
from edge_agent.bus.serial_port import SerialSettings
from edge_agent.bus.transaction import Line
from edge_agent.config import BadConfig, BoxFile, BusPort, PortKind, read_box_file
from edge_agent.flows.start_up import NotEnrolled
from edge_agent.ports import Clock, StoreFault
from protocol.box_config import BusConfig
from protocol.errors import TheirFault

USUAL: Final = SerialSettings("", baud=9_600, parity="N", stop_bits=1)


@dataclass(frozen=True, slots=True)
class Reached:
    """A line that can be asked.

    Attributes:
        lent: whether the running agent lends it: then it talks as the agent's configuration says.
        settings: as the command line says, else as the configuration does, else what is usual.
        told: whether somebody said how it talks; where nobody did, a scan may try.
        name: the bus in box.toml, or None for a bare port.
    """

    kind: PortKind
    settings: SerialSettings
    lent: LentLine | None
    told: bool
    name: str | None

    def line(self, clock: Clock, settings: SerialSettings | None = None) -> Line:
        """The line; on one's own port with these settings, if given. Not open yet."""
        chosen = settings or self.settings
        if self.lent is not None:
            return self.lent
        if self.kind is PortKind.SERIAL:
            return SerialLine(chosen, clock)
        return rtu_over_tcp(chosen, clock) if self.kind is PortKind.TCP else ModbusTcpLine(chosen, clock)


def reach(parsed: Namespace, clock: Clock) -> Reached:
    """The line that `--bus` or `--port` names. Raises BadConfig."""
    box_file = box_file_of(parsed)
    if parsed.bus is not None:
        if box_file is None or parsed.bus not in box_file.buses:
            there = ", ".join(box_file.buses) if box_file is not None else "none"
            raise BadConfig([f"--bus {parsed.bus}: {parsed.config} has no such bus; there are {there}"])
        name, port = parsed.bus, box_file.buses[parsed.bus]
    else:
        port = _port(parsed.port)
        name = _name_of(port, box_file)
    own = _from_command_line(parsed, port.address)
    if box_file is None or name is None:
        return Reached(port.kind, own or replace(USUAL, port=port.address), None, own is not None, name)
    running = buses_of_agent(box_file.state_dir)
    for bus in running or ():
        if bus["name"] == name:
            settings = SerialSettings(port.address, bus["baud"], bus["parity"], bus["stop_bits"])
            return Reached(port.kind, settings, LentLine(box_file.state_dir, name, clock), True, name)
    kept = None if running is not None else _kept(box_file, name)
    settings = own or (_of_config(kept, port.address) if kept is not None else replace(USUAL, port=port.address))
    return Reached(port.kind, settings, None, own is not None or kept is not None, name)


def box_file_of(parsed: Namespace) -> BoxFile | None:
    """box.toml where there is one; a bare port needs none. Raises BadConfig."""
    if parsed.bus is None and not Path(parsed.config).exists():
        return None
    return read_box_file(parsed.config)


def _port(text: str) -> BusPort:
    is_server = ":" in text and not text.startswith("/")
    if is_server and not is_port_number(text.rpartition(":")[2]):
        raise BadConfig([f"--port {text}: right would be HOST:PORT, with a port from 1 to 65535"])
    return BusPort(PortKind.TCP if is_server else PortKind.SERIAL, text)


def _name_of(port: BusPort, box_file: BoxFile | None) -> str | None:
    """The bus of box.toml that is plugged in there, whatever the name by which the port is called."""
    for name, known in box_file.buses.items() if box_file is not None else ():
        same = known.address == port.address
        if same or (known.kind is port.kind is PortKind.SERIAL and _device(known.address) == _device(port.address)):
            return name
    return None


def _device(address: str) -> Path:
    return Path(address).resolve()


def _from_command_line(parsed: Namespace, address: str) -> SerialSettings | None:
    """What the command line says of how the line talks; None where it says nothing."""
    if parsed.baud is None and parsed.parity is None and parsed.stop_bits is None and not parsed.echo:
        return None
    return SerialSettings(
        address,
        baud=parsed.baud or USUAL.baud,
        parity=parsed.parity or USUAL.parity,
        stop_bits=parsed.stop_bits or USUAL.stop_bits,
        local_echo=parsed.echo,
    )


def _kept(box_file: BoxFile, name: str) -> BusConfig | None:
    """How the bus talks, as the stopped agent's store says; None where it holds nothing that can be read."""
    try:
        return next((bus for bus in stored_config(box_file).buses if bus.name == name), None)
    except (StoreFault, NotEnrolled, TheirFault):
        return None


def _of_config(bus: BusConfig, address: str) -> SerialSettings:
    return SerialSettings(
        address,
        baud=bus.baud,
        parity=bus.parity,
        stop_bits=bus.stop_bits,
        local_echo=bus.echo,
        silence_ms=bus.silence_ms or 0,
    )
