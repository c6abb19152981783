"""In which order the files of tests are handed to the workers: what waits and what computes side by side, long before
short.

A file stays on one worker. Stories with real processes wait more than they compute: were they handed out together, the
workers would first wait for each other's processes and then compute in each other's way. So a share of the waiting goes
out with the same share of the computing, from beginning to end. Begun last, a story of a minute leaves the other
workers idle; so the longest go first. Here is only the order; `conftest.py` puts it into force.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath
from typing import Final

WAITING: Final = {
    "end_to_end/test_demo.py": 220,
    "end_to_end/test_browser_demo.py": 180,
    "end_to_end/test_box_memory.py": 130,
    "end_to_end/test_centre_memory.py": 110,
    "end_to_end/test_browser_office.py": 110,
    "end_to_end/test_browser_console.py": 90,
    "end_to_end/test_browser_stories.py": 70,
    "end_to_end/test_money_of_a_shaft.py": 70,
    "end_to_end/test_centre_from_journal.py": 70,
    "end_to_end/test_quickstart.py": 60,
    "end_to_end/test_box_life.py": 60,
    "provisioning/test_commission.py": 60,
    "provisioning/test_set_unit.py": 50,
    "edge_agent/whole_box/test_upgrade.py": 50,
    "end_to_end": 30,
    "edge_agent/whole_box": 15,
}
"""Files, or folders for each file in them, below this one -> about how many seconds one takes, most of them waiting."""

COMPUTING: Final = {
    "simulation": 200,
    "cloud_server/api/test_schema.py": 40,
    "provisioning/test_install.py": 40,
    "crash/test_money_steps.py": 30,
    "cloud_server/api/test_many_boxes.py": 20,
    "provisioning/test_large_workbook.py": 15,
    "house_rules": 5,
}
"""The same of files that compute, and take longer than the number of their tests tells."""

CENTRE_TEST_S: Final = 0.25
"""What a test takes that sets up a centre; the tables name only what takes longer."""
OTHER_TEST_S: Final = 0.03


def entry_of(path: str, entries: Iterable[str]) -> str | None:
    """The first entry that a file below the folder of tests lies in."""
    parts = PurePath(path).parts
    return next((entry for entry in entries if parts[: len(PurePath(entry).parts)] == PurePath(entry).parts), None)


def order_of(files: Iterable[str]) -> dict[str, int]:
    """The file of each test -> when it is handed out. One file's tests stand together, whatever came between them."""
    waiting: dict[str, float] = {}
    computing: dict[str, float] = {}
    for path, tests in Counter(files).items():
        waits, computes = entry_of(path, WAITING), entry_of(path, COMPUTING)
        if waits is not None:
            waiting[path] = WAITING[waits]
        else:
            test_s = CENTRE_TEST_S if entry_of(path, ["cloud_server"]) else OTHER_TEST_S
            computing[path] = tests * test_s if computes is None else COMPUTING[computes]
    return {path: turn for turn, path in enumerate(_side_by_side(waiting, computing))}


def _side_by_side(*kinds: dict[str, float]) -> list[str]:
    """Each kind's files, the longest first; next comes the kind of which the smallest share has been handed out."""
    left = [[path for _, path in sorted((-seconds, path) for path, seconds in kind.items())] for kind in kinds]
    ordered: list[str] = []
    while any(left):
        share = [
            1 - sum(kind[path] for path in paths) / sum(kind.values()) if paths else 2.0
            for kind, paths in zip(kinds, left, strict=True)
        ]
        ordered.append(left[share.index(min(share))].pop(0))
    return ordered
