"""What the C library keeps of memory that was taken for a moment. In a process of its own: heaps have a history."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys, threading
from edge_agent.memory import give_back_memory, keep_heap_small
if sys.argv[1] == "small":
    keep_heap_small()
def resident_kib():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1])
def take_and_drop(kept):
    pieces = [bytes(40_000) for _ in range(400)]
    kept.append(pieces[::40])
before = resident_kib()
kept = []
for _ in range(8):
    thread = threading.Thread(target=take_and_drop, args=(kept,))
    thread.start()
    thread.join()
if sys.argv[1] == "small":
    give_back_memory()
print(resident_kib() - before)
"""


def grown_kib(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True, timeout=60)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="the C library of GNU")
def test_what_a_moment_took_is_given_back() -> None:
    """Eight threads take 16 MB each and keep a fortieth of it, which lies between what they drop."""
    kept_kib = 8 * 10 * 40_000 // 1_024
    assert grown_kib("small") < kept_kib + 2_048
    assert grown_kib("small") < grown_kib("as it is") / 2
