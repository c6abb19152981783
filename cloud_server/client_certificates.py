"""The second lock on a box's door: the client certificate of its connection, where it shows one.

The signature on a line says who speaks; the certificate may only disagree. A lapsed one still counts, since a box that
was away for a year has to get in to renew it: its row in the books decides whether it is believed at all.
"""

import ssl
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.x509.oid import NameOID
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cloud_server.api.peer import EXTENSION

NO_CHECK_TIME: Final = ssl.VerifyFlags(0x200000)
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL (man 3 X509_VERIFY_PARAM_set_flags)."""


class CertificateProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, with the name in the client certificate beside each request."""

    _box: str | None = None

    def connection_made(self, transport: Any) -> None:
        """Read the certificate once for each connection: TLS has checked it against the site's CA."""
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        der = tls.getpeercert(binary_form=True) if tls is not None else None
        self._box = _name_in(der) if der else None

    def on_message_begin(self) -> None:
        """Put the name into the scope of each request on the connection."""
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: {"box": self._box}}


def ask_certificates(context: ssl.SSLContext, ca: Path) -> None:
    """Ask for a client certificate of this CA, and let in who shows none: browsers, and boxes that enrol."""
    context.load_verify_locations(cafile=str(ca))
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= NO_CHECK_TIME


def _name_in(der: bytes) -> str | None:
    names = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else None
