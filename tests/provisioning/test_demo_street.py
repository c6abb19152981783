"""The street of the demo: what it promises its visitors, and that simulator and plan tell of the same meters."""

import pytest

from protocol.box_config import text_hash
from protocol.plan_labels import give_ids, read_plan
from protocol.site_plan import SitePlan
from provisioning.demo.street import DRY_AFTER_S, FLAT_PRICE_MICRO, Street
from provisioning.simulator import parse_site


def planned(street: Street) -> tuple[SitePlan, dict[str, dict[str, str]]]:
    plan = street.plan("0" * 32, "Street")
    for tariff in plan["tariffs"]:
        tariff["hash"] = text_hash(tariff["text"])
    count = iter(range(1, 10_000))
    with_ids, ids = give_ids(plan, {}, lambda: f"{next(count):032x}")
    read, mistakes = read_plan(with_ids, ids)
    assert mistakes == []
    assert read is not None
    return read, ids


def test_three_shafts_of_two_buses_of_twenty_meters() -> None:
    plan, _ = planned(Street())
    assert [len(box.buses) for box in plan.boxes] == [2, 2, 2]
    for box in plan.boxes:
        for bus in box.buses:
            assert len([meter for meter in box.meters if meter.bus == bus.bus]) == 20
        profiles = [{meter.profile for meter in box.meters if meter.bus == bus.bus} for bus in box.buses]
        assert profiles == [{"acrel_adf400l_3ph", "acrel_adf400l_1ph"}, {"acrel_dtsy1352"}]


@pytest.mark.parametrize("small", [True, False])
def test_simulator_and_plan_tell_of_the_same_meters(small: bool) -> None:
    street = Street(small=small)
    plan, ids = planned(street)
    site = parse_site(street.simulated({bus: f"/tmp/{bus}" for bus in street.buses}, ids))
    simulated = {
        (bus.name, meter.id, meter.unit, meter.serial, meter.ct, meter.point)
        for bus in site.buses
        for meter in bus.meters
    }
    names = {bus.bus: bus.name for box in plan.boxes for bus in box.buses}
    assert simulated == {
        (names[meter.bus], meter.meter, meter.unit, meter.serial, meter.ratios[0].ct[0], meter.point)
        for box in plan.boxes
        for meter in box.meters
    }


@pytest.mark.parametrize("small", [True, False])
def test_all_six_states_are_there_to_begin_with(small: bool) -> None:
    street = Street(small=small)
    for state in ("arrears", "alarm1", "alarm2", "lost"):
        assert street.begin_as(state), state
    assert street.dry in street.numbers
    assert any(spot.use == "tenant" and not spot.has_account for spot in street.spots)


@pytest.mark.parametrize("speed", [1.0, 0.5, 20.0])
def test_one_shop_runs_dry_in_time_at_any_speed(speed: float) -> None:
    street = Street(speed=speed)
    plan, ids = planned(street)
    wallet = next(each for each in plan.wallets if each.wallet == ids["wallet"][street.dry])
    watts = next(spot.watts for spot in street.spots if spot.number == street.dry)
    lasts_s = wallet.opening_micro / (watts * speed * FLAT_PRICE_MICRO / 1_000 / 3_600)
    assert DRY_AFTER_S - 5 < lasts_s <= DRY_AFTER_S
    assert wallet.opening_micro > wallet.alarm1_micro > wallet.alarm2_micro > 0


def test_another_speed_later_leaves_what_was_entered_once() -> None:
    first, _ = planned(Street(speed=2))
    later, _ = planned(Street(speed=5, first_speed=2))
    assert [wallet.opening_micro for wallet in later.wallets] == [wallet.opening_micro for wallet in first.wallets]
    assert later.boxes[0].meters[0].rated_ma > first.boxes[0].meters[0].rated_ma


def test_no_load_is_beyond_what_its_feed_carries() -> None:
    for speed in (1.0, 40.0):
        street = Street(speed=speed)
        plan, ids = planned(street)
        watts = {ids["meter"][spot.number]: spot.watts for spot in street.spots}
        for box in plan.boxes:
            for meter in box.meters:
                assert watts[meter.meter] * speed < meter.rated_ma / 1_000 * 230 * meter.phases, meter.name


def test_shared_and_chained_accounts() -> None:
    plan, ids = planned(Street())
    shared = next(wallet for wallet in plan.wallets if len(wallet.meters) == 2)
    assert shared.meters == [ids["meter"]["130"], ids["meter"]["131"]]
    chained = [wallet for wallet in plan.wallets if wallet.account == ids["account"]["137"]]
    assert len({wallet.box for wallet in chained}) == 3
    fed = [meter for wallet in plan.wallets for meter in wallet.meters]
    assert len(fed) == len(set(fed))
    accounts = {wallet.account for wallet in plan.wallets}
    assert accounts == {account.account for account in plan.accounts}


def test_telephone_numbers_are_made_up_and_differ() -> None:
    plan, _ = planned(Street())
    phones = [phone for customer in plan.customers for phone in customer.phones]
    assert len(phones) == len(set(phones)) > 100
    assert all(phone.startswith("138000") and len(phone) == 11 for phone in phones)
