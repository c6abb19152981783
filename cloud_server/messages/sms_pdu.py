"""Short messages as PDUs (3GPP TS 23.040): SUBMIT out, DELIVER and STATUS-REPORT in. Pure.

Knows no modem, no time and no outbox: what goes in and comes out are values.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from cloud_server.core.sms_alphabet import pack, septets_of, text_of, unpack
from cloud_server.core.sms_text import SINGLE_SEPTETS, Coding

DIGITS_MAX: Final = 20
"""An address has at most 20 digits (9.1.2.5)."""
_VALIDITY_STEPS: Final = ((720, 5, -1), (1_440, 30, 119), (43_200, 1_440, 166), (635_040, 10_080, 192))
"""Up to so many minutes: in steps of so many minutes, added to so much (9.2.3.12.1)."""


class BadPdu(ValueError):
    """Octets that are no PDU of the standard; the text says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """One part to be sent. `reference`, `of` and `n` (from 1) tie the parts together; `of` 1 has no header."""

    number: str
    text: str
    coding: Coding
    reference: int = 0
    of: int = 1
    n: int = 1
    validity_min: int = 1_440
    wants_report: bool = True
    smsc: str = ""


@dataclass(frozen=True, slots=True)
class SubmitPdu:
    """What is written to the modem, and the length that its command names (TPDU octets, without the SMSC)."""

    hex: str
    tpdu_octets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    """A message that came in. `reference`, `of`, `n` as in Submit."""

    sender: str
    text: str
    sent_at_ms: int
    reference: int = 0
    of: int = 1
    n: int = 1


