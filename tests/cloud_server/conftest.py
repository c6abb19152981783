"""Fixtures of the centre's tests: a rig of real parts in a folder of its own, on each engine that counts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud_server.ports.database import PostgresAddress
from tests.cloud_server.console_rig import ConsoleRig, open_console_rig
from tests.cloud_server.site_rig import SiteRig, open_rig


@pytest.fixture
def rig(tmp_path: Path, database: PostgresAddress | None) -> Iterator[SiteRig]:
    with open_rig(tmp_path, database=database) as made:
        yield made


@pytest.fixture
def console(tmp_path: Path, database: PostgresAddress | None) -> Iterator[ConsoleRig]:
    with open_console_rig(tmp_path, database=database) as made:
        yield made
