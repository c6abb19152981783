"""Worlds from seeds: a fixed share in each run, many in the slow sweep; a breach names its seed."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation.kept_seeds import KEPT, KEPT_WITH_OFFICE
from tests.simulation.world import Breach, World, run_world

MEMORY = Path("/dev/shm")
STEPS = 20


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


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1_000, 1_200))
def test_many_worlds_hold(folder: Path, seed: int) -> None:
    run_world(seed, 120, folder)


def test_one_seed_is_one_world(folder: Path) -> None:
    first, second = (run_world(3, 6, folder / str(number)).told for number in (1, 2))
    assert first == second


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
