"""In which order the files of tests are handed to the workers: what takes long and mostly waits goes first.

A file stays on one worker. Begun last, a story of a minute leaves the other workers idle; begun first, its waiting is
filled by what only computes. Here is only the order; `conftest.py` puts it into force.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath
from typing import Final

LONGEST_FIRST: Final = (
    "end_to_end/test_centre_memory.py",
    "end_to_end/test_box_memory.py",
    "end_to_end/test_browser_office.py",
    "end_to_end/test_demo.py",
    "end_to_end/test_browser_console.py",
    "end_to_end/test_centre_from_journal.py",
    "end_to_end/test_quickstart.py",
    "end_to_end/test_browser_demo.py",
    "end_to_end/test_money_of_a_shaft.py",
    "end_to_end",
    "simulation",
    "cloud_server/api",
    "edge_agent/whole_box",
    "provisioning/test_commission.py",
    "provisioning/test_install.py",
    "crash",
    "provisioning",
    "cloud_server/messages",
    "cloud_server/flows",
)
"""Files, or folders for all that is in them, below this one. What is not named follows, the fullest files first."""


def rank(path: str) -> int:
    """The place in the table of a file below the folder of tests, by the first entry that it lies in."""
    parts = PurePath(path).parts
    for place, entry in enumerate(LONGEST_FIRST):
        if parts[: len(PurePath(entry).parts)] == PurePath(entry).parts:
            return place
    return len(LONGEST_FIRST)


def order_of(files: Iterable[str]) -> dict[str, int]:
    """The file of each test -> when it is handed out. One file's tests stand together, whatever came between them."""
    counts = Counter(files)
    ordered = sorted(counts, key=lambda path: (rank(path), -counts[path], path))
    return {path: turn for turn, path in enumerate(ordered)}
