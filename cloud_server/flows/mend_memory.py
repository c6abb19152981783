"""A box that knows less of its chain than it has told: it brings what still verifies, then it gets a new epoch.

Its meters' registers tell what was used since the last posted batch, so nothing is lost and nothing is charged twice.
"""

import logging
from dataclasses import replace

from cloud_server.core.box_memory import (
    NOTE_LASTS_MS,
    Behind,
    Note,
    has_lost_memory,
    judge_behind,
    may_open_by_itself,
    newest_said,
    read_note,
    was_overtaken,
    was_sent_before_its_clock_was_set,
)
from cloud_server.core.fleet import Box
from cloud_server.flows.centre import Centre
from cloud_server.flows.open_epoch import begin_epoch
from cloud_server.flows.receive_batch import quarantine
from cloud_server.ports import Unit
from protocol.chain import Head
from protocol.envelope import Line
from protocol.messages import EpochWhy, Sync
from protocol.signing import public_key_from_text

log = logging.getLogger(__name__)


def mend_memory(centre: Centre, unit: Unit, box: Box, asked: tuple[Sync, Line], *, brought: bool) -> tuple[Box, bool]:
    """Open an epoch where the box has lost memory and has nothing new to bring; the row after, and whether it was.

    Where two take turns, one behind and one in its place, they are two machines with one key: a person decides.
    """
    sync, line = asked
    head, now_ms = Head(sync.batch_head.seq, sync.batch_head.hash), centre.clock.wall_ms()
    note = _note(unit, box, now_ms)
    if not has_lost_memory(box, sync.epoch, head) or not may_open_by_itself(box):
        box = replace(box, said_at_ms=newest_said(box.said_at_ms, sync.sent_at_ms))
        unit.fleet.save_box(box)
        if note is not None and not note.good_since:
            unit.memory.note_behind(box.box, replace(note, good_since=True).text, now_ms)
        return box, False
    said_at_ms, sent_at_ms = box.said_at_ms, sync.sent_at_ms
    if was_overtaken(said_at_ms, sent_at_ms) or was_sent_before_its_clock_was_set(said_at_ms, sent_at_ms, now_ms):
        return box, False
    what, after = judge_behind(note, sync.nonce, centre.wake.listening(box.box), now_ms)
    if what is Behind.TWO:
        unit.memory.forget_behind(box.box)
        box = quarantine(unit, box, line, now_ms)
        unit.fleet.save_box(box)
        log.error("two_with_one_key", extra={"box": box.box, "epoch": sync.epoch, "seq": head.seq})
        return box, False
    if after != note:
        unit.memory.note_behind(box.box, after.text, now_ms)
        log.warning("box_behind_its_chain", extra={"box": box.box, "epoch": sync.epoch, "seq": head.seq})
    if what is Behind.WAIT or brought or centre.journal.fault is not None:
        return box, False
    return _renew(centre, unit, box, sync), True


def _note(unit: Unit, box: Box, now_ms: int) -> Note | None:
    """What was heard of it lately."""
    found = unit.memory.heard_behind(box.box)
    if found is None or now_ms - found[1] > NOTE_LASTS_MS:
        return None
    return read_note(found[0])


def _renew(centre: Centre, unit: Unit, box: Box, sync: Sync) -> Box:
    assert box.record_key is not None
    why: EpochWhy = "store_lost" if sync.epoch == 0 else "restored"
    after = begin_epoch(centre, unit, box, public_key_from_text(box.record_key).keyid, why)
    detail = {
        "why": why,
        "epoch": after.epoch,
        "said_epoch": sync.epoch,
        "said_seq": sync.batch_head.seq,
        "closes_epoch": box.epoch,
        "closes_seq": box.posted_seq,
    }
    unit.audit.append(centre.clock.wall_ms(), f"box:{box.box}", "epoch_opened", box.box, detail)
    log.warning("epoch_opened", extra={"box": box.box, "epoch": after.epoch, "why": why})
    return after
