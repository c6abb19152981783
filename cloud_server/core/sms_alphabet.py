"""The GSM 7 bit default alphabet with its extension table (3GPP TS 23.038, 6.2.1), and septets in octets. Pure."""

from collections.abc import Sequence
from typing import Final

ESCAPE: Final = 0x1B
"""Begins a character of the extension table: two septets that belong together."""
_DEFAULT: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = {
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€",
}  # fmt: skip
_SEPTETS: Final[dict[str, tuple[int, ...]]] = {
    **{character: (code,) for code, character in enumerate(_DEFAULT) if code != ESCAPE},
    **{character: (ESCAPE, code) for code, character in _EXTENSION.items()},
}


def septets_of(text: str) -> list[tuple[int, ...]] | None:
    """The septets of each character, one or two; None where a character is not in the alphabet."""
    found = [_SEPTETS.get(character) for character in text]
    return None if None in found else [each for each in found if each is not None]


def text_of(septets: Sequence[int]) -> str:
    """Septets as text. An escape without a known character after it is a space, as the standard says."""
    text, escaped = "", False
    for septet in septets:
        if escaped:
            text += _EXTENSION.get(septet, " ")
            escaped = False
        elif septet == ESCAPE:
            escaped = True
        else:
            text += _DEFAULT[septet]
    return text


def pack(septets: Sequence[int], fill_bits: int = 0) -> bytes:
    """Septets into octets, the first septet in the lowest bits, after `fill_bits` empty ones."""
    bits, width, packed = 0, fill_bits, bytearray()
    for septet in septets:
        bits |= septet << width
        width += 7
        while width >= 8:
            packed.append(bits & 0xFF)
            bits >>= 8
            width -= 8
    if width:
        packed.append(bits & 0xFF)
    return bytes(packed)


def unpack(packed: bytes, count: int, fill_bits: int = 0) -> list[int]:
    """`count` septets out of octets, after `fill_bits` bits. Raises ValueError where there are fewer."""
    if len(packed) * 8 < fill_bits + count * 7:
        raise ValueError(f"{count} septets want more than {len(packed)} octets")
    bits = int.from_bytes(packed, "little") >> fill_bits
    return [(bits >> (7 * index)) & 0x7F for index in range(count)]
