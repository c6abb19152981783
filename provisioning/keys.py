"""The site root and the centre's Ed25519 keys as files. Makes and reads them; signs nothing, sends nothing.

The root key lies apart from everything else (a stick in a safe) and is enciphered with a passphrase: scrypt
(RFC 7914) and AES-256-GCM (NIST SP 800-38D). Command and answer key lie at the centre, readable by its user alone.
"""

import base64
import binascii
import secrets
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from protocol.signing import KEY_BYTES, SigningKey, signing_key
from provisioning.files import PUBLIC_MODE, SECRET_MODE, write_file

PASSPHRASE_LENGTH_MIN: Final = 12
"""Characters. Length before composition; four words are easier to keep than eight signs."""
SCRYPT_COST: Final = 2**17
"""With block size 8: 128 MiB and about half a second for each guess (OWASP's first choice for scrypt)."""
SCRYPT_BLOCK: Final = 8
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_PURPOSE: Final = b"tallybox site root 1"


class KeyFault(Exception):
    """A key file that cannot be used, or a passphrase that does not fit; the text names the file."""


class _RootFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a root key file holds; binary values in base64. Without `salt` and `nonce` the seed lies open."""

    format: int
    public_key: str
    secret: str
    salt: str | None = None
    nonce: str | None = None


def make_key() -> SigningKey:
    """A new Ed25519 key pair from the system's randomness."""
    return signing_key(secrets.token_bytes(KEY_BYTES))


def check_passphrase(passphrase: str) -> None:
    """Raises KeyFault for a passphrase that is too short."""
    if len(passphrase) < PASSPHRASE_LENGTH_MIN:
        raise KeyFault(
            f"the passphrase has {len(passphrase)} characters; at least {PASSPHRASE_LENGTH_MIN} are needed, "
            "for example four words"
        )


def write_root(path: Path, key: SigningKey, passphrase: str | None) -> None:
    """Keep the root key in a file (mode 0400); with None as passphrase its seed lies open in it."""
    if passphrase is None:
        content = _RootFile(1, key.public.text, _text(key.seed()))
    else:
        check_passphrase(passphrase)
        salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
        secret = AESGCM(_derive(passphrase, salt)).encrypt(nonce, key.seed(), _PURPOSE)
        content = _RootFile(1, key.public.text, _text(secret), _text(salt), _text(nonce))
    write_file(path, msgspec.json.format(msgspec.json.encode(content)) + b"\n", SECRET_MODE)


def read_root(path: Path, passphrase: str | None) -> SigningKey:
    """Read the root key. Raises KeyFault: no such file, damaged, passphrase missing or wrong."""
    content = _read_root_file(path)
    try:
        secret = base64.b64decode(content.secret, validate=True)
        if content.salt is not None and content.nonce is not None:
            if passphrase is None:
                raise KeyFault(f"{path}: this root key is enciphered; its passphrase is needed (--passphrase-file)")
            key = _derive(passphrase, base64.b64decode(content.salt, validate=True))
            secret = AESGCM(key).decrypt(base64.b64decode(content.nonce, validate=True), secret, _PURPOSE)
        root = signing_key(secret)
    except InvalidTag:
        raise KeyFault(f"{path}: the passphrase does not fit, or the file is damaged") from None
    except (binascii.Error, ValueError) as fault:
        raise KeyFault(f"{path}: damaged: {fault}") from None
    if root.public.text != content.public_key:
        raise KeyFault(f"{path}: damaged: its secret does not belong to its public key {content.public_key}")
    return root


def write_secret_key(path: Path, key: SigningKey) -> None:
    """Keep a key of the centre as PKCS #8 in PEM (mode 0400): it must be read without a person at every start."""
    pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_file(path, pem, SECRET_MODE)


def read_secret_key(path: Path) -> SigningKey:
    """Read a key of the centre. Raises KeyFault."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as fault:
        raise KeyFault(f"{path}: the key cannot be read: {fault}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFault(f"{path}: an Ed25519 key is needed here")
    return signing_key(key.private_bytes_raw())


def write_public_key(path: Path, key: SigningKey) -> None:
    """Keep the public half as one line of base64."""
    write_file(path, f"{key.public.text}\n".encode(), PUBLIC_MODE)


def _read_root_file(path: Path) -> _RootFile:
    try:
        content = msgspec.json.decode(path.read_bytes(), type=_RootFile)
    except OSError as fault:
        raise KeyFault(f"{path}: the root key cannot be read: {fault.strerror}") from None
    except msgspec.MsgspecError as fault:
        raise KeyFault(f"{path}: no root key file: {fault}") from None
    if content.format != 1:
        raise KeyFault(f"{path}: format {content.format}; this program reads format 1")
    return content


def _derive(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=SCRYPT_COST, r=SCRYPT_BLOCK, p=1).derive(passphrase.encode())


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
