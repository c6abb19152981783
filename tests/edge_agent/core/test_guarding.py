"""A guard on its street: released in credit, forced for all else, seen open by its own account, visited when due."""

import itertools

import msgspec
import pytest

from edge_agent.core.decision import Decision
from edge_agent.core.guard import Account
from edge_agent.core.guarding import Keeping, is_guard, keeping, margin_micro, wanted_account
from edge_agent.core.measured import MeterReading, RelayOrdered, RelayPosition
from edge_agent.core.meeting import relay_reported, take_reading
from edge_agent.core.state import DayUse
from protocol.commands import LockOutCommand, SetMode
from protocol.records import MeterTest
from tests.edge_agent.core.street import FLAT, METERS, START_MS, YUAN, Street, box_config, meter_config, tariff
from tests.edge_agent.core.street import wallet_config as wallet

PROFILE = "acrel_adf400l_3ph"
METER = METERS[0]
PROVED = MeterTest(at_ms=START_MS, meter=METER, test="guard", passed=True, who="tester")


class Guarded:
    """A street of one meter whose order register does what it is told, and whose contact nobody can see."""

    def __init__(self, *, proved: bool = True, text: str = FLAT, **defaults: object) -> None:
        settings: dict[str, object] = {
            "guard": "on", "guard_inferred": (PROFILE,), "switch_pause_s": 0, "guard_margin_micro": 2 * YUAN,
            **defaults,
        }  # fmt: skip
        self.street = Street(box_config((meter_config(0, profile=PROFILE),), (wallet(0),), (tariff(text),), **settings))
        self.register = RelayOrdered.CLOSED
        self.raw_wh = 1_000
        self.street.obeys = False
        self.read()
        self.street.grant(0, 30)
        self.street.in_service(0)
        if proved:
            self.test(passed=True)
        self.settle()

    def test(self, *, passed: bool) -> None:
        row = self.street.state.meters[METER]
        tests = [*row.state.tests, msgspec.structs.replace(PROVED, passed=passed)]
        self.street.take(
            Decision(meters=(msgspec.structs.replace(row, state=msgspec.structs.replace(row.state, tests=tests)),))
        )

    def read(self) -> None:
        street = self.street
        reading = MeterReading(
            METER, street.now.mono_ms, street.now.wall_ms, self.raw_wh, 0, RelayPosition.UNKNOWN, self.register
        )
        street.take(take_reading(street.place, street.state, reading, street.now))

    def settle(self) -> None:
        """Read until nothing is ordered any more, each order obeyed and reported."""
        for _ in range(4):
            self.street.at_s += 4
            before = len(self.street.orders)
            self.read()
            for _, order in self.street.orders[before:]:
                self.register = RelayOrdered.RELEASED if order.release else RelayOrdered(order.wanted)
                position = RelayPosition.UNKNOWN if order.release else RelayPosition(order.wanted)
                street = self.street
                street.take(
                    relay_reported(street.place, street.state, METER, position, True, street.now, self.register)
                )

    def account(self, balance: int, *, on: bool = True) -> None:
        self.street.take(Decision(accounts=((METER, Account(on, {}, 0, 0, 0, balance, 0)),)))

    def stands(self, register: RelayOrdered) -> bool:
        return self.register is register

    @property
    def keeping(self) -> Keeping:
        return keeping(self.street.place, self.street.state, METER, self.street.now)


def test_in_credit_a_guard_is_released_and_no_order_follows() -> None:
    box = Guarded()
    assert box.stands(RelayOrdered.RELEASED)
    assert box.street.state.meters[METER].seen == "closed"
    orders = len(box.street.orders)
    for _ in range(50):
        box.street.at_s += 10
        box.read()
        box.street.tick()
    assert len(box.street.orders) == orders
    assert box.keeping is Keeping.ON


@pytest.mark.parametrize(
    "changes", [{"guard": "off"}, {"guard_inferred": ()}, {"guard_inferred": ("acrel_adf400l_1ph",)}, {"proved": False}]
)
def test_without_one_of_its_conditions_it_is_forced_closed_as_any_other(changes: dict[str, object]) -> None:
    box = Guarded(**changes)  # type: ignore[arg-type]  # keywords of Guarded
    assert box.stands(RelayOrdered.CLOSED)
    assert box.keeping is (Keeping.NOT_OURS if "proved" in changes else Keeping.OFF)


def test_a_newer_test_that_failed_ends_it() -> None:
    box = Guarded()
    box.test(passed=False)
    box.settle()
    assert box.stands(RelayOrdered.RELEASED), "nothing shuts a shop for it"
    assert box.keeping is Keeping.NOT_OURS


def test_prices_below_what_the_meter_can_say_make_no_guard() -> None:
    box = Guarded(text=FLAT.replace("1000000", "9999"))
    assert not is_guard(box.street.place, box.street.state, METER)


