"""The errors of the wire, sorted by blame. Nothing here acts on them.

`TheirFault`: bytes or claims of the peer that may not be believed; the text goes back to them.
`OurFault`: a bug or a misuse on this side; never shown to a peer.
"""

from protocol.reason import Reason


class WireError(Exception):
    """Any fault found while making or reading a line."""


class OurFault(WireError):
    """This side tried to make something that the format forbids."""


class TheirFault(WireError):
    """The peer sent something that the format forbids."""


class NotALine(TheirFault):
    """The bytes are no DSSE envelope in one line of JSON."""


class TooLarge(TheirFault):
    """Something is over its named limit, before memory was spent on it."""


class BadSignature(TheirFault):
    """No signature of a known key of the right role fits the exact payload bytes."""


class BadPayload(TheirFault):
    """The signature is good, the content is not of its type: field, value and reason are named."""


class BadTariff(TheirFault):
    """A tariff text is not usable; `reasons` name each place, value and what would be right, `mistakes` in English."""

    def __init__(self, reasons: tuple[Reason, ...]) -> None:
        self.reasons = reasons
        self.mistakes = tuple(map(str, reasons))
        super().__init__("; ".join(self.mistakes))
