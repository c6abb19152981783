"""A technician notes on the spot that a meter was exchanged. It has no effect of its own: a person decides later."""

from edge_agent.core.decision import Decision
from edge_agent.core.refusal import Refusal
from edge_agent.flows.box import Box
from protocol.errors import BadPayload
from protocol.messages import write_record
from protocol.payload import decode
from protocol.records import Record, ReplacementNoted


def note_replacement(
    box: Box, meter: str, new_serial: str, registers_wh: tuple[int | None, int | None], who: str
) -> ReplacementNoted | Refusal:
    """Record both serial numbers and registers (old last, new first, in Wh as the meters show; None: not read)."""
    config = box.place.meters[meter]
    noted = ReplacementNoted(
        at_ms=box.clock.wall_ms(),
        point=config.point,
        old_serial=config.serial or "unknown",
        old_raw_wh=registers_wh[0],
        new_serial=new_serial,
        new_raw_wh=registers_wh[1],
        who=who,
    )
    try:
        decode(bytes(write_record(noted)), Record)
    except BadPayload as fault:
        return Refusal("bad_body", str(fault)[:500])
    box.take(Decision(records=(noted,), urgent=True))
    return noted
