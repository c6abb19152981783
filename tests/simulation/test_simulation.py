"""Worlds from seeds: a fixed share in each run, many in the slow sweep; a breach names its seed."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres_server import PostgresServer
from tests.simulation.kept_seeds import (
    KEPT,
    KEPT_LATE,
    KEPT_LATE_WITH_LOSSES,
    KEPT_WITH_LOSSES,
    KEPT_WITH_OFFICE,
)
from tests.simulation.world import Breach, World, run_world

MEMORY = Path("/dev/shm")
STEPS = 20

pytestmark = pytest.mark.timeout(400)
"""A world is seconds of a core, and minutes on a machine that does much else."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where there is such a disk: a crash here is of a process, never of the power, so nothing is flushed."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as made:
        yield Path(made)


@pytest.mark.parametrize("seed", range(3))
def test_a_world_holds_and_heals(folder: Path, seed: int) -> None:
    world = run_world(seed, STEPS, folder)
    assert world.staff.sales


@pytest.mark.parametrize(("seed", "steps", "found"), KEPT)
def test_a_world_that_once_broke_holds(folder: Path, seed: int, steps: int, found: str) -> None:
    run_world(seed, steps, folder, office=False)


@pytest.mark.parametrize(("seed", "steps", "found"), KEPT_WITH_OFFICE)
def test_a_world_with_an_office_that_once_broke_holds(folder: Path, seed: int, steps: int, found: str) -> None:
    run_world(seed, steps, folder)


@pytest.mark.parametrize(("seed", "steps", "office", "found"), KEPT_WITH_LOSSES)
def test_a_world_with_losses_that_once_broke_holds(
    folder: Path, seed: int, steps: int, office: bool, found: str
) -> None:
    run_world(seed, steps, folder, office=office, losses=True)


@pytest.mark.parametrize(("seed", "steps", "found"), KEPT_LATE_WITH_LOSSES)
def test_a_world_with_both_that_once_broke_holds(folder: Path, seed: int, steps: int, found: str) -> None:
    world = run_world(seed, steps, folder, office=False, losses=True, late=True)
    assert {"centre_restored", "quarantine_decided", "noted recovery_ended"} <= set(world.counts)


@pytest.mark.parametrize(("seed", "steps", "found"), KEPT_LATE)
def test_a_world_with_late_requests_that_once_broke_holds(folder: Path, seed: int, steps: int, found: str) -> None:
    run_world(seed, steps, folder, office=False, late=True)


@pytest.mark.parametrize(("seed", "office"), [(8_000, True), (8_001, False)])
def test_a_world_in_which_memory_is_lost_holds_and_heals(folder: Path, seed: int, office: bool) -> None:
    world = run_world(seed, 12, folder, office=office, losses=True)
    assert world.staff.sales


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1_000, 1_200))
def test_many_worlds_hold(folder: Path, seed: int) -> None:
    run_world(seed, 120, folder)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(9_000, 9_400))
def test_many_worlds_with_losses_hold(folder: Path, seed: int) -> None:
    run_world(seed, 60, folder, office=seed % 2 == 0, losses=True, late=seed % 4 < 2)


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3_100, 3_120))
def test_many_worlds_hold_on_postgresql(
    folder: Path, postgres_server: PostgresServer, postgres_template: str, seed: int
) -> None:
    run_world(seed, 60, folder, losses=True, database=postgres_server.make_database(postgres_template))


def test_one_seed_is_one_world(folder: Path) -> None:
    """Told by two processes with hashes of their own, so that no order of a set decides anything."""
    command = [sys.executable, "-m", "tests.simulation", "--seed", "3", "--steps", "3", "--losses", "--digest"]
    said = [
        subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": chosen}, capture_output=True, text=True, check=True)
        for chosen in ("1", "2")
    ]
    digests = [line for done in said for line in done.stdout.splitlines() if line.startswith("seed 3: ")]
    assert digests[0] == digests[2]
    assert len(digests[0].split()[-1]) == 64


@pytest.mark.postgres
def test_one_seed_is_one_world_on_either_engine(
    folder: Path, postgres_server: PostgresServer, postgres_template: str
) -> None:
    """On PostgreSQL two processes are the centre, and nothing of what can be seen is another."""
    database = postgres_server.make_database(postgres_template)
    alone = run_world(4, 2, folder / "sqlite")
    several = run_world(4, 2, folder / "postgresql", database=database)
    assert alone.told == several.told
    assert alone.end_digest == several.end_digest


def test_a_breach_names_its_seed_and_how_to_see_it_again(folder: Path) -> None:
    world = World(5, folder)
    try:
        box = next(iter(world.boxes.values()))
        wallet, row = next(iter(box.owner.box.state.wallets.items()))
        box.owner.box.state.wallets[wallet] = type(row)(state=row.state, closed=True)
        with pytest.raises(Breach, match=r"wallets in memory.*(?s:.*)python -m tests.simulation --seed 5 --steps 1 "):
            world.step()
    finally:
        world.close()
