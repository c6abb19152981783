"""The fibres of the demo: a process that carries bytes between each box and the centre, and can be cut.

It sees TLS and nothing within. Cut, a link closes its connections and refuses new ones, as a switch without a route;
cut silently, it takes connections and lets nothing through, as a fibre that ends in the dark. Control: a unix socket,
one JSON object a line: {"op": "cut", "link": "A1", "silent": false}, {"op": "restore", "link": "A1"}, {"op": "status"}.
"""

import argparse
import asyncio
import contextlib
import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

CHUNK_BYTES: Final = 65_536
"""One read; a body of some megabytes passes in a few dozen."""


class LinkPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fibre: the port on which the box finds the centre, and the centre's own."""

    listen: int
    to: int


class Link:
    """One fibre, whole, cut or silent."""

    def __init__(self, plan: LinkPlan) -> None:
        self.plan = plan
        self.state = "whole"
        self.carried_bytes = 0
        self._passes = asyncio.Event()
        self._passes.set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Listen. Raises OSError where the port is taken."""
        if self._server is None:
            self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.plan.listen)

    async def cut(self, *, silent: bool) -> None:
        """Let nothing through any more."""
        if silent:
            self.state = "silent"
            self._passes.clear()
            return
        self.state = "cut"
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    async def restore(self) -> None:
        """Be whole again; what a silent cut held up goes on, as TCP would after lost packets."""
        await self.open()
        self.state = "whole"
        self._passes.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        far_writer: asyncio.StreamWriter | None = None
        try:
            await self._passes.wait()
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.plan.to)
            self._writers.add(far_writer)
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        except OSError:
            # The centre is down, or one side went away: the other side hears it by its connection.
            pass
        finally:
            for each in (writer, far_writer):
                if each is not None:
                    self._writers.discard(each)
                    each.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            await self._passes.wait()
            writer.write(chunk)
            await writer.drain()
            self.carried_bytes += len(chunk)
        if writer.can_write_eof():
            writer.write_eof()


class Fibres:
    """All links and the control socket."""

    def __init__(self, plans: dict[str, LinkPlan]) -> None:
        self.links = {name: Link(plan) for name, plan in plans.items()}

    async def run(self, control: Path) -> None:
        """Carry until SIGTERM or SIGINT."""
        end = asyncio.Event()
        for each in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(each, end.set)
        for link in self.links.values():
            await link.open()
        # A socket that a killed process left behind is replaced.
        server = await asyncio.start_unix_server(self._hear, control)
        await end.wait()
        server.close()
        for link in self.links.values():
            await link.cut(silent=False)

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                writer.write(json.dumps(await self._obey(line)).encode() + b"\n")
                await writer.drain()
        writer.close()

    async def _obey(self, line: bytes) -> dict[str, Any]:
        try:
            order = json.loads(line)
            what, link = order["op"], self.links.get(order.get("link", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            return {"ok": False, "error": 'one JSON object a line: {"op": "cut", "link": "A1"}'}
        if what in ("cut", "restore") and link is None:
            return {"ok": False, "error": f"link {order.get('link')!r}: there are {', '.join(self.links)}"}
        if what == "cut" and link is not None:
            await link.cut(silent=bool(order.get("silent", False)))
        elif what == "restore" and link is not None:
            await link.restore()
        elif what != "status":
            return {"ok": False, "error": f"{what!r}: known are cut, restore, status"}
        states = {name: {"state": each.state, "carried_bytes": each.carried_bytes} for name, each in self.links.items()}
        return {"ok": True, "links": states}


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m provisioning.demo.fibre --links fibre.json --control SOCKET`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--links", type=Path, required=True, help="JSON: by name, listen and to")
    parser.add_argument("--control", type=Path, required=True, help="unix socket")
    options = parser.parse_args(arguments)
    plans = msgspec.json.decode(options.links.read_bytes(), type=dict[str, LinkPlan])
    asyncio.run(Fibres(plans).run(options.control))


if __name__ == "__main__":
    main()
