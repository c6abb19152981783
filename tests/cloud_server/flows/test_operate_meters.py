"""Orders to meters: one signed command each, the same key once, refused where nothing can be signed."""

import msgspec
import pytest

from cloud_server.core.mistakes import Conflict
from cloud_server.flows.office import open_office
from cloud_server.flows.plan_site import take_plan
from cloud_server.flows.read_batches import BatchBook
from cloud_server.ports import KeyReused, Operation, OperationKind, Refused
from cloud_server.ports.ledger import CheckStep
from cloud_server.ports.money import Waits
from protocol.commands import Body, InService, LiftLockOut, LockOutCommand, SetMode, read_body
from tests.cloud_server.flows.test_refund_credit import SUPERVISOR
from tests.cloud_server.site_rig import CASHIER, SiteRig
from tests.cloud_server.street import meter_id, point_id, street

METER = meter_id(1, 1)
DAY_MS = 86_400_000

ORDERS: list[tuple[OperationKind, int | None, Body, bool]] = [
    ("prepaid", None, SetMode(meter=METER, mode="prepaid"), True),
    ("protected", 5, SetMode(meter=METER, mode="protected", until_ms=5), True),
    ("forced_off", 7, SetMode(meter=METER, mode="forced_off", until_ms=7), True),
    ("in_service", None, InService(meter=METER, on=True), True),
    ("observe", None, InService(meter=METER, on=False), True),
    ("lock_out", None, LockOutCommand(meter=METER, who="wang"), False),
    ("lift_lock_out", None, LiftLockOut(meter=METER, who="wang"), True),
]


@pytest.mark.parametrize(("kind", "until_ms", "body", "expires"), ORDERS, ids=[order[0] for order in ORDERS])
def test_each_order_is_its_command(
    rig: SiteRig, kind: OperationKind, until_ms: int | None, body: Body, expires: bool
) -> None:
    rig.plan()
    box = rig.enrol(1)
    (row,) = rig.operations.order(Operation(key="k", kind=kind, meters=(METER,), until_ms=until_ms), CASHIER)
    assert (row.state, row.who, row.until_ms) == ("queued", "wang", until_ms)
    rig.exchange(box)
    (command,) = box.taken
    assert read_body(command) == body
    assert command.expires_at_ms == (rig.clock.now_ms + DAY_MS if expires else None)
    page = rig.books.point(point_id(1, 1))
    assert page is not None
    assert page.commands[0].state == "queued"
    rig.exchange(box)
    page = rig.books.point(point_id(1, 1))
    assert page is not None
    assert page.commands[0].state == "delivered"
    box.seal()
    rig.settle(box)
    page = rig.books.point(point_id(1, 1))
    assert page is not None
    assert page.commands[0].state == "done"
    assert rig.breaches() == []


def test_modes_show_until_their_end(rig: SiteRig) -> None:
    rig.plan()
    box = rig.enrol(1)
    until_ms = rig.clock.now_ms + 1_000
    rig.operations.order(Operation(key="k", kind="protected", meters=(METER,), until_ms=until_ms), CASHIER)
    rig.settle(box)
    assert next(row for row in rig.books.monitor().points if row.meter == METER).badges == ("protected", "observe")
    rig.clock.advance(1_000)
    assert next(row for row in rig.books.monitor().points if row.meter == METER).badges == ("observe",)


def test_the_same_key_signs_once(rig: SiteRig) -> None:
    rig.plan()
    rig.enrol(1)
    rig.enrol(2)
    meters = (meter_id(2, 1), METER, meter_id(2, 2))
    first = rig.operations.order(Operation(key="k", kind="protected", meters=meters), CASHIER)
    assert rig.operations.order(Operation(key="k", kind="protected", meters=meters), CASHIER) == first
    assert [row.command for row in first] == [1, 1, 2]
    with pytest.raises(KeyReused):
        rig.operations.order(Operation(key="k", kind="forced_off", meters=meters), CASHIER)
    assert rig.breaches() == []


def test_nothing_is_signed_where_one_meter_cannot_be_told(rig: SiteRig) -> None:
    rig.plan()
    rig.enrol(1)
    order = Operation(key="k", kind="forced_off", meters=(METER, meter_id(2, 1), "9" * 32))
    with pytest.raises(Refused) as refused:
        rig.operations.order(order, CASHIER)
    assert [error.field for error in refused.value.errors] == ["meters[1]", "meters[2]"]
    with rig.centre.store.read() as unit:
        row = unit.fleet.box_of_meter(METER)
        assert row is not None
        assert unit.lines.chain_head("command", row, journaled_only=False).seq == 0


@pytest.mark.parametrize(("key", "meters"), [("", (METER,)), ("k" * 201, (METER,)), ("k", ())])
def test_an_order_needs_a_key_and_meters(rig: SiteRig, key: str, meters: tuple[str, ...]) -> None:
    rig.plan()
    rig.enrol(1)
    with pytest.raises(Refused):
        rig.operations.order(Operation(key=key, kind="prepaid", meters=meters), CASHIER)


def limited(rig: SiteRig, alone_max: int) -> None:
    """A site at which one person cuts off no more than so many."""
    plan = street(rig.site)
    limits = msgspec.structs.replace(plan.limits, cut_off_alone_max=alone_max, protect_alone_max=alone_max)
    take_plan(rig.centre, msgspec.structs.replace(plan, limits=limits), "provisioner")


@pytest.mark.parametrize("kind", ["forced_off", "protected"])
def test_cutting_off_many_waits_for_a_second_person(rig: SiteRig, kind: OperationKind) -> None:
    limited(rig, 1)
    box, office = rig.enrol(1), open_office(rig.centre)
    meters = (meter_id(1, 1), meter_id(1, 2))
    with pytest.raises(Conflict, match="second person"):
        rig.operations.order(Operation(key="k0", kind=kind, meters=meters), CASHIER)
    order = Operation(key="batch-k", kind=kind, meters=meters, wait=True)
    with pytest.raises(Waits) as waits:
        rig.operations.order(order, CASHIER)
    with pytest.raises(Waits) as again:
        rig.operations.order(order, CASHIER)
    assert again.value.request == waits.value.request
    rig.exchange(box)
    assert box.taken == []
    assert BatchBook(rig.centre).recent(5) == ()
    office.second.approve(CheckStep(key="y", request=waits.value.request), SUPERVISOR)
    rig.settle(box)
    assert [command.kind for command in box.taken] == ["set_mode", "set_mode"]
    assert [head.count for head in BatchBook(rig.centre).recent(5)] == [2]
    rig.operations.order(Operation(key="k1", kind=kind, meters=meters[:1]), CASHIER)
    rig.operations.order(Operation(key="k2", kind=kind, meters=meters, second=SUPERVISOR), CASHIER)
    assert rig.breaches() == []
