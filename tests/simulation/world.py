"""The world from one seed: what is there, what happens next, and what must hold after every step."""

import hashlib
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cloud_server.flows import plan_site
from cloud_server.ports.database import PostgresAddress
from edge_agent.ports import RelayOrder
from tests.simulation import checks, hardware
from tests.simulation.box import Run, SimBox
from tests.simulation.centre import Bells, SimCentre
from tests.simulation.clocks import START_MS, SeededChance, Timeline
from tests.simulation.losses import Losses
from tests.simulation.network import Crowd, Fibre
from tests.simulation.office import OfficePeople
from tests.simulation.plan import box_id, simulated_street, tariff
from tests.simulation.staff import Staff

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
OFFICE_SEED: Final = 7_000_000
"""The office has its own chance: a world without it is the same as before there was one."""
LOSS_SEED: Final = 8_000_000
LOSS_SHARE: Final = 0.4
LATE_SEED: Final = 9_000_000
OFFICE_SHARE: Final = 0.5
"""After every second step somebody in the office does something."""
DARK_MAX_MS: Final = 5 * MINUTE_MS
DARK_ROUNDS_MAX: Final = 12
"""Closings are spaced, rest after an opening, and come again when one was not heard: all of that is over by then."""
THOROUGH_EVERY: Final = 12
"""All checks look at the whole history: after each step it is those that cost little, and all of them this often."""


class Breach(AssertionError):
    """Something that must hold does not; the text says what, in which world, after which step."""


