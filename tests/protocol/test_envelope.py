"""Lines and bodies: what is sealed can be opened, and what lies about itself is refused before it costs anything."""

import base64
import contextlib
import json
import struct
import tracemalloc
import zlib
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from protocol import limits
from protocol.envelope import (
    BadEncoding,
    Line,
    check_signature,
    pae,
    read_body,
    read_line,
    seal,
    sign_again,
    write_body,
)
from protocol.errors import BadSignature, NotALine, OurFault, TheirFault, TooLarge
from protocol.signing import signing_key
from tests.vectors import independent

KEY, OTHER = signing_key(b"\x01" * 32), signing_key(b"\x02" * 32)
LINE = seal("sync", b'{"a":1}', KEY)
ENVELOPE: dict[str, Any] = json.loads(LINE.raw)
MEBIBYTE = 1024 * 1024


def written(**changed: Any) -> bytes:
    return json.dumps(ENVELOPE | changed, separators=(",", ":")).encode()


# ---------------------------------------------------------------------------------------------------------------- lines


@given(st.text(max_size=40), st.binary(max_size=200))
def test_the_pae_is_that_of_securesystemslib(payload_type: str, payload: bytes) -> None:
    assert pae(payload_type, payload) == independent.pae(payload_type, payload)


def test_the_pae_counts_bytes_and_not_characters() -> None:
    """The example of DSSE's protocol.md, and one with a length in characters that would differ."""
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert pae("é", "电".encode()) == b"DSSEv1 2 \xc3\xa9 3 \xe7\x94\xb5"


@given(st.sampled_from(["batch", "command", "lock_out"]), st.binary(max_size=300))
def test_a_sealed_line_opens(type_name: str, payload: bytes) -> None:
    line = seal(type_name, payload, KEY)
    read = read_line(line.raw)
    assert read == line
    assert (read.type_name, read.payload, read.hash) == (type_name, payload, line.hash)
    assert check_signature(read, {KEY.public.keyid: KEY.public}) == KEY.public
    assert independent.open_line(line.raw.decode(), [KEY.public.raw]).hash == line.hash


def test_a_line_is_one_line_of_the_three_fields() -> None:
    assert b"\n" not in LINE.raw
    assert list(ENVELOPE) == ["payloadType", "payload", "signatures"]
    assert ENVELOPE["payloadType"] == "application/vnd.tallybox.sync.v1+json"
    assert ENVELOPE["signatures"][0]["keyid"] == KEY.public.keyid


def test_white_space_and_order_do_not_change_a_line() -> None:
    turned = json.dumps(dict(reversed(ENVELOPE.items())), indent=2).replace("\n", "\r").encode()
    assert read_line(turned).hash == LINE.hash
    assert read_line(turned).raw == turned, "the bytes that came are the bytes that are kept"


def test_signing_again_keeps_hash_and_payload() -> None:
    twice = sign_again(LINE, OTHER)
    assert (twice.hash, twice.payload, twice.type_name) == (LINE.hash, LINE.payload, LINE.type_name)
    assert read_line(twice.raw) == twice
    for key in (KEY, OTHER):
        assert check_signature(twice, {key.public.keyid: key.public}) == key.public
    assert twice == seal("sync", LINE.payload, KEY, OTHER)


def test_the_first_signature_of_a_trusted_key_decides() -> None:
    twice = sign_again(LINE, OTHER)
    both = {key.public.keyid: key.public for key in (OTHER, KEY)}
    assert check_signature(twice, both) == KEY.public
    spoiled = Line(twice.raw, twice.type_name, twice.payload, ((KEY.public.keyid, bytes(64)), twice.signatures[1]))
    assert check_signature(spoiled, both) == OTHER.public


def test_no_trusted_key_no_line() -> None:
    for keys in ({}, {OTHER.public.keyid: OTHER.public}, {KEY.public.keyid: OTHER.public}):
        with pytest.raises(BadSignature, match="sync line"):
            check_signature(LINE, keys)


