"""What a box shows to be taken in: a request for a certificate, and proof that it holds the key."""

import base64

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from protocol.messages import Enrol, Hardware


def request_for(tls: ec.EllipticCurvePrivateKey, box: str) -> str:
    """The request for its certificate."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, box)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(tls, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def proof_by(tls: ec.EllipticCurvePrivateKey, text: str) -> str:
    """A text signed with the key of the request."""
    return base64.b64encode(tls.sign(text.encode(), ec.ECDSA(hashes.SHA256()))).decode()


def enrolment(site: str, box: str, record_key: str, tls: ec.EllipticCurvePrivateKey, token: str) -> Enrol:
    """What it asks to be taken in with."""
    return Enrol(
        site=site,
        box=box,
        token=token,
        record_key=record_key,
        csr=request_for(tls, box),
        csr_proof=proof_by(tls, token),
        hardware=Hardware(model="test", serial="1"),
        agent="test",
    )
