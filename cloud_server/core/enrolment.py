"""How a box comes in: when a claim's token holds, and what its fingerprint is. Pure; proofs are checked outside."""

import hashlib
from dataclasses import dataclass
from typing import Literal

from protocol.units import Ms

TokenFault = Literal["unknown", "expired", "used"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The claim made last for a box. `keyid` is the record key that used its token, None while nobody did."""

    box: str
    token_hash: str
    made_at_ms: Ms
    expires_at_ms: Ms
    made_by: str
    keyid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """A box that asked to be taken in; `raw` is its own signed line."""

    box: str
    keyid: str
    record_key: str
    csr: str
    agent: str
    model: str
    serial: str
    raw: bytes
    asked_at_ms: Ms


def token_hash(token: str) -> str:
    """What is kept of a token: it has 128 bits of chance or more, so a plain hash suffices."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def token_fault(claim: Claim | None, token: str, keyid: str, now_ms: Ms) -> TokenFault | None:
    """Why this token may not be used by this key, or None. The key that used it first may ask again, also later."""
    if claim is None or claim.token_hash != token_hash(token):
        return "unknown"
    if claim.keyid is not None:
        return None if claim.keyid == keyid else "used"
    return "expired" if now_ms > claim.expires_at_ms else None


def fingerprint(keyid: str) -> str:
    """The first 64 bits of a record key's id as people compare them: 1a2b 3c4d 5e6f 7081."""
    return " ".join(keyid[i : i + 4] for i in range(0, 16, 4))


def same_fingerprint(typed: str, keyid: str) -> bool:
    """Compare a fingerprint as typed, with or without its spaces, in either case."""
    return "".join(typed.split()).lower() == keyid[:16]
