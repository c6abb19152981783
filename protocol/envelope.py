"""DSSE v1 envelopes as one JSON line each, and bodies of such lines. Home of zstandard.

A line is sealed once and kept as it is: the bytes that were signed are the bytes that are stored.
Opening checks form and signature; what the payload means is read by `protocol.messages` afterwards.
Source: DSSE v1.0.0 (protocol.md, envelope.md), https://github.com/secure-systems-lab/dsse
"""

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import msgspec
import zstandard

from protocol import limits
from protocol.errors import BadPayload, BadSignature, NotALine, OurFault, TheirFault, TooLarge
from protocol.ids import Hash
from protocol.payload import refuse_repeated_keys
from protocol.signing import PublicKey, SigningKey

PAYLOAD_TYPE_FORM: Final = "application/vnd.tallybox.{}.v1+json"
CONTENT_ENCODINGS: Final = ("zstd", "gzip", "identity")
_ZSTD_LEVEL: Final = 6
_ZSTD_WINDOW_BYTES_MAX: Final = 8 * 1024 * 1024
"""Memory that a frame may ask for its window: what every zstd decoder must allow (RFC 8878, section 3.1.1.1.2)."""
_GZIP_BITS: Final = 31
_PAYLOAD_TYPE: Final = re.compile(r"application/vnd\.tallybox\.([a-z_]{1,40})\.v1\+json")


class _Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keyid: str
    sig: str


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    payload_type: str
    payload: str
    signatures: list[_Signature]


_decoder: Final = msgspec.json.Decoder(_Envelope, strict=True)


class BadEncoding(TheirFault):
    """A body says an encoding that is not spoken here, or does not decompress."""


@dataclass(frozen=True)
class Line:
    """One signed line. `raw` is the line as sent and kept, without its line feed."""

    raw: bytes
    type_name: str
    payload: bytes
    signatures: tuple[tuple[str, bytes], ...]

    @property
    def message(self) -> bytes:
        """The exact bytes that the signatures cover."""
        return pae(PAYLOAD_TYPE_FORM.format(self.type_name), self.payload)

    @cached_property
    def hash(self) -> Hash:
        """SHA-256 over the PAE: the line's name for ever, whoever signs it again."""
        return hashlib.sha256(self.message).hexdigest()


