"""What flows ask of the store about the site's own meter profiles."""

from collections.abc import Iterable
from typing import Protocol

from cloud_server.core.planned_profiles import SavedProfile
from protocol.box_config import ProfileText
from protocol.units import Ms


class ProfileBook(Protocol):
    """Every version that was taken."""

    def versions(self, profile: str | None = None) -> list[SavedProfile]:
        """All, or those of one profile: by name, newest first."""
        ...

    def keep(self, profiles: Iterable[ProfileText], at_ms: Ms, by: str) -> None:
        """Add the versions that are not there yet."""
        ...
