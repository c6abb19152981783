"""`docs/asvs.md` has a row for every item of levels 1 and 2, and the tests that it names are there."""

import re
from pathlib import Path

from tests.house_rules.test_threats import NAMED, ROOT, names_in

PAGE = ROOT / "docs" / "asvs.md"
ROW = re.compile(r"^\| (\d+\.[\d., –]+?) \| (met|n/a|not met) \| .+ \|$")
ITEMS = """
    1.1:1-2 1.2:1-9 1.3:1-11 1.4:1-3 1.5:1-2 2.1:1-3 2.2:1-3 2.3:1-4 2.4:1 3.2:1-2 3.3:1-4 3.4:1-6 3.5:1-5 3.7:1-2
    4.1:1-3 4.2:1 4.3:1-2 4.4:1-4 5.1:1 5.2:1-3 5.3:1-2 5.4:1-3 6.1:1-3 6.2:1-12 6.3:1-4 6.4:1-4 6.5:1-5 6.6:1-3
    6.8:1-4 7.1:1-3 7.2:1-4 7.3:1-2 7.4:1-5 7.5:1-2 7.6:1-2 8.1:1-2 8.2:1-3 8.3:1 8.4:1 9.1:1-3 9.2:1-4 10.1:1-2
    10.2:1-2 10.3:1-4 10.4:1-11 10.5:1-5 10.6:1-2 10.7:1-3 11.1:1-2 11.2:1-3 11.3:1-3 11.4:1-4 11.5:1 11.6:1
    12.1:1-3 12.2:1-2 12.3:1-4 13.1:1 13.2:1-5 13.3:1-2 13.4:1-5 14.1:1-2 14.2:1-4 14.3:1-3 15.1:1-3 15.2:1-3
    15.3:1-7 16.1:1 16.2:1-5 16.3:1-4 16.4:1-3 16.5:1-3 17.1:1 17.2:1-4 17.3:1-2
"""
"""Section and numbers of the items of levels 1 and 2 of ASVS 5.0 (github.com/OWASP/ASVS, 5.0/en)."""


def wanted() -> list[str]:
    found = []
    for section in ITEMS.split():
        name, numbers = section.split(":")
        for part in numbers.split(","):
            first, _, last = part.partition("-")
            found += [f"{name}.{number}" for number in range(int(first), int(last or first) + 1)]
    return found


def rows(page: Path) -> list[str]:
    """The items of all rows, ranges written out; a line of the table that is no row fails here."""
    found = []
    for line in page.read_text(encoding="utf-8").splitlines():
        if not re.match(r"\| \d", line):
            continue
        row = ROW.match(line)
        assert row is not None, line
        for part in row.group(1).split(", "):
            first, _, last = part.partition("–")
            section, number = first.rsplit(".", 1)
            end = last.rsplit(".", 1)[1] if last else number
            found += [f"{section}.{each}" for each in range(int(number), int(end) + 1)]
    return found


def test_every_item_has_one_row() -> None:
    assert sorted(rows(PAGE)) == sorted(wanted())


def test_each_test_that_is_named_is_there() -> None:
    named = NAMED.findall(PAGE.read_text(encoding="utf-8"))
    assert named
    assert [
        f"{path}::{name}" for path, name in named if not (ROOT / path).is_file() or name not in names_in(path)
    ] == []
