"""Daily fees: once for each day of the site's calendar, from the last one charged. They wait for a sure clock."""

from datetime import date, timedelta
from typing import Final

import msgspec

from edge_agent.core.decision import NOTHING, Decision, join
from edge_agent.core.place import Place
from edge_agent.core.state import BoxState, Now, WalletRow
from protocol.box_config import WalletConfig
from protocol.records import Fee

CATCH_UP_DAYS_MAX: Final = 400
"""Days charged in one step after an outage: as long as lines are kept; what is older, a person settles."""


def charge_fees(place: Place, state: BoxState, now: Now) -> Decision:
    """Charge each wallet with fees for the days since its last one, today included."""
    if not now.sure:
        return NOTHING
    today = place.book.local_day(now.wall_ms)
    due = [
        _charge(state.wallets[wallet.wallet], wallet, today, now)
        for wallet in place.config.wallets
        if wallet.fees and wallet.account_state == "in_use" and _is_due(state, wallet, today)
    ]
    return join(*due) if due else NOTHING


def _is_due(state: BoxState, wallet: WalletConfig, today: date) -> bool:
    row = state.wallets.get(wallet.wallet)
    if row is None or row.closed:
        return False
    return row.state.last_fee_day is None or date.fromisoformat(row.state.last_fee_day) < today


def _charge(row: WalletRow, wallet: WalletConfig, today: date, now: Now) -> Decision:
    last = date.fromisoformat(row.state.last_fee_day) if row.state.last_fee_day is not None else today - timedelta(1)
    first = max(last + timedelta(1), today - timedelta(CATCH_UP_DAYS_MAX - 1))
    days = [first + timedelta(n) for n in range((today - first).days + 1)]
    records = tuple(
        Fee(at_ms=now.wall_ms, wallet=row.wallet, day=day.isoformat(), fee=fee.fee, charge_micro=fee.charge_micro)
        for day in days
        for fee in wallet.fees
    )
    charged = sum(record.charge_micro for record in records)
    after = msgspec.structs.replace(
        row.state, book_micro=row.state.book_micro - charged, last_fee_day=today.isoformat()
    )
    return Decision(records=records, wallets=(msgspec.structs.replace(row, state=after),))
