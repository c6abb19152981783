"""Why a cell of the import workbook cannot be taken, and what would be right: the closed list of sentences. Words only.

Names of heads and sheets within a sentence are those of the workbook's own language.
"""

from typing import Final

from protocol.reason import Reason, reasons_in

# --- one cell --------------------------------------------------------------------------------------------------------

WHOLE: Final = Reason("a whole number from %(least)s to %(most)s is right")
AMOUNT: Final = Reason("a number from %(least)s to %(most)s with at most %(places)s decimals is right, without a unit")
ONE_OF: Final = Reason("one of %(allowed)s is right")
TOO_LONG: Final = Reason("at most %(most)s characters are right")
SEVERAL: Final = Reason("one to %(most)s entries, parted by commas, are right")
RATIO: Final = Reason("a ratio such as 200/5 or 40 is right")
DAY: Final = Reason("a day such as 2026-01-31 is right")
TIMES: Final = Reason("times of day such as 08:00, 18:00 are right")
MISSING: Final = Reason("%(head)s is missing")

# --- a sheet ---------------------------------------------------------------------------------------------------------

NO_SHEET: Final = Reason("the sheet %(sheet)s is missing")
NO_HEADS: Final = Reason("a row with the heads %(heads)s is right among the first rows")
HEADS_MISSING: Final = Reason("missing heads: %(heads)s")
ROW_MISSING: Final = Reason("a row %(head)s is missing")
TOO_MANY_ROWS: Final = Reason("at most %(most)s rows are right")

# --- what spans rows -------------------------------------------------------------------------------------------------

TWICE: Final = Reason("stands in row %(row)s already")
NOT_IN_SHEET: Final = Reason("not in the sheet %(sheet)s, which has %(names)s")
SHEET_EMPTY: Final = Reason("not in the sheet %(sheet)s, which has nothing")
UNKNOWN_MODEL: Final = Reason("not a model that is known; known are %(names)s")
SAME_ADDRESS: Final = Reason("this address on this bus has meter %(meter)s of row %(row)s already")
BOX_ELSEWHERE: Final = Reason("box %(box)s stands in %(building)s above")
SHOP_DIFFERS: Final = Reason("row %(row)s has this shop with another name, use or building")
OTHER_DAY: Final = Reason("row %(row)s of the same tariff has another day")
RATE_TWICE: Final = Reason("stands twice in this tariff: several times go into one cell")
NO_TIMES: Final = Reason("with several rates each needs the times at which it begins")
TIME_TAKEN: Final = Reason("%(time)s begins the rate of row %(row)s already")
NO_SUCH_METER: Final = Reason("%(meter)s is not in the sheet %(sheet)s")
METER_TAKEN: Final = Reason("%(meter)s belongs to row %(row)s already")
SEVERAL_BOXES: Final = Reason("hang on the boxes %(boxes)s: one row for each")
ACCOUNT_TAKEN: Final = Reason("row %(row)s has this account for another customer")
ALARM_ORDER: Final = Reason("alarm 1 must lie above alarm 2")
ALARM_BELOW_CUT: Final = Reason("alarm 2 must not lie below the balance at which supply is cut")

REASONS: Final = reasons_in(dict(globals()))
"""All of them."""
