"""Memory that is lost and hardware that changes: old images, machines with one key, spare machines, an older centre,
another command key. Has a chance of its own, so that a world without it stays the same."""

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cloud_server.core.fleet import BoxState
from cloud_server.core.mistakes import Mistaken
from cloud_server.flows.box_hardware import decide_quarantine
from provisioning import rotate_keys
from tests.simulation import hardware

if TYPE_CHECKING:
    from tests.simulation.box import SimBox
    from tests.simulation.world import World

ROTATIONS_MAX: Final = 2
SPARES_MAX: Final = 3
DEEDS: Final = (
    "box_set_back", "box_cloned", "box_replaced", "quarantine_decided", "key_rotated", "centre_restored",
    "centre_from_journal",
)  # fmt: skip
NOTED: Final = (
    "epoch_opened", "evidence_forked", "evidence_superseded_epoch", "recovery_begun", "recovery_ended",
    "epoch_taken_back", "sale_written_again", "numbers_signed_twice", "history_passed_over",
)  # fmt: skip
"""What the centre notes of it; a sweep in which one of these never was is told."""


@dataclass
class Losses:
    """What was copied so far, and who is about twice."""

    world: "World"
    folder: Path
    chance: random.Random
    images: dict[str, Path] = field(default_factory=dict)
    """Box -> an older copy of its disk."""
    backup: Path | None = None
    clones: dict[str, "SimBox"] = field(default_factory=dict)
    behind: set[str] = field(default_factory=set)
    """Boxes of which a store knows, or may know, less than was told."""
    counts: dict[str, int] = field(default_factory=dict)
    """How often each thing was begun, whatever came of it."""
    restored: bool = False

    def _number(self, what: str) -> int:
        self.counts[what] = self.counts.get(what, 0) + 1
        return self.counts[what]

    def _did(self, what: str) -> None:
        """For the sum of a sweep: it did happen."""
        self.world.counts[what] += 1

    def act(self) -> str:
        """One of them."""
        steps: list[tuple[Callable[[], str], int]] = [
            (self._take_image, 4), (self._set_back, 3), (self._clone, 1), (self._decide, 3), (self._replace, 1),
            (self._rotate, 1),
        ]  # fmt: skip
        if self.world.office is None:
            # What office people did behind a backup is put before them as questions; the sales desk's comes back.
            steps += [(self._back_up, 3), (self._restore, 4), (self._lose_all_but_the_journal, 1)]
        chosen = self.chance.choices([step for step, _ in steps], [weight for _, weight in steps])[0]
        return chosen()

    def _any_box(self) -> "SimBox":
        return self.world.boxes[self.chance.choice(sorted(self.world.boxes))]

    # --- boxes --------------------------------------------------------------------------------------------------

    def _take_image(self) -> str:
        box = self._any_box()
        self.images[box.box] = self.folder / f"image-{box.box[-8:]}"
        hardware.copy_disk(box.folder, self.images[box.box])
        return f"image of {box.box[-8:]} taken"

    def _set_back(self) -> str:
        """The disk is put back as it was: after a loss of power the machine starts from it."""
        box = self._any_box()
        image = self.images.get(box.box)
        if image is None:
            return f"no image of {box.box[-8:]}"
        if box.alive:
            box.die("power")
        hardware.copy_disk(image, box.folder)
        self._has_forgotten(box.box)
        self._did("box_set_back")
        cut = self.world.fibres[box.box].weather.cut
        return f"box {box.box[-8:]} is set back, with its fibre {'cut' if cut else 'up'}"

    def _has_forgotten(self, box: str) -> None:
        self.behind.add(box)
        self.world.checker.forget(box)

    def _clone(self) -> str:
        box = self._any_box()
        if box.box in self.clones:
            return f"box {box.box[-8:]} is there twice already"
        folder = self.folder / f"clone-{box.box[-8:]}-{self._number('clones')}"
        self.clones[box.box] = hardware.second_machine(self.world, box, folder, random.Random(self.chance.random()))
        self.behind.add(box.box)
        self._did("box_cloned")
        return f"a second machine has the key of {box.box[-8:]}"

    def _replace(self) -> str:
        box = self._any_box()
        if not self._may_sign() or box.box in self.clones or self._number("spares") > SPARES_MAX:
            return "nobody replaces a machine"
        self.world.centre.fuse = None
        hardware.replace_machine(
            self.world, box.box, f"spare{self.counts['spares']}", random.Random(self.chance.random())
        )
        self.images.pop(box.box, None)
        self._has_forgotten(box.box)
        self._did("box_replaced")
        return f"other hardware serves {box.box[-8:]}"

    def _decide(self) -> str:
        """Somebody looks at a box that is quarantined, switches one of two machines off, and lets the other go on."""
        said = []
        for name in sorted(self.world.boxes):
            clone = self.clones.pop(name, None)
            if clone is not None and clone.alive:
                clone.die("switched off")
            if not self._may_sign():
                continue
            with self.world.centre.parts.centre.store.read() as unit:
                row = unit.fleet.box(name)
            assert row is not None
            if row.state is BoxState.QUARANTINED:
                self.world.centre.fuse = None
                try:
                    decide_quarantine(self.world.centre.parts.centre, name, "present", "zhao", "the other is off")
                except Mistaken:
                    # It was not heard since the restore: what it knows comes first.
                    continue
                self._did("quarantine_decided")
                said.append(name[-8:])
        return f"decided: the machine of {', '.join(said) or 'no box'} goes on"

    # --- the centre ---------------------------------------------------------------------------------------------

    def _may_sign(self) -> bool:
        centre = self.world.centre
        return centre.running and not centre.journal_broken and centre.parts.centre.journal.fault is None

    def _rotate(self) -> str:
        """The root signs another command key; the centre is started anew with it, whoever is away."""
        if self._number("rotations") > ROTATIONS_MAX:
            return "the key stays"
        place = self.world.centre.folder
        generation = rotate_keys.carry_out(rotate_keys.plan(place / "site", place / "root"), None)
        if self.world.centre.running:
            self.world.centre.die("another key")
        self._did("key_rotated")
        return f"the command key is of generation {generation}"

    def _back_up(self) -> str:
        self.backup = self.folder / "backup"
        hardware.copy_disk(self.world.centre.state_folder, self.backup)
        return "the centre is backed up"

    def _restore(self) -> str:
        """The centre's disk is gone, its journal is on another one."""
        if self.backup is None:
            return "there is no backup"
        self._lose_disk()
        hardware.copy_disk(self.backup, self.world.centre.state_folder)
        return self._brought_back("centre_restored")

    def _lose_all_but_the_journal(self) -> str:
        """No backup can be read, either."""
        self._lose_disk()
        self.world.centre.state_folder.mkdir()
        return self._brought_back("centre_from_journal")

    def _lose_disk(self) -> None:
        centre = self.world.centre
        if centre.running:
            self.world.counts.update(centre.noted())
            centre.die("its disk is gone")
        shutil.rmtree(centre.state_folder)

    def _brought_back(self, what: str) -> str:
        world = self.world
        term = world.centre.restore()
        self.restored = True
        self._did(what)
        world.centre.once_open.append(lambda: world.staff.take_tariffs(list(world.tariffs)))
        return f"{what}, with the term {term}"

    # --- the end ------------------------------------------------------------------------------------------------

    def heal(self) -> None:
        """One machine a place, and a decision where one is wanted."""
        self._decide()
