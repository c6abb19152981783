"""Who answers at an address: a meter's serial number against the planned one, or the one first seen. Pure.

Read at start, on return from lost, and daily. Until it is known the register does not count, so that a meter that
was exchanged while nobody looked is never charged as the old one. In a multi-user cabinet each unit id tells the
cabinet's number, and the plan names the same for all of them. Source: box.md, "Enforcement".
"""

from typing import Final

import msgspec

from edge_agent.core.decision import NOTHING, Decision, join
from edge_agent.core.holds import hold, let_go
from edge_agent.core.place import Place
from edge_agent.core.state import BoxState, MeterRow, Now, SerialAsked

SERIAL_TRIES: Final = 3
"""Unanswered questions after which a register counts without: a meter that answers, but not to this, is charged."""
SERIAL_RETRY_MS: Final = 3_000
"""Between two questions: the first is answered within one, whatever the bus does at the moment."""


def expected(place: Place, row: MeterRow) -> str | None:
    """The number that is right: what a person let stand, else what is planned, else the one first seen."""
    planned = place.meters[row.meter].serial
    if row.serial_accepted is not None and row.serial_accepted[0] == planned:
        return row.serial_accepted[1]
    return planned or row.state.serial


def same_serial(one: str, other: str) -> bool:
    """Whether two texts are one number: zeros before it, letters' case and blanks do not count, as on name plates."""
    return _plain(one) == _plain(other)


def _plain(text: str) -> str:
    return "".join(text.split()).casefold().lstrip("0")


def ask_serial(place: Place, state: BoxState, row: MeterRow, now: Now) -> Decision:
    """Before a register counts: ask who answers, or give up asking. A meter without a known number counts at once."""
    meter = row.meter
    if meter in state.identified:
        return NOTHING
    readable = place.profile_of[meter].serial is not None
    if not readable or expected(place, row) is None:
        wanted = frozenset({meter}) if readable else frozenset()
        return Decision(identified=((meter, True),), read_serials=wanted)
    asked = state.serials_asked.get(meter, SerialAsked(0, now.mono_ms))
    if now.mono_ms < asked.next_mono_ms:
        return NOTHING
    if asked.tries >= SERIAL_TRIES:
        return Decision(identified=((meter, True),), serials_asked=((meter, None),))
    again = SerialAsked(asked.tries + 1, now.mono_ms + SERIAL_RETRY_MS)
    return Decision(serials_asked=((meter, again),), read_serials=frozenset({meter}))


def take_serial(place: Place, state: BoxState, meter: str, serial: str, now: Now) -> Decision:
    """A serial number was read: right, another than expected (held), or the first that is known of this meter."""
    row = state.meters.get(meter)
    if row is None or meter not in place.meters or row.released:
        return NOTHING
    known = NOTHING
    if meter not in state.identified:
        again = frozenset({meter})
        known = Decision(identified=((meter, True),), serials_asked=((meter, None),), reread=again)
    right = expected(place, row)
    if right is None:
        seen = msgspec.structs.replace(row, state=msgspec.structs.replace(row.state, serial=serial))
        return join(known, Decision(meters=(seen,)))
    told = None if same_serial(right, serial) else serial
    if told == row.serial_told:
        return known
    row = msgspec.structs.replace(row, serial_told=told)
    judged = let_go(place, row, "serial_differs", now) if told is None else hold(place, row, "serial_differs", now)
    return join(known, Decision(meters=(row,)), judged)


def accept_serial(place: Place, row: MeterRow) -> MeterRow:
    """A person says that the meter that answers is the right one."""
    if row.serial_told is None:
        return row
    accepted = (place.meters[row.meter].serial, row.serial_told)
    return msgspec.structs.replace(row, serial_told=None, serial_accepted=accepted)
