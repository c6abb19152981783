"""Files of tests are handed out as the tables say, and the tables name nothing that is gone."""

from pathlib import Path

import pytest

from tests import order

TESTS = Path(__file__).parent


def handed_out(files: list[str]) -> list[str]:
    turns = order.order_of(files)
    return sorted(turns, key=lambda path: turns[path])


def test_every_entry_is_there() -> None:
    gone = [entry for entry in (*order.WAITING, *order.COMPUTING) if not (TESTS / entry).exists()]
    assert gone == []


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        ("end_to_end/test_demo.py", "end_to_end/test_demo.py"),
        ("end_to_end/test_nginx.py", "end_to_end"),
        ("end_to_end_of_the_world/test_it.py", None),
    ],
)
def test_the_first_entry_that_fits_counts(path: str, entry: str | None) -> None:
    assert order.entry_of(path, order.WAITING) == entry


def test_what_is_not_named_goes_with_the_fullest_file_first() -> None:
    files = ["protocol/test_b.py", "protocol/test_a.py", "protocol/test_a.py", "simulation/test_simulation.py"]
    assert handed_out(files) == ["simulation/test_simulation.py", "protocol/test_a.py", "protocol/test_b.py"]


def test_what_waits_and_what_computes_go_out_side_by_side() -> None:
    """Of the real tree: the longest story first, and neither kind waits for the end of the other."""
    files = [str(path.relative_to(TESTS)) for path in TESTS.rglob("test_*.py")]
    ordered = handed_out(files)
    assert sorted(ordered) == sorted(files)
    waits = {path: order.WAITING[entry] for path in files if (entry := order.entry_of(path, order.WAITING)) is not None}
    gone = ordered[: len(ordered) // 2]
    assert waits.keys() & set(gone)
    assert waits.keys() - set(gone), "some are kept for later"
    assert ordered[0] == max(waits, key=lambda path: waits[path])
