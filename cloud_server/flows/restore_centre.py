"""A centre on an older copy of its books: its term goes up, and every box is heard before it gets another command."""

from collections.abc import Iterable

from cloud_server.flows.centre import Centre
from cloud_server.flows.recover_box import begin_recovery
from protocol.units import Ms

MS_PER_S = 1_000


def raise_term(centre: Centre, seen: Iterable[int]) -> int:
    """A new term above all that the books, the journal (`seen`) and the boxes as far as known have seen; it is stored.

    Every box that has served is to be heard: what it knows and this centre does not comes first.
    """
    now_ms: Ms = centre.clock.wall_ms()
    with centre.store.write() as unit:
        boxes = unit.fleet.boxes()
        known = [int(unit.site.fact("term") or 0), *(box.term_seen for box in boxes), *seen]
        term = max(now_ms // MS_PER_S, max(known) + 1)
        unit.site.put_fact("term", str(term))
        unit.audit.append(now_ms, "cloud-server", "restored", "", {"term": term})
        for box in boxes:
            if box.epoch > 0 and box.believed:
                begin_recovery(centre, unit, box, "restored")
    return term
