"""What may happen in a step: time passes, people act, things break and mend. And how all of it is healed."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from tests.simulation.network import Weather
from tests.simulation.plan import tariff

if TYPE_CHECKING:
    from tests.simulation.box import SimBox
    from tests.simulation.meters import SimMeter
    from tests.simulation.world import World

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
LOADS_W: Final = (0, 40, 800, 2_500, 6_000, 12_000)


# --- time ------------------------------------------------------------------------------------------------------------


def seconds_pass(world: "World") -> str:
    seconds = world.chance.choice((1, 3, 8, 20, 60))
    world.let_pass(seconds * SECOND_MS)
    return f"{seconds} s pass"


def minutes_pass(world: "World") -> str:
    minutes = world.chance.randrange(2, 30)
    world.let_pass(minutes * MINUTE_MS, 30 * SECOND_MS)
    return f"{minutes} min pass"


def hours_pass(world: "World") -> str:
    hours = world.chance.randrange(1, 12)
    world.let_pass(hours * HOUR_MS, 10 * MINUTE_MS)
    return f"{hours} h pass"


def days_pass(world: "World") -> str:
    days = world.chance.choice((1, 2, 5))
    world.let_pass(days * DAY_MS, 3 * HOUR_MS)
    return f"{days} days pass"


# --- people ----------------------------------------------------------------------------------------------------------


def sell(world: "World") -> str:
    return world.staff.sell()


def click_twice(world: "World") -> str:
    return world.staff.click_twice()


def operate(world: "World") -> str:
    return world.staff.operate_somehow()


def lock_out_on_the_spot(world: "World") -> str:
    box = any_box(world)
    meter = any_meter(world, box)
    if box.alive:
        box.ask("lock_out", meter=meter.meter, who="Zhao")
    return f"lock-out of {meter.meter[-8:]} on the spot"


def reprice(world: "World") -> str:
    """A new tariff version, past or coming."""
    version = len(world.tariffs) + 1
    day = world.chance.choice(("2026-11-01", "2026-11-23", "2026-11-25", "2026-12-01"))
    world.tariffs.append(tariff(version, f"{day}T0{world.chance.randrange(10)}:00:00", world.chance.randrange(80, 130)))
    world.staff.take_tariffs(list(world.tariffs))
    return f"tariff version {version} from {day}"


# --- faults ----------------------------------------------------------------------------------------------------------


def any_box(world: "World") -> "SimBox":
    return world.boxes[world.chance.choice(sorted(world.boxes))]


def any_meter(world: "World", box: "SimBox") -> "SimMeter":
    return box.meters[world.chance.choice(sorted(box.meters))]


def fibre_changes(world: "World") -> str:
    chance, fibre = world.chance, world.fibres[any_box(world).box]
    if chance.random() < 0.4:
        fibre.weather = Weather()
        return f"fibre of {fibre.box[-8:]} is well"
    if chance.random() < 0.4:
        fibre.weather = Weather(cut=True)
        return f"fibre of {fibre.box[-8:]} is cut"
    fibre.weather = Weather(
        lost=chance.choice((0.0, 0.2, 0.6)),
        repeated=chance.choice((0.0, 0.4)),
        torn=chance.choice((0.0, 0.3)),
        replayed=chance.choice((0.0, 0.4)),
        slowest_ms=chance.choice((50, 400, 8_000)),
    )
    return f"fibre of {fibre.box[-8:]}: {fibre.weather}"


def box_dies(world: "World") -> str:
    box = any_box(world)
    if box.alive:
        box.die()
    return f"box {box.box[-8:]} dies"


def box_fuse(world: "World") -> str:
    box = any_box(world)
    lines = int(10 ** world.chance.uniform(0.5, 4))
    if box.alive:
        box.light(lines)
    return f"box {box.box[-8:]} will die in {lines} lines"


def centre_dies(world: "World") -> str:
    if world.centre.running:
        world.centre.die()
    return "the centre dies"


def centre_fuse(world: "World") -> str:
    lines = int(10 ** world.chance.uniform(0.5, 3.8))
    if world.centre.running:
        world.centre.light(lines)
    return f"the centre will die in {lines} lines"


def clock_steps(world: "World") -> str:
    box, chance = any_box(world), world.chance
    step_ms = chance.choice((-1, 1)) * chance.choice((1_200, 4_000, 90_000, HOUR_MS, 5 * HOUR_MS, 3 * DAY_MS))
    box.clock.false_by_ms = chance.choice((0, box.clock.false_by_ms + step_ms))
    return f"clock of {box.box[-8:]} is false by {box.clock.false_by_ms / SECOND_MS} s"


def battery_dies(world: "World") -> str:
    """The clock of a machine without power begins in 1970, or wherever."""
    box = any_box(world)
    if box.alive:
        box.die("power")
    box.clock.false_by_ms = world.chance.choice((-world.time.now_ms, 30 * 365 * DAY_MS))
    return f"clock of {box.box[-8:]} is lost, and shows {box.clock.wall_ms()}"


def disk_fills(world: "World") -> str:
    box = any_box(world)
    if box.alive:
        box.fill(not box.disk_full)
    return f"disk of {box.box[-8:]} is full: {box.disk_full}"


def journal_breaks(world: "World") -> str:
    centre = world.centre
    if centre.running:
        centre.break_journal(not centre.journal_broken)
    return f"the journal takes nothing: {centre.journal_broken}"


def meter_changes(world: "World") -> str:
    meter = any_meter(world, any_box(world))
    match world.chance.choice("laadhh"):
        case "a":
            meter.answers = world.chance.random() < 0.6
            return f"meter {meter.meter[-8:]} answers: {meter.answers}"
        case "d":
            meter.deaf = world.chance.random() < 0.5
            return f"meter {meter.meter[-8:]} is deaf: {meter.deaf}"
        case "h":
            meter.switch(not meter.closed)
            return f"meter {meter.meter[-8:]} is switched by hand: closed {meter.closed}"
        case _:
            meter.draw(world.chance.choice(LOADS_W))
            return f"meter {meter.meter[-8:]} draws {meter.load_w} W"


def loads_change(world: "World") -> str:
    for box in world.boxes.values():
        for meter in box.meters.values():
            meter.draw(world.chance.choice(LOADS_W))
    return "all loads change"


WEIGHTS: Final[dict[Callable[["World"], str], int]] = {
    seconds_pass: 30,
    minutes_pass: 12,
    hours_pass: 4,
    days_pass: 1,
    sell: 12,
    click_twice: 4,
    operate: 10,
    lock_out_on_the_spot: 1,
    reprice: 1,
    fibre_changes: 8,
    box_dies: 2,
    box_fuse: 5,
    centre_dies: 1,
    centre_fuse: 4,
    clock_steps: 3,
    battery_dies: 1,
    disk_fills: 3,
    journal_breaks: 2,
    meter_changes: 6,
    loads_change: 2,
}


def happen(world: "World") -> str:
    """One of them, by weight."""
    chosen = world.chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    world.counts[chosen.__name__] += 1
    return chosen(world)


def heal(world: "World") -> None:
    """Everything works again; clocks are right."""
    for fibre in world.fibres.values():
        fibre.weather = Weather()
        if fibre.crowd is not None:
            fibre.crowd.ended = True
    for box in world.boxes.values():
        box.fuse = None
        box.clock.false_by_ms = 0
        box.disk_full = False
        if box.alive:
            box.fill(False)
        for meter in box.meters.values():
            meter.answers, meter.deaf = True, False
            meter.draw(min(meter.load_w, 2_500))
    world.centre.fuse = None
    world.centre.journal_broken = False
    world.revive()
    world.centre.break_journal(False)
