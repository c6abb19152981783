"""A plan narrowed to buildings: what is kept, what is shared, and that a limit never turns into none."""

import msgspec

from cloud_server.core.roles import ROLES, WHOLE_SITE_RIGHTS, rights_of
from cloud_server.core.site_map import map_site
from cloud_server.core.territory import (
    WHOLE_SITE,
    Territory,
    narrow_plan,
    shared_accounts,
    territory_from_text,
    territory_text,
)
from tests.cloud_server.street import BUILDING, account_id, box_id, meter_id, point_id, wallet_id
from tests.cloud_server.territory_rig import OTHER_BUILDING, OWN_TERRITORY, SHARED_ACCOUNT, two_buildings

SITE = "0" * 32


def test_what_stands_in_a_building_is_kept_and_nothing_else() -> None:
    plan = two_buildings(SITE)
    narrowed = narrow_plan(plan, OWN_TERRITORY)
    site = map_site(narrowed)
    assert {point.building for point in narrowed.points} == {BUILDING}
    assert set(site.boxes) == {box_id(1)}
    assert set(site.meters) == {meter_id(1, n) for n in range(1, 6)}
    assert set(site.wallets) == {wallet_id(1, n) for n in range(1, 6)}
    assert set(site.accounts) == {account_id(1, n) for n in range(1, 6)}
    assert len(narrowed.customers) == 5
    assert narrow_plan(plan, WHOLE_SITE) is plan


def test_an_account_with_wallets_in_two_buildings_is_shared_between_them() -> None:
    plan = two_buildings(SITE)
    assert shared_accounts(plan, OWN_TERRITORY) == {SHARED_ACCOUNT}
    assert shared_accounts(plan, Territory(frozenset({OTHER_BUILDING}))) == {SHARED_ACCOUNT}
    assert not shared_accounts(plan, Territory(frozenset({BUILDING, OTHER_BUILDING})))
    assert not shared_accounts(plan, WHOLE_SITE)


def test_a_box_of_the_next_building_is_kept_with_the_meter_that_it_feeds_here() -> None:
    plan = two_buildings(SITE)
    points = [
        msgspec.structs.replace(point, building=BUILDING) if point.point == point_id(2, 3) else point
        for point in plan.points
    ]
    narrowed = narrow_plan(msgspec.structs.replace(plan, points=points), OWN_TERRITORY)
    assert {box.box: len(box.meters) for box in narrowed.boxes} == {box_id(1): 5, box_id(2): 1}
    assert account_id(2, 3) in map_site(narrowed).accounts


def test_a_building_that_is_in_no_plan_gives_nothing() -> None:
    narrowed = narrow_plan(two_buildings(SITE), Territory(frozenset({"gone"})))
    left = (narrowed.points, narrowed.boxes, narrowed.accounts, narrowed.wallets, narrowed.buildings)
    assert not any(left)


def test_none_is_the_whole_site_and_an_empty_text_is_no_building() -> None:
    for territory in (WHOLE_SITE, Territory(frozenset()), Territory(frozenset({"a", "b"}))):
        assert territory_from_text(territory_text(territory)) == territory
    assert territory_from_text("") == Territory(frozenset())
    assert not Territory(frozenset()).holds(BUILDING)


def test_who_is_limited_has_no_right_over_the_whole_site() -> None:
    for role in ROLES:
        assert rights_of({role}, OWN_TERRITORY) == rights_of({role}) - WHOLE_SITE_RIGHTS
