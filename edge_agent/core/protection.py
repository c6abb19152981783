"""Which relays a box without its store may keep closed, where the site wants that. Pure."""

from edge_agent.core.place import Place
from edge_agent.core.state import BoxState


def may_be_kept_closed(place: Place, state: BoxState) -> tuple[str, ...]:
    """Meters in service on which no lock-out hangs and that nobody has cut off; none where relays are to be left alone.

    Written down while the store is whole: once it is lost, nobody can tell where somebody works on the line.
    """
    if place.config.defaults.on_store_loss != "protect":
        return ()
    return tuple(
        sorted(
            meter
            for meter, row in state.meters.items()
            if meter in place.meters
            and not row.released
            and row.state.service == "in_service"
            and row.state.locked_out is None
            and row.state.mode != "forced_off"
        )
    )
