"""Steps from one schema version to the next, oldest first. A new database is made in its newest form at once."""

from collections.abc import Callable
from typing import Final

import peewee

SCHEMA_VERSION: Final = 1

STEPS: Final[dict[int, Callable[[peewee.Database], None]]] = {}
"""Version reached -> what leads there from the one before. Guards are put back after each."""
