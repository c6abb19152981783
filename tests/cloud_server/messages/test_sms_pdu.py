"""PDUs against vectors made by hand from the standard, and against a decoder that is not ours."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smspdudecoder.fields import SMSDeliver, SMSSubmit

from cloud_server.core.sms_alphabet import pack, septets_of, text_of, unpack
from cloud_server.core.sms_text import Coding, split
from cloud_server.messages.sms_pdu import (
    BadPdu,
    Deliver,
    StatusReport,
    Submit,
    decode_incoming,
    encode_submit,
    validity_octet,
)

EVERY_GSM = "".join(chr(c) for c in range(0x20000) if not 0xD800 <= c < 0xE000 and septets_of(chr(c)) is not None)


def submit(text: str, **how: object) -> Submit:
    return Submit(number="+8613800138000", text=text, coding=split(text).coding, **how)  # type: ignore[arg-type]  # a test bends any field


# Octet by octet as 23.040 9.2.2.2 lays them out: first octet, MR, length and kind of the address, swapped digits, PID,
# DCS, VP, UDL, UD. "hellohello" packed is the worked example of every book: E8329BFD4697D9EC37.
@pytest.mark.parametrize(
    ("part", "hexed", "octets"),
    [
        (
            submit("hellohello", wants_report=False, validity_min=4 * 1440),
            "00" "11" "00" "0D91" "683108108300F0" "00" "00" "AA" "0A" "E8329BFD4697D9EC37",
            24,
        ),
        (
            submit("hellohello", smsc="+8613800100500"),
            "0891683108100005F0" "31" "00" "0D91" "683108108300F0" "00" "00" "A7" "0A" "E8329BFD4697D9EC37",
            24,
        ),
        (
            submit("断电"),
            "00" "31" "00" "0D91" "683108108300F0" "00" "08" "A7" "04" "65AD7535",
            19,
        ),
        # Two extension characters are two septets each: 1B 65 (€), 1B 3C ([): 4 septets in 28 bits.
        (submit("€["), "00" "31" "00" "0D91" "683108108300F0" "00" "00" "A7" "04" "9BF28607", 19),
        # A header of 7 octets: 06 08 04 ref ref of n; 66 code units and it fill 139 octets.
        (
            Submit(number="10086", text="余", coding=Coding.UCS2, reference=0xABCD, of=3, n=2),
            "00" "71" "00" "0581" "0180F6" "00" "08" "A7" "09" "060804ABCD0302" "4F59",
            20,
        ),
        # The same header before 7-bit text is exactly 8 septets: no fill bits.
        (
            Submit(number="10086", text="A", coding=Coding.GSM7, reference=1, of=2, n=1),
            "00" "71" "00" "0581" "0180F6" "00" "00" "A7" "09" "06080400010201" "41",
            19,
        ),
    ],
)  # fmt: skip
def test_by_hand(part: Submit, hexed: str, octets: int) -> None:
    pdu = encode_submit(part)
    assert (pdu.hex, pdu.tpdu_octets) == (hexed, octets)


def test_a_status_report_by_hand() -> None:
    # 23.040 9.2.2.3; accepted 2026-11-22 12:00:05 at +8 h (32 quarters: 23 swapped), delivered 3 s later, status 0.
    text = "00062A0D91683108108300F0621122210050236211222100802300"
    at = int(datetime(2026, 11, 22, 4, 0, 5, tzinfo=UTC).timestamp() * 1000)
    report = decode_incoming(text)
    assert report == StatusReport(
        number=42, recipient="+8613800138000", accepted_at_ms=at, ended_at_ms=at + 3_000, status=0
    )


@pytest.mark.parametrize(
    ("status", "fate"),
    [(0, "delivered"), (1, "delivered"), (2, "delivered"), (0x20, "trying"), (0x30, "trying"), (0x40, "failed"),
     (0x46, "failed"), (0x60, "failed"), (0x65, "failed")],
)  # fmt: skip
def test_what_a_status_means(status: int, fate: str) -> None:
    assert StatusReport(number=1, recipient="1", accepted_at_ms=0, ended_at_ms=0, status=status).fate == fate


def test_a_zone_west_of_greenwich() -> None:
    # -5 h are 20 quarters with the sign in bit 3 of the first digit: 02 | 08 = 0A.
    report = decode_incoming("0006010081" + "6211222100500A" * 2 + "00")
    assert isinstance(report, StatusReport)
    assert report.accepted_at_ms == int(datetime(2026, 11, 22, 17, 0, 5, tzinfo=UTC).timestamp() * 1000)


def test_what_comes_in_against_another_reader() -> None:
    told = []
    # A DELIVER with an alphanumeric sender and the extension table; one in UCS-2 with an 8-bit reference.
    for text in ("07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37",
                 "0891683108100005F04005A10180F60008621122210050230E05000342020165AD75354F593002"):  # fmt: skip
        ours = decode_incoming(text)
        theirs = SMSDeliver.decode(StringIO(text))
        assert isinstance(ours, Deliver)
        told.append((ours.reference, ours.of, ours.n))
        assert ours.text == theirs["user_data"]["data"]
        assert ours.sent_at_ms == int(theirs["scts"].timestamp() * 1000)
    assert told == [(0, 1, 1), (0x42, 2, 1)]


@pytest.mark.parametrize("text", ["", "zz", "00", "0001", "000600", "0791683108100005F0", "0003", "00060100910"])
def test_what_is_no_pdu_is_refused_with_words(text: str) -> None:
    with pytest.raises(BadPdu, match="…: "):
        decode_incoming(text)


@pytest.mark.parametrize(
    ("minutes", "octet"),
    [(1, 0), (5, 0), (60, 11), (720, 143), (750, 144), (1_440, 167), (2_880, 168), (43_200, 196), (50_400, 197),
     (635_040, 255), (10**9, 255)],
)  # fmt: skip
def test_validity(minutes: int, octet: int) -> None:
    assert validity_octet(minutes) == octet


@pytest.mark.parametrize("number", ["", "+", "138-0013", "１３８", "1" * 21, "abc"])
def test_what_is_no_number(number: str) -> None:
    with pytest.raises(ValueError, match="telephone number"):
        encode_submit(Submit(number=number, text="x", coding=Coding.GSM7))


@pytest.mark.parametrize(
    ("text", "coding", "parts"),
    [("", "gsm7", 1), ("a" * 160, "gsm7", 1), ("a" * 161, "gsm7", 2), ("a" * 304, "gsm7", 2), ("a" * 305, "gsm7", 3),
     ("€" * 80, "gsm7", 1), ("€" * 81, "gsm7", 2), ("a" * 151 + "€" * 10, "gsm7", 2), ("电" * 70, "ucs2", 1),
     ("电" * 71, "ucs2", 2), ("电" * 132, "ucs2", 2), ("电" * 133, "ucs2", 3), ("💡" * 35, "ucs2", 1),
     ("💡" * 36, "ucs2", 2), ("电" * 65 + "💡" * 3, "ucs2", 2), ("a`", "ucs2", 1)],
)  # fmt: skip
def test_how_many_parts(text: str, coding: str, parts: int) -> None:
    cut = split(text)
    assert (cut.coding, len(cut.texts), "".join(cut.texts)) == (coding, parts, text)


def test_a_pair_is_never_split() -> None:
    assert [len(part) for part in split("a" * 151 + "€" * 10).texts] == [151, 10]
    assert [len(part) for part in split("电" * 65 + "💡" * 3).texts] == [65, 3]


def test_every_character_of_the_alphabet_there_and_back() -> None:
    assert len(EVERY_GSM) == 137
    for character in EVERY_GSM:
        found = septets_of(character)
        assert found is not None
        (septets,) = found
        assert text_of(unpack(pack(septets), len(septets))) == character


@settings(max_examples=150, deadline=None)
@given(
    text=st.one_of(st.text(st.sampled_from(EVERY_GSM), min_size=1, max_size=700), st.text(min_size=1, max_size=300)),
    reference=st.integers(0, 0xFFFF),
)
def test_another_decoder_reads_what_we_send(text: str, reference: int) -> None:
    if any(0xD800 <= ord(c) < 0xE000 for c in text):
        return
    cut = split(text)
    read = []
    for n, part in enumerate(cut.texts, 1):
        pdu = encode_submit(
            Submit(number="+8613800138000", text=part, coding=cut.coding, reference=reference, of=len(cut.texts), n=n)
        )
        assert pdu.tpdu_octets <= 155
        found = SMSSubmit.decode(StringIO(pdu.hex))
        assert found["recipient"]["number"] == "8613800138000"
        theirs = found["user_data"]["data"]
        # Seven bits of filling look like one more "@" to a decoder that does not count the septets.
        assert theirs in (part, f"{part}@" if cut.coding is Coding.GSM7 else part)
        read.append(theirs[: len(part)])
        header = found["user_data"].get("header")
        if len(cut.texts) > 1:
            (element,) = header["elements"]
            told = element["data"]
            assert (told["reference"], told["parts_count"], told["part_number"]) == (reference, len(cut.texts), n)
        else:
            assert header is None
    assert "".join(read) == text
