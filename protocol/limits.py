"""Every bound on what may cross the wire, with its unit and its reason. Values only, no logic."""

from typing import Final

INTEGER_MAX: Final = 2**53 - 1
"""Largest |integer| in a payload: the largest that every JSON reader keeps exactly (RFC 8259, section 6)."""

INSTANT_MS_MAX: Final = 32_503_680_000_000
"""Latest instant, the year 3000: beyond what the clock of any machine here can say (Linux ends it at 2262), and within
every calendar, so that a wild number in a line is refused and not computed with."""

PAYLOAD_BYTES_MAX: Final = 4 * 1024 * 1024
"""One payload. A full configuration of a box with 200 meters, profiles and tariffs is about 300 kB."""

LINE_BYTES_MAX: Final = 6 * 1024 * 1024
"""One envelope line: the payload in base64 (4/3) and its signatures."""

BODY_BYTES_MAX: Final = 16 * 1024 * 1024
"""One HTTP body after decompression: two lines of the greatest size and room; a box has 1 GB of memory."""

PACKED_BODY_BYTES_MAX: Final = 8 * 1024 * 1024
"""One HTTP body as sent. Batches of meter records shrink by five; this leaves room for those that do not."""

LINES_MAX: Final = 2_000
"""Lines in one body: a month of half-hourly batches fits, a million empty lines do not."""

SIGNATURES_MAX: Final = 4
"""Signatures of one line: the key in force, its successor, and room for two rotations under way."""

RECORDS_MAX: Final = 2_000
"""Records in one batch: all intervals of 200 meters with their links fit several times."""

PARTS_MAX: Final = 5_000
"""Stretches of one interval: a year of silence with twelve changes of rate a day, spanned by one reading."""

DEPTH_MAX: Final = 16
"""Nesting of JSON in a payload. The deepest type here has eight levels."""

TEXT_CHARACTERS_MAX: Final = 500
"""A text typed by a person (reason, detail, name)."""

CONFIG_CHARACTERS_MAX: Final = 2 * 1024 * 1024
"""The configuration text in a `configure` command or an epoch."""

PROFILE_CHARACTERS_MAX: Final = 32_768
"""One meter profile. The longest that comes with the agent has 7,200; a site has few makes, and a box's configuration
carries those of its own meters."""

WAIT_S_MAX: Final = 25
"""Longest time that the centre holds a request with nothing to send: below the 30 s of common proxies."""

SEQ_MAX: Final = INTEGER_MAX
"""A sequence number. At one line a second it lasts 285 million years: no wrap, no re-base."""
