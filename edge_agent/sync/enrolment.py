"""Taking a box in: the claim on the box, the proof of both keys, and waiting until a person has confirmed it."""

import asyncio
import base64
import binascii
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge_agent.ports import Blame
from edge_agent.sync.https import NoReply, Reply, make_client, post, refuse
from edge_agent.sync.identity import Identity
from protocol.envelope import Line, read_body, seal
from protocol.errors import WireError
from protocol.messages import Enrol, Hardware
from protocol.payload import write_payload

PATH: Final = "/v1/box/enrol"
ASK_EVERY_S: Final = 2.0
CERTIFICATE_HEADER: Final = "tallybox-certificate"


class Refused(Exception):
    """The centre does not take this box in, and asking again will not help."""


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What a confirmed box is given: its certificate chain (PEM) and the lines with keys and epoch."""

    certificate_pem: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not yet. `unreachable` says why nothing came, or None where the centre waits for a person's confirmation."""

    unreachable: str | None


def enrol_line(identity: Identity, token: str, hardware: Hardware, agent: str) -> Line:
    """The signed request: both keys, proved."""
    enrol = Enrol(
        site=identity.place.site,
        box=identity.place.box,
        token=token,
        record_key=identity.record_key.public.text,
        csr=identity.csr(),
        csr_proof=identity.prove_tls_key(token),
        hardware=hardware,
        agent=agent,
    )
    return seal("enrol", write_payload(enrol), identity.record_key)


async def ask_until_taken_in(
    centre: str,
    context: ssl.SSLContext,
    line: Line,
    told: Callable[[Waiting], None],
) -> TakenIn:
    """Ask every two seconds until a person has confirmed the box. Raises Refused."""
    async with make_client(centre, context) as client:
        while True:
            try:
                reply = await post(client, PATH, (line,), 0)
                if reply.status == 200:
                    return read_taken_in(reply)
                if reply.status != 202:
                    raise refuse(reply)
                told(Waiting(None))
            except NoReply as fault:
                if fault.blame is not Blame.WORLD and fault.retry_after_s is None:
                    raise Refused(str(fault)) from None
                told(Waiting(str(fault)))
            await asyncio.sleep(ASK_EVERY_S)


def read_taken_in(reply: Reply) -> TakenIn:
    """The certificate and the lines of an answer. Raises Refused where it cannot be read."""
    try:
        lines = tuple(read_body(reply.body, reply.encoding))
        pem = base64.b64decode(reply.headers.get(CERTIFICATE_HEADER, ""), validate=True).decode("ascii")
    except (WireError, binascii.Error, ValueError) as fault:
        raise Refused(f"the centre's answer cannot be read: {fault}") from None
    if not pem:
        raise Refused(f"the centre sent no certificate (header {CERTIFICATE_HEADER})")
    return TakenIn(pem, lines)
