"""A new certificate for the key that we have, asked for with a line that the record key signs.

No client certificate is shown: an old one may have ended. One thread for each asking, which happens once a year.
"""

import asyncio
import secrets
import threading
from collections.abc import Callable
from typing import Final

from edge_agent.ports import CertificateRenewed, RenewalFailed, RenewalReport
from edge_agent.sync.enrolment import Refused, read_taken_in
from edge_agent.sync.https import NoReply, Reply, make_client, post, refuse
from edge_agent.sync.identity import Identity, IdentityFault
from protocol.envelope import Line, seal
from protocol.messages import Renew
from protocol.payload import write_payload

PATH: Final = "/v1/box/renew"


def renew_line(identity: Identity, nonce: str) -> Line:
    """The signed request; the TLS key proves itself over the nonce."""
    renew = Renew(
        site=identity.place.site,
        box=identity.place.box,
        csr=identity.csr(),
        csr_proof=identity.prove_tls_key(nonce),
        nonce=nonce,
    )
    return seal("renew", write_payload(renew), identity.record_key)


class HttpsRenewer:
    """Satisfies `ports.Renewer`."""

    def __init__(self, identity: Identity, report: Callable[[RenewalReport], None]) -> None:
        """`report` is called on another thread and must not block."""
        self._identity = identity
        self._report = report

    def ask(self, *, trust_dates: bool) -> None:
        """Ask once."""
        threading.Thread(target=self._run, args=(trust_dates,), name="renewal", daemon=True).start()

    def _run(self, trust_dates: bool) -> None:
        try:
            taken = read_taken_in(asyncio.run(self._post(trust_dates)))
            self._report(CertificateRenewed(self._identity.keep_certificate(taken.certificate_pem)))
        except (NoReply, Refused, IdentityFault, OSError) as fault:
            self._report(RenewalFailed(str(fault)))

    async def _post(self, trust_dates: bool) -> Reply:
        line = renew_line(self._identity, secrets.token_hex(16))
        context = self._identity.tls_context(trust_dates, certificate=False)
        async with make_client(self._identity.place.centre, context) as client:
            reply = await post(client, PATH, (line,), 0)
            if reply.status != 200:
                raise refuse(reply)
            return reply
