"""What a network makes of a SUBMIT, read straight from 3GPP TS 23.040, and the reports that it sends back.

Written for the modem of the simulator alone: it shares no line with whatever sends, so that each checks the other.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

_ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = {10: "\f", 20: "^", 40: "{", 41: "}", 47: "\\", 60: "[", 61: "~", 62: "]", 64: "|", 101: "€"}
_RELATIVE = 2


class WrongPdu(ValueError):
    """Not a SUBMIT that a network would take."""


@dataclass(frozen=True)
class Submitted:
    """One part as the network took it."""

    smsc: str
    recipient: str
    text: str
    reference: int
    of: int
    n: int
    wants_report: bool
    address: bytes
    """The address as it stood, to be sent back in the report."""


def read_submit(octets: bytes, said_octets: int) -> Submitted:
    """Read SMSC and TPDU; `said_octets` is what the command said. Raises WrongPdu."""
    try:
        smsc_octets = octets[0]
        tpdu = octets[1 + smsc_octets :]
        if len(tpdu) != said_octets:
            raise WrongPdu(f"said {said_octets} octets and sent {len(tpdu)}")
        first, digits = tpdu[0], tpdu[2]
        if first & 3 != 1:
            raise WrongPdu(f"type {first & 3} is no SUBMIT")
        ends = 4 + (digits + 1) // 2
        address = tpdu[2:ends]
        dcs = tpdu[ends + 1]
        form = first >> 3 & 3
        at = ends + 2 + {0: 0, _RELATIVE: 1}.get(form, 7)
        length, data = tpdu[at], tpdu[at + 1 :]
        text, header = _user_data(data, length, is_wide=dcs & 12 == 8, has_header=bool(first & 0x40))
    except IndexError as fault:
        raise WrongPdu("ends inside a field") from fault
    reference, of, n = _tied(header)
    recipient = ("+" if address[1] & 0x70 == 0x10 else "") + _digits(address[2:])
    smsc = ("+" if smsc_octets and octets[1] & 0x70 == 0x10 else "") + _digits(octets[2 : 1 + smsc_octets])
    return Submitted(smsc, recipient, text, reference, of, n, bool(first & 0x20), address)


def _user_data(data: bytes, length: int, *, is_wide: bool, has_header: bool) -> tuple[str, bytes]:
    octets = length if is_wide else (length * 7 + 7) // 8
    if len(data) != octets:
        raise WrongPdu(f"user data of {len(data)} octets where its length says {octets}")
    header = data[: 1 + data[0]] if has_header else b""
    if is_wide:
        return data[len(header) :].decode("utf-16-be"), header[1:]
    bits = "".join(f"{octet:08b}"[::-1] for octet in data)
    codes = [int(bits[7 * i : 7 * i + 7][::-1], 2) for i in range(length)]
    text, follows = "", False
    for code in codes[(len(header) * 8 + 6) // 7 :]:
        if follows:
            text, follows = text + _EXTENDED.get(code, " "), False
        elif code == 27:
            follows = True
        else:
            text += _ALPHABET[code]
    if follows:
        raise WrongPdu("an escape without its character")
    return text, header[1:]


def _tied(header: bytes) -> tuple[int, int, int]:
    while header:
        kind, size, rest = header[0], header[1], header[2:]
        if (kind, size) == (8, 4):
            return rest[0] << 8 | rest[1], rest[2], rest[3]
        if (kind, size) == (0, 3):
            return rest[0], rest[1], rest[2]
        header = rest[size:]
    return 0, 1, 1


def _digits(octets: bytes) -> str:
    return "".join(f"{octet & 15:x}{octet >> 4:x}" for octet in octets).rstrip("f")


def write_report(number: int, address: bytes, accepted_s: float, ended_s: float, status: int) -> tuple[str, int]:
    """A STATUS-REPORT as hexadecimal, and its TPDU octets."""
    tpdu = bytes((6, number)) + address + _instant(accepted_s) + _instant(ended_s) + bytes((status,))
    return "00" + tpdu.hex().upper(), len(tpdu)


def _instant(at_s: float) -> bytes:
    at = datetime.fromtimestamp(at_s, UTC)
    return bytes.fromhex("".join(part[::-1] for part in at.strftime("%y %m %d %H %M %S").split())) + b"\x00"
