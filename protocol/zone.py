"""A site's time zone by its pinned release, the same on box and centre whatever the machines carry.

The machine's own zone data is switched off for the whole process: two releases would give two midnights, and a box
and a centre that split one interval differently.
"""

import zoneinfo

zoneinfo.reset_tzpath(())


def site_zone(name: str) -> zoneinfo.ZoneInfo:
    """The zone of a name such as Asia/Shanghai. Raises KeyError (unknown) or ValueError (no name of a zone)."""
    return zoneinfo.ZoneInfo.no_cache(name)


def is_zone(name: str) -> bool:
    """Tell whether a name is one of the pinned zone data."""
    try:
        site_zone(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
