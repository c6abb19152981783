"""A wallet between two closed intervals: running balance, alarm levels, the arrears latch.

Book balance is what has been sealed; running balance is that less what the registers say since.
"""

from typing import Literal

import msgspec

from edge_agent.core.decision import Decision
from edge_agent.core.place import Place
from edge_agent.core.state import BoxState, Now, WalletRow
from edge_agent.core.supply import Credit, credit_of
from protocol.box_config import WalletConfig
from protocol.records import Alarm, AlarmKind, Subject
from protocol.state import WalletState

ALARM_OF_LEVEL: tuple[AlarmKind, AlarmKind] = ("alarm1", "alarm2")


def feeding(place: Place, state: BoxState, meter: str) -> WalletConfig | None:
    """The wallet that feeds a meter now; None where none does, or it has been closed."""
    wallet = place.wallet_of.get(meter)
    if wallet is None or wallet.wallet not in state.wallets or state.wallets[wallet.wallet].closed:
        return None
    return wallet


def running_micro(state: BoxState, wallet: WalletConfig) -> int:
    """Book balance less what the newest believed registers of its meters have cost since."""
    book_micro = state.wallets[wallet.wallet].state.book_micro
    return book_micro - sum(state.latest[m].open_charge_micro for m in wallet.meters if m in state.latest)


def all_read(state: BoxState, wallet: WalletConfig) -> bool:
    """Whether each meter of the wallet has been read since the start, or is lost: until then it is only a guess."""
    return all(meter in state.latest or meter in state.lost for meter in wallet.meters)


def known_micro(state: BoxState, wallet: WalletConfig) -> int | None:
    """The running balance as it may be shown; None until each meter of the wallet has been read or is lost."""
    return running_micro(state, wallet) if all_read(state, wallet) else None


def credit(state: BoxState, wallet: WalletConfig) -> Credit:
    """Where the wallet stands. A balance at the trip level is sure as soon as it is seen: registers only rise."""
    found = credit_of(running_micro(state, wallet), wallet.trip_micro, wallet.reconnect_micro)
    if found is Credit.AT_TRIP or all_read(state, wallet):
        return found
    return Credit.UNKNOWN


def judge_wallet(place: Place, state: BoxState, wallet: WalletConfig, now: Now) -> Decision:
    """Raise and clear the wallet's alarms, and take the arrears latch off at the reconnect level."""
    row = state.wallets[wallet.wallet]
    balance = running_micro(state, wallet)
    level = _level(balance, wallet) if row.funded else 0
    before = row.state.alarm_level
    if level < before and not all_read(state, wallet):
        level = before
    lift = row.state.arrears_open and credit(state, wallet) is Credit.ABOVE
    if level == before and not lift:
        return Decision()
    alarm2_at_ms = row.state.alarm2_at_ms
    if level == 2 > before:
        alarm2_at_ms = now.wall_ms
    elif level < 2:
        alarm2_at_ms = None
    after = msgspec.structs.replace(
        row.state,
        alarm_level=level,
        alarm2_at_ms=alarm2_at_ms,
        alarm2_used=level == 2,
        arrears_open=row.state.arrears_open and not lift,
    )
    records = [_alarm(place, wallet, kind, state_, balance, now) for kind, state_ in _changes(before, level)]
    if lift:
        records.append(_alarm(place, wallet, "arrears", "cleared", balance, now))
    return Decision(records=tuple(records), wallets=(msgspec.structs.replace(row, state=after),), urgent=True)


def latch_arrears(place: Place, state: BoxState, wallet: WalletConfig, now: Now) -> Decision:
    """Set the arrears latch, with its alarm."""
    row = state.wallets[wallet.wallet]
    if row.state.arrears_open:
        return Decision()
    after = msgspec.structs.replace(row, state=msgspec.structs.replace(row.state, arrears_open=True))
    alarm = _alarm(place, wallet, "arrears", "raised", running_micro(state, wallet), now)
    return Decision(records=(alarm,), wallets=(after,), urgent=True)


def new_wallet(wallet: str) -> WalletRow:
    """The row of a wallet that has never held money."""
    return WalletRow(
        state=WalletState(wallet=wallet, book_micro=0, arrears_open=False, alarm_level=0, alarm2_used=False)
    )


def _level(balance_micro: int, wallet: WalletConfig) -> Literal[0, 1, 2]:
    if balance_micro <= wallet.alarm2_micro:
        return 2
    return 1 if balance_micro <= wallet.alarm1_micro else 0


def _changes(before: int, after: int) -> list[tuple[AlarmKind, Literal["raised", "cleared"]]]:
    """Which alarms are raised or cleared between two levels, in the order in which they happen."""
    if after > before:
        return [(ALARM_OF_LEVEL[level], "raised") for level in range(before, after)]
    return [(ALARM_OF_LEVEL[level], "cleared") for level in range(before - 1, after - 1, -1)]


def _alarm(
    place: Place, wallet: WalletConfig, kind: AlarmKind, state: Literal["raised", "cleared"], value: int, now: Now
) -> Alarm:
    subject = Subject(box=place.box, wallet=wallet.wallet)
    return Alarm(at_ms=now.wall_ms, alarm=kind, subject=subject, state=state, value=value)
