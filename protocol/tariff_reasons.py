"""Why a tariff's text is no tariff, and what would be right: the closed list of sentences. Words only."""

from typing import Final

from protocol.reason import Reason, reasons_in

AT: Final = Reason("%(place)s = %(value)s: %(right)s")
UNKNOWN_KEY: Final = Reason("unknown key; known here: %(known)s")
TABLE: Final = Reason("must be a table")
TABLES: Final = Reason("must be a list of tables")
RATE_NAME: Final = Reason("a rate's name has 1 to 100 characters and no spaces")
PRICE: Final = Reason("micro-units per kWh, a whole number from 0 to %(most)s")
A_RATE: Final = Reason("at least one rate, for example [rates.flat]")
A_DAY: Final = Reason("at least one day, for example [days.all]")
SWITCHES: Final = Reason('a list of 1 to %(most)s texts such as "08:00 flat"')
SWITCH: Final = Reason('a local time and a rate, for example "08:00 flat"')
UNKNOWN_RATE: Final = Reason("unknown rate; known: %(known)s")
RISING: Final = Reason("times must rise through the day, none twice")
FROM_MIDNIGHT: Final = Reason("the first switch must be at 00:00")
STEPS: Final = Reason("a list of at most %(most)s tables such as { from_kwh = 0, add_micro = 0 }")
STEP_ABOVE: Final = Reason("above the step before, at most %(most)s")
STEP_FIRST: Final = Reason("the first step begins at 0")
STEP_ADDS: Final = Reason("micro-units per kWh added to every rate, a whole number from 0 to %(most)s")
ONE_OF_DAYS: Final = Reason("must be one of the days: %(known)s")
NO_DAYS: Final = Reason("must be one of the days, and none is defined")
WEEKDAYS: Final = Reason('must be a table such as { sat = "weekend" }')
MONTH_DAY: Final = Reason('a month and day such as "07-01"')
DATES: Final = Reason('must be a table such as { "2026-10-01" = "weekend" }')
DATE_KEY: Final = Reason("the key must be a date such as 2026-10-01")
NAME: Final = Reason("a name that staff know the tariff by")
START: Final = Reason(
    "local time of the site in whole seconds without offset, such as 2026-01-01T00:00:00, from %(first)s to %(last)s"
)
ONE_OF_RATES: Final = Reason("must be one of the rates: %(known)s")
REASONS: Final = reasons_in(dict(globals()))
"""All of them, beside those of TOML."""