Fate = Literal["delivered", "trying", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """What became of a part. `number` is the modem's reference of it, `accepted_at_ms` when the SMSC took it."""

    number: int
    recipient: str
    accepted_at_ms: int
    ended_at_ms: int
    status: int

    @property
    def fate(self) -> Fate:
        """9.2.3.15: 0..2 are done, 0x20..0x2F still tried, all others given up."""
        if self.status < 0x20:
            return "delivered"
        return "trying" if self.status < 0x40 else "failed"


# ------------------------------------------------------------------------------------------------------------ out


def encode_submit(part: Submit) -> SubmitPdu:
    """A part as the modem takes it. Raises ValueError for a number or a text that cannot be."""
    header = b""
    if part.of > 1:
        header = bytes((6, 0x08, 4)) + part.reference.to_bytes(2, "big") + bytes((part.of, part.n))
    first = 0x01 | 0x10 | (0x20 if part.wants_report else 0) | (0x40 if header else 0)
    length, data = _user_data(part, header)
    dcs = 0x08 if part.coding is Coding.UCS2 else 0x00
    tpdu = bytes((first, 0)) + _address(part.number) + bytes((0, dcs, validity_octet(part.validity_min), length)) + data
    service = _service_address(part.smsc)
    return SubmitPdu((service + tpdu).hex().upper(), len(tpdu))


def _user_data(part: Submit, header: bytes) -> tuple[int, bytes]:
    """TP-UDL and TP-UD."""
    if part.coding is Coding.UCS2:
        data = header + part.text.encode("utf-16-be")
        if len(data) > 140:
            raise ValueError(f"a part of {len(data)} octets; 140 fit")
        return len(data), data
    found = septets_of(part.text)
    if found is None:
        raise ValueError("a character that is not in the GSM alphabet")
    septets = [septet for each in found for septet in each]
    taken = -(-len(header) * 8 // 7)
    if taken + len(septets) > SINGLE_SEPTETS:
        raise ValueError(f"a part of {taken + len(septets)} septets; {SINGLE_SEPTETS} fit")
    return taken + len(septets), header + pack(septets, taken * 7 - len(header) * 8)


def validity_octet(minutes: int) -> int:
    """TP-VP, relative (9.2.3.12.1), rounded down to what it can say; 5 minutes at least."""
    for most, step, base in _VALIDITY_STEPS:
        if minutes <= most:
            return max(base + minutes // step, 0)
    return 255


def _address(number: str) -> bytes:
    digits = number.removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and 0 < len(digits) <= DIGITS_MAX):
        raise ValueError(
            f"{number!r} is no telephone number: up to {DIGITS_MAX} digits, with a + before a country code"
        )
    kind = 0x91 if number.startswith("+") else 0x81
    return bytes((len(digits), kind)) + _semi_octets(digits)


def _service_address(smsc: str) -> bytes:
    """The SMSC before the TPDU (27.005 3.1); empty takes the one that the SIM holds."""
    if not smsc:
        return b"\x00"
    address = _address(smsc)
    return bytes((len(address) - 1,)) + address[1:]


def _semi_octets(digits: str) -> bytes:
    padded = digits + "F" * (len(digits) % 2)
    return bytes.fromhex("".join(padded[i + 1] + padded[i] for i in range(0, len(padded), 2)))


# ------------------------------------------------------------------------------------------------------------- in


def decode_incoming(text: str) -> Deliver | StatusReport:
    """A PDU from the network, as +CMT, +CDS or +CMGR give it. Raises BadPdu."""
    try:
        reader = _Reader(bytes.fromhex(text))
        reader.take(reader.octet())
        first = reader.octet()
        match first & 0x03:
            case 0:
                return _deliver(reader, has_header=bool(first & 0x40))
            case 2:
                return _status_report(reader)
    except (ValueError, IndexError, OverflowError) as fault:
        raise BadPdu(f"{text[:40]}…: {fault}") from None
    raise BadPdu(f"{text[:40]}…: type {first & 0x03} is neither DELIVER nor STATUS-REPORT")


def _status_report(reader: "_Reader") -> StatusReport:
    number, recipient = reader.octet(), reader.address()
    accepted, ended = reader.instant_ms(), reader.instant_ms()
    return StatusReport(
        number=number, recipient=recipient, accepted_at_ms=accepted, ended_at_ms=ended, status=reader.octet()
    )


def _deliver(reader: "_Reader", *, has_header: bool) -> Deliver:
    sender = reader.address()
    reader.octet()
    dcs, at_ms, length = reader.octet(), reader.instant_ms(), reader.octet()
    is_wide = dcs & 0x0C == 0x08
    data = reader.take(length if is_wide else -(-length * 7 // 8))
    header = data[1 : 1 + data[0]] if has_header else b""
    taken = 1 + len(header) if has_header else 0
    if is_wide:
        text = data[taken:].decode("utf-16-be")
    else:
        skipped = -(-taken * 8 // 7)
        text = text_of(unpack(data[taken:], length - skipped, skipped * 7 - taken * 8))
    reference, of, n = _concatenation(header)
    return Deliver(sender=sender, text=text, sent_at_ms=at_ms, reference=reference, of=of, n=n)


def _concatenation(header: bytes) -> tuple[int, int, int]:
    at = 0
    while at + 1 < len(header):
        kind, length = header[at], header[at + 1]
        body = header[at + 2 : at + 2 + length]
        if kind == 0x00 and length == 3:
            return body[0], body[1], body[2]
        if kind == 0x08 and length == 4:
            return int.from_bytes(body[:2], "big"), body[2], body[3]
        at += 2 + length
    return 0, 1, 1


class _Reader:
    """Takes fields off the front of a PDU."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    def octet(self) -> int:
        return self.take(1)[0]

    def take(self, count: int) -> bytes:
        taken = self._octets[self._at : self._at + count]
        if len(taken) < count:
            raise ValueError(f"ends at octet {len(self._octets)} inside a field")
        self._at += count
        return taken

    def address(self) -> str:
        """9.1.2.5: count of digits, kind, digits; letters where the kind says so."""
        digits, kind = self.octet(), self.octet()
        raw = self.take((digits + 1) // 2)
        if kind & 0x70 == 0x50:
            return text_of(unpack(raw, digits * 4 // 7))
        text = "".join(f"{octet & 0x0F:X}{octet >> 4:X}" for octet in raw)[:digits]
        return ("+" if kind & 0x70 == 0x10 else "") + text

    def instant_ms(self) -> int:
        """9.2.3.11: year to second and zone in quarters of an hour, all as swapped digits."""
        raw = self.take(7)
        fields = [(octet & 0x0F) * 10 + (octet >> 4) for octet in raw[:6]]
        zone = raw[6]
        quarters = (zone & 0x07) * 10 + (zone >> 4)
        offset = timedelta(minutes=15 * (-quarters if zone & 0x08 else quarters))
        year, month, day, hour, minute, second = fields
        at = datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC) - offset
        return int(at.timestamp()) * 1000
