"""A centre put together for one command, and taken apart behind it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cloud_server.config import Config

if TYPE_CHECKING:
    from cloud_server.wiring import Parts


@contextmanager
def wired(config: Config) -> Iterator["Parts"]:
    """All its parts. Raises KeysFault, DatabaseFault."""
    from cloud_server.wiring import wire  # noqa: PLC0415  # the web framework is loaded where it is needed

    parts = wire(config)
    try:
        yield parts
    finally:
        parts.close()