@pytest.mark.parametrize(
    ("mode", "register", "kept"),
    [
        ("protected", RelayOrdered.CLOSED, Keeping.OFF),
        ("forced_off", RelayOrdered.OPEN, Keeping.OFF),
        ("prepaid", RelayOrdered.RELEASED, Keeping.ON),
    ],
)
def test_each_mode_has_its_hand(mode: str, register: RelayOrdered, kept: Keeping) -> None:
    box = Guarded()
    box.street.command(SetMode(meter=METER, mode=mode))  # type: ignore[arg-type]  # one of the modes
    box.settle()
    assert box.stands(register)
    assert box.keeping is kept
    box.street.command(SetMode(meter=METER, mode="prepaid"))
    box.settle()
    assert box.stands(RelayOrdered.RELEASED)


def test_arrears_and_lock_outs_force_it_open_and_leave_its_account_alone() -> None:
    box = Guarded()
    box.street.at_s += 60
    box.raw_wh += 31_000
    box.settle()
    assert box.stands(RelayOrdered.OPEN)
    assert box.keeping is Keeping.REST
    box.street.grant(0, 20)
    box.settle()
    assert box.stands(RelayOrdered.RELEASED)
    box.street.command(LockOutCommand(meter=METER, who="Li"))
    box.settle()
    assert box.stands(RelayOrdered.OPEN)
    assert box.keeping is Keeping.REST


def test_in_no_state_is_a_guard_in_credit_forced_closed_or_a_protected_meter_released() -> None:
    for mode, spent, locked in itertools.product(("prepaid", "protected", "forced_off"), (0, 31_000), (False, True)):
        box = Guarded()
        box.street.orders.clear()
        box.street.at_s += 60
        box.raw_wh += spent
        box.street.command(SetMode(meter=METER, mode=mode))  # type: ignore[arg-type]  # one of the modes
        if locked:
            box.street.command(LockOutCommand(meter=METER, who="Li"))
        box.settle()
        for _, order in box.street.orders:
            assert order.release == (order.wanted == "closed" and order.cause in ("normal", "restored"))
        wanted = {"prepaid": RelayOrdered.RELEASED, "protected": RelayOrdered.CLOSED, "forced_off": RelayOrdered.OPEN}
        dark = locked or (mode == "prepaid" and spent > 0)
        assert box.stands(RelayOrdered.OPEN if dark else wanted[mode])


def test_a_guard_that_cut_off_by_itself_is_told_once_and_ordered_nothing() -> None:
    box = Guarded()
    box.street.records.clear()
    orders = len(box.street.orders)
    box.account(0)
    for _ in range(30):
        box.street.at_s += 10
        box.read()
        box.street.tick()
    assert box.street.told() == [
        "relay wanted closed seen open (own_control)",
        "meter own_control",
        "meter_own_control raised",
    ]
    assert len(box.street.orders) == orders
    assert box.keeping is Keeping.ON, "a top-up is what closes it"
    box.street.records.clear()
    box.account(5 * YUAN)
    box.read()
    assert box.street.told() == ["relay wanted closed seen closed (normal)", "meter_own_control cleared"]


@pytest.mark.parametrize(
    ("use", "planned", "margin"),
    [
        (None, 0, 0),
        (None, 7 * YUAN, 7 * YUAN),
        (None, None, YUAN),
        (DayUse(day="2025-11-22", today_micro=3 * YUAN, before_micro=9 * YUAN), None, 9 * YUAN),
        (DayUse(day="2025-11-22", today_micro=12 * YUAN, before_micro=9 * YUAN), None, 12 * YUAN),
        (DayUse(day="2025-11-22", today_micro=0, before_micro=0), None, YUAN),
    ],
)
def test_the_margin_is_a_days_use_unless_set(use: DayUse | None, planned: int | None, margin: int) -> None:
    box = Guarded(guard_margin_micro=planned)
    row = box.street.state.meters[METER]
    box.street.take(Decision(meters=(msgspec.structs.replace(row, day_use=use),)))
    assert margin_micro(box.street.place, box.street.state, METER) == margin


def test_the_account_follows_the_running_balance_and_the_lowest_price() -> None:
    text = FLAT.replace("[days.all]", "[rates.valley]\nprice_micro = 456789\n[days.all]")
    box = Guarded(text=text, alarm2_action="trip_once")
    box.street.at_s += 60
    box.raw_wh += 4_000
    box.read()
    wanted = wanted_account(box.street.place, box.street.state, METER, box.street.now)
    assert wanted is not None
    assert (wanted.level_micro, wanted.price_micro) == ((30 - 4 + 2) * YUAN, 450_000)
    assert not wanted.clear_alarm2


def test_a_days_use_is_counted_by_the_sites_day() -> None:
    box = Guarded()
    for hours in range(1, 40):
        box.street.at_s = hours * 3_600
        box.raw_wh += 100
        box.read()
    use = box.street.state.meters[METER].day_use
    assert use is not None
    assert (use.day, use.today_micro, use.before_micro) == ("2025-11-24", 2 * 100_000, 24 * 100_000)
