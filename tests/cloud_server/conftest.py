"""Fixtures of the centre's tests: a rig of real parts in a folder of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud_server.site_rig import SiteRig, open_rig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[SiteRig]:
    with open_rig(tmp_path) as made:
        yield made
