"""What can be counted about the centre at one moment, for `/metrics`. Reading only, in few statements."""

from dataclasses import dataclass

from cloud_server.core.fleet import Box
from cloud_server.core.fleet_health import box_is_lost, in_reach
from cloud_server.flows.centre import Centre
from protocol.units import Ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Counts and ages. `lag_ms` is how old the newest posted batch of each enrolled box is; absent: none was posted."""

    now_ms: Ms
    boxes: dict[str, int]
    """By state."""
    in_reach: int
    lost: int
    lag_ms: dict[str, Ms]
    """By the box's name."""
    batches: dict[str, int]
    """Kept and not posted, by state."""
    commands_waiting: int
    alarms: dict[str, int]
    """Standing, by kind."""
    sold: dict[str, tuple[int, int]]
    """Sales and their micro-units, by method."""
    selling: bool
    journal_bytes: int
    webhooks: dict[str, int]
    """Deliveries to other programs, by state."""


def measure(centre: Centre) -> Measured:
    """Look once."""
    now_ms = centre.clock.wall_ms()
    with centre.store.read() as unit:
        boxes = unit.fleet.boxes()
        waiting = unit.books.waiting_commands()
        alarms = unit.books.alarms_standing()
        batches, sold = unit.programs.waiting_batches(), unit.programs.sold()
        journal_bytes = int(unit.site.fact("journal_bytes") or 0)
        webhooks = unit.webhooks.counts()
    listening = {box.box for box in boxes if centre.wake.listening(box.box)}
    states: dict[str, int] = {}
    standing: dict[str, int] = {}
    for box in boxes:
        states[box.state.value] = states.get(box.state.value, 0) + 1
    for alarm in alarms:
        standing[alarm.kind] = standing.get(alarm.kind, 0) + 1
    return Measured(
        now_ms=now_ms,
        boxes=states,
        in_reach=sum(in_reach(box, box.box in listening, now_ms) for box in boxes),
        lost=sum(box_is_lost(box, box.box in listening, now_ms) for box in boxes),
        lag_ms=_lags(boxes, now_ms),
        batches=batches,
        commands_waiting=sum(waiting.values()),
        alarms=standing,
        sold=sold,
        selling=centre.journal.fault is None,
        journal_bytes=journal_bytes,
        webhooks=webhooks,
    )


def _lags(boxes: list[Box], now_ms: Ms) -> dict[str, Ms]:
    return {box.name: max(now_ms - box.posted_at_ms, 0) for box in boxes if box.epoch > 0 and box.posted_at_ms}
