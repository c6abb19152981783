"""The words for what was not done: refusals of a box, conflicts in the books, mistakes in a field. Tables only."""

from typing import Final

from cloud_server.core.mistakes import ConflictCode
from cloud_server.web.word_tables import N_
from protocol.records import RefusalReason

REFUSAL: Final[dict[RefusalReason, str]] = {
    "not_supported": N_("the box's program does not know this command yet"),
    "bad_body": N_("the command could not be read"),
    "expired": N_("too late"),
    "withdrawn": N_("withdrawn"),
    "over_limit": N_("above the limit kept on the box"),
    "unknown_wallet": N_("the box does not know this wallet"),
    "unknown_meter": N_("the box does not know this meter"),
    "wallet_closed": N_("the wallet is closed"),
    "wallet_not_closed": N_("a wallet is not closed yet"),
    "meter_not_released": N_("a meter is not released yet"),
    "meter_in_use": N_("the meter is in use"),
    "stale_reading": N_("no fresh reading of the meter"),
    "money_id_known": N_("this money was applied before"),
    "undone_grant_refused": N_("the credit to undo was refused"),
    "nothing_to_give": N_("nothing to give back"),
    "not_tested": N_("the relay test was not passed"),
    "locked_out": N_("the meter is locked out"),
    "protected_always": N_("on the list of what is always protected"),
    "lower_term": N_("signed before the centre was restored"),
    "config_invalid": N_("the configuration does not fit"),
    "no_space": N_("the box's disk is full"),
}
CONFLICT: Final[dict[ConflictCode, str]] = {
    "second_needed": N_("A second person, a supervisor, must confirm this."),
    "second_is_maker": N_("Whoever asks for it cannot confirm it too: it takes two people."),
    "second_not_supervisor": N_("The second person has to be a supervisor."),
    "second_elsewhere": N_("The second person has no permission for these buildings."),
    "second_unknown": N_("The second person's name or password is wrong, or there were too many attempts."),
    "reversed_before": N_("This sale has been reversed already."),
    "till_day_over": N_("The till day of this sale is over: only a refund or an adjustment is left."),
    "refunded_since": N_("Money of this account was refunded, or is being asked back, since this sale."),
    "credit_used": N_("Credit of this sale that lay at the centre has been used since."),
    "wallet_differs": N_("Books and box differ on this wallet: it pays nothing out until a person has settled it."),
    "asked_already": N_("Credit of this wallet is being asked back already and the box has not answered yet."),
    "answered": N_("The box has answered already."),
    "box_takes_none": N_("The box takes no orders now."),
    "not_payable": N_("Only a refund whose money is back at the centre can be paid or granted back."),
    "till_open": N_("This till is open already."),
    "till_of_another": N_("The till of another person is closed by that person or a supervisor."),
    "tills_open": N_("Tills are still open: close them, or say that the day is closed all the same."),
    "day_closed": N_("This day is closed already."),
    "day_ahead": N_("This day has not begun."),
    "not_the_maker": N_("Only whoever asked for it can withdraw it; a supervisor rejects it."),
    "account_closed": N_("The account is closed."),
    "plan_changed": N_("Somebody else has changed the settings meanwhile: look at it again."),
    "no_wallet": N_("The account has no wallet in use any more: the money can only be paid out."),
    "other": N_("The books as they stand do not allow it."),
}
FIELD: Final[dict[str, str]] = {
    "box_takes_none": N_("The box takes no orders now."),
    "required": N_("Please fill this in."),
    "not_a_number": N_("Type digits with at most two decimals, for example 100.00."),
    "not_above_zero": N_("The amount must be above 0."),
    "too_many_decimals": N_("At most two decimals: the least amount is 0.01."),
    "too_great": N_("Far above what one sale can be."),
    "below_least": N_("One sale is at least %(limit)s."),
    "above_greatest": N_("One sale is at most %(limit)s."),
    "above_balance_limit": N_("The balance would rise above the greatest allowed, %(limit)s."),
    "above_day_limit": N_("Your sales of today would rise above %(limit)s."),
    "unknown": N_("This is not one of the choices."),
    "not_a_time": N_("A time of day such as 08:30 is right."),
    "not_a_price": N_("A price from 0 to 1000 with at most six decimals is right, for example 0.8512."),
    "taken": N_("This is taken already: it has to be one of its own."),
    "account_not_in_use": N_("The account is closing or closed: no more sales."),
    "parts_differ": N_("The parts do not add up to the amount."),
    "several_wallets": N_("This account has several wallets: say how much for each."),
    "wallet_not_of_account": N_("This wallet belongs to another account."),
    "wallet_quarantined": N_("This box is set apart until a person has looked at it."),
    "too_long": N_("Too long."),
    "cash_too_little": N_("Less than the amount."),
    "box_not_heard": N_(
        "The shop's box was not heard since the centre was restored: selling is closed until two people open it."
    ),
}
