"""What a meter does with its relay by itself: forced control, its own prepaid account, its load control. Pure.

Forced control makes the other controls invalid (ADF400L manual V1.2, 7.2.4 [M]). Released, the meter opens at
remaining <= 0 and closes after a purchase (7.2.1 [M]; the instant 0 by the ADF300L text [M-derived]), opens once
below alarm 2 and closes after its recovery time, 0 = not before a purchase (7.2.1 [M]), and opens above its maximum
power, to close after its recovery time as often as allowed (7.2.3 [M]).
This simulator's choices: the account falls with energy whenever its switch is on, forced closed too; malignant load
and time control are not played.
"""

from enum import Enum

from provisioning.simulator.memory import MICROJOULES_PER_WH, RATES, MeterMemory

# The account's unit in the meter's memory, (0.01 yuan per kWh) × microjoule: this many make 0.01 yuan.
ACCOUNT_PER_CENT = 1000 * MICROJOULES_PER_WH
# A restore timer that never runs out.
NEVER_MS = -1
MILLISECONDS_PER_RECOVERY_UNIT = 10_000
PRICE_KEYS = tuple(f"price_{rate}" for rate in RATES)


class Forced(Enum):
    """What forced control says."""

    RELEASED = "released"
    CLOSED = "forced closed"
    OPEN = "forced open"
    ARMED = "armed: closed by the button at the meter"


def prepaid_is_on(memory: MeterMemory) -> bool:
    """Whether the meter keeps its own account: its switch is on and it is not in metering mode."""
    return memory.settings.get("prepaid_switch", 0) != 0 and memory.settings.get("protocol", 0) >> 8 == 0


def spending_per_ms(memory: MeterMemory, power_mw: int, rate: int) -> int:
    """What the account loses in a millisecond at this power (primary side) and rate."""
    return power_mw * memory.settings.get(PRICE_KEYS[rate], 0) if prepaid_is_on(memory) else 0


def update(memory: MeterMemory, forced: Forced, power_if_closed_mw: int) -> bool:
    """Bring the meter's own latches up to this instant; returns whether the contact should be closed.

    An armed contact stays as it is: only the button closes it.
    """
    if forced is not Forced.RELEASED:
        memory.arrears_open = memory.alarm2_open = memory.overload_open = False
        return memory.contact_closed if forced is Forced.ARMED else forced is Forced.CLOSED
    _update_account(memory)
    _update_overload(memory, power_if_closed_mw)
    return not (memory.arrears_open or memory.alarm2_open or memory.overload_open)


def _update_account(memory: MeterMemory) -> None:
    if not prepaid_is_on(memory):
        memory.arrears_open = memory.alarm2_open = memory.alarm2_told = False
        return
    memory.arrears_open = memory.remaining <= 0
    if memory.remaining >= memory.settings["alarm_2"] * ACCOUNT_PER_CENT:
        memory.alarm2_open = memory.alarm2_told = False
    elif not memory.alarm2_told:
        memory.alarm2_open = memory.alarm2_told = True
        memory.alarm2_restore_ms = memory.settings["recovery_time_s"] * 1000 or NEVER_MS
    elif memory.alarm2_restore_ms == 0:
        memory.alarm2_open = False


def _update_overload(memory: MeterMemory, power_mw: int) -> None:
    settings = memory.settings
    if not settings["load_control_switch"]:
        memory.overload_open = False
    elif memory.overload_open:
        memory.overload_open = memory.overload_restore_ms != 0
    elif power_mw > settings["maximum_power"] * 1000:
        memory.overload_open = True
        settings["load_control_count"] = min(settings["load_control_count"] + 1, 0xFFFF)
        recovery_ms = settings["load_control_recovery"] * MILLISECONDS_PER_RECOVERY_UNIT
        allowed = settings["load_control_count"] <= settings["load_control_allowed"]
        memory.overload_restore_ms = recovery_ms if allowed and recovery_ms else NEVER_MS


def next_event_ms(memory: MeterMemory, spending: int) -> int | None:
    """Milliseconds until the latches may change by themselves, at this spending a millisecond; None for never."""
    events = []
    if spending:
        alarm_2 = memory.settings["alarm_2"] * ACCOUNT_PER_CENT
        if memory.remaining > 0:
            events.append(-(-memory.remaining // spending))
        if memory.remaining >= alarm_2:
            events.append((memory.remaining - alarm_2) // spending + 1)
    events += [timer for timer in (memory.alarm2_restore_ms, memory.overload_restore_ms) if timer > 0]
    return min(events, default=None)


def let_pass(memory: MeterMemory, elapsed_ms: int, spending: int) -> None:
    """Spend, and run the restore timers, for `elapsed_ms`."""
    memory.remaining -= spending * elapsed_ms
    if memory.alarm2_restore_ms > 0:
        memory.alarm2_restore_ms = max(0, memory.alarm2_restore_ms - elapsed_ms)
    if memory.overload_restore_ms > 0:
        memory.overload_restore_ms = max(0, memory.overload_restore_ms - elapsed_ms)


def own_reasons(memory: MeterMemory) -> list[str]:
    """Why a released meter is open, in words; empty where it is not."""
    latches = {"arrears": memory.arrears_open, "alarm 2": memory.alarm2_open, "overload": memory.overload_open}
    return [reason for reason, held in latches.items() if held]
