"""What a profile would do, in words: the closed list of sentences of its description. Words only.

The frames themselves, and the names of quantities, are the same in every language.
"""

from typing import Final

from protocol.reason import Reason, reasons_in

METER: Final = Reason("%(maker)s %(model)s: %(phases)s phase(s), grade %(grade)s")
BOARD: Final = Reason("%(maker)s %(model)s: relay board with %(channels)s channel(s), grade %(grade)s")
UNITS_PER_USER: Final = Reason("unit ids of one user: %(units)s")
LINE: Final = Reason(
    "line: at most %(longest)s registers a read, silence %(silence)s, answer begins within %(turnaround)s ms"
)
LINE_IN_MULTIPLES: Final = Reason(
    "line: at most %(longest)s registers a read, in multiples of %(multiple)s, silence %(silence)s, "
    "answer begins within %(turnaround)s ms"
)
BOARD_LINE: Final = Reason("line: silence %(silence)s, answer begins within %(turnaround)s ms")
SILENCE_MS: Final = Reason("%(silence)s ms")
SILENCE_CHARACTERS: Final = Reason("3.5 characters")
EVERY_CYCLE: Final = Reason("read in every cycle:")
SLOWER: Final = Reason("read at a slower pace:")
SERIAL: Final = Reason("read at start, after an absence and daily (serial number):")
ALL_CHANNELS: Final = Reason("read for all channels, with each meter:")
CHANNEL: Final = Reason("channel %(channel)s")
NOTHING: Final = Reason("nothing")
EXTENT_BITS: Final = Reason(
    "unit %(unit)s, function %(function)s, %(count)s bit(s) from %(address)s; %(length)s bytes come back"
)
EXTENT_REGISTERS: Final = Reason(
    "unit %(unit)s, function %(function)s, %(count)s register(s) from %(address)s; %(length)s bytes come back"
)
AS_ORDERED: Final = Reason("relay, as ordered            %(address)s  closed = %(closed)s, open = %(open)s")
CONTACT: Final = Reason("relay, contact               %(address)s  closed = %(closed)s, open = %(open)s")
NO_RELAY: Final = Reason("relay: none; this profile switches nothing")
RELAY: Final = Reason("relay, grade %(grade)s")
RELAY_SETTLES: Final = Reason("relay, grade %(grade)s, looked at %(settle)s ms after the write")
RELAY_AT: Final = Reason("relay at unit %(unit)s, channel %(channel)s, grade %(grade)s")
RELAY_AT_SETTLES: Final = Reason(
    "relay at unit %(unit)s, channel %(channel)s, grade %(grade)s, looked at %(settle)s ms after the write"
)
GRADED: Final = Reason("%(quantity)s, %(grade)s")
WRITE: Final = {
    "close": Reason("close    %(frame)s"),
    "open": Reason("open     %(frame)s"),
    "release": Reason("release  %(frame)s"),
    "arm": Reason("arm      %(frame)s"),
}
UNLOCK: Final = Reason("unlock, %(frame)s")
CANNOT_BE_TOLD: Final = Reason("cannot be told")
CLOCK: Final = Reason(
    "clock: %(count)s register(s) at %(address)s, %(encoding)s, function %(function)s of unit %(unit)s, "
    "%(steps)s step(s) to unlock; bytes: %(bytes)s"
)
BINARY: Final = Reason("binary")
UNIT_ID: Final = Reason(
    "unit id: %(type)s at %(address)s, %(least)s to %(greatest)s, function %(function)s, "
    "%(steps)s step(s) to unlock, grade %(grade)s"
)
PREPAID: Final = Reason("prepaid block of the meter, grade %(grade)s:")
NOT_IN_PROFILE: Final = Reason("not in the profile:")
NO_POWER: Final = Reason("power: estimated from the slope of energy, and no overload")
NO_CONTACT: Final = Reason("contact: the relay is seen by its order alone")
NO_ORDER: Final = Reason("order: what the relay was told cannot be read back")
NO_SERIAL: Final = Reason("serial number: an exchanged meter is not noticed by it")
NO_CLOCK: Final = Reason("clock: the meter's clock is never set")
GRADE: Final = {
    "proven": Reason("proven"),
    "manual": Reason("manual"),
    "code": Reason("code"),
    "tool": Reason("tool"),
    "inferred": Reason("inferred"),
}
REASONS: Final = reasons_in(dict(globals()))
"""All of them."""
