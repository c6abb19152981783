"""A box that knows less of its chain than it has told: it brings what still verifies, then it gets a new epoch.

Its meters' registers tell what was used since the last posted batch, so nothing is lost and nothing is charged twice.
"""

import logging

from cloud_server.core.box_memory import has_lost_memory, may_open_by_itself
from cloud_server.core.fleet import Box
from cloud_server.flows.centre import Centre
from cloud_server.flows.open_epoch import begin_epoch
from cloud_server.ports import Unit
from protocol.chain import Head
from protocol.messages import EpochWhy, Sync
from protocol.signing import public_key_from_text

log = logging.getLogger(__name__)


def mend_memory(centre: Centre, unit: Unit, box: Box, sync: Sync, *, brought: bool) -> tuple[Box, bool]:
    """Open an epoch where the box has lost memory and has nothing new to bring; the row after, and whether it was.

    One request alone is not believed: it may have been overtaken by a newer one on the way. The next one, which the box
    makes after it was answered, says the same.
    """
    head = Head(sync.batch_head.seq, sync.batch_head.hash)
    noted = unit.memory.heard_behind(box.box)
    if not has_lost_memory(box, sync.epoch, head) or not may_open_by_itself(box):
        if noted is not None:
            unit.memory.forget_behind(box.box)
        return box, False
    now_ms = centre.clock.wall_ms()
    if noted is None:
        unit.memory.note_behind(box.box, sync.nonce, now_ms)
        log.warning("box_behind_its_chain", extra={"box": box.box, "epoch": sync.epoch, "seq": head.seq})
        return box, False
    if noted == sync.nonce or brought or centre.journal.fault is not None:
        return box, False
    assert box.record_key is not None
    why: EpochWhy = "store_lost" if sync.epoch == 0 else "restored"
    after = begin_epoch(centre, unit, box, public_key_from_text(box.record_key).keyid, why)
    detail = {
        "why": why,
        "epoch": after.epoch,
        "said_epoch": sync.epoch,
        "said_seq": head.seq,
        "closes_epoch": box.epoch,
        "closes_seq": box.posted_seq,
    }
    unit.audit.append(now_ms, f"box:{box.box}", "epoch_opened", box.box, detail)
    log.warning("epoch_opened", extra={"box": box.box, "epoch": after.epoch, "why": why})
    return after, True
