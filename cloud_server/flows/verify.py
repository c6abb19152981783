"""Checking every invariant of the books from one consistent look at all that was stored."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from cloud_server.core.invariants import CHECKS, CheckResult, Evidence
from protocol.signing import PublicKey


class Archive(Protocol):
    """Where evidence comes from."""

    def evidence(self, command_keys: Mapping[str, PublicKey]) -> AbstractContextManager[Evidence]:
        """All rows and lines as of one moment."""
        ...


def verify(archive: Archive, command_keys: Mapping[str, PublicKey]) -> tuple[CheckResult, ...]:
    """The result of each check, in their order."""
    with archive.evidence(command_keys) as evidence:
        return tuple(check(evidence) for check in CHECKS)
