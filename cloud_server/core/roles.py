"""Who may do what: one table, read at every request and shown in the console. Pure; knows no page and no session."""

from collections.abc import Iterable
from typing import Final, Literal, get_args

from cloud_server.core.territory import WHOLE_SITE, Territory

Role = Literal["cashier", "supervisor", "accountant", "technician", "provisioner", "administrator", "auditor"]
Right = Literal[
    "see_points",
    "see_phones",
    "see_sales",
    "sell",
    "refund",
    "confirm",
    "see_till",
    "close_day",
    "carry",
    "keep_customers",
    "close_accounts",
    "adjust",
    "replace_meters",
    "settings",
    "set_mode",
    "put_in_service",
    "lock_out",
    "lift_lock_out",
    "acknowledge_alarms",
    "operate_many",
    "see_books",
    "see_ledger",
    "manage_staff",
    "keep_messages",
    "see_audit",
    "see_roles",
]

ROLES: Final[tuple[Role, ...]] = get_args(Role)
RIGHTS: Final[tuple[Right, ...]] = get_args(Right)

TABLE: Final[dict[Right, frozenset[Role]]] = {
    "see_points": frozenset(ROLES),
    # A phone number is personal: whoever does not serve customers does not need it.
    "see_phones": frozenset({"cashier", "supervisor", "accountant", "administrator"}),
    "see_sales": frozenset({"cashier", "supervisor", "accountant", "administrator", "auditor"}),
    # Who keeps the system does not take money with it.
    "sell": frozenset({"cashier", "supervisor"}),
    # Each takes a second person where the sum or the case asks for one.
    "refund": frozenset({"cashier", "supervisor"}),
    "confirm": frozenset({"supervisor"}),
    "see_till": frozenset({"cashier", "supervisor", "accountant"}),
    "close_day": frozenset({"supervisor", "accountant"}),
    "carry": frozenset({"cashier", "supervisor", "technician", "provisioner", "administrator"}),
    "keep_customers": frozenset({"cashier", "supervisor", "administrator"}),
    "close_accounts": frozenset({"supervisor"}),
    "adjust": frozenset({"supervisor", "accountant"}),
    "replace_meters": frozenset({"supervisor", "technician", "administrator"}),
    "settings": frozenset({"provisioner", "administrator"}),
    "set_mode": frozenset({"supervisor", "technician", "administrator"}),
    "put_in_service": frozenset({"supervisor", "technician", "provisioner", "administrator"}),
    "lock_out": frozenset({"supervisor", "technician", "provisioner", "administrator"}),
    "lift_lock_out": frozenset({"supervisor", "technician", "administrator"}),
    "acknowledge_alarms": frozenset({"cashier", "supervisor", "technician", "provisioner", "administrator"}),
    "operate_many": frozenset({"supervisor", "technician", "provisioner", "administrator"}),
    "see_books": frozenset({"supervisor", "accountant", "administrator", "auditor"}),
    # Sums over all tills and all accounts.
    "see_ledger": frozenset({"supervisor", "accountant", "administrator", "auditor"}),
    "manage_staff": frozenset({"administrator"}),
    "keep_messages": frozenset({"supervisor", "administrator"}),
    "see_audit": frozenset({"administrator", "auditor"}),
    "see_roles": frozenset(ROLES),
}
"""Each right, and the roles that have it. A person has the rights of all of their roles together."""
WHOLE_SITE_RIGHTS: Final[frozenset[Right]] = frozenset(
    {"close_day", "settings", "see_ledger", "manage_staff", "keep_messages", "see_audit"}
)
"""Rights over what no building has a part of: whoever is limited to buildings does not have them, whatever the role."""


def may(roles: Iterable[Role], right: Right) -> bool:
    """Tell whether any of these roles has the right."""
    return not TABLE[right].isdisjoint(roles)


def rights_of(roles: Iterable[Role], territory: Territory = WHOLE_SITE) -> frozenset[Right]:
    """All rights of these roles together, in a territory."""
    held = frozenset(roles)
    rights = frozenset(right for right in RIGHTS if not TABLE[right].isdisjoint(held))
    return rights if territory.is_whole else rights - WHOLE_SITE_RIGHTS
