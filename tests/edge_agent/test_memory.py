"""What stays of memory that was taken for a moment. In a process of its own: heaps and collectors have a history."""

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


LONG_LIVED = """
import collections, gc, sys
from edge_agent.memory import set_apart_what_stays
kept = [[number] for number in range(500_000)]
gc.collect()
if sys.argv[1] == "apart":
    set_apart_what_stays()
class Knot:
    def __init__(self):
        self.itself = self
before = gc.get_stats()[2]["collections"]
lately = collections.deque(maxlen=20_000)
for _ in range(120_000):
    lately.append(Knot())
print(gc.get_stats()[2]["collections"] - before)
"""


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="a collector that goes by pieces")
def test_knots_of_objects_are_found_although_much_is_loaded() -> None:
    """Objects that lived a while and hang on themselves wait for as much again as a quarter of all that was loaded."""

    def looks(how: str) -> int:
        done = [sys.executable, "-c", LONG_LIVED, how]
        return int(subprocess.run(done, capture_output=True, text=True, check=True, timeout=60).stdout)

    assert looks("apart") > looks("as it is") == 0
