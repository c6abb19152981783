"""Reports of use and of accounts over real rows: what they add up agrees with the intervals and with the ledger."""

import msgspec
import pytest

from cloud_server.flows import plan_site
from protocol.site_plan import SitePlan
from tests.cloud_server.flows.test_reports import column, make, table
from tests.cloud_server.site_rig import SiteRig
from tests.cloud_server.street import YUAN, customer_id, meter_id, street


def plan_with_main(site: str) -> SitePlan:
    """Shop 1 of box 1 is the building's main meter, and nobody has opened an account on shop 3."""
    plan = street(site, boxes=1)
    points = [msgspec.structs.replace(point, use="main") if point.number == "A01" else point for point in plan.points]
    gone = customer_id(1, 1), customer_id(1, 3)
    accounts = [account for account in plan.accounts if account.customer not in gone]
    kept = {account.account for account in accounts}
    return msgspec.structs.replace(
        plan,
        points=points,
        customers=[customer for customer in plan.customers if customer.customer not in gone],
        accounts=accounts,
        wallets=[wallet for wallet in plan.wallets if wallet.account in kept],
    )


def added(values: list[object]) -> int:
    """The sum of a column of energies."""
    return sum(value for value in values if isinstance(value, int))


@pytest.fixture
def used(rig: SiteRig) -> SiteRig:
    """10 kWh through the main meter, of which shop 2 paid 6 and the vacant shop 3 took 3."""
    plan_site.take_plan(rig.centre, plan_with_main(rig.site), "provisioner")
    box = rig.enrol(1)
    rig.sell("100.00")
    rig.settle(box)
    for shop, energy_wh in ((1, 10_000), (2, 6_000), (3, 3_000)):
        box.use(meter_id(1, shop), energy_wh)
    box.seal()
    rig.settle(box)
    return rig


def test_loss_is_the_main_meter_less_all_behind_it(used: SiteRig) -> None:
    made = table(make(used, "loss", step="all"), "loss")
    assert column(made, "main_energy") == [10_000]
    assert column(made, "behind") == [9_000]
    assert column(made, "loss") == [1_000]
    assert column(made, "loss_share") == [1_000], "ten percent, in hundredths"


def test_vacant_use_is_what_was_charged_to_nobody(used: SiteRig) -> None:
    made = table(make(used, "vacant", step="all"), "vacant")
    assert column(made, "shop_number") == ["A03"], "a main meter is no vacant shop"
    assert column(made, "energy") == [3_000]


def test_income_by_rate_is_what_the_ledger_earned(used: SiteRig) -> None:
    made = table(make(used, "income", step="all"), "by_period")
    assert column(made, "charge_flat") == [6 * 800_000]
    assert used.ledger("revenue/flat") == {"revenue/flat": 6 * 800_000}


def test_hours_add_up_to_the_energy(used: SiteRig) -> None:
    report = make(used, "hours")
    by_hour = table(report, "by_hour")
    assert added(column(by_hour, "energy")) == 9_000, "the main meter counts nothing twice"
    assert added(column(table(report, "by_point"), "energy")) == 19_000


def test_periods_before_stand_beside(used: SiteRig) -> None:
    today = used.centre.day_of(used.clock.now_ms)
    made = table(make(used, "compare", from_day=today), "compare")
    assert column(made, "energy") == [10_000, 6_000, 3_000]
    assert column(made, "energy_before") == [None, None, None], "nothing was recorded before"
    assert column(made, "change_before") == [None, None, None]
    used.clock.advance(86_400_000)
    today = used.centre.day_of(used.clock.now_ms)
    later = table(make(used, "compare", from_day=today), "compare")
    assert column(later, "energy") == [0, 0, 0]
    assert column(later, "energy_before") == [10_000, 6_000, 3_000]
    assert column(later, "change_before") == [-10_000, -10_000, -10_000]


def test_the_roll_forward_is_the_trial_balance(used: SiteRig) -> None:
    report = make(used, "rollforward")
    made = table(report, "rollforward")
    assert column(made, "account") == ["K1002"]
    assert column(made, "roll_sold") == [100 * YUAN]
    assert column(made, "roll_charged") == [-6 * 800_000]
    assert column(made, "roll_closing") == [100 * YUAN - 6 * 800_000]
    facts = {fact.key: fact.value for fact in report.facts}
    assert facts["roll_difference"] == 0
    used.clock.advance(40 * 86_400_000)
    later = make(used, "rollforward")
    assert column(table(later, "rollforward"), "roll_opening") == [100 * YUAN - 6 * 800_000]
    assert column(table(later, "rollforward"), "roll_sold") == [0]
    assert {fact.key: fact.value for fact in later.facts}["roll_difference"] == 0
