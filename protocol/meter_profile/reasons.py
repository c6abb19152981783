"""Why a value in a profile is wrong, and what would be right: the closed list of sentences, with places for values.

English is what they say by themselves; a console puts the same sentence into its reader's language. Words only.
"""

from __future__ import annotations

from typing import Final

from protocol.reason import Reason

# --- the file and its values -----------------------------------------------------------------------------------------

TOO_DEEP: Final = Reason("nested deeper than any profile")
TOO_LONG: Final = Reason("right would be at most %(most)s characters, this are %(are)s")
WHOLE_NUMBER: Final = Reason("right would be a whole number from %(least)s to %(greatest)s")
ONE_OF: Final = Reason("right would be %(allowed)s")
TEXT: Final = Reason("right would be a text that is not empty")
TRUTH: Final = Reason("right would be true or false")
TEXTS: Final = Reason("right would be a list of texts, at least one")
WORDS: Final = Reason("right would be a list of words from 0x0000 to 0xFFFF")
SO_MANY_WORDS: Final = Reason("right would be a list of exactly %(count)s word(s) from 0x0000 to 0xFFFF")
HEX_BYTES: Final = Reason('right would be 1 to %(most)s bytes in hexadecimal, such as "FE 01 00 02"')
FACTOR: Final = Reason(
    'right would be an exact factor above 0: 10, "1/100" or "0.01" (in quotes: a float is not exact)'
)
TABLE: Final = Reason("right would be a table")
TABLES: Final = Reason("right would be a list of tables")
NAME: Final = Reason("right would be a name of small letters, digits and underscores, at most 32")
UNKNOWN_KEY: Final = Reason("unknown key; right would be %(allowed)s")

# --- quantities and reads --------------------------------------------------------------------------------------------

NO_ENERGY: Final = Reason("every profile needs the cumulative active energy that is charged")
AREA_ENDS: Final = Reason("right would be an address from %(first)s on, where the area begins")
UNKNOWN_QUANTITY: Final = Reason("unknown quantity; right would be %(near)s")
UNKNOWN_PREPAID: Final = Reason("unknown prepaid register; right would be %(near)s")
BEYOND: Final = Reason("%(registers)s registers from there go beyond 0xFFFF")
TOO_WIDE: Final = Reason("needs %(registers)s registers; line.longest_read allows %(longest)s")
NO_WRAP: Final = Reason("a register of type %(type)s has no width at which it wraps")
UNEVEN_WRAP: Final = Reason("the register would wrap at %(wrap)s, which is no whole number of our unit")
NO_MULTIPLE: Final = Reason("line.read_multiple asks for a count that divides by %(multiple)s, no area allows it")
LIKE_ANOTHER: Final = Reason(
    "its answer could not be told from that of %(other)s; "
    "right would be an `areas` entry around one of the two, so that it can be read longer"
)

# --- relay, clock, serial number, unit id ----------------------------------------------------------------------------

ARM_LIKE_ANOTHER: Final = Reason("the same as another write: what the relay was told could not be told apart")
OPEN_LIKE_CLOSED: Final = Reason("the same as `closed`: the relay could not be told to open")
CONTACT_BELOW: Final = Reason("a contact is described below; right would be contact")
ARM_UNSEEN: Final = Reason(
    "an armed relay stands open until somebody closes it, which has to be seen: "
    'right would be readback = "contact" and order_readable, or no `arm`'
)
NO_RELEASE: Final = Reason("there is no `release` that it could belong to")
STEP_READS: Final = Reason("reads; right would be 5, 6, 15, 16 or a function of the maker's own, up to 127")
CONTACT_ALIKE: Final = Reason("under the mask the same as `closed`: the two could not be told apart")
U32_REGISTERS: Final = Reason("right would be 2 for encoding u32")
CLOCK_BYTES: Final = Reason("right would be an even number of names, at most %(most)s, out of %(allowed)s")
PLAIN_WRITES: Final = Reason("a function of the maker's own; a unit id is set behind plain writes alone")
FLOAT_NEEDS_TWO: Final = Reason("writes one register; a float has two: right would be 16")

# --- relay boards ----------------------------------------------------------------------------------------------------

NO_RELAY: Final = Reason("every board needs the relay of its channel 0")
BOARD_RELEASE: Final = Reason("a board has no control of its own to release a relay to")
BOARD_ARM: Final = Reason("a board has no button by which a person could close a relay")
CHANNELS_BEYOND: Final = Reason("%(channels)s channels from there go beyond 0xFFFF")
CHANNELS_READ: Final = Reason("all are read in one, and one read holds %(most)s registers")
CONTACT_LIKE_ORDER: Final = Reason(
    "its answer could not be told from the order's; right would be relay.order_readable = false"
)

REASONS: Final = tuple(each for each in list(globals().values()) if isinstance(each, Reason))
"""All of them."""
