"""The plan of a site: every reference that leads nowhere, every name that stands twice."""

from typing import Any

import msgspec
import pytest

from protocol.box_config import Defaults
from protocol.payload import read_payload, write_payload
from protocol.site_plan import (
    AccountPlan,
    BoxPlan,
    BuildingPlan,
    CustomerPlan,
    PointPlan,
    SitePlan,
    WalletPlan,
    find_mistakes,
)
from tests.vectors.cast import (
    ACCOUNT,
    BOX,
    CONFIG,
    CUSTOMER,
    MAIN_POINT,
    METER,
    OTHER_BOX,
    POINT,
    SITE,
    WALLET,
    an_id,
)

replace = msgspec.structs.replace
NOBODY, BUILDING = an_id("nobody"), an_id("building")
PLAN = SitePlan(
    site=SITE,
    name="步行街",
    settings=CONFIG.site,
    defaults=Defaults(),
    buildings=[BuildingPlan(building=BUILDING, name="1 号楼")],
    boxes=[
        BoxPlan(
            box=BOX, name="A1", building=BUILDING, buses=CONFIG.buses, devices=CONFIG.devices, meters=CONFIG.meters
        ),
        BoxPlan(box=OTHER_BOX, name="A2", building=BUILDING, buses=[], devices=[], meters=[]),
    ],
    points=[
        PointPlan(point=POINT, building=BUILDING, number="101", name="面馆"),
        PointPlan(point=MAIN_POINT, building=BUILDING, number="总", name="总表", use="main"),
    ],
    customers=[CustomerPlan(customer=CUSTOMER, name="李", phones=("13800000000",))],
    accounts=[AccountPlan(account=ACCOUNT, number="0001", customer=CUSTOMER)],
    wallets=[
        WalletPlan(
            wallet=WALLET, account=ACCOUNT, box=BOX, meters=[METER], alarm1_micro=20_000_000, alarm2_micro=5_000_000
        )
    ],
    tariffs=CONFIG.tariffs,
)


def first(of: str, /, **fields: Any) -> SitePlan:
    """The plan with the first of a list changed."""
    head, *rest = getattr(PLAN, of)
    return replace(PLAN, **{of: [replace(head, **fields), *rest]})


def again(of: str, /, **fields: Any) -> SitePlan:
    """The plan with the first of a list once more, changed."""
    items = getattr(PLAN, of)
    return replace(PLAN, **{of: [*items, replace(items[0], **fields)]})


def test_a_plan_comes_back_as_it_went() -> None:
    assert read_payload(write_payload(PLAN), SitePlan) == PLAN
    assert find_mistakes(PLAN) == []


@pytest.mark.parametrize(
    ("plan", "mistakes"),
    [
        (first("boxes", building=NOBODY), [f"box A1: building {NOBODY} is unknown"]),
        (first("points", building=NOBODY), [f"point 101: building {NOBODY} is unknown"]),
        (first("points", point=NOBODY), [f"box A1, meter 101: point {POINT} is unknown"]),
        (first("accounts", customer=NOBODY), [f"account 0001: customer {NOBODY} is unknown"]),
        (first("wallets", account=NOBODY), [f"wallet {WALLET}: account {NOBODY} is unknown"]),
        (
            first("wallets", box=NOBODY),
            [
                f"wallet {WALLET}: box {NOBODY} is unknown",
                f"wallet {WALLET}: meter {METER} does not hang on box {NOBODY}",
            ],
        ),
        (first("wallets", box=OTHER_BOX), [f"wallet {WALLET}: meter {METER} does not hang on box {OTHER_BOX}"]),
        (again("buildings"), [f"building {BUILDING} stands twice"]),
        (again("points", point=NOBODY), ["point number 101 stands twice"]),
        (again("points", number="102"), [f"point {POINT} stands twice"]),
        (again("customers"), [f"customer {CUSTOMER} stands twice"]),
        (again("accounts", number="0002"), [f"account {ACCOUNT} stands twice"]),
        (again("accounts", account=NOBODY), ["account number 0001 stands twice"]),
        (again("wallets"), [f"wallet {WALLET} stands twice"]),
        (again("boxes", box=NOBODY, meters=[]), ["box name A1 stands twice"]),
        (again("boxes", box=NOBODY, name="A3", meters=CONFIG.meters[:1]), [f"meter {METER} stands twice"]),
        (first("boxes", box=OTHER_BOX, name="A2", meters=[]),
         [f"box {OTHER_BOX} stands twice", "box name A2 stands twice", f"wallet {WALLET}: box {BOX} is unknown",
          f"wallet {WALLET}: meter {METER} does not hang on box {BOX}"]),
    ],
)  # fmt: skip
def test_each_mistake_is_named(plan: SitePlan, mistakes: list[str]) -> None:
    assert [str(mistake) for mistake in find_mistakes(plan)] == mistakes
