"""A bundle fetched from the centre, by the hash of its line. What it holds is judged by whoever asked for it."""

import asyncio
from pathlib import Path
from typing import Final

import httpx

from edge_agent.ports import Blame
from edge_agent.sync.https import NoReply, Reply, make_client, refuse
from edge_agent.sync.identity import Identity
from protocol.bundle import BUNDLE_BYTES_MAX

PATH: Final = "/v1/box/bundle/"
WHOLE_S: Final = 3_600.0
"""64 MB over a line of 256 kbit/s take half an hour."""


def fetch_bundle(identity: Identity, bundle_hash: str, to: Path, *, trust_dates: bool) -> None:
    """Write the bundle to a file. Blocks. Raises NoReply, OSError."""
    asyncio.run(_fetch(identity, bundle_hash, to, trust_dates))


async def _fetch(identity: Identity, bundle_hash: str, to: Path, trust_dates: bool) -> None:
    context = identity.tls_context(trust_dates)
    try:
        async with (
            asyncio.timeout(WHOLE_S),
            make_client(identity.place.centre, context) as client,
            client.stream("GET", f"{PATH}{bundle_hash}", headers={"Accept-Encoding": "identity"}) as response,
        ):
            if response.status_code != 200:
                raise refuse(Reply(response.status_code, "identity", dict(response.headers), b""))
            left = BUNDLE_BYTES_MAX
            with to.open("wb") as file:
                async for piece in response.aiter_raw():
                    left -= len(piece)
                    if left < 0:
                        raise NoReply(Blame.THEIRS, f"the bundle has more than {BUNDLE_BYTES_MAX} bytes")
                    file.write(piece)
    except TimeoutError:
        raise NoReply(Blame.WORLD, f"the bundle did not come within {WHOLE_S:.0f} s") from None
    except httpx.TransportError as fault:
        raise NoReply(Blame.WORLD, f"{type(fault).__name__}: {fault}") from None
