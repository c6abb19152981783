"""`python -m benchmarks.demo_site.run STREET STATE`: the demo on a street to measure on, until SIGINT."""

import sys
from pathlib import Path
from typing import Final

from benchmarks.demo_site.streets import FullBox, ThriftyStreet
from provisioning.demo.folder import DemoFolder, free_port
from provisioning.demo.run import Demo
from provisioning.demo.staging import Stage
from provisioning.demo.street import Street

STREETS: Final[dict[str, type[Street]]] = {"full_box": FullBox, "thrifty": ThriftyStreet}


class MeasuredDemo(Demo):
    """The demo as it is, but for the six states that it would wait to see."""

    def _wait_for_street(self, is_first: bool) -> None:
        super()._wait_for_street(False)


def main() -> None:
    """Run it; the centre's port is a free one."""
    name, state = sys.argv[1:]
    folder = DemoFolder(Path(state))
    folder.prepare(fresh=False)
    memory = folder.recall()
    memory.first_speed = 1.0
    stage = Stage(folder, memory, STREETS[name]())
    MeasuredDemo(stage, lambda text: print(text, flush=True), lambda _: None).run(free_port(0, set()))


if __name__ == "__main__":
    main()
