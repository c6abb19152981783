"""Ed25519 keys, signatures, and the check for small-order keys. The only use of `cryptography` in this package.

Keeps no keys and reads no files: bytes in, bytes out.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol.errors import BadSignature

KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
_FIELD_PRIME: Final = 2**255 - 19
_SMALL_ORDER_Y: Final = frozenset(
    int.from_bytes(bytes.fromhex(text), "little")
    for text in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)
"""y coordinates of the eight points of small order on edwards25519: with such a key one signature fits all messages."""


class WeakKey(BadSignature):
    """A public key that must not be trusted: small order, not canonical, or of the wrong length."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A checked Ed25519 public key. `text` is its base64; `keyid` the SHA-256 of its raw bytes in hex."""

    raw: bytes
    keyid: str

    @property
    def text(self) -> str:
        return base64.b64encode(self.raw).decode()

    def fits(self, signature: bytes, message: bytes) -> bool:
        """Tell whether `signature` over `message` was made by this key's owner."""
        if len(signature) != SIGNATURE_BYTES:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True


def public_key(raw: bytes) -> PublicKey:
    """Check raw bytes (32) as a public key. Raises WeakKey for small-order and non-canonical ones (RFC 8032, 5.1.3)."""
    if len(raw) != KEY_BYTES:
        raise WeakKey(f"a public key has {KEY_BYTES} bytes, this one {len(raw)}")
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    if y >= _FIELD_PRIME:
        raise WeakKey("the public key is not in canonical form")
    if y in _SMALL_ORDER_Y:
        raise WeakKey("the public key has small order: it would accept forged signatures")
    return PublicKey(raw, hashlib.sha256(raw).hexdigest())


def public_key_from_text(text: str) -> PublicKey:
    """Read a public key from base64. Raises WeakKey."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise WeakKey(f"{text[:60]!r} is not base64") from None
    return public_key(raw)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private Ed25519 key with its public half. Never printed."""

    private: Ed25519PrivateKey
    public: PublicKey

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message)

    def seed(self) -> bytes:
        """The 32 secret bytes, to be kept in a file that only the owner reads."""
        return self.private.private_bytes_raw()

    def __repr__(self) -> str:
        return f"SigningKey(keyid={self.public.keyid[:12]}…)"


def signing_key(seed: bytes) -> SigningKey:
    """Make the key pair that belongs to 32 secret random bytes."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    return SigningKey(private, public_key(private.public_key().public_bytes_raw()))
