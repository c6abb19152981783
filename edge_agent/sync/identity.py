"""Who this box is: its record key, its TLS key and certificate, and the place that it claimed. Files in state_dir.

The keys are made here and never leave the box. Nothing of them is logged or printed. Home of X.509 on this side.
"""

import base64
import json
import os
import secrets
import ssl
import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge_agent.ports import NEEDS_RIGHTS
from protocol.signing import PublicKey, SigningKey, public_key_from_text, signing_key

FOLDER: Final = "identity"
RECORD_KEY: Final = "record.key"
TLS_KEY: Final = "tls.key"
CERTIFICATE: Final = "tls.pem"
CA: Final = "ca.pem"
PLACE: Final = "place.json"
SECRET_MODE: Final = 0o400
NO_CHECK_TIME: Final = ssl.VerifyFlags(0x200000)
FOLDER_MODE: Final = 0o700


class IdentityFault(Exception):
    """The identity's files are missing, broken, or open to others; the text names the file and what is right."""


@dataclass(frozen=True, slots=True)
class ClaimedPlace:
    """The place that this hardware serves, as its claim said."""

    site: str
    box: str
    box_name: str
    centre: str
    root_key: str


@dataclass(frozen=True, slots=True)
class Identity:
    """The files of an identity, read and checked."""

    folder: Path
    place: ClaimedPlace
    record_key: SigningKey
    root: PublicKey

    @property
    def fingerprint(self) -> str:
        """What people compare: the first 16 hex digits of the record key's id, in groups of four."""
        text = self.record_key.public.keyid[:16]
        return " ".join(text[i : i + 4] for i in range(0, 16, 4))

    @property
    def has_certificate(self) -> bool:
        return (self.folder / CERTIFICATE).exists()

    def csr(self) -> str:
        """A request for this box's certificate, PEM. Its name is the box id: the place, not the hardware."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.place.box)])
        request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(self._tls_key(), hashes.SHA256())
        return request.public_bytes(serialization.Encoding.PEM).decode("ascii")

    def prove_tls_key(self, text: str) -> str:
        """Base64 of the TLS key's signature (ECDSA, SHA-256) over the ASCII bytes of a text."""
        signature = self._tls_key().sign(text.encode("ascii"), ec.ECDSA(hashes.SHA256()))
        return base64.b64encode(signature).decode("ascii")

    def keep_certificate(self, pem: str) -> int:
        """Keep a certificate chain for our TLS key in place of the former one; when it ends, UTC ms.

        Raises IdentityFault when it is for another key, not signed by the site's CA, or ends before the one we have.
        """
        certificate = _first_certificate(pem.encode("ascii"), "the certificate")
        ca = _first_certificate(_read(self.folder / CA), str(self.folder / CA))
        form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        if certificate.public_key().public_bytes(*form) != self._tls_key().public_key().public_bytes(*form):
            raise IdentityFault("the certificate is not for this box's TLS key")
        try:
            certificate.verify_directly_issued_by(ca)
        except (ValueError, TypeError, InvalidSignature):
            raise IdentityFault("the certificate is not signed by the site's CA") from None
        ends_ms = _end_of(certificate)
        if self.has_certificate and ends_ms < self.certificate_ends_ms():
            raise IdentityFault("the certificate ends before the one that this box has")
        write_secret(self.folder / CERTIFICATE, pem.encode("ascii"))
        return ends_ms

    def certificate_ends_ms(self) -> int:
        """When our certificate ends, UTC ms. Raises IdentityFault."""
        path = self.folder / CERTIFICATE
        return _end_of(_first_certificate(_read(path), str(path)))

    def tls_context(
        self,
        trust_dates: bool = True,
        *,
        certificate: bool = True,
    ) -> ssl.SSLContext:
        """TLS 1.3 against the site's CA alone, with our certificate where we have one and `certificate` asks for it.

        Without `trust_dates`, while our own clock is not believed, what the CA signed counts whatever its dates say
        (X509_V_FLAG_NO_CHECK_TIME of OpenSSL, man 3 X509_VERIFY_PARAM_set_flags).
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if not trust_dates:
            context.verify_flags |= NO_CHECK_TIME
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_verify_locations(cafile=str(self.folder / CA))
        if certificate and self.has_certificate:
            context.load_cert_chain(self.folder / CERTIFICATE, self.folder / TLS_KEY)
        return context

    def _tls_key(self) -> ec.EllipticCurvePrivateKey:
        try:
            key = serialization.load_pem_private_key(_read(self.folder / TLS_KEY), password=None)
        except ValueError as fault:
            raise IdentityFault(f"{self.folder / TLS_KEY}: {fault}") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise IdentityFault(f"{self.folder / TLS_KEY}: not an elliptic-curve key")
        return key


def make_identity(state_dir: Path, place: ClaimedPlace, ca_pem: str) -> Identity:
    """Make the keys that are not there yet and keep the place; what is there for the same place is kept.

    Raises IdentityFault when this state_dir belongs to another place.
    """
    folder = state_dir / FOLDER
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    if (folder / PLACE).exists():
        held = _read_place(folder / PLACE)
        if (held.site, held.box) != (place.site, place.box):
            raise IdentityFault(f"{folder}: this state_dir belongs to box {held.box}; the claim is for {place.box}")
    if not (folder / RECORD_KEY).exists():
        write_secret(folder / RECORD_KEY, base64.b64encode(secrets.token_bytes(32)))
    if not (folder / TLS_KEY).exists():
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_secret(folder / TLS_KEY, pem)
    write_secret(folder / CA, ca_pem.encode("ascii"))
    write_secret(folder / PLACE, json.dumps(asdict(place)).encode())
    return read_identity(state_dir)


def read_identity(state_dir: Path) -> Identity:
    """Read the identity and check its files. Raises IdentityFault naming all that is wrong."""
    folder = state_dir / FOLDER
    wrong = [fault for name in (RECORD_KEY, TLS_KEY, CA, PLACE) for fault in _faults(folder / name)]
    if wrong:
        raise IdentityFault("; ".join(wrong))
    place = _read_place(folder / PLACE)
    try:
        key = signing_key(base64.b64decode(_read(folder / RECORD_KEY), validate=True))
    except ValueError as fault:
        raise IdentityFault(f"{folder / RECORD_KEY}: {fault}") from None
    return Identity(folder, place, key, public_key_from_text(place.root_key))


def is_enrolled(state_dir: Path) -> bool:
    """Whether there is an identity with a certificate."""
    return (state_dir / FOLDER / CERTIFICATE).exists()


def _first_certificate(pem: bytes, name: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(pem)[0]
    except (ValueError, IndexError) as fault:
        raise IdentityFault(f"{name} cannot be read: {fault}") from None


def _end_of(certificate: x509.Certificate) -> int:
    return int(certificate.not_valid_after_utc.timestamp() * 1_000)


def _faults(path: Path) -> list[str]:
    try:
        told = path.stat()
    except PermissionError as fault:
        return [f"{path}: {fault.strerror}; {NEEDS_RIGHTS}"]
    except OSError as fault:
        return [f"{path}: {fault.strerror}; run `edge-agent enrol`"]
    mode, found, ours = stat.S_IMODE(told.st_mode), [], os.geteuid()
    if mode & 0o377:
        found.append(f"{path}: mode {mode:04o} lets others read or change it; right is {SECRET_MODE:04o}")
    # Who owns a file can change it, whatever its mode. Root looks at everybody's, and runs no agent.
    if ours and told.st_uid not in (ours, 0):
        found.append(f"{path}: belongs to user {told.st_uid}; right would be user {ours}, who runs the agent")
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise IdentityFault(f"{path}: {fault.strerror}") from None


def _read_place(path: Path) -> ClaimedPlace:
    try:
        return ClaimedPlace(**json.loads(_read(path)))
    except (ValueError, TypeError) as fault:
        raise IdentityFault(f"{path}: {fault}") from None


def write_secret(path: Path, body: bytes) -> None:
    """Put a file in place that only the owner can read, flushed; what stood there is replaced as one."""
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, SECRET_MODE)
    try:
        os.write(descriptor, body)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
