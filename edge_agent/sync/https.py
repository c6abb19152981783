"""One request over HTTPS and what may come of it, with a deadline for the whole of it and faults sorted by blame.

Knows bodies of lines, not what they say.
"""

import asyncio
import json
import ssl
from dataclasses import dataclass
from typing import Final

import httpx

from edge_agent.ports import Blame
from protocol import limits
from protocol.envelope import Line, write_body

MEDIA_TYPE: Final = "application/x-ndjson"
CONNECT_S: Final = 10.0
"""TCP and TLS together: three lost packets on a poor fibre still fit."""
ANSWER_S: Final = 30.0
"""From the first byte sent to the last received, beyond the time that the centre may wait."""
PROBLEM_CHARACTERS_MAX: Final = 300
_OURS: Final = frozenset({400, 404, 405, 413, 415, 422})


@dataclass(frozen=True, slots=True)
class Reply:
    """What the centre sent: status, encoding and raw body, bounded."""

    status: int
    encoding: str
    headers: dict[str, str]
    body: bytes


class NoReply(Exception):
    """Nothing usable came; `blame` says from whose fault."""

    def __init__(self, blame: Blame, detail: str, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.blame = blame
        self.retry_after_s = retry_after_s


def make_client(base_url: str, context: ssl.SSLContext) -> httpx.AsyncClient:
    """A client for one centre. Proxies and certificates of the environment count for nothing."""
    return httpx.AsyncClient(
        base_url=base_url,
        verify=context,
        trust_env=False,
        timeout=httpx.Timeout(None, connect=CONNECT_S),
        limits=httpx.Limits(max_connections=4, max_keepalive_connections=1),
        headers={"Accept-Encoding": "zstd", "Content-Type": MEDIA_TYPE, "Content-Encoding": "zstd"},
    )


async def post(client: httpx.AsyncClient, path: str, lines: tuple[Line, ...], wait_s: float) -> Reply:
    """Send lines and read the reply within `wait_s` and a deadline. Raises NoReply."""
    try:
        async with asyncio.timeout(wait_s + ANSWER_S):
            async with client.stream("POST", path, content=write_body(lines, "zstd")) as response:
                body = await _bounded(response)
                return Reply(
                    response.status_code,
                    response.headers.get("Content-Encoding", "identity"),
                    dict(response.headers),
                    body,
                )
    except TimeoutError:
        raise NoReply(Blame.WORLD, f"no whole answer within {wait_s + ANSWER_S:.0f} s") from None
    except httpx.InvalidURL as fault:
        raise NoReply(Blame.OURS, f"address of the centre: {fault}") from None
    except httpx.UnsupportedProtocol as fault:
        raise NoReply(Blame.OURS, f"address of the centre: {fault}") from None
    except httpx.TransportError as fault:
        raise _transport(fault) from None


async def _bounded(response: httpx.Response) -> bytes:
    """The body as sent, at most what the format allows."""
    pieces: list[bytes] = []
    size = 0
    async for piece in response.aiter_raw():
        size += len(piece)
        if size > limits.PACKED_BODY_BYTES_MAX:
            raise NoReply(Blame.THEIRS, f"the answer has more than {limits.PACKED_BODY_BYTES_MAX} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def _transport(fault: httpx.TransportError) -> NoReply:
    """A certificate that does not fit is the peer's fault; all else that stops a connection is the world's."""
    cause: BaseException | None = fault
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return NoReply(Blame.THEIRS, f"the centre's certificate does not hold: {cause.verify_message}")
        cause = cause.__cause__ or cause.__context__
    return NoReply(Blame.WORLD, f"{type(fault).__name__}: {fault}" if str(fault) else type(fault).__name__)


def refuse(reply: Reply) -> NoReply:
    """Sort a reply that is no success by blame, with the words of the centre where it gave some."""
    blame = Blame.OURS if reply.status in _OURS else Blame.THEIRS
    retry = reply.headers.get("retry-after", "")
    return NoReply(blame, f"HTTP {reply.status}{_problem(reply)}", int(retry) if retry.isdecimal() else None)


def _problem(reply: Reply) -> str:
    """Title and detail of an RFC 9457 problem, cut short."""
    if reply.encoding not in ("", "identity"):
        return ""
    try:
        found = json.loads(reply.body)
    except ValueError:
        return ""
    if not isinstance(found, dict):
        return ""
    words = [str(found[name]) for name in ("title", "detail") if found.get(name)]
    return f": {' - '.join(words)}"[:PROBLEM_CHARACTERS_MAX] if words else ""
