"""What the root and the site's CA sign at the beginning: the `keys` line, the CA itself, the centre's certificate.

Makes bytes from keys and an instant; writes no file and reads no clock.
"""

import datetime
import ipaddress
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from protocol.envelope import Line, seal
from protocol.messages import Keys
from protocol.payload import write_payload
from protocol.signing import SigningKey

CA_DAYS: Final = 20 * 365
"""The CA is pinned in boxes that nobody visits; it outlives their hardware."""
CERTIFICATE_DAYS: Final = 825
"""The longest that Apple's and Google's browsers take from a private CA."""
EARLIER_DAYS: Final = 1
"""Certificates begin a day before they are made: a machine whose clock is a little behind takes them too."""
NAME_LENGTH_MAX: Final = 64
"""Bound of a common name (RFC 5280, appendix A: ub-common-name)."""
ALWAYS_SERVED: Final = ("localhost", "127.0.0.1", "::1")
"""Names under which the centre's own machine reaches it."""


def make_ca_key() -> ec.EllipticCurvePrivateKey:
    """A new P-256 key, for the CA or for the centre's TLS."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as PKCS #8 in PEM, not enciphered: it is read at every start without a person."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """A certificate in PEM."""
    return certificate.public_bytes(Encoding.PEM)


def sign_keys(
    root: SigningKey, site: str, generation: int, command: SigningKey, answer: SigningKey, now_ms: int
) -> Line:
    """The root-signed line that names the centre's command and answer keys of a generation (1, 2, …)."""
    content = Keys(
        site=site,
        key_generation=generation,
        command_keys=[command.public.text],
        answer_keys=[answer.public.text],
        issued_at_ms=now_ms,
    )
    return seal("keys", write_payload(content), root)


def make_ca(site_name: str, key: ec.EllipticCurvePrivateKey, now_ms: int) -> x509.Certificate:
    """The site's own certificate authority: signs the centre's and the boxes' certificates and nothing below them."""
    name = _name(f"{site_name} CA")
    public = key.public_key()
    return (
        _begin(name, name, public, now_ms, CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )


def make_server_certificate(
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    public: ec.EllipticCurvePublicKey,
    host: str,
    now_ms: int,
) -> x509.Certificate:
    """The centre's TLS certificate for the host of its address and for its own machine's names."""
    hosts = dict.fromkeys((host, *ALWAYS_SERVED))
    return (
        _begin(_name(host), ca.subject, public, now_ms, CERTIFICATE_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_alternative(each) for each in hosts]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )


def _begin(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now_ms: int, days: int
) -> x509.CertificateBuilder:
    now = datetime.datetime.fromtimestamp(now_ms // 1000, datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=EARLIER_DAYS))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:NAME_LENGTH_MAX])])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
