"""Machines of the simulated world: how one comes in over its claim, a spare one, and a second one with the same key."""

import random
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cloud_server.flows import enrol_box
from cloud_server.flows.enrol_box import TakenIn, Waiting
from protocol.signing import SigningKey
from tests.cloud_server.speaking_box import make_box
from tests.simulation.box import SimBox
from tests.simulation.clocks import BoxClock
from tests.simulation.meters import SimMeter
from tests.simulation.network import Fibre

if TYPE_CHECKING:
    from tests.simulation.world import World

FIRST: Final = "a"
BOOTS_APART: Final = 1_000
"""A second machine has boots of its own."""


def enrol(world: "World", name: str, folder: Path) -> None:
    """The first machine of a place: a person confirms it, its agent starts."""
    key, came = _ask_in(world, name, FIRST, replaces=False)
    planned = next(box for box in world.plan.boxes if box.box == name)
    meters = {
        meter.meter: SimMeter(
            meter=meter.meter,
            time=world.time,
            load_w=world.chance.randrange(200, 3_000),
            begun_wh=world.chance.randrange(10**7),
            tells_contact=meter.unit != 2,
            serial=meter.serial or "ADF-1",
        )
        for meter in planned.meters
    }
    world.fibres[name] = Fibre(name, world.time, world.draw(), world.centre)
    _put_up(world, name, folder, key, came, meters, world.draw())


def replace_machine(world: "World", name: str, seed: str, chance: random.Random) -> None:
    """Other hardware at the same place and on the same bus; the old one is taken down and nothing of it is read."""
    key, came = _ask_in(world, name, seed, replaces=True)
    old = world.boxes[name]
    old.died = lambda _: None
    if old.alive:
        old.die("taken down")
    world.fibres[name].held = None
    _put_up(world, name, old.folder.with_name(f"{old.folder.name}-{seed}"), key, came, old.meters, chance)


def second_machine(world: "World", box: SimBox, folder: Path, chance: random.Random) -> SimBox:
    """A machine with the disk of another as it is now, on a desk: it reaches the centre, and no meter answers it."""
    copy_disk(box.folder, folder)
    silent = {name: replace(meter, answers=False, used=0) for name, meter in box.meters.items()}
    clone = SimBox(
        box=box.box,
        site=box.site,
        folder=folder,
        root=box.root,
        key=box.key,
        time=world.time,
        chance=chance,
        fibre=Fibre(box.box, world.time, random.Random(chance.getrandbits(64)), world.centre),
        clock=BoxClock(world.time),
        meters=silent,
        ordered=lambda _box, _order: None,
        died=lambda _box: None,
        boot=BOOTS_APART,
    )
    clone.clock.boot()
    clone.start("power")
    return clone


def copy_disk(source: Path, to: Path) -> None:
    """A disk as it is between two commits: the write-ahead log belongs to the database, its index does not."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(source, to, ignore=shutil.ignore_patterns("*-shm"))


def _ask_in(world: "World", name: str, seed: str, *, replaces: bool) -> tuple[SigningKey, TakenIn]:
    centre = world.centre.parts.centre
    hardware = make_box(world.site, name, world.time.now_ms, seed)
    claim = enrol_box.make_claim(centre, name, "provisioner", replaces=replaces)
    line = hardware.enrol_line(tomllib.loads(claim)["token"])
    asked = enrol_box.ask_to_enrol(centre, line)
    assert isinstance(asked, Waiting)
    enrol_box.confirm(centre, name, asked.fingerprint, "provisioner")
    came = enrol_box.ask_to_enrol(centre, line)
    assert isinstance(came, TakenIn)
    return hardware.key, came


def _put_up(
    world: "World", name: str, folder: Path, key: SigningKey, came: TakenIn, meters: dict[str, SimMeter],
    chance: random.Random,
) -> None:  # fmt: skip
    box = SimBox(
        box=name,
        site=world.site,
        folder=folder,
        root=world.centre.parts.centre.authority.root_public,
        key=key,
        time=world.time,
        chance=chance,
        fibre=world.fibres[name],
        clock=BoxClock(world.time),
        meters=meters,
        ordered=world.ordered,
        died=world.box_died,
        round_done=world.round_done,
    )
    world.boxes[name] = box
    box.enrol(came.lines)
    box.start()
