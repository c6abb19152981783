"""Fixtures of the centre's tests: a rig of real parts in a folder of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud_server.console_rig import ConsoleRig, open_console_rig
from tests.cloud_server.site_rig import SiteRig, open_rig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[SiteRig]:
    with open_rig(tmp_path) as made:
        yield made


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ConsoleRig]:
    with open_console_rig(tmp_path) as made:
        yield made
