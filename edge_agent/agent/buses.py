"""Bus workers as the configuration wants them: opened, told of other meters, ended. Used by the owner thread."""

import logging
import random
from collections.abc import Callable, Mapping
from fractions import Fraction

from edge_agent.bus.gateway import ModbusTcpLine, rtu_over_tcp
from edge_agent.bus.line import SerialLine
from edge_agent.bus.packaged import builtin_board, builtin_board_names, builtin_names, builtin_profile
from edge_agent.bus.serial_port import SerialSettings
from edge_agent.bus.transaction import Line
from edge_agent.bus.worker import BusWorker
from edge_agent.config import BusPort, PortKind
from edge_agent.core.place import Place, make_place
from edge_agent.core.polling import PollingLimits
from edge_agent.ports import BusReport, Clock, MeterBus, PolledMeter
from protocol.box_config import BoxConfig, BusConfig
from protocol.meter_profile.blocks import with_rates
from protocol.meter_profile.board_reading import load_board
from protocol.meter_profile.boards import RelayBoard
from protocol.meter_profile.reading import load_profile
from protocol.meter_profile.table import ProfileError
from protocol.meter_profile.values import Profile

log = logging.getLogger(__name__)


def read_place(box: str, config: BoxConfig) -> Place:
    """A place with the profiles and relay boards that its meters name: the site's own texts go before the agent's.

    Raises KeyError for one that is not there, ValueError for one that cannot be read.
    """
    own = {text.profile: text.text for text in sorted(config.profiles, key=lambda text: text.version)}
    profiles: dict[str, Profile] = {}
    boards: dict[str, RelayBoard] = {}
    try:
        for name in {meter.profile for meter in config.meters}:
            if name in own:
                if name in builtin_names():
                    log.warning("site_profile_before_packaged", extra={"fields": {"profile": name}})
                profiles[name] = load_profile(own[name], name)
            elif name in builtin_names():
                profiles[name] = builtin_profile(name)
        for name in {meter.relay.board for meter in config.meters if meter.relay is not None}:
            if name in own:
                boards[name] = load_board(own[name], name)
            elif name in builtin_board_names():
                boards[name] = builtin_board(name)
    except ProfileError as fault:
        told = "; ".join(str(mistake) for mistake in fault.mistakes)
        raise ValueError(f"{len(fault.mistakes)} mistake(s) in a profile of the site: {told}") from None
    return make_place(box, config, profiles, boards)


def _profile(place: Place, meter: str) -> Profile:
    """The meter's profile; where its registers by rate judge, they are read with the total."""
    profile = place.profile_of[meter]
    return with_rates(profile) if place.config.defaults.rate_registers == "judge" else profile


def _line(bus: BusConfig, port: BusPort, clock: Clock) -> Line:
    """The line master for a port, with the line's settings as the configuration says them."""
    settings = SerialSettings(
        port=port.address,
        baud=bus.baud,
        parity=bus.parity,
        stop_bits=bus.stop_bits,
        local_echo=bus.echo,
        silence_ms=bus.silence_ms or 0,
    )
    match port.kind:
        case PortKind.SERIAL:
            return SerialLine(settings, clock)
        case PortKind.TCP:
            return rtu_over_tcp(settings, clock)
        case PortKind.MODBUS_TCP:
            return ModbusTcpLine(settings, clock)


class Sink:
    """Puts the reports of one bus into the owner's inbox with the bus's id."""

    def __init__(self, bus_id: str, post: Callable[[str, BusReport], None]) -> None:
        self._bus_id = bus_id
        self._post = post

    def put(self, report: BusReport) -> None:
        """Take one report; called on the bus's own thread."""
        self._post(self._bus_id, report)


class Buses:
    """The workers that run, by bus id."""

    def __init__(self, ports: dict[str, BusPort], clock: Clock, post: Callable[[str, BusReport], None]) -> None:
        self._ports = ports
        self._clock = clock
        self._post = post
        self._known: dict[str, tuple[BusConfig, PollingLimits]] = {}
        self._polled: dict[str, tuple[PolledMeter, ...]] = {}
        self.workers: dict[str, MeterBus] = {}

    @property
    def ports(self) -> Mapping[str, BusPort]:
        """Where each bus is plugged in, by its name."""
        return self._ports

    def follow(self, place: Place) -> None:
        """Bring the workers to what the place says now; those that need no change go on undisturbed."""
        limits = PollingLimits(
            lost_after_tries=place.config.defaults.lost_after_tries,
            boundary_most_ms=place.config.defaults.boundary_tolerance_ms,
        )
        wanted = {bus.bus: bus for bus in place.config.buses}
        for bus_id in [b for b in self.workers if self._known[b] != (wanted.get(b), limits)]:
            self.workers.pop(bus_id).stop()
        for bus_id, bus in wanted.items():
            polled = tuple(self._polled_meter(place, meter) for meter in place.meters if place.bus_of[meter] == bus_id)
            if bus_id not in self.workers:
                self._open(bus, polled, limits)
            elif self._polled[bus_id] != polled:
                self.workers[bus_id].reconfigure(polled)
            self._polled[bus_id] = polled

    def replug(self, ports: dict[str, BusPort]) -> None:
        """Buses are plugged in elsewhere: workers whose port is another one end; `follow` starts them anew."""
        before, self._ports = self._ports, ports
        for bus_id in list(self.workers):
            name = self._known[bus_id][0].name
            if before.get(name) != ports.get(name):
                self.workers.pop(bus_id).stop()

    def begin_anew(self, bus_id: str, place: Place) -> None:
        """A worker for a bus whose own one is dead."""
        dead = self.workers.pop(bus_id, None)
        if dead is not None:
            dead.stop(1.0)
        self.follow(place)

    def _polled_meter(self, place: Place, meter: str) -> PolledMeter:
        config = place.meters[meter]
        ratio = place.ratio_version_at(meter, self._clock.wall_ms())
        return PolledMeter(
            meter=meter,
            unit=config.unit,
            profile=_profile(place, meter),
            ct=Fraction(*ratio.ct),
            pt=Fraction(*ratio.pt),
            poll_ms=place.config.defaults.poll_ms if config.poll_ms is None else config.poll_ms,
        )

    def _open(self, bus: BusConfig, polled: tuple[PolledMeter, ...], limits: PollingLimits) -> None:
        port = self._ports.get(bus.name)
        if port is None:
            log.error("bus_without_port", extra={"fields": {"bus": bus.name, "reason": "box.toml ties no port to it"}})
            return
        worker = BusWorker(
            bus.name,
            _line(bus, port, self._clock),
            polled,
            Sink(bus.bus, self._post),
            self._clock,
            random.SystemRandom().random,
            limits,
        )
        self._known[bus.bus] = (bus, limits)
        self.workers[bus.bus] = worker
        worker.start()

    def stop(self) -> None:
        """End all workers."""
        for worker in self.workers.values():
            worker.stop(1.0)
        self.workers.clear()
