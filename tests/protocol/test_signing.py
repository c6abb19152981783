"""Keys and signatures, against libsodium's verdict (PyNaCl) and the known list of points of small order."""

import base64

import nacl.bindings
import nacl.exceptions
import nacl.signing
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import BadSignature
from protocol.signing import PublicKey, WeakKey, public_key, public_key_from_text, signing_key

P = 2**255 - 19
SMALL_ORDER_Y = (
    0,
    1,
    P - 1,
    int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"),
    int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"),
)
"""y of all points of order 1, 2, 4 and 8, as libsodium lists them; with either sign of x."""


def encoded(y: int, sign: int) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


SMALL = [encoded(y, sign) for y in SMALL_ORDER_Y for sign in (0, 1)]
NOT_CANONICAL = [encoded(P + low, sign) for low in range(19) for sign in (0, 1)]


@pytest.mark.parametrize("raw", SMALL, ids=bytes.hex)
def test_a_key_of_small_order_is_refused(raw: bytes) -> None:
    assert not nacl.bindings.crypto_core_ed25519_is_valid_point(raw)
    with pytest.raises(WeakKey, match="small order"):
        public_key(raw)


@pytest.mark.parametrize("raw", NOT_CANONICAL, ids=bytes.hex)
def test_a_key_with_a_second_spelling_is_refused(raw: bytes) -> None:
    assert not nacl.bindings.crypto_core_ed25519_is_valid_point(raw)
    with pytest.raises(WeakKey, match="not in canonical form"):
        public_key(raw)


def test_one_signature_would_fit_everything_under_a_key_of_small_order() -> None:
    """Why they are refused: order 1, R the same point, S 0, and the check says yes to any message."""
    neutral = encoded(1, 0)
    forged = PublicKey(neutral, "")
    assert forged.fits(neutral + bytes(32), b"pay me")
    assert forged.fits(neutral + bytes(32), b"anything else")


@pytest.mark.parametrize("raw", [b"", bytes(31), bytes(33), b"x"])
def test_a_key_has_32_bytes(raw: bytes) -> None:
    with pytest.raises(WeakKey, match="32 bytes"):
        public_key(raw)


@pytest.mark.parametrize("text", ["", "A", "====", "key", "é", "A" * 43, "A" * 43 + "=\n", "AAAA AAAA"])
def test_a_key_text_is_base64_of_32_bytes(text: str) -> None:
    with pytest.raises(BadSignature):
        public_key_from_text(text)


def test_a_key_comes_back_from_its_text() -> None:
    key = signing_key(bytes(range(32)))
    assert public_key_from_text(key.public.text) == key.public
    assert key.public.text == base64.b64encode(key.public.raw).decode()
    assert key.seed() == bytes(range(32))
    assert signing_key(key.seed()).public == key.public


def test_a_private_key_is_not_printed() -> None:
    key = signing_key(b"\x07" * 32)
    assert key.seed().hex() not in repr(key)
    assert key.public.keyid[:12] in repr(key)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_libsodium_makes_and_takes_the_same_signatures(seed: bytes, message: bytes) -> None:
    ours, theirs = signing_key(seed), nacl.signing.SigningKey(seed)
    signature = ours.sign(message)
    assert ours.public.raw == theirs.verify_key.encode()
    assert signature == theirs.sign(message).signature
    theirs.verify_key.verify(message, signature)
    assert ours.public.fits(signature, message)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=50), st.integers(0, 511), st.integers(0, 7))
def test_a_changed_signature_or_message_does_not_fit(seed: bytes, message: bytes, bit: int, other: int) -> None:
    key = signing_key(seed)
    signature = bytearray(key.sign(message))
    assert not key.public.fits(bytes(signature), message + b"x")
    signature[bit // 8] ^= 1 << bit % 8
    assert not key.public.fits(bytes(signature), message)


def test_a_signature_has_no_second_spelling() -> None:
    """S + L signs the same equation; it is refused (RFC 8032, 5.1.7)."""
    order = 2**252 + 27742317777372353535851937790883648493
    key = signing_key(b"\x01" * 32)
    signature = key.sign(b"m")
    high = (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    assert key.public.fits(signature, b"m")
    assert not key.public.fits(signature[:32] + high, b"m")


@pytest.mark.parametrize("length", [0, 63, 65, 128])
def test_a_signature_has_64_bytes(length: int) -> None:
    key = signing_key(b"\x01" * 32)
    assert not key.public.fits((key.sign(b"m") * 2)[:length], b"m")


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
def test_random_bytes_as_key_and_signature_get_libsodiums_verdict(raw: bytes, signature: bytes) -> None:
    try:
        nacl.signing.VerifyKey(raw).verify(b"m", signature)
        theirs = True
    except (nacl.exceptions.BadSignatureError, ValueError):
        theirs = False
    try:
        ours = public_key(raw).fits(signature, b"m")
    except WeakKey:
        ours = False
    assert ours == theirs
