"""The main job without a network: plan, box comes in, sale, grant, charge; the ledger says what the box says."""

from cloud_server.core import accounts
from tests.cloud_server.site_rig import SiteRig
from tests.cloud_server.street import YUAN, account_id, meter_id, wallet_id


def test_a_sale_becomes_credit_in_the_wallet(rig: SiteRig) -> None:
    rig.plan()
    box = rig.enrol(1)
    sale = rig.sell("100.00")
    wallet = wallet_id(1, 2)
    assert rig.ledger(accounts.in_flight(wallet)) == {accounts.in_flight(wallet): 100 * YUAN}
    rig.settle(box)
    assert box.book[wallet] == 100 * YUAN
    row = rig.books.sale(sale)
    assert row is not None
    assert row.state == "on"
    assert row.balance_after_micro == 100 * YUAN
    named = (accounts.in_flight(wallet), accounts.wallet(wallet), accounts.customer(account_id(1, 2)))
    assert rig.ledger(*named) == {accounts.wallet(wallet): 100 * YUAN}


def test_energy_is_charged_as_the_box_says(rig: SiteRig) -> None:
    rig.plan()
    box = rig.enrol(1)
    rig.sell("100.00")
    rig.settle(box)
    box.use(meter_id(1, 2), 2_500)
    box.seal()
    rig.settle(box)
    wallet = wallet_id(1, 2)
    assert rig.ledger(accounts.wallet(wallet), accounts.revenue("flat")) == {
        accounts.wallet(wallet): 98 * YUAN,
        accounts.revenue("flat"): 2 * YUAN,
    }
    assert rig.breaches() == []
