"""A running site as a benchmark uses it: started, asked, ended."""

import json
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import httpx

from provisioning.demo.sockets import ask

UP_WITHIN_S: Final = 180.0
IN_SERVICE_WITHIN_S: Final = 400.0


class Site:
    """`with Site("thrifty", folder) as site:` all is up inside, and all is ended behind it."""

    def __init__(self, street: str, folder: Path) -> None:
        self.state = folder / "state"
        self._log = (folder / "site.log").open("wb")
        command = [sys.executable, "-m", "benchmarks.demo_site.run", street, str(self.state)]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)

    def __enter__(self) -> "Site":
        try:
            wait_until(self._is_up, UP_WITHIN_S, "the site")
            self.facts: dict[str, Any] = json.loads((self.state / "demo.json").read_text())
            ids = json.loads((self.state / "plan.ids.json").read_text())
            self.accounts: dict[str, str] = ids["account"]
            self.meters: dict[str, str] = ids["meter"]
            trust = ssl.create_default_context(cafile=self.facts["ca_file"])
            headers = {"Authorization": f"Bearer {self.facts['api_token']}"}
            self.api = httpx.Client(
                base_url=self.facts["url"], verify=trust, headers=headers, timeout=20, trust_env=False
            )
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.api.close()
        self._end()

    def _end(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(30)
        self._log.close()

    def _is_up(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"the site ended: {Path(self._log.name).read_text()[-2_000:]}")
        return (self.state / "demo.json").exists()

    def wait_for_service(self) -> None:
        """Until every shop's relay was tested and is in service."""

        def all_serve() -> bool:
            memory = json.loads((self.state / "memory.json").read_text())
            return set(self.accounts) <= set(memory["in_service"])

        wait_until(all_serve, IN_SERVICE_WITHIN_S, "all shops to be in service")

    def points(self) -> list[dict[str, Any]]:
        """Every supply point as the API tells it."""
        answer = self.api.get("/api/v1/points", params={"limit": 200})
        answer.raise_for_status()
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def simulated(self) -> list[dict[str, Any]]:
        """The simulator's own word on its buses."""
        buses: list[dict[str, Any]] = ask(Path(self.facts["simulator"]["control"]), {"op": "status"})["buses"]
        return buses

    def relays(self) -> dict[str, str]:
        """Where each shop's contact really is, by its number."""
        number_of = {meter: number for number, meter in self.meters.items()}
        return {number_of[m["id"]]: m["relay"] for bus in self.simulated() for m in bus["meters"]}


def wait_until(happened: Callable[[], bool], timeout_s: float, what: str, every_s: float = 0.2) -> None:
    """Look again and again. Raises TimeoutError."""
    ends_s = time.monotonic() + timeout_s
    while not happened():
        if time.monotonic() > ends_s:
            raise TimeoutError(f"waited {timeout_s:.0f} s in vain for {what}")
        time.sleep(every_s)
