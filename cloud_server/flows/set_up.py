"""The first start: the term of this centre, and its first audit row. Repeatable; what is there stays."""

from cloud_server.ports import Store, WallClock

MS_PER_S = 1_000


def set_up_centre(store: Store, clock: WallClock) -> int:
    """Give the centre its term, the UTC second of its set-up, unless it has one; the term."""
    with store.write() as unit:
        known = unit.site.fact("term")
        if known is not None:
            return int(known)
        now_ms = clock.wall_ms()
        term = now_ms // MS_PER_S
        unit.site.put_fact("term", str(term))
        unit.site.put_fact("set_up_at_ms", str(now_ms))
        unit.audit.append(now_ms, "cloud-server", "set_up", "", {"term": term})
        return term
