"""A text as short messages: in which alphabet it travels, and where it is cut into parts (3GPP TS 23.040). Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cloud_server.core.sms_alphabet import septets_of

SINGLE_SEPTETS: Final = 160
PART_SEPTETS: Final = 152
"""140 octets less a header of 7 (16-bit reference, 23.040 9.2.3.24.8) are 1064 bits: 152 septets."""
SINGLE_UNITS: Final = 70
PART_UNITS: Final = 66
"""(140 - 7) / 2: code units of UCS-2 beside the header."""
PARTS_MAX: Final = 255
"""The count of parts is one octet."""


class Coding(StrEnum):
    """How the characters travel."""

    GSM7 = "gsm7"
    UCS2 = "ucs2"


@dataclass(frozen=True, slots=True)
class Parts:
    """A text as it will be sent: how it is coded, its parts, and the units that are used of those there are."""

    coding: Coding
    texts: tuple[str, ...]
    units: int

    @property
    def is_wide(self) -> bool:
        """Whether it travels as UCS-2."""
        return self.coding is Coding.UCS2

    @property
    def room(self) -> int:
        """The units that its parts hold together."""
        if len(self.texts) == 1:
            return SINGLE_UNITS if self.is_wide else SINGLE_SEPTETS
        return (PART_UNITS if self.is_wide else PART_SEPTETS) * len(self.texts)


def split(text: str) -> Parts:
    """Cut a text into parts, never inside a character. Raises ValueError for one of more than 255 parts."""
    septets = septets_of(text)
    if septets is None:
        widths, single, most = [2 if ord(c) > 0xFFFF else 1 for c in text], SINGLE_UNITS, PART_UNITS
    else:
        widths, single, most = [len(each) for each in septets], SINGLE_SEPTETS, PART_SEPTETS
    units = sum(widths)
    coding = Coding.UCS2 if septets is None else Coding.GSM7
    if units <= single:
        return Parts(coding, (text,), units)
    texts, begin, used = [], 0, 0
    for index, width in enumerate(widths):
        if used + width > most:
            texts.append(text[begin:index])
            begin, used = index, 0
        used += width
    texts.append(text[begin:])
    if len(texts) > PARTS_MAX:
        raise ValueError(f"a text of {len(texts)} parts; at most {PARTS_MAX} are possible")
    return Parts(coding, tuple(texts), units)
