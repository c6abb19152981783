"""The simulated bus in its own process, and its counters over the control socket."""

import json
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.bus.theory import BAUD, TURNAROUND_MS, UNITS

BUS = "bench"
READY_WITHIN_S = 20
ANSWER_WITHIN_S = 10


class SimulatedBusProcess:
    """Twenty meters on a strict bus: a request that comes too early is ignored, and counted."""

    def __init__(self, folder: Path, meters: Sequence[Mapping[str, Any]] | None = None) -> None:
        """`meters`: as in a site file, in place of the twenty."""
        self.tty = folder / "tty"
        self._control = folder / "control"
        site = folder / "site.json"
        site.write_text(
            json.dumps({"buses": [{"name": BUS, "tty": str(self.tty), "baud": BAUD, "meters": meters or _meters()}]})
        )
        options = ["--site", str(site), "--state", str(folder / "memory"), "--control", str(self._control)]
        command = [sys.executable, "-m", "provisioning.simulator", *options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        ready = self._process.stdout.readline()
        if not ready:
            raise RuntimeError(f"the simulator ended with code {self._process.wait(READY_WITHIN_S)}")

    def counters(self) -> dict[str, int]:
        """Requests, replies and broken silences since the start."""
        bus = self.do("status")["buses"][0]
        return {key: int(bus[key]) for key in ("requests", "replies", "broken_silences")}

    def do(self, op: str, **keys: object) -> dict[str, Any]:
        """One operation of the control socket, which must succeed."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(ANSWER_WITHIN_S)
            control.connect(str(self._control))
            control.sendall(json.dumps({"op": op, **keys}).encode() + b"\n")
            with control.makefile() as answers:
                answer: dict[str, Any] = json.loads(answers.readline())
        if not answer["ok"]:
            raise RuntimeError(f"{op}: {answer['error']}")
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(READY_WITHIN_S)
        if self._process.stdout is not None:
            self._process.stdout.close()


def _meters() -> list[dict[str, Any]]:
    return [
        {
            "id": f"m{unit}",
            "model": "adf400l_3ph",
            "unit": unit,
            "serial": f"{760_000_000_000 + unit}",
            "energy_wh": 1_000_000,
            "load": {"kind": "constant", "watts": 3_000},
            "point": f"shop {unit}",
            "turnaround_ms": TURNAROUND_MS,
        }
        for unit in UNITS
    ]
