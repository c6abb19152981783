"""The sentences in which a profile's description says what it would read and write, for the catalogs. Tables only.

They are written in `protocol/meter_profile/sentences`; a test holds this list to them.
"""

from typing import Final

from cloud_server.web.word_tables import N_

SENTENCES: Final = (
    N_("%(maker)s %(model)s: %(phases)s phase(s), grade %(grade)s"),
    N_("%(maker)s %(model)s: relay board with %(channels)s channel(s), grade %(grade)s"),
    N_("unit ids of one user: %(units)s"),
    N_("line: at most %(longest)s registers a read, silence %(silence)s, answer begins within %(turnaround)s ms"),
    N_(
        "line: at most %(longest)s registers a read, in multiples of %(multiple)s, silence %(silence)s, answer "
        "begins within %(turnaround)s ms"
    ),
    N_("line: silence %(silence)s, answer begins within %(turnaround)s ms"),
    N_("%(silence)s ms"),
    N_("3.5 characters"),
    N_("read in every cycle:"),
    N_("read at a slower pace:"),
    N_("read at start, after an absence and daily (serial number):"),
    N_("read for all channels, with each meter:"),
    N_("channel %(channel)s"),
    N_("nothing"),
    N_("unit %(unit)s, function %(function)s, %(count)s bit(s) from %(address)s; %(length)s bytes come back"),
    N_("unit %(unit)s, function %(function)s, %(count)s register(s) from %(address)s; %(length)s bytes come back"),
    N_("relay, as ordered            %(address)s  closed = %(closed)s, open = %(open)s"),
    N_("relay, contact               %(address)s  closed = %(closed)s, open = %(open)s"),
    N_("relay: none; this profile switches nothing"),
    N_("relay, grade %(grade)s"),
    N_("relay, grade %(grade)s, looked at %(settle)s ms after the write"),
    N_("relay at unit %(unit)s, channel %(channel)s, grade %(grade)s"),
    N_("relay at unit %(unit)s, channel %(channel)s, grade %(grade)s, looked at %(settle)s ms after the write"),
    N_("%(quantity)s, %(grade)s"),
    N_("close    %(frame)s"),
    N_("open     %(frame)s"),
    N_("release  %(frame)s"),
    N_("arm      %(frame)s"),
    N_("unlock, %(frame)s"),
    N_("cannot be told"),
    N_(
        "clock: %(count)s register(s) at %(address)s, %(encoding)s, function %(function)s of unit %(unit)s, "
        "%(steps)s step(s) to unlock; bytes: %(bytes)s"
    ),
    N_("binary"),
    N_(
        "unit id: %(type)s at %(address)s, %(least)s to %(greatest)s, function %(function)s, %(steps)s step(s) "
        "to unlock, grade %(grade)s"
    ),
    N_("prepaid block of the meter, grade %(grade)s:"),
    N_("not in the profile:"),
    N_("power: estimated from the slope of energy, and no overload"),
    N_("contact: the relay is seen by its order alone"),
    N_("order: what the relay was told cannot be read back"),
    N_("serial number: an exchanged meter is not noticed by it"),
    N_("clock: the meter's clock is never set"),
    N_("proven"),
    N_("manual"),
    N_("code"),
    N_("tool"),
    N_("inferred"),
)