@given(st.integers(min_value=0))
def test_any_flipped_bit_of_the_payload_is_noticed(bit: int) -> None:
    payload = bytearray(LINE.payload)
    payload[bit // 8 % len(payload)] ^= 1 << bit % 8
    with pytest.raises(BadSignature):
        check_signature(Line(LINE.raw, LINE.type_name, bytes(payload), LINE.signatures), {KEY.public.keyid: KEY.public})


def test_what_is_signed_as_one_thing_is_no_other() -> None:
    other = read_line(written(payloadType="application/vnd.tallybox.batch.v1+json"))
    assert other.hash != LINE.hash
    with pytest.raises(BadSignature, match="batch line"):
        check_signature(other, {KEY.public.keyid: KEY.public})


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"null",
        b"{}",
        b"[]",
        b"hello",
        LINE.raw[:-1],
        LINE.raw + b"}",
        LINE.raw + LINE.raw,
        b"\xef\xbb\xbf" + LINE.raw,
        b"\xff" + LINE.raw,
        written(extra=1),
        written(signatures=[]),
        written(signatures=ENVELOPE["signatures"] * 5),
        written(signatures=[ENVELOPE["signatures"][0] | {"extra": 1}]),
        written(signatures=[{"keyid": KEY.public.keyid}]),
        written(signatures=[{"sig": ""}]),
        written(signatures=[{"keyid": 7, "sig": ""}]),
        written(signatures=None),
        written(payload=7),
        written(payload="a"),
        written(payload="ab-_"),
        written(payload="YQ"),
        written(payload="YQ==\n"),
        written(payload="YQ==YQ=="),
        written(payload="é==="),
        written(payload=None),
        written(payloadType=None),
        written(payloadType=""),
        written(payloadType="application/json"),
        written(payloadType="application/vnd.tallybox.sync.v2+json"),
        written(payloadType="application/vnd.tallybox..v1+json"),
        written(payloadType="application/vnd.tallybox.v1+json"),
        written(payloadType="application/vnd.tallybox.Sync.v1+json"),
        written(payloadType="application/vnd.tallybox.sync.v1+json\n"),
        written(payloadType="application/vnd.tallybox." + "a" * 41 + ".v1+json"),
        written(payloadType="xapplication/vnd.tallybox.sync.v1+json"),
        LINE.raw.replace(b'"payload":', b'"payload":"e30=","payload":'),
        LINE.raw.replace(b'"keyid":', b'"keyid":"","keyid":'),
        b'{"payload":"e30=","signatures":[{"keyid":"","sig":""}]}',
        b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_line(raw: bytes) -> None:
    with pytest.raises(NotALine):
        read_line(raw)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_line_or_no_line(raw: bytes) -> None:
    with pytest.raises(NotALine):
        read_line(raw)


def test_lines_and_payloads_end_at_their_limits() -> None:
    largest = seal("batch", bytes(limits.PAYLOAD_BYTES_MAX), KEY)
    assert read_line(largest.raw).payload == largest.payload
    with pytest.raises(OurFault, match="the format allows"):
        seal("batch", bytes(limits.PAYLOAD_BYTES_MAX + 1), KEY)
    more = json.loads(largest.raw) | {"payload": base64.b64encode(bytes(limits.PAYLOAD_BYTES_MAX + 1)).decode()}
    with pytest.raises(TooLarge, match="payload of"):
        read_line(json.dumps(more).encode())
    with pytest.raises(TooLarge, match="line of"):
        read_line(LINE.raw + b" " * limits.LINE_BYTES_MAX)


def test_an_unsigned_line_cannot_be_made() -> None:
    with pytest.raises(OurFault, match="at least one signature"):
        seal("batch", b"{}")


# --------------------------------------------------------------------------------------------------------------- bodies

LINES = [seal("batch", b'{"n":%d}' % n, KEY) for n in range(5)]


@pytest.mark.parametrize("encoding", ["zstd", "gzip", "identity"])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_body_comes_back(encoding: str, count: int) -> None:
    assert read_body(write_body(LINES[:count], encoding), encoding) == LINES[:count]


def test_a_body_without_a_named_encoding_is_plain() -> None:
    assert read_body(write_body(LINES, "identity"), "") == LINES


def test_a_body_shrinks() -> None:
    plain = len(write_body(LINES * 20, "identity"))
    assert len(write_body(LINES * 20)) * 5 < plain
    assert len(write_body(LINES * 20, "gzip")) * 5 < plain


@pytest.mark.parametrize("encoding", ["br", "ZSTD", "x" * 1_000, "gzip, zstd"])
def test_another_encoding_is_not_spoken(encoding: str) -> None:
    with pytest.raises(BadEncoding, match="spoken here: zstd, gzip, identity"):
        read_body(b"", encoding)
    with pytest.raises(OurFault, match="known are"):
        write_body(LINES, encoding)


def test_lines_may_end_in_carriage_return_and_the_last_in_nothing() -> None:
    raws = [line.raw for line in LINES]
    for body in (b"\n".join(raws), b"\r\n".join(raws) + b"\r\n", b"\r\n".join(raws)):
        assert read_body(body) == LINES, "the line is the same, byte for byte"


@pytest.mark.parametrize(
    "body", [b"\n", b"\n\n", b"\r\n", LINE.raw + b"\n\n", b"\n" + LINE.raw, LINE.raw + b"\n\n" + LINE.raw, b" \n"]
)
def test_an_empty_line_is_no_line(body: bytes) -> None:
    with pytest.raises(NotALine):
        read_body(body)


def test_one_bad_line_spoils_a_body() -> None:
    with pytest.raises(NotALine):
        read_body(write_body(LINES, "identity") + b"{}\n")


def test_a_body_has_no_more_than_so_many_lines() -> None:
    assert len(read_body((LINE.raw + b"\n") * limits.LINES_MAX)) == limits.LINES_MAX
    for body in ((LINE.raw + b"\n") * (limits.LINES_MAX + 1), b"\n".join([LINE.raw] * (limits.LINES_MAX + 1))):
        with pytest.raises(TooLarge, match="2001 lines"):
            read_body(body)


def test_sixteen_million_empty_lines_cost_no_memory() -> None:
    body = b"\n" * limits.BODY_BYTES_MAX
    tracemalloc.start()
    with pytest.raises(TooLarge):
        read_body(body)
    assert tracemalloc.get_traced_memory()[1] < MEBIBYTE
    tracemalloc.stop()


def zstd_frame(descriptor: int, header: bytes, *runs: int) -> bytes:
    """A frame of run-length blocks, written by hand (RFC 8878, 3.1.1): it may say of itself what it likes."""
    blocks = [
        struct.pack("<I", length << 3 | 1 << 1 | (index == len(runs) - 1))[:3] + b"x"
        for index, length in enumerate(runs)
    ]
    return b"\x28\xb5\x2f\xfd" + bytes([descriptor]) + header + b"".join(blocks)


SAYS_ITS_SIZE, SAYS_IT_IN_8, SAYS_NOTHING = 0xA0, 0xE0, 0x00
WINDOW_8_MIB, WINDOW_128_MIB = bytes([13 << 3]), bytes([17 << 3])


@pytest.mark.parametrize(
    ("body", "error", "why"),
    [
        (zstd_frame(SAYS_ITS_SIZE, struct.pack("<I", 10), 100_000), BadEncoding, "orrupt"),
        (zstd_frame(SAYS_ITS_SIZE, struct.pack("<I", 100_000), 10), BadEncoding, "orrupt"),
        (zstd_frame(SAYS_ITS_SIZE, struct.pack("<I", limits.BODY_BYTES_MAX), 10), BadEncoding, "orrupt"),
        (zstd_frame(SAYS_ITS_SIZE, struct.pack("<I", limits.BODY_BYTES_MAX + 1), 10), TooLarge, "by its header"),
        (zstd_frame(SAYS_IT_IN_8, struct.pack("<Q", 2**60), 10), TooLarge, "by its header"),
        (zstd_frame(SAYS_NOTHING, WINDOW_128_MIB, 10), BadEncoding, "too much memory"),
        (zstd_frame(SAYS_NOTHING, WINDOW_8_MIB, *[100_000] * 1_000), TooLarge, "after decompression"),
        (zstd_frame(SAYS_NOTHING, WINDOW_8_MIB, 100)[:-1], BadEncoding, "does not decompress"),
        (zstandard.compress(bytes(64 * MEBIBYTE)), TooLarge, "by its header"),
        (zstandard.compress(b"a")[:-1], BadEncoding, "does not decompress"),
        (zstandard.compress(b"a") + b"z", BadEncoding, "unused data"),
        (zstandard.compress(b"a") * 2, BadEncoding, "unused data"),
        (b"", BadEncoding, "does not decompress"),
        (b"not zstd", BadEncoding, "does not decompress"),
        (bytes(limits.PACKED_BODY_BYTES_MAX + 1), TooLarge, "compressed"),
    ],
)  # fmt: skip
def test_a_zstd_body_that_lies_or_swells(body: bytes, error: type[TheirFault], why: str) -> None:
    tracemalloc.start()
    with pytest.raises(error, match=why):
        read_body(body, "zstd")
    assert tracemalloc.get_traced_memory()[1] < 3 * limits.BODY_BYTES_MAX
    tracemalloc.stop()


def gzipped(plain: bytes, level: int = 9) -> bytes:
    packer = zlib.compressobj(level, wbits=31)
    return packer.compress(plain) + packer.flush()


@pytest.mark.parametrize(
    ("body", "error", "why"),
    [
        (gzipped(bytes(64 * MEBIBYTE)), TooLarge, "after decompression"),
        (gzipped(b"a")[:-1], BadEncoding, "one whole gzip member"),
        (gzipped(b"a")[:5], BadEncoding, "one whole gzip member"),
        (gzipped(b"a") + b"z", BadEncoding, "one whole gzip member"),
        (gzipped(b"a") * 2, BadEncoding, "one whole gzip member"),
        (zlib.compress(b"a"), BadEncoding, "does not decompress"),
        (gzipped(b"abc")[:-5] + b"\x00" * 5, BadEncoding, "does not decompress"),
        (b"", BadEncoding, "one whole gzip member"),
    ],
)
def test_a_gzip_body_that_lies_or_swells(body: bytes, error: type[TheirFault], why: str) -> None:
    tracemalloc.start()
    with pytest.raises(error, match=why):
        read_body(body, "gzip")
    assert tracemalloc.get_traced_memory()[1] < 3 * limits.BODY_BYTES_MAX
    tracemalloc.stop()


@pytest.mark.parametrize("extra", [0, 1])
@pytest.mark.parametrize("encoding", ["zstd", "gzip", "identity", "silent zstd"])
def test_a_body_ends_at_its_limit(encoding: str, extra: int) -> None:
    plain = (LINE.raw + b" " * (limits.BODY_BYTES_MAX + extra - len(LINE.raw) - 1)) + b"\n"
    if encoding == "gzip":
        body = gzipped(plain, 1)
    elif encoding == "identity":
        body = plain
    else:
        body = zstandard.ZstdCompressor(write_content_size=encoding == "zstd").compress(plain)
    with pytest.raises(TooLarge, match="line of" if not extra else "after decompression|by its header"):
        read_body(body, encoding.removeprefix("silent "))


@given(st.binary(max_size=100), st.sampled_from(["zstd", "gzip", "identity"]))
def test_any_bytes_are_a_body_or_their_fault(body: bytes, encoding: str) -> None:
    with contextlib.suppress(TheirFault):
        assert read_body(body, encoding) == []
