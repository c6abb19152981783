"""The port to a new certificate: asked for, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class CertificateRenewed:
    """A new certificate is in place; it ends at `ends_ms`."""

    ends_ms: int


@dataclass(frozen=True, slots=True)
class RenewalFailed:
    """None came; why, in words."""

    detail: str


RenewalReport = CertificateRenewed | RenewalFailed


class Renewer(Protocol):
    """Asks the centre for a certificate. Returns at once; what comes of it arrives as a report."""

    def ask(self, *, trust_dates: bool) -> None:
        """Ask once. `trust_dates` as in an exchange."""
        ...
