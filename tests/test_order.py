"""Files of tests are handed out as the table says, and the table names nothing that is gone."""

from pathlib import Path

import pytest

from tests import order


def test_every_entry_is_there() -> None:
    gone = [entry for entry in order.LONGEST_FIRST if not (Path(__file__).parent / entry).exists()]
    assert gone == []


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        ("end_to_end/test_demo.py", "end_to_end/test_demo.py"),
        ("end_to_end/test_nginx.py", "end_to_end"),
        ("crash/test_outbox.py", "crash"),
    ],
)
def test_the_first_entry_that_fits_counts(path: str, entry: str) -> None:
    assert order.LONGEST_FIRST[order.rank(path)] == entry


def test_what_is_not_named_follows_with_the_fullest_file_first() -> None:
    files = ["protocol/test_b.py", "protocol/test_a.py", "protocol/test_a.py", "crash/test_outbox.py"]
    turns = order.order_of(files)
    assert sorted(turns, key=lambda path: turns[path]) == [
        "crash/test_outbox.py",
        "protocol/test_a.py",
        "protocol/test_b.py",
    ]


def test_a_folder_is_not_a_beginning_of_letters() -> None:
    assert order.rank("end_to_end_of_the_world/test_it.py") == len(order.LONGEST_FIRST)
