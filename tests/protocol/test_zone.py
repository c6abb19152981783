"""Zone data comes from the pinned release alone."""

import zoneinfo
from datetime import datetime

import pytest

from protocol.zone import is_zone, site_zone


def test_the_machines_own_zone_data_is_switched_off() -> None:
    assert zoneinfo.TZPATH == ()
    assert datetime(2026, 7, 1, tzinfo=site_zone("Europe/Berlin")).utcoffset().total_seconds() == 7_200  # type: ignore[union-attr]  # a zone has an offset


@pytest.mark.parametrize(
    ("name", "known"),
    [("Asia/Shanghai", True), ("UTC", True), ("Mars/Olympus", False), ("../etc/passwd", False), ("", False)],
)
def test_names(name: str, known: bool) -> None:
    assert is_zone(name) is known
