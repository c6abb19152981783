"""The claim that provisioning wrote for a box: whom to ask, whom to believe, and a token for once."""

import binascii
import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from edge_agent.config.table import BadConfig, Table, open_table
from protocol.errors import TheirFault
from protocol.ids import is_id
from protocol.signing import public_key_from_text

CLAIM_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Claim:
    """The claim file of one box: whom to ask, whom to believe, and the one-time token."""

    site: str
    box: str
    box_name: str
    centre: str
    ca_pem: str
    root_key: str
    token: str
    expires_at_ms: int


def read_claim(path: Path) -> Claim:
    """Read a claim file. Raises BadConfig with all mistakes."""
    mistakes: list[str] = []
    top = open_table(path, mistakes)
    form = top.take("format", int, f"{CLAIM_FORMAT}")
    if form is not None and form != CLAIM_FORMAT:
        top.wrong("format", form, f"{CLAIM_FORMAT}; a newer claim needs a newer edge-agent")
    values: dict[str, Any] = {key: _id(top, key) for key in ("site", "box", "token")}
    values["box_name"] = top.take("box_name", str, "the box's name, for people")
    values["centre"] = _address(top)
    values["ca_pem"] = _authority(top)
    values["root_key"] = _root(top)
    values["expires_at_ms"] = top.take("expires_at_ms", int, "UTC milliseconds")
    top.done()
    if mistakes:
        raise BadConfig(mistakes)
    return Claim(**values)


def _id(top: Table, key: str) -> str | None:
    right = "32 lowercase hex digits, as the claim was made"
    value = top.take(key, str, right)
    if value is not None and not is_id(value):
        top.wrong(key, "…" if key == "token" else value, right)
    return value if value is None else str(value)


def _address(top: Table) -> str | None:
    right = 'the centre\'s address, for example "https://192.0.2.10:18443"'
    value = top.take("centre", str, right)
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        good = parts.scheme == "https" and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good:
        top.wrong("centre", value, right)
    return str(value)


def _authority(top: Table) -> str | None:
    """The CA's certificate, which must have the fingerprint that stands beside it."""
    pem = top.take("ca_pem", str, "the CA certificate of the site in PEM")
    said = top.take("ca_sha256", str, "64 hex digits: SHA-256 of the CA certificate in DER")
    if pem is None:
        return None
    try:
        found = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.strip())).hexdigest()
    except (ValueError, binascii.Error):
        top.wrong("ca_pem", f"{pem[:40]}…", "one certificate in PEM")
        return None
    if said is not None and found != said.lower():
        top.wrong("ca_sha256", said, f"{found}, the fingerprint of ca_pem; the file was changed")
    return str(pem)


def _root(top: Table) -> str | None:
    right = "the site root's public key, 32 bytes in base64"
    value = top.take("root_key", str, right)
    if value is None:
        return None
    try:
        public_key_from_text(value)
    except TheirFault as fault:
        top.wrong("root_key", value, f"{right} ({fault})")
    return str(value)
