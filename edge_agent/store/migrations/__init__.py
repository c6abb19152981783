"""Every form that the store has had, in order. A step is never changed after it has been released."""

from collections.abc import Sequence
from typing import Final

from edge_agent.store.migrations import m0001_first

STEPS: Final[Sequence[Sequence[str]]] = (m0001_first.STATEMENTS,)
"""STEPS[n] are the statements that take a store from version n to version n + 1."""

VERSION: Final = len(STEPS)
"""The `user_version` that this program works with."""