class World:
    """Boxes, their street, a centre and staff."""

    def __init__(
        self, seed: int, folder: Path, trace: Callable[[str], None] = lambda _: None, *, office: bool = True,
        losses: bool = False, late: bool = False, database: PostgresAddress | None = None,
    ) -> None:  # fmt: skip
        self.seed = seed
        self.crowded = late
        self.trace = trace
        self.chance = random.Random(seed)
        self.time = Timeline()
        self.steps = 0
        self.counts: Counter[str] = Counter()
        """How often each kind of thing happened, and what the centre noted of it."""
        self.healing = False
        self.judged: list[str] = []
        self.ending = False
        self.told: list[str] = []
        self.wrongs: list[str] = []
        self.late: dict[str, int] = {}
        self.dark: dict[str, tuple[int, int]] = {}
        """Meter that could be supplied and is not -> for how many rounds, and since when."""
        self.end_digest = ""
        self.interval_s = self.chance.choice((1_800, 3_600, 7_200))
        self.fibres: dict[str, Fibre] = {}
        self.boxes: dict[str, SimBox] = {}
        self.losses = Losses(self, folder, random.Random(seed + LOSS_SEED)) if losses else None
        bells = Bells(self._ring, lambda box: any(fibre.held is not None for fibre in self._ways_to(box)))
        self.centre = SimCentre(folder / "centre", self.time, SeededChance(self.draw()), bells, database)
        self.site = self.centre.config.site.site
        self.tariffs = [tariff(1, "2026-01-01T00:00:00")]
        self.box_count = self.chance.choice((1, 2, 2))
        self.plan = simulated_street(self.site, self.box_count, self.interval_s, self.tariffs)
        plan_site.take_plan(self.centre.parts.centre, self.plan, "provisioner")
        for number in range(1, self.box_count + 1):
            hardware.enrol(self, box_id(number), folder / f"box{number}")
        self.staff = self._hire()
        self.office = OfficePeople(self.centre, self.staff, random.Random(seed + OFFICE_SEED)) if office else None
        self.checker = checks.Checker(self)
        self._commission()
        if late:
            for name, fibre in self.fibres.items():
                fibre.crowd = Crowd(random.Random(f"{seed + LATE_SEED} {name}"))
        self.centre.died = self._centre_died

    def draw(self) -> random.Random:
        """Chance for a part of this world."""
        return random.Random(self.chance.getrandbits(64))

    def _ring(self, box: str) -> None:
        for fibre in self._ways_to(box):
            self.time.after(5, fibre.ring)

    def _ways_to(self, box: str) -> list[Fibre]:
        """The fibre of a place; with two machines of one key there are two."""
        clone = self.losses.clones.get(box) if self.losses is not None else None
        return [*([self.fibres[box]] if box in self.fibres else []), *([clone.fibre] if clone is not None else [])]

    def _hire(self) -> Staff:
        accounts: dict[str, tuple[str, ...]] = {}
        for wallet in self.plan.wallets:
            accounts[wallet.account] = (*accounts.get(wallet.account, ()), wallet.wallet)
        meters = tuple(meter.meter for box in self.plan.boxes for meter in box.meters)
        return Staff(self.centre, self.time, self.draw(), accounts, meters)

    def ordered(self, box: SimBox, order: RelayOrder) -> None:
        self.wrongs += [f"box {box.box[-8:]}: {text}" for text in checks.order_faults(box, order)]

    def round_done(self, box: SimBox) -> None:
        """12. Where the rules say open, that is what is wanted of the relay within two rounds of its bus."""
        if not box.alive:
            return
        late = {meter: self.late.get(meter, 0) + 1 for meter in checks.not_yet_opened(box)}
        self.late = {meter: count for meter, count in self.late.items() if meter not in box.meters} | late
        self.wrongs += [
            f"12 meter {meter[-8:]}: not ordered open after two rounds" for meter in late if late[meter] > 2
        ]
        dark = {meter: self.dark.get(meter, (0, self.time.now_ms)) for meter in checks.left_in_the_dark(box)}
        self.dark = {meter: known for meter, known in self.dark.items() if meter not in box.meters}
        self.dark |= {meter: (rounds + 1, since_ms) for meter, (rounds, since_ms) in dark.items()}
        self.wrongs += [
            f"meter {meter[-8:]}: dark for {rounds} rounds with credit"
            for meter, (rounds, since_ms) in self.dark.items()
            if rounds > DARK_ROUNDS_MAX and self.time.now_ms - since_ms > DARK_MAX_MS
        ]

    def box_died(self, box: SimBox) -> None:
        """Somebody or the service manager starts it again; after a loss of power the machine boots anew."""
        if self.ending:
            return
        power = box.deaths[-1] == "power" or self.chance.random() < 0.3
        delay_ms = self.chance.choice((800, 5 * SECOND_MS, 5 * SECOND_MS, 10 * MINUTE_MS, 6 * HOUR_MS))
        run = box.run
        self.time.after(delay_ms, lambda: self._start(box, run, power=power), exact=True)

    def _start(self, box: SimBox, dead: Run, *, power: bool) -> None:
        if box.run is not dead or box.alive:
            return
        if power:
            box.boot += 1
            box.clock.boot()
        if self.chance.random() < 0.15 and not self.healing:
            box.light(int(10 ** self.chance.uniform(0.5, 3.3)))
        box.start("power" if power else "killed")

    def _centre_died(self) -> None:
        if not self.ending:
            delay_ms = self.chance.choice((2 * SECOND_MS, 20 * SECOND_MS, 10 * MINUTE_MS, 2 * HOUR_MS))
            self.time.after(delay_ms, self._start_centre, exact=True)

    def _start_centre(self) -> None:
        for fibre in self.fibres.values():
            fibre.held = None
        if not self.centre.running:
            self.centre.open()

    def revive(self) -> None:
        """Whatever is dead is started."""
        self.healing = True
        self._start_centre()
        for box in self.boxes.values():
            self._start(box, box.run, power=False)

    def _commission(self) -> None:
        """Relay tests on the spot, in all shafts at once, then all meters of tenants in service."""
        self.time.go_on(8 * SECOND_MS)
        waiting = {box.box: list(box.meters) for box in self.boxes.values()}
        while any(waiting.values()):
            tests = [(box, box.ask("relay_test", meter=waiting[box.box][0], who="Li")) for box in self._with(waiting)]
            while any(answer.empty() for _, answer in tests):
                self.time.go_on(SECOND_MS)
            for box, answer in tests:
                if answer.get()["passed"] is True:
                    waiting[box.box].pop(0)
        for _ in range(6):
            self.staff.sell()
        self.staff.operate("in_service", self.staff.meters)
        self.time.go_on(30 * SECOND_MS)
        self.check("commissioned")

    def _with(self, waiting: dict[str, list[str]]) -> list[SimBox]:
        """Boxes for which something waits."""
        return [box for box in self.boxes.values() if waiting[box.box]]

    # --- steps ------------------------------------------------------------------------------------------------------

    def let_pass(self, ms: int, grain_ms: int = 0) -> None:
        """Let time pass; with a grain nothing happens more often than that but what is bound to its instant."""
        self.time.grain_ms = grain_ms
        self.time.go_on(ms)
        self.time.fine()

    def step(self) -> None:
        """One thing happens, then everything is checked."""
        from tests.simulation.happenings import happen

        self.steps += 1
        said = happen(self)
        self.check(said)
        if self.office is not None and self.office.chance.random() < OFFICE_SHARE:
            self.counts["office"] += 1
            self.check(self.office.act())
        if self.losses is not None and self.losses.chance.random() < LOSS_SHARE:
            self.check(self.losses.act())

    def check(self, said: str) -> None:
        """Everything that must hold now. Raises Breach."""
        self.told.append(said)
        self.trace(f"{self.steps:4} {(self.time.now_ms - START_MS) / HOUR_MS:9.3f} h  {said}")
        found = self.checker.now(thorough=self.steps % THOROUGH_EVERY == 0)
        if found:
            raise Breach(self._report(found))

    def _report(self, found: list[str]) -> str:
        last = "\n  ".join(self.told[-8:])
        breaches = "\n  ".join(found[:12])
        return (
            f"seed {self.seed}, step {self.steps}:\n  {breaches}\nlast steps:\n  {last}\n"
            f"replay: python -m tests.simulation --seed {self.seed} --steps {self.steps} --trace"
            + (" --no-office" if self.office is None else "")
            + (" --losses" if self.losses is not None else "")
            + (" --late" if self.crowded else "")
        )

    # --- the end ----------------------------------------------------------------------------------------------------

    def heal(self) -> None:
        """All faults end, and time goes on until nothing moves any more."""
        from tests.simulation.happenings import heal

        heal(self)
        self.let_pass(MINUTE_MS)
        # What is not urgent is sealed when the next interval ends.
        self.let_pass(self.interval_s * SECOND_MS, 2 * MINUTE_MS)
        for _ in range(40):
            self.let_pass(30 * SECOND_MS)
            self.staff.ask_for_all()
            if self.office is not None:
                self.office.settle_all()
            if self.losses is not None:
                self.losses.heal()
            self._judge_held()
            if not self.checker.unsettled():
                break
        self.let_pass(10 * SECOND_MS)
        self.check("healed")
        found = [*self.checker.now(thorough=True), *self.checker.at_the_end()]
        if found:
            raise Breach(self._report(found))

    def _judge_held(self) -> None:
        """A register that is held waits for people."""
        held = [
            row.meter
            for box in self.boxes.values()
            if box.alive
            for row in box.owner.box.state.meters.values()
            if row.state.held
        ]
        if held and self.centre.running and self.judged != held:
            self.staff.let_registers_stand(sorted(self.boxes), held)
            self.judged = held

    def digest(self) -> str:
        """All that can be seen of this world, in one word: the same seed gives the same one, on either engine."""
        seen: list[object] = [self.told, self.centre.seen()]
        for name, box in sorted(self.boxes.items()):
            state = box.owner.box.state
            wallets = sorted((wallet, row.state.book_micro) for wallet, row in state.wallets.items())
            meters = sorted((name, meter.register_wh, meter.closed) for name, meter in box.meters.items())
            seen.append((name, state.marks.epoch, state.marks.commands_seq, box.deaths, wallets, meters))
        return hashlib.sha256(repr(seen).encode()).hexdigest()

    def close(self) -> None:
        """Let go of all files."""
        self.ending = True
        clones = self.losses.clones if self.losses is not None else {}
        for box in (*self.boxes.values(), *clones.values()):
            if box.alive:
                box.die("the end")
        if self.centre.running:
            self.centre.die("the end")


def run_world(
    seed: int, steps: int, folder: Path, trace: Callable[[str], None] = lambda _: None, *, office: bool = True,
    losses: bool = False, late: bool = False, database: PostgresAddress | None = None,
) -> World:  # fmt: skip
    """One whole run: steps, then healing; with an office beside the sales desk, memory lost, requests late, or without.

    Raises Breach.
    """
    world = World(seed, folder, trace, office=office, losses=losses, late=late, database=database)
    try:
        for _ in range(steps):
            world.step()
        world.heal()
        world.counts.update(world.centre.noted())
        world.end_digest = world.digest()
    finally:
        world.close()
    return world
