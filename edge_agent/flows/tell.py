"""What the box tells a person before it: one plain structure for terminals and scripts. Reads only."""

from typing import Any

from edge_agent.core.foreign_master import foreign_master
from edge_agent.core.guarding import is_guard
from edge_agent.core.measured import RelayOrdered
from edge_agent.core.wallets import feeding, known_micro
from edge_agent.flows.box import Box
from edge_agent.flows.poll_meters import Polling
from edge_agent.flows.seal_batches import Sealing, batch_head
from edge_agent.flows.synchronise import Synchroniser
from protocol.units import amount_to_text


def status_of(box: Box, polling: Polling | None, sealing: Sealing | None, sync: Synchroniser | None) -> dict[str, Any]:
    """All that `edge-agent status` shows. With the agent down the last three are None."""
    marks, now_ms = box.state.marks, box.clock.wall_ms()
    head = batch_head(box)
    return {
        "site": marks.site,
        "box": marks.box,
        "agent": box.who.agent,
        "running": polling is not None,
        "at_ms": now_ms,
        "epoch": marks.epoch,
        "term": marks.term,
        "config_version": marks.config_version,
        "key_generation": marks.key_generation,
        "commands": {"seq": marks.commands_seq, "hash": marks.commands_hash},
        "batches": {
            "seq": head.seq,
            "hash": head.hash,
            "waiting_from": box.store.first_unacknowledged(),
            "records_not_sealed": box.store.pending_count(),
            "head_confirmed": sealing.head_confirmed if sealing else None,
            "set_back": sealing.set_back if sealing else None,
        },
        "centre": {
            "fresh_s": _age_s(box, sync.fresh_at) if sync else None,
            "failure": sync.last_failure if sync else None,
        },
        "alarms": list(marks.alarms),
        "buses": [_bus(box, polling, bus.bus, bus.name) for bus in box.state.config.buses],
        "meters": [meter_status(box, meter.meter) | _link(polling, meter.meter) for meter in box.state.config.meters],
    }


def _link(polling: Polling | None, meter: str) -> dict[str, Any]:
    """Questions and faults of each kind since the last boundary, which records and begins them anew."""
    if polling is None:
        return {"tries": None, "faults": {}}
    return {"tries": polling.tally.tries[meter], "faults": dict(polling.tally.faults.get(meter, {}))}


def _age_s(box: Box, mono_ms: int | None) -> int | None:
    return None if mono_ms is None else (box.clock.mono_ms() - mono_ms) // 1_000


def _bus(box: Box, polling: Polling | None, bus_id: str, name: str) -> dict[str, Any]:
    view = polling.buses.get(bus_id) if polling else None
    meters = [meter for meter, bus in box.place.bus_of.items() if bus == bus_id]
    return {
        "bus": bus_id,
        "name": name,
        "down": view.down if view else None,
        "foreign_master": foreign_master(box.state, bus_id),
        "cycle_ms": view.cycle_ms if view else None,
        "cycles": view.cycles if view else None,
        "meters": len(meters),
        "lost": sum(meter in box.state.lost for meter in meters),
    }


def meter_status(box: Box, meter: str) -> dict[str, Any]:
    """One meter: what is known, how old that is (whatever the wall clock did), what its relay should be and is."""
    config, row = box.place.meters[meter], box.state.meters.get(meter)
    latest, wallet = box.state.latest.get(meter), feeding(box.place, box.state, meter)
    running = known_micro(box.state, wallet) if wallet and wallet.wallet in box.state.wallets else None
    told: dict[str, Any] = {
        "meter": meter,
        "name": config.name,
        "point": config.point,
        "unit": config.unit,
        "profile": config.profile,
        "lost": meter in box.state.lost,
        "age_s": _age_s(box, None if latest is None else latest.mono_ms),
        "raw_wh": None if latest is None else latest.raw_wh,
        "power_w": None if latest is None else latest.power_w,
        "balance": None if running is None else amount_to_text(running),
        "balance_micro": running,
    }
    if row is not None:
        told |= {
            "service": row.state.service,
            "mode": row.state.mode,
            "locked_out": None if row.state.locked_out is None else row.state.locked_out.who,
            "held": row.state.held,
            "wanted": row.wanted,
            "seen": row.seen,
            "cause": row.cause,
            "ordered": box.state.order_registers.get(meter, RelayOrdered.UNKNOWN).value,
            "alarms": list(row.alarms),
            "guard": _guard_status(box, meter),
            "relay_test": next((test.passed for test in reversed(row.state.tests) if test.test == "relay"), None),
        }
    return told


UNKNOWN_METER_TEXT = "no one meter of this box has that id, name or number; `edge-agent status` lists them by name"


def find_meter(box: Box, text: str) -> str | None:
    """The meter that a person means: by id, by a name or its first word (the shop's number) that only one has."""
    if text in box.place.meters:
        return text
    meters = box.state.config.meters
    named = [meter.meter for meter in meters if meter.name == text]
    named = named or [meter.meter for meter in meters if text and meter.name.partition(" ")[0] == text]
    return named[0] if len(named) == 1 else None


def _guard_status(box: Box, meter: str) -> dict[str, Any] | None:
    """The last guard on this meter: its own account at the last visit, and what it held too much; None: no guard."""
    account = box.state.accounts.get(meter)
    if account is None or not is_guard(box.place, box.state, meter):
        return None
    exposed = box.details.get(meter, {}).get("exposure_micro")
    return {"own_balance_micro": account.balance_micro, "exposure_micro": exposed, "on": account.on}
