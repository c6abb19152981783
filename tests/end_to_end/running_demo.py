"""A demo in its own processes, as the tests here use it: its facts, its API, its simulator, its boxes."""

import json
import os
import signal
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from edge_agent.console import local_socket
from provisioning.demo.control import DemoControl
from provisioning.demo.sockets import NoAnswer, ask
from tests.busy import busy

UP_WITHIN_S = 240.0
"""Beyond it nothing will come any more, however busy the machine is; the promise itself is tested apart."""
ENDS_WITHIN_S = 20.0


class RunningDemo:
    """One state folder, and the demo on it while it runs."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.log = state.with_suffix(".log")
        self.process: subprocess.Popen[bytes] | None = None
        self.up_after_s = 0.0
        """How long it took, by what a machine without other work would have needed."""

    # --- its process ----------------------------------------------------------------------------------------------

    def start(self, *words: str) -> None:
        """Start it and wait until it has written demo.json."""
        began_s, busy_before = time.monotonic(), busy()
        command = [sys.executable, "-m", "provisioning", "demo", "--state", str(self.state), "--small", "--headless"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *words], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )

        def is_up() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()
            return (self.state / "demo.json").exists()

        try:
            wait_until(is_up, UP_WITHIN_S, "demo.json")
        except AssertionError:
            raise AssertionError(self.log.read_text()) from None
        self.up_after_s = (time.monotonic() - began_s) / max(busy_before, busy())

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """As Ctrl-C does; returns the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        try:
            return self.process.wait(ENDS_WITHIN_S)
        finally:
            self.process.kill()
            self.process.wait()
            self.process = None

    def pids(self) -> dict[str, int]:
        """Process ids by name, as demo.json tells them."""
        facts = self.facts
        names = {box: made for made, box in self.ids("box").items()}
        found = {"centre": facts["centre"]["pid"], "simulator": facts["simulator"]["pid"]}
        return found | {names[box["id"]]: box["pid"] for box in facts["boxes"]}

    def kill_everything(self) -> None:
        """As a power cut does: no process gets to say a word; demo.json, which would look as if all were up, goes."""
        assert self.process is not None
        children = json.loads((self.state / "children.json").read_text())
        self.process.kill()
        self.process.wait()
        self.process = None
        for child in children.values():
            os.kill(child["pid"], signal.SIGKILL)
        (self.state / "demo.json").unlink()

    # --- what it says of itself -----------------------------------------------------------------------------------

    @property
    def facts(self) -> dict[str, Any]:
        """demo.json."""
        found: dict[str, Any] = json.loads((self.state / "demo.json").read_text())
        return found

    def ids(self, kind: str) -> dict[str, str]:
        """By label: the ids of a kind."""
        found: dict[str, str] = json.loads((self.state / "plan.ids.json").read_text())[kind]
        return found

    @property
    def control(self) -> DemoControl:
        return DemoControl(self.state)

    # --- the centre -----------------------------------------------------------------------------------------------

    def api(self, method: str, path: str, **how: Any) -> httpx.Response:
        """One call with the demo's token, over TLS that trusts its CA alone."""
        facts = self.facts
        trust = ssl.create_default_context(cafile=facts["ca_file"])
        headers = {"Authorization": f"Bearer {facts['api_token']}", **how.pop("headers", {})}
        return httpx.request(
            method, facts["url"] + path, verify=trust, headers=headers, timeout=20, trust_env=False, **how
        )

    def points(self) -> dict[str, dict[str, Any]]:
        """Every supply point by its shop's number."""
        numbers = {made: number for number, made in self.ids("point").items()}
        answer = self.api("GET", "/api/v1/points", params={"limit": 200})
        assert answer.status_code == 200, answer.text
        return {numbers[point["id"]]: point for point in answer.json()["items"]}

    def sell(self, number: str, amount: str, key: str | None = None) -> dict[str, Any]:
        """Sell to the shop of this number. Answers the sale."""
        answer = self.try_to_sell(number, amount, key or uuid.uuid4().hex)
        assert answer.status_code == 201, answer.text
        sale: dict[str, Any] = answer.json()
        return sale

    def try_to_sell(self, number: str, amount: str, key: str) -> httpx.Response:
        body = {"account": self.ids("account")[number], "amount": amount, "method": "cash"}
        return self.api("POST", "/api/v1/sales", json=body, headers={"Idempotency-Key": key})

    def sale_state(self, sale: str) -> str:
        answer = self.api("GET", f"/api/v1/sales/{sale}")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["state"])

    def verify(self) -> str:
        """`cloud-server verify`, which must find nothing; what it looked at."""
        words = [
            str(Path(sys.executable).parent / "cloud-server"),
            "verify",
            "--config",
            self.facts["centre"]["config"],
        ]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    # --- meters and boxes -----------------------------------------------------------------------------------------

    def relay(self, number: str) -> str:
        """Where the contact of this shop's meter really is: open or closed."""
        return str(self.simulated(number)["relay"])

    def simulated(self, number: str) -> dict[str, Any]:
        """The simulator's own word on a meter."""
        meter = self.ids("meter")[number]
        status = ask(Path(self.facts["simulator"]["control"]), {"op": "status"})
        return next(each for bus in status["buses"] for each in bus["meters"] if each["id"] == meter)

    def box_status(self, box: str = "A1") -> dict[str, Any]:
        """What the agent of a box says."""
        return local_socket.ask(self.state / "boxes" / box, "status")

    def box_meter(self, number: str) -> dict[str, Any]:
        """What the agent says of one meter."""
        meter = self.ids("meter")[number]
        return next(each for each in self.box_status()["meters"] if each["meter"] == meter)


def wait_until(happened: Callable[[], bool], timeout_s: float, what: str, every_s: float = 0.1) -> float:
    """Look again and again; returns how long it took. A process that is down for the moment answers no."""
    began_s = time.monotonic()
    while True:
        try:
            if happened():
                return time.monotonic() - began_s
        except (httpx.TransportError, NoAnswer, local_socket.AgentUnreachable):
            pass
        assert time.monotonic() - began_s < timeout_s, f"waited {timeout_s:.0f} s in vain for {what}"
        time.sleep(every_s)
