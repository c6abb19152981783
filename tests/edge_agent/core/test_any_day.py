"""Any day in a shaft: random loads, sales, faults, modes and clock steps from one seed, invariants after every step."""

import itertools
import random

import pytest

from edge_agent.core.decision import Order
from edge_agent.core.measured import RelayPosition
from protocol.box_config import Overload
from protocol.commands import InService, LiftLockOut, LockOutCommand, Mode, SetMode
from protocol.records import Granted, Interval, Relay
from protocol.wallet import replay
from tests.edge_agent.core.street import METERS, WALLETS, Street, box_config, meter_config, wallet_config

STEPS = 400
MODES: tuple[Mode, ...] = ("prepaid", "prepaid", "protected", "forced_off")


class Day:
    """Three meters on two wallets, one of them shared, and what a bystander could know of them."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        limit = Overload(threshold_w=9_000, delay_s=20, open_s=90)
        self.street = Street(
            box_config(
                meters=tuple(meter_config(n, overload=limit) for n in range(3)),
                wallets=(wallet_config(0, (0, 1)), wallet_config(1, (2,))),
            )
        )
        self.registers = [1_000, 2_000, 3_000]
        self.read_at = [-(10**9)] * 3
        self.given = 0
        for n in range(3):
            self.street.read(n, self.registers[n])
        self.street.grant(0, 20)
        self.street.grant(1, 20)
        self.street.in_service(0, 1, 2)

    def step(self) -> None:
        street, chance = self.street, self.chance
        street.at_s += chance.choice((1, 2, 3, 3, 3, 5, 40))
        before = len(street.orders)
        match chance.choice("rrrrrrrrrrttgwmlxc"):
            case "r":
                n = chance.randrange(3)
                closed = street.relays.get(METERS[n], RelayPosition.CLOSED) is RelayPosition.CLOSED
                self.registers[n] += chance.randrange(0, 900) if closed else 0
                self.read_at[n] = street.at_s
                street.read(n, self.registers[n], chance.choice((0, 3_000, 12_000)) if closed else 0)
            case "t":
                street.tick()
            case "g":
                street.grant(chance.randrange(2), chance.randrange(1, 6))
            case "w":
                street.wall_offset_ms += chance.choice((-7_200_000, 3_600_000, 86_400_000, 500))
            case "m":
                mode = chance.choice(MODES)
                street.command(SetMode(meter=chance.choice(METERS[:3]), mode=mode))
            case "l":
                meter = chance.choice(METERS[:3])
                lock = chance.random() < 0.3
                street.command(LockOutCommand(meter=meter, who="Li") if lock else LiftLockOut(meter=meter, who="Li"))
            case "x":
                n = chance.randrange(3)
                street.lose(n) if chance.random() < 0.5 else street.revive(n)
            case "c":
                street.command(InService(meter=chance.choice(METERS[:3]), on=chance.random() < 0.8))
        self.check_orders(street.orders[before:])
        self.check_books()

    def check_orders(self, new: list[tuple[int, Order]]) -> None:
        for at_s, order in new:
            row = self.street.state.meters[order.meter]
            latest = self.street.state.latest[order.meter]
            locked, mode = row.state.locked_out is not None, row.state.mode
            if order.wanted == "closed":
                assert not locked, "a locked-out meter is closed by nothing"
                assert mode != "forced_off"
            if order.wanted == "open" and mode == "protected":
                assert locked, "a protected meter is opened by nothing but a lock-out"
            if order.wanted == "open" and order.cause in ("arrears", "overload"):
                assert at_s * 1000 - latest.mono_ms <= 60_000, "nothing opens for money on a stale reading"

    def check_books(self) -> None:
        street = self.street
        assert replay({}, street.records) == {w: street.book(i) for i, w in enumerate(WALLETS[:2])}
        for meter in METERS[:3]:
            cuts = [r for r in street.of(Interval) if isinstance(r, Interval) and r.meter == meter]
            for earlier, later in itertools.pairwise(cuts):
                assert earlier.to == later.from_, "charged stretches touch, without gap or overlap"
            charged = sum(cut.energy_wh for cut in cuts)
            begun = cuts[0].from_.raw_wh if cuts else 0
            assert charged == (cuts[-1].to.raw_wh - begun if cuts else 0), "energy is never invented"


@pytest.mark.parametrize("seed", range(12))
def test_invariants_hold_on_any_day(seed: int) -> None:
    day = Day(seed)
    for _ in range(STEPS):
        day.step()
    kinds = {type(record) for record in day.street.records}
    assert {Interval, Granted, Relay} <= kinds, "the day was eventful"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1_000, 1_400))
def test_invariants_hold_on_many_days(seed: int) -> None:
    test_invariants_hold_on_any_day(seed)
