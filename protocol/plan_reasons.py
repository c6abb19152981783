"""Why a site plan, or the configuration of a box, does not hold: the closed list of sentences. Words only.

Names that stand in a sentence are those that people gave; ids stand beside them where a program needs them.
"""

from typing import Final

from protocol.reason import Reason, reasons_in

# --- stands twice ----------------------------------------------------------------------------------------------------

TWICE: Final = {
    "building": Reason("building %(name)s stands twice"),
    "box": Reason("box %(name)s stands twice"),
    "box name": Reason("box name %(name)s stands twice"),
    "bus": Reason("bus %(name)s stands twice"),
    "bus name": Reason("bus name %(name)s stands twice"),
    "device": Reason("device %(name)s stands twice"),
    "meter": Reason("meter %(name)s stands twice"),
    "address": Reason("address %(name)s stands twice"),
    "point": Reason("point %(name)s stands twice"),
    "point number": Reason("point number %(name)s stands twice"),
    "customer": Reason("customer %(name)s stands twice"),
    "account": Reason("account %(name)s stands twice"),
    "account number": Reason("account number %(name)s stands twice"),
    "wallet": Reason("wallet %(name)s stands twice"),
    "tariff version": Reason("tariff version %(name)s stands twice"),
}

# --- leads nowhere ---------------------------------------------------------------------------------------------------

BOX_BUILDING: Final = Reason("box %(box)s: building %(building)s is unknown")
POINT_BUILDING: Final = Reason("point %(point)s: building %(building)s is unknown")
METER_POINT: Final = Reason("box %(box)s, meter %(meter)s: point %(point)s is unknown")
ACCOUNT_CUSTOMER: Final = Reason("account %(account)s: customer %(customer)s is unknown")
WALLET_ACCOUNT: Final = Reason("wallet %(wallet)s: account %(account)s is unknown")
WALLET_BOX: Final = Reason("wallet %(wallet)s: box %(box)s is unknown")
WALLET_METER: Final = Reason("wallet %(wallet)s: meter %(meter)s does not hang on box %(box)s")

OF_BOX: Final = Reason("box %(box)s: %(fault)s")

# --- the form of a plan ----------------------------------------------------------------------------------------------

TABLE_HERE: Final = Reason("a table with names and values is right here")
NOT_KNOWN_HERE: Final = Reason("not known here; known are %(known)s")
MISSING: Final = Reason("missing")
RIGHT_IS_ONE_OF: Final = Reason("right is one of %(allowed)s")
LABEL: Final = Reason("right is a text: a label of your own or an id of 32 hex digits")

# --- the configuration of a box --------------------------------------------------------------------------------------

ZONE: Final = Reason("site: zone %(zone)s is not one of the zone data, such as Asia/Shanghai")
DEVICE_BUS: Final = Reason("device %(name)s (%(device)s): bus %(bus)s is not among the buses")
METER_BUS: Final = Reason("meter %(name)s (%(meter)s): bus %(bus)s is not among the buses")
METER_DEVICE: Final = Reason("meter %(name)s (%(meter)s): device %(device)s is not on bus %(bus)s")
METER_TARIFF: Final = Reason("meter %(name)s (%(meter)s): tariff %(tariff)s is not among the tariffs")
METER_RATIOS: Final = Reason("meter %(name)s (%(meter)s): ratio versions %(versions)s must differ")
RELAY_UNIT: Final = Reason("meter %(name)s (%(meter)s), relay: unit %(unit)s on bus %(bus)s is that of meter %(other)s")
RELAY_BOARD: Final = Reason(
    "meter %(name)s (%(meter)s), relay: board %(board)s at unit %(unit)s, where another meter has %(other)s"
)
RELAY_CHANNEL: Final = Reason(
    "meter %(name)s (%(meter)s), relay: channel %(channel)s of unit %(unit)s switches meter %(other)s already"
)
TARIFF_HASH: Final = Reason("tariff %(name)s version %(version)s: hash %(said)s is not that of its text, %(right)s")
PROFILE_HASH: Final = Reason("profile %(name)s version %(version)s: hash %(said)s is not that of its text, %(right)s")
TARIFF_TEXT: Final = Reason("tariff %(name)s version %(version)s: %(fault)s")
RECONNECT: Final = Reason(
    "wallet %(wallet)s: reconnect_micro %(reconnect)s must lie at least one fen (%(fen)s) above the trip level %(trip)s"
)
ALARMS: Final = Reason(
    "wallet %(wallet)s: alarm1_micro %(alarm1)s must lie above alarm2_micro %(alarm2)s, "
    "and that not below the trip level %(trip)s"
)
FED_METER: Final = Reason("wallet %(wallet)s: meter %(meter)s is not among the meters")
FED_TWICE: Final = Reason("wallet %(wallet)s: meter %(meter)s is fed by wallet %(other)s already")

REASONS: Final = reasons_in(dict(globals()))
"""All of them."""
