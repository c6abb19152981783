"""The words for every closed list: state, badge, cause, alarm, role, right. Tables only.

The English text in the code is the key; what is shown comes from the catalogs, English included.
"""

from typing import Final

from cloud_server.core.contracts import ClosingState
from cloud_server.core.money_requests import RefundState
from cloud_server.core.roles import RIGHTS, Right, Role
from cloud_server.core.second_person import RequestKind
from cloud_server.core.tasks import TaskKind
from cloud_server.core.views import (
    AccountState,
    Badge,
    CommandState,
    LostWith,
    Method,
    PointState,
    PointUse,
    SaleState,
)
from protocol.records import AlarmKind, Cause, CentreAlarmKind, Contact, IntervalFlag, MeterTestKind


def N_(words: str) -> str:  # noqa: N802 - the name by which the collector of words knows it
    """Mark words for the catalogs; they are looked up when they are shown."""
    return words


STATE: Final[dict[PointState, str]] = {
    "normal": N_("In use"),
    "alarm1": N_("Alarm 1"),
    "alarm2": N_("Alarm 2"),
    "arrears": N_("Arrears"),
    "not_opened": N_("Not opened"),
    "lost": N_("Lost"),
    "measured": N_("Measured"),
}
LOST_WITH: Final[dict[LostWith, str]] = {
    "box": N_("Box lost"),
    "bus": N_("Bus lost"),
    "device": N_("Device lost"),
}
BADGE: Final[dict[Badge, str]] = {
    "overload": N_("Overload"),
    "protected": N_("Protected"),
    "forced_off": N_("Cut off"),
    "locked_out": N_("Locked out"),
    "observe": N_("Observe"),
    "held": N_("Held"),
    "deaf": N_("Relay deaf"),
}
RELAY: Final[dict[Contact, str]] = {
    "closed": N_("Relay closed"),
    "open": N_("Relay open"),
    "unknown": N_("Relay unknown"),
}
CAUSE: Final[dict[Cause, str]] = {
    "forced_off": N_("cut off by command"),
    "protected": N_("protected supply"),
    "unopened": N_("account not opened"),
    "overload_latched": N_("overload, waiting"),
    "overload": N_("overload"),
    "arrears": N_("arrears"),
    "restored": N_("paid, supply restored"),
    "alarm2": N_("warning at alarm 2"),
    "normal": N_("prepaid, in credit"),
    "lock_out": N_("locked out"),
    "command": N_("by command"),
    "own_control": N_("the meter's own control"),
    "unknown": N_("cause unknown"),
}
METHOD: Final[dict[Method, str]] = {
    "cash": N_("Cash"),
    "wechat": N_("WeChat Pay"),
    "alipay": N_("Alipay"),
    "card": N_("Card"),
    "transfer": N_("Bank transfer"),
    "other": N_("Other"),
}
SALE: Final[dict[SaleState, str]] = {
    "sold": N_("Sold"),
    "waiting": N_("Waiting for the box"),
    "delivered": N_("Delivered"),
    "on": N_("On"),
    "refused": N_("Refused by the box"),
    "credit": N_("Credit at the centre"),
}
BOX: Final[dict[str, str]] = {
    "planned": N_("Planned"),
    "claimed": N_("Claim issued"),
    "waiting": N_("Waiting to be confirmed"),
    "enrolled": N_("Enrolled"),
    "quarantined": N_("Set apart: enforces, its batches are kept and not posted"),
    "revoked": N_("Not believed any more"),
}
COMMAND_STATE: Final[dict[CommandState, str]] = {
    "queued": N_("Queued"),
    "delivered": N_("Delivered"),
    "done": N_("Done"),
    "refused": N_("Refused"),
    "expired": N_("Expired"),
}
OPERATION: Final[dict[str, str]] = {
    "prepaid": N_("Back to prepaid"),
    "protected": N_("Protect"),
    "forced_off": N_("Cut off"),
    "in_service": N_("Put in service"),
    "observe": N_("Back to observe"),
    "lock_out": N_("Lock out"),
    "lift_lock_out": N_("Lift lock-out"),
    "grant": N_("Credit"),
    "configure": N_("Configuration"),
    "reclaim": N_("Ask credit back"),
    "withdraw": N_("Withdraw"),
    "close_wallet": N_("Close the wallet"),
    "release_overload": N_("Release overload"),
    "replace_meter": N_("Replace the meter"),
    "release_meter": N_("Give the meter up"),
    "adopt_meter": N_("Take the meter over"),
    "resolve_register": N_("Judge the register"),
    "upgrade": N_("Upgrade"),
}
MODE: Final[dict[str, str]] = {
    "prepaid": N_("Prepaid"),
    "protected": N_("Protected"),
    "forced_off": N_("Cut off"),
}
SERVICE: Final[dict[str, str]] = {"observe": N_("Observe"), "in_service": N_("In service")}
USE: Final[dict[PointUse, str]] = {
    "tenant": N_("Shop"),
    "main": N_("Main meter"),
    "public": N_("Public supply"),
}
TEST: Final[dict[MeterTestKind, str]] = {
    "relay": N_("Relay test"),
    "guard": N_("Test of the last guard"),
    "serial": N_("Test of the serial number"),
    "ratio": N_("Test of the ratio"),
}
RATE: Final[dict[str, str]] = {
    "sharp": N_("Sharp"),
    "peak": N_("Peak"),
    "flat": N_("Flat"),
    "valley": N_("Valley"),
    "deep_valley": N_("Deep valley"),
}
ALARM: Final[dict[AlarmKind | CentreAlarmKind, str]] = {
    "alarm1": N_("Balance at alarm 1"),
    "alarm2": N_("Balance at alarm 2"),
    "arrears": N_("In arrears"),
    "overload": N_("Overload"),
    "overload_stays_open": N_("Overload too often: stays open"),
    "relay_deaf": N_("Relay does not obey"),
    "power_while_open": N_("Power although the relay is open"),
    "meter_own_control": N_("The meter switched by itself"),
    "meter_lost": N_("Meter lost"),
    "device_lost": N_("Device lost"),
    "bus_lost": N_("Bus lost"),
    "foreign_master": N_("Another master on the bus"),
    "register_held": N_("Register held for a person's judgement"),
    "serial_differs": N_("Another serial number than planned"),
    "ratio_differs": N_("Another ratio than planned"),
    "rates_differ": N_("Rate registers differ"),
    "phase_lost": N_("Phase lost"),
    "phase_reversed": N_("Phase reversed"),
    "current_without_voltage": N_("Current without voltage"),
    "unbalance": N_("Phases unbalanced"),
    "import_short": N_("Energy falls short of voltage × current"),
    "clock_unsure": N_("Clock unsure"),
    "clock_step": N_("Clock stepped"),
    "clock_disagrees": N_("Clocks of box and centre disagree"),
    "link_frozen": N_("No fresh answer from the centre"),
    "store_nearly_full": N_("Store nearly full"),
    "store_full": N_("Store full"),
    "store_damaged": N_("Store damaged"),
    "store_rolled_back": N_("Store set back"),
    "certificate_ending": N_("Certificate ends soon"),
    "equivocation": N_("One number with two contents"),
    "upgrade_failed": N_("The ordered program does not run"),
    "box_lost": N_("Box lost"),
    "box_forked": N_("Box forked"),
    "batch_parked": N_("Batch parked"),
    "finding": N_("Finding"),
    "journal_stopped": N_("Journal stopped"),
    "disk": N_("Disk of the centre"),
    "backup_old": N_("Backup too old"),
    "messages_stopped": N_("Messages stopped"),
    "recovery": N_("Recovery"),
}
FLAG: Final[dict[IntervalFlag, str]] = {
    "estimated_split": N_("split by time"),
    "clock_unsure": N_("clock unsure"),
    "fallback_rate": N_("fallback rate"),
    "typed": N_("register typed"),
    "catch_up": N_("caught up"),
    "wrap": N_("register wrapped"),
    "replaced": N_("meter replaced"),
    "midnight": N_("cut at midnight"),
    "confirmed_twice": N_("read twice"),
}
ROLE: Final[dict[Role, str]] = {
    "cashier": N_("Cashier"),
    "supervisor": N_("Supervisor"),
    "accountant": N_("Accountant"),
    "technician": N_("Technician"),
    "provisioner": N_("Provisioner"),
    "administrator": N_("Administrator"),
    "auditor": N_("Auditor"),
}
RIGHT: Final[dict[Right, str]] = {
    "see_points": N_("See supply points, balances and alarms"),
    "see_phones": N_("See phone numbers"),
    "see_sales": N_("See sales and receipts"),
    "sell": N_("Sell electricity"),
    "refund": N_("Refund and reverse"),
    "confirm": N_("Confirm others' steps as the second person"),
    "see_till": N_("See the till"),
    "close_day": N_("See all tills, close posting days"),
    "carry": N_("Carry signed commands to a box out of reach"),
    "keep_customers": N_("Open accounts, change customers"),
    "close_accounts": N_("Close accounts"),
    "adjust": N_("Adjust credit outside the till"),
    "replace_meters": N_("Replace meters"),
    "settings": N_("Change the settings of the site"),
    "set_mode": N_("Protect, restore prepaid, cut off"),
    "put_in_service": N_("Put meters in service"),
    "lock_out": N_("Lock out"),
    "lift_lock_out": N_("Lift a lock-out"),
    "acknowledge_alarms": N_("Acknowledge alarms"),
    "operate_many": N_("Operate many meters at once"),
    "see_books": N_("See arrears, balances and income in reports"),
    "see_ledger": N_("See all tills and the whole ledger in reports"),
    "manage_staff": N_("Add people, give roles, end sessions"),
    "keep_messages": N_("Keep messages, their texts and the duty list"),
    "see_audit": N_("See the log of who did what"),
    "see_roles": N_("See who may do what"),
}
if set(RIGHT) != set(RIGHTS):
    raise AssertionError("each right has a word")
