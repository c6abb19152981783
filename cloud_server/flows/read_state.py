"""How centre and boxes stand, from one look. Satisfies `ports.state.StateBook`."""

from cloud_server.core.fleet import Box, CommandFact
from cloud_server.core.recovery import is_selling_closed
from cloud_server.core.state_views import (
    BackupView,
    BoxStateRow,
    CentreState,
    OrderedProgram,
    RecoveryView,
    VerifiedView,
)
from cloud_server.flows.centre import Centre
from cloud_server.flows.keep_backup import OLD_AFTER_MS
from cloud_server.flows.look import Look, Looker
from cloud_server.ports import Unit
from protocol.bundle import version_number
from protocol.units import Ms

RECOVERY_KEPT_MS = 2_000
"""How long what a page says of a recovery may be old: every page asks."""
SEALED_WITHIN = 7
"""Closed days that are looked through for the newest sealed one: a day is sealed a minute after its close."""


class StateReader:
    """Reads states; changes nothing."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._looker = Looker(centre)
        self._recovery: tuple[Ms, RecoveryView | None] | None = None

    def journal_fault(self) -> str | None:
        """Why the journal cannot be written, None where it can: asked by every page."""
        fault = self._centre.journal.fault
        return str(fault) if fault is not None else None

    def recovery(self) -> RecoveryView | None:
        """What a restored centre still waits for; looked at once in two seconds however many pages ask."""
        now_ms = self._centre.clock.wall_ms()
        if self._recovery is None or not 0 <= now_ms - self._recovery[0] < RECOVERY_KEPT_MS:
            self._recovery = (now_ms, self._look_at_recovery())
        return self._recovery[1]

    def _look_at_recovery(self) -> RecoveryView | None:
        with self._centre.store.read() as unit:
            newest = {recovery.box: recovery for recovery in unit.recovery.all()}
            boxes = [box for box in unit.fleet.boxes() if box.box in newest] if newest else []
            open_questions = sum(question.answer is None for question in unit.recovery.questions()) if newest else 0
            restored_at_ms = unit.recovery.restored_at_ms() if newest else None
        if not open_questions and not any(box.recovery for box in boxes):
            return None
        return RecoveryView(
            since_ms=restored_at_ms or min(recovery.began_at_ms for recovery in newest.values()),
            heard=tuple(box.name for box in boxes if not box.recovery),
            unheard=tuple(box.name for box in boxes if box.recovery),
            selling_closed=tuple(
                box.name for box in boxes if box.recovery and is_selling_closed(newest[box.box], box.seen_at_ms)
            ),
            questions=open_questions,
        )

    def state(self) -> CentreState:
        """The centre and all of its boxes now."""
        with self._centre.store.read() as unit:
            look = self._looker.look(unit)
            backup, verified = self._backup(unit), _verified(unit)
            ordered = unit.lines.newest_to_boxes("upgrade")
        whole = self._centre.territory.is_whole
        boxes = [box for box in look.boxes.values() if whole or box.box in look.site.boxes] if look is not None else []
        boxes.sort(key=lambda box: box.name)
        recovery = self._look_at_recovery() if any(box.recovery for box in boxes) else None
        closed = frozenset(recovery.selling_closed) if recovery is not None else frozenset()
        return CentreState(
            journal_fault=self.journal_fault(),
            term=self._centre.term,
            boxes=tuple(_row(look, box, closed, ordered.get(box.box)) for box in boxes) if look is not None else (),
            backup=backup if whole else None,
            verified=verified if whole else None,
        )

    def _backup(self, unit: Unit) -> BackupView:
        good, newest = unit.memory.newest_backup(good_only=True), unit.memory.newest_backup(good_only=False)
        now_ms = self._centre.clock.wall_ms()
        since_ms = good.ended_at_ms if good is not None else int(unit.site.fact("set_up_at_ms") or now_ms)
        return BackupView(
            made_at_ms=good.ended_at_ms if good is not None else None,
            file=good.file if good is not None else "",
            size_bytes=good.size_bytes if good is not None else 0,
            is_old=now_ms - since_ms > OLD_AFTER_MS,
            fault=newest.fault if newest is not None else None,
        )


def _verified(unit: Unit) -> VerifiedView | None:
    for closed in unit.tills.closed_days(SEALED_WITHIN):
        sealed = unit.tills.sealed_day(closed.day)
        if sealed is not None:
            return VerifiedView(day=sealed.day, sealed_at_ms=sealed.sealed_at_ms, breaches=sealed.breaches)
    return None


def _ordered(look: Look, box: Box, order: CommandFact | None) -> OrderedProgram | None:
    """The program that a box was ordered and does not run, with how far that is; None where it runs, or a newer one."""
    wanted = version_number(order.what) if order is not None else None
    if order is None or wanted is None or (version_number(box.agent.rpartition(" ")[2]) or ()) >= wanted:
        return None
    return OrderedProgram(
        version=order.what,
        ordered_at_ms=order.issued_at_ms,
        taken=order.state == "done",
        failed=any(alarm.kind == "upgrade_failed" and alarm.box == box.box for alarm in look.alarms),
        refused=order.reason if order.state == "refused" else None,
    )


def _row(look: Look, box: Box, closed: frozenset[str], order: CommandFact | None) -> BoxStateRow:
    return BoxStateRow(
        box=box.box,
        name=box.name,
        state=box.state.value,
        epoch=box.epoch,
        seen_at_ms=box.seen_at_ms,
        in_reach=look.in_reach(box.box),
        posted_until_ms=box.posted_at_ms,
        parked=max(box.batch_head.seq - box.posted_seq, 0),
        waiting=look.waiting.get(box.box, 0),
        config_wanted=box.config_version,
        config_held=box.held_version,
        recovery=box.recovery,
        agent=box.agent,
        selling_closed=box.recovery and box.name in closed,
        ordered=_ordered(look, box, order),
    )
