"""The table of a site's own meter profiles, version by version; only ever added to. Columns only."""

import peewee as pw

from cloud_server.store.database import Guarded
from cloud_server.store.tables_fleet import Table


class SiteProfile(Table):
    """One version; see core.planned_profiles.SavedProfile."""

    profile = pw.TextField()
    version = pw.BigIntegerField()
    text = pw.TextField()
    hash = pw.TextField()
    saved_at_ms = pw.BigIntegerField()
    saved_by = pw.TextField()

    class Meta:
        table_name = "site_profile"
        primary_key = pw.CompositeKey("site", "profile", "version")


MODELS: tuple[type[pw.Model], ...] = (SiteProfile,)
GUARDED: tuple[Guarded, ...] = (Guarded("site_profile"),)
