"""The sentences that say why a site plan does not hold, for the catalogs. Tables only.

They are written where they are judged, in `protocol/plan_reasons` and `core/planned_site`; a test holds this list to
them.
"""

from typing import Final

from cloud_server.web.word_tables import N_

SENTENCES: Final = (
    N_("building %(name)s stands twice"),
    N_("box %(name)s stands twice"),
    N_("box name %(name)s stands twice"),
    N_("bus %(name)s stands twice"),
    N_("bus name %(name)s stands twice"),
    N_("device %(name)s stands twice"),
    N_("meter %(name)s stands twice"),
    N_("address %(name)s stands twice"),
    N_("point %(name)s stands twice"),
    N_("point number %(name)s stands twice"),
    N_("customer %(name)s stands twice"),
    N_("account %(name)s stands twice"),
    N_("account number %(name)s stands twice"),
    N_("wallet %(name)s stands twice"),
    N_("tariff version %(name)s stands twice"),
    N_("box %(box)s: building %(building)s is unknown"),
    N_("point %(point)s: building %(building)s is unknown"),
    N_("box %(box)s, meter %(meter)s: point %(point)s is unknown"),
    N_("account %(account)s: customer %(customer)s is unknown"),
    N_("wallet %(wallet)s: account %(account)s is unknown"),
    N_("wallet %(wallet)s: box %(box)s is unknown"),
    N_("wallet %(wallet)s: meter %(meter)s does not hang on box %(box)s"),
    N_("box %(box)s: %(fault)s"),
    N_("a table with names and values is right here"),
    N_("not known here; known are %(known)s"),
    N_("missing"),
    N_("right is one of %(allowed)s"),
    N_("right is a text: a label of your own or an id of 32 hex digits"),
    N_("site: zone %(zone)s is not one of the zone data, such as Asia/Shanghai"),
    N_("device %(name)s (%(device)s): bus %(bus)s is not among the buses"),
    N_("meter %(name)s (%(meter)s): bus %(bus)s is not among the buses"),
    N_("meter %(name)s (%(meter)s): device %(device)s is not on bus %(bus)s"),
    N_("meter %(name)s (%(meter)s): tariff %(tariff)s is not among the tariffs"),
    N_("meter %(name)s (%(meter)s): ratio versions %(versions)s must differ"),
    N_("meter %(name)s (%(meter)s), relay: unit %(unit)s on bus %(bus)s is that of meter %(other)s"),
    N_("meter %(name)s (%(meter)s), relay: board %(board)s at unit %(unit)s, where another meter has %(other)s"),
    N_("meter %(name)s (%(meter)s), relay: channel %(channel)s of unit %(unit)s switches meter %(other)s already"),
    N_("tariff %(name)s version %(version)s: hash %(said)s is not that of its text, %(right)s"),
    N_("profile %(name)s version %(version)s: hash %(said)s is not that of its text, %(right)s"),
    N_("tariff %(name)s version %(version)s: %(fault)s"),
    N_(
        "wallet %(wallet)s: reconnect_micro %(reconnect)s must lie at least one fen (%(fen)s) above the "
        "trip level %(trip)s"
    ),
    N_(
        "wallet %(wallet)s: alarm1_micro %(alarm1)s must lie above alarm2_micro %(alarm2)s, and that "
        "not below the trip level %(trip)s"
    ),
    N_("wallet %(wallet)s: meter %(meter)s is not among the meters"),
    N_("wallet %(wallet)s: meter %(meter)s is fed by wallet %(other)s already"),
    N_("feeds no meter; a wallet that is not closed feeds one at least"),
    N_("the centre's own configuration says %(right)s"),
    N_("an opening balance is not below 0; a debt is an adjustment"),
    N_("a rate may not be named `fixed` or hold a slash: it names a ledger account"),
    N_("is enrolled and cannot be left out"),
    N_("is known to box %(box)s and cannot be left out"),
    N_("belongs to customer %(customer)s and stays"),
    N_("belongs to account %(account)s on box %(box)s and stays"),
    N_("was entered once, as %(opening)s"),
)
