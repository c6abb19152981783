"""The sentences that say what is wrong with a profile or with a plan's profiles, for the catalogs. Tables only.

They are written where they are judged, in `protocol/meter_profile/reasons` and `core/planned_profiles`; a test holds
this list to them.
"""

from typing import Final

from cloud_server.web.word_tables import N_

SENTENCES: Final = (
    N_("nested deeper than any profile"),
    N_("right would be at most %(most)s characters, this are %(are)s"),
    N_("right would be a whole number from %(least)s to %(greatest)s"),
    N_("right would be %(allowed)s"),
    N_("right would be a text that is not empty"),
    N_("right would be true or false"),
    N_("right would be a list of texts, at least one"),
    N_("right would be a list of words from 0x0000 to 0xFFFF"),
    N_("right would be a list of exactly %(count)s word(s) from 0x0000 to 0xFFFF"),
    N_('right would be 1 to %(most)s bytes in hexadecimal, such as "FE 01 00 02"'),
    N_('right would be an exact factor above 0: 10, "1/100" or "0.01" (in quotes: a float is not exact)'),
    N_("right would be a table"),
    N_("right would be a list of tables"),
    N_("right would be a name of small letters, digits and underscores, at most 32"),
    N_("unknown key; right would be %(allowed)s"),
    N_("every profile needs the cumulative active energy that is charged"),
    N_("right would be an address from %(first)s on, where the area begins"),
    N_("unknown quantity; right would be %(near)s"),
    N_("unknown prepaid register; right would be %(near)s"),
    N_("%(registers)s registers from there go beyond 0xFFFF"),
    N_("needs %(registers)s registers; line.longest_read allows %(longest)s"),
    N_("a register of type %(type)s has no width at which it wraps"),
    N_("the register would wrap at %(wrap)s, which is no whole number of our unit"),
    N_("line.read_multiple asks for a count that divides by %(multiple)s, no area allows it"),
    N_(
        "its answer could not be told from that of %(other)s; "
        "right would be an `areas` entry around one of the two, so that it can be read longer"
    ),
    N_("the same as another write: what the relay was told could not be told apart"),
    N_("the same as `closed`: the relay could not be told to open"),
    N_("a contact is described below; right would be contact"),
    N_(
        "an armed relay stands open until somebody closes it, which has to be seen: "
        'right would be readback = "contact" and order_readable, or no `arm`'
    ),
    N_("there is no `release` that it could belong to"),
    N_("reads; right would be 5, 6, 15, 16 or a function of the maker's own, up to 127"),
    N_("under the mask the same as `closed`: the two could not be told apart"),
    N_("right would be 2 for encoding u32"),
    N_("right would be an even number of names, at most %(most)s, out of %(allowed)s"),
    N_("a function of the maker's own; a unit id is set behind plain writes alone"),
    N_("writes one register; a float has two: right would be 16"),
    N_("every board needs the relay of its channel 0"),
    N_("a board has no control of its own to release a relay to"),
    N_("a board has no button by which a person could close a relay"),
    N_("%(channels)s channels from there go beyond 0xFFFF"),
    N_("all are read in one, and one read holds %(most)s registers"),
    N_("its answer could not be told from the order's; right would be relay.order_readable = false"),
    N_("comes with every box under this name; right would be another name"),
    N_("is not the hash of its text"),
    N_("a version never changes its text; give the new text the next version"),
    N_("version %(newest)s was taken already; right would be a version above"),
    N_("is the profile of %(meters)s and cannot be left out"),
    N_("meter %(meter)s names it, and it describes a relay board and no meter"),
    N_("meter %(meter)s has its relay on it, and it describes a meter and no relay board"),
)
PLACE: Final[dict[str, str]] = {
    "(file)": N_("the file"),
    "(text)": N_("the text"),
    "(missing)": N_("missing"),
    "(present)": N_("present"),
}
"""What stands in place of a key or a value."""
IN_MODELS: Final = (N_("single-phase user"), N_("three-phase user"))
"""Words in the names of models that come with every box."""
REACH: Final[dict[str, str]] = {
    "holds": N_("works with it"),
    "waits": N_("on its way"),
    "refused": N_("refused, and goes on with the configuration before"),
    "not_enrolled": N_("not enrolled yet"),
}
GRADE: Final[dict[str, str]] = {
    "proven": N_("proven on a meter"),
    "manual": N_("by the maker's manual"),
    "code": N_("by public code"),
    "tool": N_("by the maker's tool"),
    "inferred": N_("inferred"),
}
