"""Posting what was parked, in order, with a program that was mended meanwhile. What still does not fit stays parked."""

import logging
from dataclasses import dataclass, replace

from cloud_server.core.fleet import Box, BoxState, StoredBatch
from cloud_server.flows.alarm_life import clear_alarm
from cloud_server.flows.ask_back import sign_waiting_reclaims
from cloud_server.flows.centre import Centre
from cloud_server.flows.post_batch import BatchStory, post_batch
from cloud_server.flows.receive_batch import Content, read_content
from cloud_server.ports import Unit
from protocol.envelope import read_line
from protocol.records import Subject

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reprocessed:
    """What came of one box: how many batches were posted, and where and why it stopped, if it did."""

    box: str
    name: str
    posted: int
    stopped_at: int | None
    fault: str | None


def reprocess(centre: Centre) -> list[Reprocessed]:
    """Try all that is parked, box by box. A box in quarantine waits for a person's decision, not for a program."""
    with centre.store.read() as unit:
        boxes = [box for box in unit.fleet.boxes() if unit.readings.is_parked(box.box)]
    done = [_box(centre, box) for box in boxes]
    centre.journal.append_unmarked()
    for box in boxes:
        centre.wake.wake(box.box)
    centre.live.changed()
    return done


def _box(centre: Centre, box: Box) -> Reprocessed:
    if box.state is BoxState.QUARANTINED:
        return Reprocessed(box.box, box.name, 0, None, "in quarantine: a person decides which hardware goes on first")
    posted = 0
    while True:
        with centre.store.write() as unit:
            row = unit.fleet.box(box.box)
            waiting = unit.readings.waiting_batches(box.box, 1)
            if row is None or not waiting:
                _end(centre, unit, row)
                break
            fault = _post(centre, unit, row, waiting[0])
        if fault is not None:
            log.warning("still_parked", extra={"box": box.box, "seq": waiting[0].seq, "fault": fault})
            return Reprocessed(box.box, box.name, posted, waiting[0].seq, fault)
        posted += 1
    log.info("reprocessed", extra={"box": box.box, "posted": posted})
    return Reprocessed(box.box, box.name, posted, None, None)


def _post(centre: Centre, unit: Unit, box: Box, stored: StoredBatch) -> str | None:
    """Post one batch that waited; why it cannot be, or None."""
    content = Content()
    fault = read_content(unit, box, read_line(stored.raw), content)
    if fault is not None:
        unit.readings.note_fault(stored, fault)
        return fault
    assert content.header is not None
    assert content.grants is not None
    now_ms = centre.clock.wall_ms()
    posted = replace(stored, state="posted", fault=None, posted_at_ms=now_ms)
    unit.readings.mark_posted(posted)
    story = BatchStory(box, posted, content.header, content.records, content.grants, content.reclaims)
    unit.fleet.save_box(post_batch(centre, unit, story))
    return None


def _end(centre: Centre, unit: Unit, box: Box | None) -> None:
    """All is posted: the alarm ends, and what waited for it is asked of the box."""
    if box is None:
        return
    clear_alarm(unit, "batch_parked", centre.clock.wall_ms(), Subject(box=box.box))
    sign_waiting_reclaims(centre, unit, box)