REFUND: Final[dict[RefundState, str]] = {
    "waiting": N_("Waiting: the box cannot be asked yet"),
    "asked": N_("Asked of the box"),
    "payable": N_("Ready to be paid"),
    "refused": N_("The box gave nothing"),
    "withdrawn": N_("Withdrawn"),
    "expired": N_("Expired"),
    "paid": N_("Paid out"),
    "returned": N_("Granted back"),
}
ACCOUNT: Final[dict[AccountState, str]] = {
    "in_use": N_("In use"),
    "closing": N_("Closing"),
    "closed": N_("Closed"),
}
CLOSING: Final[dict[ClosingState, str]] = {
    "waiting": N_("Waiting: a box cannot be asked yet"),
    "asked": N_("Asked of the boxes"),
    "refused": N_("A box refused: it is asked again, or registers are typed by two people"),
    "ready": N_("All money is back: it can be settled"),
    "settled": N_("Settled"),
    "cancelled": N_("Given up"),
}
REQUEST: Final[dict[RequestKind, str]] = {
    "refund": N_("Refund"),
    "reversal": N_("Reversal"),
    "adjustment": N_("Adjustment"),
    "closing": N_("Close an account"),
    "settling": N_("Settle a closed account"),
    "retirement": N_("Retire a box"),
    "meters": N_("Change of a meter"),
    "operation": N_("Remote operation"),
    "open_selling": N_("Open selling for a box that was not heard"),
    "history": N_("Accept that batches of a box are gone"),
}
TASK: Final[dict[TaskKind, str]] = {
    "closing_refused": N_("A box refused to close: ask again"),
    "closing_ready": N_("A closing can be settled"),
    "move_stuck": N_("Moved credit has no balance to go to"),
    "meter_change_refused": N_("A meter's change was refused"),
    "replacement_noted": N_("A meter was exchanged on the spot: carry the replacement out"),
    "credit_at_centre": N_("Credit at the centre, on no box"),
    "till_open": N_("A till of a closed day is open"),
    "day_not_sealed_clean": N_("Breaches in the books of a day"),
}
