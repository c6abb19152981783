"""The second lock on a box's door: the client certificate of its connection, where it shows one.

The signature on a line says who speaks; the certificate may only disagree. A lapsed one still counts, since a box that
was away for a year has to get in to renew it: its row in the books decides whether it is believed at all. Where a proxy
ends TLS, it says which certificate it saw; that is believed from the proxy's own address and from nobody else's.
"""

import ipaddress
import ssl
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from cryptography import x509
from cryptography.x509.oid import NameOID
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cloud_server.api.peer import EXTENSION

CERTIFICATE_HEADER: Final = b"tallybox-client-certificate"
"""From the proxy: the certificate that it has verified, PEM in URL encoding (nginx: $ssl_client_escaped_cert)."""
ADDRESS_HEADER: Final = b"tallybox-client-address"
"""From the proxy: whose connection it is (nginx: $remote_addr)."""
Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]
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


class BehindProxy:
    """The application with what a proxy on this machine says of its clients put in place of what the socket shows.

    Both headers are taken off every request, so that nothing behind this can believe them of anybody else.
    """

    def __init__(self, application: Application, trusted: frozenset[str]) -> None:
        """`trusted`: addresses that the proxy's connections come from."""
        self._application = application
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            said = {name: value for name, value in scope["headers"] if name in (CERTIFICATE_HEADER, ADDRESS_HEADER)}
            scope["headers"] = [pair for pair in scope["headers"] if pair[0] not in said]
            if scope["client"] is not None and scope["client"][0] in self._trusted:
                box = _name_in_pem(unquote_to_bytes(said.get(CERTIFICATE_HEADER, b"")))
                scope["extensions"] = {**scope.get("extensions", {}), EXTENSION: {"box": box}}
                scope["client"] = (_address(said.get(ADDRESS_HEADER, b"")) or scope["client"][0], 0)
        await self._application(scope, receive, send)


def _address(text: bytes) -> str | None:
    try:
        return str(ipaddress.ip_address(text.decode("ascii")))
    except ValueError:
        return None


def _name_in_pem(pem: bytes) -> str | None:
    """The name in a certificate that the proxy let in; one that cannot be read names nobody that a signature could."""
    if not pem:
        return None
    try:
        return _name_in(ssl.PEM_cert_to_DER_cert(pem.decode("ascii"))) or ""
    except ValueError:
        return ""


def _name_in(der: bytes) -> str | None:
    names = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else None
