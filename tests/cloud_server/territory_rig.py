"""A street of two buildings with one box each, for permissions by building: what stands in each, and who is limited."""

from dataclasses import dataclass

import msgspec

from cloud_server.core.alarm_views import AlarmFilter
from cloud_server.core.roles import Role
from cloud_server.core.territory import Territory
from cloud_server.flows import plan_site
from cloud_server.flows.alarm_life import raise_alarm
from cloud_server.flows.office import open_office
from cloud_server.flows.sign_in import SignIn
from cloud_server.ports import Actor, Operation
from cloud_server.ports.ledger import AdjustmentOrder, ClosingOrder
from cloud_server.ports.money import RefundOrder
from cloud_server.store.people import StoredPeople
from protocol.records import Subject
from protocol.site_plan import BuildingPlan, SitePlan
from tests.cloud_server.site_rig import CASHIER, SiteRig
from tests.cloud_server.street import BUILDING, account_id, box_id, meter_id, point_id, street, wallet_id
from tests.cloud_server.web.conftest import PASSWORD
from tests.fakes.centre_clock import FakeChance
from tests.fakes.centre_people import PlainPasswords

OTHER_BUILDING = "00000000000070008000000000000b02"
ALL_STANDING = AlarmFilter()
OWN, OTHER = 1, 2
"""Numbers of the two boxes, each the only one of its building."""
OWN_TERRITORY = Territory(frozenset({BUILDING}))
SUPERVISOR = Actor(id="1" * 32, name="li", display_name="李静", roles=frozenset({"supervisor"}))
SHARED_ACCOUNT = account_id(1, 1)
"""Its wallets hang on the boxes of both buildings."""


def two_buildings(site: str) -> SitePlan:
    """Shops of box 2 stand in a building of their own."""
    plan = street(site, shops=5)
    parted = msgspec.structs.replace
    return parted(
        plan,
        buildings=[*plan.buildings, BuildingPlan(building=OTHER_BUILDING, name="西街")],
        boxes=[parted(box, building=OTHER_BUILDING) if box.box == box_id(OTHER) else box for box in plan.boxes],
        points=[
            parted(point, building=OTHER_BUILDING) if point.point[-8:-4] == f"{OTHER:04x}" else point
            for point in plan.points
        ],
    )


@dataclass(frozen=True)
class Things:
    """One of everything that an address can name, all of one building."""

    parts: dict[str, str]
    shop: str
    alarm: str


def furnish(rig: SiteRig) -> dict[int, Things]:
    """Sales, refunds, closings, steps that wait, orders and alarms in both buildings."""
    plan_site.take_plan(rig.centre, two_buildings(rig.site), "provisioner")
    boxes = {number: rig.enrol(number, seed=f"box {number}") for number in (OWN, OTHER)}
    sales = {number: rig.sell("100.00", number, 2) for number in boxes}
    for number in boxes:
        rig.sell("50.00", number, 3)
    for box in boxes.values():
        rig.settle(box)
    things = {number: _things(rig, number, sales[number]) for number in boxes}
    for box in boxes.values():
        rig.settle(box)
    return things


def _things(rig: SiteRig, number: int, sale: str) -> Things:
    office, account = open_office(rig.centre), account_id(number, 2)
    refund = office.refunds.ask(
        RefundOrder(key=f"refund-{number}", account=account, amount="10", method="cash", reason="搬走"), CASHIER
    )
    closing = office.closings.close(
        ClosingOrder(key=f"close-{number}", account=account_id(number, 3), reason="退租"), SUPERVISOR
    )
    waits = office.adjustments.adjust(
        AdjustmentOrder(
            key=f"adjust-{number}", account=account, wallet=wallet_id(number, 2), amount="9000", reason="CT"
        ),
        SUPERVISOR,
    )
    batch = f"batch-{rig.clock.now_ms:013d}-{number}"
    rig.operations.order(Operation(key=batch, kind="observe", meters=(meter_id(number, 4),)), SUPERVISOR)
    with rig.store.write() as unit:
        raise_alarm(unit, "relay_deaf", rig.clock.now_ms, Subject(box=box_id(number), meter=meter_id(number, 4)))
        alarm = unit.alarm_book.alarms(ALL_STANDING, [box_id(number)], 1)[0].alarm_id
    parts = {
        "point": point_id(number, 2),
        "account": account,
        "sale": sale,
        "refund": refund.refund or "",
        "closing": closing.closing or "",
        "request": waits.request or "",
        "box": box_id(number),
        "batch": batch,
    }
    assert all(parts.values()), parts
    return Things(parts, f"商铺{number}2", alarm)


def add_limited(rig: SiteRig, role: Role, where: str = "east", territory: Territory = OWN_TERRITORY) -> str:
    """A person of a role who is limited to buildings; their sign-in name."""
    people = StoredPeople(rig.engine, rig.site)
    flow = SignIn(people, PlainPasswords(), rig.clock, FakeChance(f"limited {role} {where}"))
    row = flow.add_staff(f"{role}-{where}", f"The {role} of the {where}", PASSWORD, frozenset({role}), "test")
    people.change_roles(row.staff, row.roles, row.active, rig.clock.now_ms, "test", territory)
    return row.name
