"""The modem as a process: `python -m provisioning.simulator.modem_process --link PORT --taken FILE --control SOCKET`.

The control socket takes one JSON object a line: {"op": "messages"}, {"op": "manners", "set": {...}}, {"op": "power",
"on": false}, {"op": "say", "line": "RING"}; each is answered by one line.
"""

import argparse
import json
import signal
import socketserver
import sys
import threading
from pathlib import Path
from typing import Any

from provisioning.simulator.gsm_manners import set_manners
from provisioning.simulator.gsm_modem import SimulatedModem

LINE_BYTES_MAX = 65_536


def answer(modem: SimulatedModem, question: dict[str, Any]) -> dict[str, Any]:
    """What one question is answered."""
    match question.get("op"):
        case "messages":
            return {"ok": True, "messages": [{"to": to, "text": text} for to, text in modem.messages()]}
        case "manners":
            try:
                set_manners(modem.manners, question.get("set", {}))
            except (KeyError, TypeError, ValueError) as fault:
                return {"ok": False, "error": f"no such manner: {fault}"}
            return {"ok": True}
        case "power":
            modem.power(on=bool(question.get("on", True)))
            return {"ok": True}
        case "say":
            modem.unsolicited(str(question.get("line", "RING")))
            return {"ok": True}
    return {"ok": False, "error": f"{question.get('op')!r}: known are messages, manners, power, say"}


class _Control(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: Path, modem: SimulatedModem) -> None:
        path.unlink(missing_ok=True)
        self.modem = modem
        super().__init__(str(path), _Asked)


class _Asked(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Control)
        for line in iter(lambda: self.rfile.readline(LINE_BYTES_MAX), b""):
            try:
                said = answer(self.server.modem, json.loads(line))
            except ValueError as fault:
                said = {"ok": False, "error": str(fault)}
            self.wfile.write(json.dumps(said, ensure_ascii=False).encode() + b"\n")


def main() -> int:
    """Run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m provisioning.simulator.modem_process", description=__doc__)
    parser.add_argument("--link", type=Path, required=True, help="where the modem's port appears")
    parser.add_argument("--taken", type=Path, required=True, help="file to which each part is added that was taken")
    parser.add_argument("--control", type=Path, required=True, help="path of the control socket")
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with SimulatedModem(options.link, options.taken) as modem:
        control = _Control(options.control, modem)
        threading.Thread(target=control.serve_forever, name="control", daemon=True).start()
        sys.stdout.write(json.dumps({"ready": True, "port": str(options.link)}) + "\n")
        sys.stdout.flush()
        stop.wait()
        control.shutdown()
        control.server_close()
        options.control.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
