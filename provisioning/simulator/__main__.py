"""The simulator as a process: `python -m provisioning.simulator --site FILE --state DIR --control SOCKET`."""

import argparse
import gc
import json
import os
import signal
import sys
import threading
from pathlib import Path

from provisioning.simulator.control import ControlServer
from provisioning.simulator.memory import MemoryDamaged
from provisioning.simulator.site import GREATEST_SPEED, SimulatedSite
from provisioning.simulator.site_description import SiteMistakes, load_site

# Another thread may hold the interpreter for this long: less than a character at 9600, so that no bus is late for it.
SWITCH_INTERVAL_S = 0.0005
# How often the main thread looks whether a bus has failed.
WATCH_INTERVAL_S = 1.0

EXIT_FAILED = 1
EXIT_MISTAKES = 2


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m provisioning.simulator", description=__doc__)
    parser.add_argument("--site", type=Path, required=True, help="site file (JSON)")
    parser.add_argument("--state", type=Path, required=True, help="folder of the meters' memories")
    parser.add_argument("--control", type=Path, required=True, help="path of the control socket")
    parser.add_argument("--speed", type=_speed, default=1.0, help="loads draw this many times what they say")
    return parser.parse_args()


def _speed(text: str) -> float:
    value = float(text)
    if not 0 <= value <= GREATEST_SPEED:
        raise argparse.ArgumentTypeError(f"{text}: must be 0..{GREATEST_SPEED:g}")
    return value


def main() -> int:
    """Run until SIGTERM or SIGINT; 0 then, 1 where a bus failed, 2 where the site or its state is wrong."""
    options = arguments()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        site = SimulatedSite(load_site(options.site), options.state, options.speed)
    except (SiteMistakes, MemoryDamaged, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_MISTAKES
    with site, ControlServer(site, options.control):
        # What stands now stays: a full collection would stop all buses for milliseconds.
        gc.collect()
        gc.freeze()
        ready = {"ready": True, "pid": os.getpid(), "buses": [str(bus.tty) for bus in site.buses]}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        while not stop.wait(WATCH_INTERVAL_S):
            if any(bus.failure is not None for bus in site.buses):
                break
    return EXIT_FAILED if any(bus.failure is not None for bus in site.buses) else 0


if __name__ == "__main__":
    sys.exit(main())
