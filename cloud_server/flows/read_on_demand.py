"""Somebody presses *read*: the box is told at once, and sends live values while somebody looks."""

from cloud_server.core.fleet_health import in_reach
from cloud_server.core.mistakes import NotFound
from cloud_server.flows.centre import Centre


def read_now(centre: Centre, meter: str) -> bool:
    """Want a reading of a meter; whether its box is in reach now. Raises NotFound."""
    with centre.store.read() as unit:
        name = unit.fleet.box_of_meter(meter)
        box = unit.fleet.box(name) if name is not None else None
    if box is None:
        raise NotFound("meter", meter)
    centre.wishes.want(box.box, meter)
    centre.wake.wake(box.box)
    return in_reach(box, centre.wake.listening(box.box), centre.clock.wall_ms())
