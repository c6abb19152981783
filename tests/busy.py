"""How busy this machine is, for the few limits that are promises in seconds and are kept on a machine of one's own."""

import os


def busy() -> float:
    """How many times longer things take because of other work on this machine: 1 where there is none."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
