"""Tables of energy added up by day and by month, kept by the ingest beside the intervals. Columns only.

They can be built anew from the intervals at any time, and `verify` holds them against those.
"""

import peewee as pw

from cloud_server.store.tables_fleet import Table


class EnergySums(Table):
    """What both have: the sum of all parts of intervals that began in a period of the site's zone, by rate. `vacant`
    is 1 for what was charged to nobody; `last_used_ms` is when the newest part with energy began, 0 for none;
    `hour_..` is the energy by hour of the day."""

    meter = pw.TextField()
    period = pw.TextField()
    rate = pw.TextField()
    vacant = pw.BigIntegerField()
    energy_wh = pw.BigIntegerField()
    charge_micro = pw.BigIntegerField()
    last_used_ms = pw.BigIntegerField()
    hour_00_wh = pw.BigIntegerField()
    hour_01_wh = pw.BigIntegerField()
    hour_02_wh = pw.BigIntegerField()
    hour_03_wh = pw.BigIntegerField()
    hour_04_wh = pw.BigIntegerField()
    hour_05_wh = pw.BigIntegerField()
    hour_06_wh = pw.BigIntegerField()
    hour_07_wh = pw.BigIntegerField()
    hour_08_wh = pw.BigIntegerField()
    hour_09_wh = pw.BigIntegerField()
    hour_10_wh = pw.BigIntegerField()
    hour_11_wh = pw.BigIntegerField()
    hour_12_wh = pw.BigIntegerField()
    hour_13_wh = pw.BigIntegerField()
    hour_14_wh = pw.BigIntegerField()
    hour_15_wh = pw.BigIntegerField()
    hour_16_wh = pw.BigIntegerField()
    hour_17_wh = pw.BigIntegerField()
    hour_18_wh = pw.BigIntegerField()
    hour_19_wh = pw.BigIntegerField()
    hour_20_wh = pw.BigIntegerField()
    hour_21_wh = pw.BigIntegerField()
    hour_22_wh = pw.BigIntegerField()
    hour_23_wh = pw.BigIntegerField()


class EnergyDay(EnergySums):
    """By day, 2026-11-22."""

    class Meta:
        table_name = "energy_day"
        primary_key = pw.CompositeKey("site", "meter", "period", "rate", "vacant")
        indexes = ((("site", "period"), False),)


class EnergyMonth(EnergySums):
    """By month, 2026-11."""

    class Meta:
        table_name = "energy_month"
        primary_key = pw.CompositeKey("site", "meter", "period", "rate", "vacant")
        indexes = ((("site", "period"), False),)


MODELS: tuple[type[pw.Model], ...] = (EnergyDay, EnergyMonth)
