"""What the simulator tells of itself: the answers of `status` and `log_take`, as JSON values."""

from typing import Any

from provisioning.simulator.bus import Exchange, SimulatedBus
from provisioning.simulator.faults import Fault
from provisioning.simulator.line import NANOSECONDS_PER_SECOND
from provisioning.simulator.meter import SimulatedMeter
from provisioning.simulator.site import SimulatedSite

NANOSECONDS_PER_MILLISECOND = 1_000_000


def site_report(site: SimulatedSite) -> dict[str, Any]:
    """The whole site at this instant."""
    return {"speed": site.speed, "buses": [_bus_report(site, bus) for bus in site.buses]}


def _bus_report(site: SimulatedSite, bus: SimulatedBus) -> dict[str, Any]:
    counters = bus.line.counters
    return {
        "name": bus.description.name,
        "tty": str(bus.tty),
        "baud": bus.description.baud,
        "requests": counters.requests,
        "replies": counters.replies,
        "broken_silences": counters.broken_silences,
        "collisions": counters.collisions,
        "bad_crc": counters.bad_crc,
        "wrong_baud": counters.wrong_baud,
        "busy_ms": counters.busy_ns // NANOSECONDS_PER_MILLISECOND,
        "up_s": round((site.now_ns() - bus.started_ns) / NANOSECONDS_PER_SECOND, 3),
        "lost": bus.lost,
        "plugged": bus.plugged,
        "failure": None if bus.failure is None else str(bus.failure),
        "meters": [_meter_report(site, bus, meter) for meter in bus.meters],
    }


def _meter_report(site: SimulatedSite, bus: SimulatedBus, meter: SimulatedMeter) -> dict[str, Any]:
    with bus.lock:
        meter.advance(site.now_ns() // NANOSECONDS_PER_MILLISECOND)
        # What is told here is no more taken back than what is told on the line.
        meter.remember()
        return {
            "id": meter.description.id,
            "point": meter.description.point,
            "model": meter.description.model,
            "unit": meter.unit,
            "serial": meter.memory.serial,
            "energy_wh": meter.energy_wh,
            "real_energy_wh": round(meter.real_energy_wh, 3),
            "relay": "closed" if meter.contact_closed else "open",
            "why": meter.why(),
            "watts": round(meter.watts, 3),
            "lost": meter.lost,
            "faults": [_fault_report(fault) for fault in meter.faults],
        }


def _fault_report(fault: Fault) -> dict[str, Any]:
    return {
        "kind": fault.kind.value,
        "probability": fault.probability,
        "late_ms": fault.late_ms,
        "seed": fault.seed,
    }


def exchange_report(exchange: Exchange) -> dict[str, Any]:
    """One recorded exchange; frames in hex, null for silence."""
    return {
        "at_ns": exchange.at_ns,
        "request": exchange.request.hex(),
        "hearing": exchange.hearing.value,
        "true_reply": None if exchange.true_reply is None else exchange.true_reply.hex(),
        "sent": None if exchange.sent is None else exchange.sent.hex(),
        "late_ms": exchange.late_ms,
        "faults": [kind.value for kind in exchange.faults],
    }
