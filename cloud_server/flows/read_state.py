"""How centre and boxes stand, from one look. Satisfies `ports.state.StateBook`."""

from cloud_server.core.fleet import Box
from cloud_server.core.state_views import BoxStateRow, CentreState
from cloud_server.flows.centre import Centre
from cloud_server.flows.look import Look, Looker


class StateReader:
    """Reads states; changes nothing."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._looker = Looker(centre)

    def journal_fault(self) -> str | None:
        """Why the journal cannot be written, None where it can: asked by every page."""
        fault = self._centre.journal.fault
        return str(fault) if fault is not None else None

    def state(self) -> CentreState:
        """The centre and all of its boxes now."""
        with self._centre.store.read() as unit:
            look = self._looker.look(unit)
        whole = self._centre.territory.is_whole
        boxes = [box for box in look.boxes.values() if whole or box.box in look.site.boxes] if look is not None else []
        boxes.sort(key=lambda box: box.name)
        return CentreState(
            journal_fault=self.journal_fault(),
            term=self._centre.term,
            boxes=tuple(_row(look, box) for box in boxes) if look is not None else (),
        )


def _row(look: Look, box: Box) -> BoxStateRow:
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
    )
