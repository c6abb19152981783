"""The table of rights: complete, and keeping apart what must stay apart."""

from cloud_server.core.roles import RIGHTS, ROLES, TABLE, may, rights_of


def test_each_right_has_a_row_and_each_row_a_role() -> None:
    assert set(TABLE) == set(RIGHTS)
    assert all(TABLE[right] and TABLE[right] <= set(ROLES) for right in RIGHTS)


def test_rights_of_several_roles_add_up() -> None:
    assert rights_of({"cashier", "technician"}) == rights_of({"cashier"}) | rights_of({"technician"})
    assert rights_of(()) == frozenset()
    assert may({"auditor", "cashier"}, "sell")
    assert not may({"auditor"}, "sell")


def test_who_keeps_the_system_or_the_books_takes_no_money() -> None:
    for role in ("administrator", "auditor", "accountant", "technician", "provisioner"):
        assert not may({role}, "sell"), role


def test_the_auditor_changes_nothing() -> None:
    assert rights_of({"auditor"}) == {"see_points", "see_sales", "see_books", "see_ledger", "see_audit", "see_roles"}
