"""What is on no machine any more is passed over, by the state in an epoch line that this centre has signed itself.

A box says behind which head the rest of its history goes on. Every epoch that lies before it and lacks batches is
closed by the line of the next one: balances, registers and what commands came to are taken from that line. How grants,
requests and commands are answered that no batch tells of stands in `answer_untold`.
"""

import logging
from dataclasses import replace

from cloud_server.core.checkpoint import ACTION, Checkpoint, meters_of, read_energy, said_by, wallets_of
from cloud_server.core.fleet import Box
from cloud_server.flows.answer_untold import answer_untold, lacking, post_checkpoint
from cloud_server.flows.centre import Centre
from cloud_server.flows.recover_box import adopt_epoch, adopt_epochs, next_epoch
from cloud_server.flows.sell_again import BY_RECOVERY, ask
from cloud_server.flows.sign_lines import Asker
from cloud_server.ports import Unit
from protocol.envelope import Line, read_line
from protocol.messages import Epoch, Sync
from protocol.payload import read_payload

log = logging.getLogger(__name__)


def pass_over(centre: Centre, unit: Unit, box: Box, sync: Sync) -> Box:
    """Go on to the epochs behind what the box says it has not got any more; the row after, saved."""
    rest = sync.goes_on_from
    while rest is not None and box.recovery and (rest.epoch, rest.seq) > (box.epoch, box.batch_head.seq):
        found = next_epoch(unit, box)
        if found is None or box.posted_seq != box.batch_head.seq:
            return box
        box = adopt_epochs(centre, unit, _take(centre, unit, box, *found))
    return box


def _take(centre: Centre, unit: Unit, box: Box, line: Line, epoch: Epoch) -> Box:
    """Let the next epoch take effect although batches before it are missing."""
    before = said_by(epoch)
    held = {state.wallet for state in epoch.state.wallets}
    answered = answer_untold(centre, unit, box, before, held, f"by the state of epoch {epoch.epoch}")
    point = Checkpoint(
        box=box.box,
        epoch=epoch.epoch,
        line_hash=line.hash,
        lost_epoch=box.epoch,
        first=box.posted_seq + 1,
        last=epoch.closes.seq if epoch.closes is not None else 0,
        commands_seq=before.commands_seq,
        differences=lacking(unit, box, before, answered),
    )
    post_checkpoint(centre, unit, point, before, answered, Asker(operator=BY_RECOVERY, key=point.cause))
    known = {meter: facts for meter, (facts, _) in unit.readings.meter_states(box.box).items()}
    unit.readings.save_meter_states(box.box, meters_of(epoch.state, known))
    unit.readings.save_wallet_states(box.box, wallets_of(epoch.state))
    _ask_what_it_was(centre, unit, point, epoch)
    log.warning(ACTION, extra={"box": box.box, "epoch": epoch.epoch, "first": point.first, "last": point.last})
    after = adopt_epoch(centre, unit, box, line, epoch)
    base = before.commands_seq
    after = replace(after, applied_seq=max(box.applied_seq, base), fetched_seq=max(box.fetched_seq, base))
    unit.fleet.save_box(after)
    return after


def _ask_what_it_was(centre: Centre, unit: Unit, point: Checkpoint, epoch: Epoch) -> None:
    """The balances are proven; that they are charges and nothing else is for people to say, who see the registers."""
    if not point.differences:
        return
    before = unit.lines.line("epoch", point.box, point.lost_epoch)
    begun = read_payload(read_line(before).payload, Epoch).state if before is not None else None
    wallets = {name: read_energy(epoch, begun, name) for name in point.differences}
    detail = point.detail() | {"register_wh": {name: energy for name, energy in wallets.items() if energy is not None}}
    ask(centre, unit, "history", point.cause, point.box, detail)
