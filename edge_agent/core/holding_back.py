"""What holds an arrears trip back, or cuts once as a warning: friendly hours, holidays, notice, alarm 2.

Nothing here looks at a balance; it answers whether this is an hour at which one may be acted on.
"""

from edge_agent.core.place import Place
from edge_agent.core.state import BoxState, MeterRow, Now
from protocol.box_config import FriendlyHours, WalletConfig
from protocol.units import DAY_MS

MINUTE_MS = 60_000
MINUTES_A_DAY = DAY_MS // MINUTE_MS


def friendly(place: Place, now: Now) -> bool:
    """Whether arrears open nothing now. With the clock unsure and friendly hours set, it may be one: so yes."""
    if not (place.config.friendly_hours or place.config.holidays):
        return False
    if not now.sure:
        return True
    day = place.book.local_day(now.wall_ms)
    if day.isoformat() in place.config.holidays:
        return True
    minute = (now.wall_ms - place.book.midnight_ms(day)) // MINUTE_MS
    return any(_holds(window, day.isoweekday(), minute) for window in place.config.friendly_hours)


def _holds(window: FriendlyHours, weekday: int, minute: int) -> bool:
    """A window over midnight belongs to the weekday on which it begins; equal ends are a whole day."""
    if window.from_minute < window.to_minute:
        return weekday in window.weekdays and window.from_minute <= minute < window.to_minute
    day_before = (weekday - 2) % 7 + 1
    begins = weekday in window.weekdays and minute >= window.from_minute
    goes_on = day_before in window.weekdays and minute < window.to_minute
    return begins or goes_on


def noticed(place: Place, state: BoxState, wallet: WalletConfig, now: Now) -> bool:
    """Whether the notice after alarm 2 is over: not before a shopkeeper could act on it. Who never paid was told."""
    notice_ms = place.config.defaults.trip_notice_s * 1000
    row = state.wallets[wallet.wallet]
    alarm2_at_ms = row.state.alarm2_at_ms
    return notice_ms == 0 or not row.funded or (alarm2_at_ms is not None and now.wall_ms >= alarm2_at_ms + notice_ms)


def warning_cut_runs(place: Place, state: BoxState, row: MeterRow, wallet: WalletConfig, now: Now) -> bool:
    """Whether the one cut that warns at alarm 2 runs: from its crossing for `trip_once_s`, once a crossing."""
    if place.config.defaults.alarm2_action != "trip_once" or row.state.held:
        return False
    kept = state.wallets[wallet.wallet].state
    if kept.alarm_level != 2 or kept.alarm2_at_ms is None or not kept.alarm2_used:
        return False
    return 0 <= now.wall_ms - kept.alarm2_at_ms < place.config.defaults.trip_once_s * 1000
