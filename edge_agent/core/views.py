"""What the box shows of itself: live values for the centre, and a table for whoever stands before it. Reads only."""

from edge_agent.core.place import Place
from edge_agent.core.state import BoxState
from edge_agent.core.wallets import feeding, known_micro
from protocol.messages import Live


def live_values(place: Place, state: BoxState) -> list[Live]:
    """One line for each meter that has been read since the start, as `sync` carries it. Never booked."""
    lines = []
    for meter, latest in state.latest.items():
        if meter not in place.meters or meter in state.lost:
            continue
        wallet = feeding(place, state, meter)
        lines.append(
            Live(
                meter=meter,
                at_ms=latest.wall_ms,
                power_w=latest.power_w,
                power_estimated=latest.power_estimated,
                relay=latest.relay if latest.relay != "unknown" else state.meters[meter].seen,
                balance_micro=known_micro(state, wallet) if wallet is not None else None,
                values={"raw_wh": latest.raw_wh},
            )
        )
    return lines
