"""Rows of the site's own meter profiles: every version that was taken, for ever."""

from collections.abc import Iterable

from cloud_server.core.planned_profiles import SavedProfile
from cloud_server.store import tables_profiles as t
from cloud_server.store.rows import Rows
from protocol.box_config import ProfileText
from protocol.units import Ms


class ProfileRows(Rows):
    """Versions by profile."""

    def hashes(self) -> dict[tuple[str, int], str]:
        """Profile and version -> hash of its text."""
        query = self._of(t.SiteProfile, t.SiteProfile.profile, t.SiteProfile.version, t.SiteProfile.hash)
        return {(profile, version): text_hash for profile, version, text_hash in self._tuples(query)}

    def versions(self, profile: str | None = None) -> list[SavedProfile]:
        """All versions, or those of one profile: by name, newest first."""
        query = self._of(t.SiteProfile)
        if profile is not None:
            query = query.where(t.SiteProfile.profile == profile)
        rows = self._all(query.order_by(t.SiteProfile.profile, t.SiteProfile.version.desc()))
        return [SavedProfile(**row) for row in rows]

    def keep(self, profiles: Iterable[ProfileText], at_ms: Ms, by: str) -> None:
        """Add the versions that are not there yet."""
        known = self.hashes()
        new = {(one.profile, one.version): one for one in profiles if (one.profile, one.version) not in known}
        rows = [
            {
                "profile": one.profile,
                "version": one.version,
                "text": one.text,
                "hash": one.hash,
                "saved_at_ms": at_ms,
                "saved_by": by,
            }
            for one in new.values()
        ]
        self._insert(t.SiteProfile, rows)