def pae(payload_type: str, payload: bytes) -> bytes:
    """Pre-authentication encoding (DSSE v1.0.0, protocol.md: PAE)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def seal(type_name: str, payload: bytes, *keys: SigningKey) -> Line:
    """Sign a payload as a line of the given type ("batch", "command", …) with one key or several."""
    if not keys:
        raise OurFault("a line needs at least one signature")
    if len(payload) > limits.PAYLOAD_BYTES_MAX:
        raise OurFault(f"payload of {len(payload)} bytes; the format allows {limits.PAYLOAD_BYTES_MAX}")
    payload_type = PAYLOAD_TYPE_FORM.format(type_name)
    message = pae(payload_type, payload)
    signatures = tuple((key.public.keyid, key.sign(message)) for key in keys)
    return Line(_write(payload_type, payload, signatures), type_name, payload, signatures)


def sign_again(line: Line, key: SigningKey) -> Line:
    """Add a signature of a further key to a line (key rotation); hash and payload stay."""
    signatures = (*line.signatures, (key.public.keyid, key.sign(line.message)))
    raw = _write(PAYLOAD_TYPE_FORM.format(line.type_name), line.payload, signatures)
    return Line(raw, line.type_name, line.payload, signatures)


def _write(payload_type: str, payload: bytes, signatures: Iterable[tuple[str, bytes]]) -> bytes:
    return msgspec.json.encode(
        _Envelope(
            payload_type=payload_type,
            payload=base64.b64encode(payload).decode(),
            signatures=[_Signature(keyid, base64.b64encode(sig).decode()) for keyid, sig in signatures],
        )
    )


def read_line(raw: bytes) -> Line:
    """Read the form of one line; signatures are not checked yet. Raises NotALine, TooLarge."""
    if len(raw) > limits.LINE_BYTES_MAX:
        raise TooLarge(f"line of {len(raw)} bytes; at most {limits.LINE_BYTES_MAX}")
    try:
        envelope = _decoder.decode(raw)
        if msgspec.json.encode(envelope) != raw:  # else nothing stands in it twice
            refuse_repeated_keys(raw)
        payload = base64.b64decode(envelope.payload, validate=True)
        signatures = tuple((s.keyid, base64.b64decode(s.sig, validate=True)) for s in envelope.signatures)
    except (msgspec.MsgspecError, binascii.Error, ValueError, BadPayload) as fault:
        raise NotALine(f"no DSSE envelope: {fault}") from None
    kind = _PAYLOAD_TYPE.fullmatch(envelope.payload_type)
    if kind is None:
        raise NotALine(f"payloadType {envelope.payload_type[:80]!r} is not {PAYLOAD_TYPE_FORM.format('TYPE')}")
    if not 1 <= len(signatures) <= limits.SIGNATURES_MAX:
        raise NotALine(f"{len(signatures)} signatures; 1 to {limits.SIGNATURES_MAX} are allowed")
    if len(payload) > limits.PAYLOAD_BYTES_MAX:
        raise TooLarge(f"payload of {len(payload)} bytes; at most {limits.PAYLOAD_BYTES_MAX}")
    return Line(raw, kind[1], payload, signatures)


def check_signature(line: Line, keys: Mapping[str, PublicKey]) -> PublicKey:
    """Return the key of `keys` (by keyid) whose signature fits the line. Raises BadSignature.

    Unknown keyids are skipped (a line may carry the signature of a key that comes later).
    """
    message = line.message
    for keyid, signature in line.signatures:
        key = keys.get(keyid)
        if key is not None and key.fits(signature, message):
            return key
    raise BadSignature(f"no signature of a trusted key on this {line.type_name} line")


def write_body(lines: Iterable[Line], encoding: str = "zstd") -> bytes:
    """Join lines to a body (JSON Lines) and compress it."""
    plain = b"".join(line.raw + b"\n" for line in lines)
    if encoding == "zstd":
        return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(plain)
    if encoding == "gzip":
        packer = zlib.compressobj(wbits=_GZIP_BITS)
        return packer.compress(plain) + packer.flush()
    if encoding == "identity":
        return plain
    raise OurFault(f"content encoding {encoding!r}; known are {', '.join(CONTENT_ENCODINGS)}")


def read_body(body: bytes, encoding: str = "identity") -> list[Line]:
    """Read a body of lines within the limits. Raises BadEncoding, TooLarge, NotALine; checks no signature.

    Line feeds end lines (the last may lack its own); a carriage return before one, as some editors and mail programs
    add, is not part of the line. An empty line is none.
    """
    plain = _unpack(body, encoding)
    count = plain.count(b"\n") + (plain[-1:] not in (b"", b"\n"))
    if count > limits.LINES_MAX:
        raise TooLarge(f"{count} lines; at most {limits.LINES_MAX}")
    raws = plain.removesuffix(b"\n").split(b"\n") if plain else []
    return [read_line(raw.removesuffix(b"\r")) for raw in raws]


def _unpack(body: bytes, encoding: str) -> bytes:
    """Decompress with a hard bound: a frame that lies about its size is refused before memory is spent."""
    if encoding in ("", "identity"):
        plain = body
    elif encoding not in CONTENT_ENCODINGS:
        raise BadEncoding(f"Content-Encoding {encoding[:40]!r}; spoken here: {', '.join(CONTENT_ENCODINGS)}")
    elif len(body) > limits.PACKED_BODY_BYTES_MAX:
        raise TooLarge(f"body of {len(body)} bytes; at most {limits.PACKED_BODY_BYTES_MAX} compressed")
    else:
        try:
            plain = _unpack_zstd(body) if encoding == "zstd" else _unpack_gzip(body)
        except (zstandard.ZstdError, zlib.error) as fault:
            raise BadEncoding(f"the body does not decompress as {encoding}: {fault}") from None
    if len(plain) > limits.BODY_BYTES_MAX:
        raise TooLarge(f"more than {limits.BODY_BYTES_MAX} bytes after decompression")
    return plain


def _unpack_zstd(body: bytes) -> bytes:
    """One whole frame. What it says of its size is looked at first; one that says nothing gets the bound as room."""
    bound = limits.BODY_BYTES_MAX
    said = zstandard.frame_content_size(body)
    if said > bound:
        raise TooLarge(f"a frame of {said} bytes by its header; at most {bound}")
    unpacker = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES_MAX)
    try:
        return unpacker.decompress(body, max_output_size=bound, allow_extra_data=False)
    except zstandard.ZstdError:
        with unpacker.stream_reader(body) as reader:
            if len(reader.read(bound + 1)) > bound:
                raise TooLarge(f"more than {bound} bytes after decompression") from None
        raise


def _unpack_gzip(body: bytes) -> bytes:
    """One whole member: what is cut short or carries more behind it is no body of ours."""
    unpacker = zlib.decompressobj(wbits=_GZIP_BITS)
    plain = unpacker.decompress(body, limits.BODY_BYTES_MAX + 1)
    if len(plain) <= limits.BODY_BYTES_MAX and (not unpacker.eof or unpacker.unused_data):
        raise BadEncoding("the body is not one whole gzip member")
    return plain
