"""What people decide about hardware: which of two goes on, whose key is believed no more, which place is given up."""

import logging
from dataclasses import dataclass, replace
from typing import Literal

from cloud_server.core.fleet import Box, BoxState
from cloud_server.core.mistakes import NotFound, NotNow, mistaken
from cloud_server.flows.alarm_life import clear_alarm
from cloud_server.flows.centre import Centre
from cloud_server.flows.enrol_box import make_claim
from cloud_server.flows.open_epoch import begin_epoch
from cloud_server.flows.recover_box import next_epoch
from cloud_server.ports import Unit
from protocol.messages import EpochWhy
from protocol.records import Subject
from protocol.signing import public_key_from_text

REASON_CHARACTERS_MAX = 200
GoesOn = Literal["present", "new"]
"""Which hardware goes on: that with the key on record (the other was switched off), or other hardware with its own."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a decision: the box's row, and a claim file where other hardware is to come in."""

    box: Box
    claim: str | None


def decide_quarantine(centre: Centre, box: str, goes_on: GoesOn, by: str, reason: str) -> Decided:
    """A person says which hardware goes on after a fork, or for a box that cannot say that it lost its store.

    The present one gets an epoch from the accepted head at once; new hardware gets a claim, and its epoch when it is
    confirmed. Raises NotFound, Mistaken, NotNow.
    """
    _check_reason(reason)
    if goes_on == "new":
        claim = make_claim(centre, box, by, replaces=True)
        return Decided(_note(centre, box, by, "replacement_wanted", reason), claim)
    if centre.journal.fault is not None:
        raise NotNow(f"nothing can be signed: {centre.journal.fault}")
    with centre.store.write() as unit:
        row = _box(unit, box)
        if row.state not in (BoxState.ENROLLED, BoxState.QUARANTINED) or row.record_key is None:
            raise mistaken("box", row.name, f"is {row.state}; only hardware that is believed can go on")
        if row.recovery and not _has_parted(unit, row):
            raise mistaken("box", row.name, "knows more than this centre; its recovery comes first")
        why: EpochWhy = "forked" if row.state is BoxState.QUARANTINED else "store_lost"
        keyid = public_key_from_text(row.record_key).keyid
        after = begin_epoch(centre, unit, row, keyid, why)
        detail = {"goes_on": goes_on, "reason": reason, "epoch": after.epoch, "closes_seq": row.posted_seq}
        unit.audit.append(centre.clock.wall_ms(), by, "hardware_decided", box, detail)
    centre.journal.append_unmarked()
    centre.wake.wake(box)
    centre.live.changed()
    log.warning("epoch_opened", extra={"box": box, "epoch": after.epoch, "why": why})
    return Decided(after, None)


def _has_parted(unit: Unit, row: Box) -> bool:
    """Whether a box that is recovered from was heard and went on beside what was taken: no batch ends that any more.

    Its recovery goes on in the epoch that a person's decision opens: what it holds of commands is taken back there.
    """
    under_way = unit.recovery.open_of(row.box)
    heard = under_way is not None and row.seen_at_ms is not None and row.seen_at_ms >= under_way.began_at_ms
    return heard and row.state is BoxState.QUARANTINED and next_epoch(unit, row) is None


def revoke_box(centre: Centre, box: str, by: str, reason: str) -> Box:
    """Believe nothing more that this box's key signs, from the next request on. Raises NotFound, Mistaken."""
    return _end(centre, box, BoxState.REVOKED, by, reason)


def _end(centre: Centre, box: str, state: BoxState, by: str, reason: str) -> Box:
    _check_reason(reason)
    with centre.store.write() as unit:
        row = _box(unit, box)
        if not row.believed or row.epoch == 0:
            raise mistaken("box", row.name, f"is {row.state}; only a box that was taken in can be {state}")
        now_ms = centre.clock.wall_ms()
        keys = {epoch.keyid for epoch in unit.enrolments.epochs(box)}
        for keyid in sorted(keys):
            unit.memory.revoke_key(keyid, box, now_ms, by, reason)
        after = replace(row, state=state)
        unit.fleet.save_box(after)
        clear_alarm(unit, "box_lost", now_ms, Subject(box=box))
        clear_alarm(unit, "box_forked", now_ms, Subject(box=box))
        unit.audit.append(now_ms, by, f"box_{state}", box, {"reason": reason, "keys": len(keys)})
    centre.wake.wake(box)
    centre.live.changed()
    log.warning("box_ended", extra={"box": box, "state": state})
    return after


def _note(centre: Centre, box: str, by: str, action: str, reason: str) -> Box:
    with centre.store.write() as unit:
        unit.audit.append(centre.clock.wall_ms(), by, action, box, {"reason": reason})
        return _box(unit, box)


def _check_reason(reason: str) -> None:
    if not 1 <= len(reason.strip()) <= REASON_CHARACTERS_MAX:
        raise mistaken("reason", reason[:40], f"why it is done, in 1 to {REASON_CHARACTERS_MAX} characters")


def _box(unit: Unit, box: str) -> Box:
    row = unit.fleet.box(box)
    if row is None:
        raise NotFound("box", box)
    return row
