"""The centre as a process: opened on its folder, working, dead at any line, opened again."""

from collections import Counter
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

from cloud_server.authority import KeyFolder
from cloud_server.config import Config
from cloud_server.core.fleet import BoxState
from cloud_server.core.invariants import CHECKS
from cloud_server.core.invariants.ledger_checks import ledger_balances
from cloud_server.core.mistakes import NotNow
from cloud_server.flows.centre import Centre
from cloud_server.flows.keep_energy import keep_energy
from cloud_server.flows.keep_journal import JournalKeeper
from cloud_server.flows.office import Office, open_office
from cloud_server.flows.operate_meters import MeterOperations
from cloud_server.flows.read_books import ReadBooks
from cloud_server.flows.replay_journal import newest_term, replay
from cloud_server.flows.restore_centre import raise_term
from cloud_server.flows.sell_credit import SalesDesk
from cloud_server.flows.set_up import set_up_centre
from cloud_server.flows.waiting import LiveRoom
from cloud_server.flows.watch_fleet import watch_fleet
from cloud_server.ports import JournalFault
from cloud_server.ports.database import PostgresAddress
from cloud_server.store.database import Engine
from cloud_server.store.engines import open_engine
from cloud_server.store.journal_file import JournalFile
from cloud_server.store.schema import make_schema
from cloud_server.store.unit import StoredBooks
from tests.cloud_server.site_rig import make_folder
from tests.simulation.clocks import CentreClock, SeededChance, Timeline
from tests.simulation.crash import Crash, Fuse

EVERY_MS: Final = 3_000
"""Lines that a crash left out of the journal, and boxes that went silent, are looked for this often."""
QUICK_CHECKS: Final = (ledger_balances,)
FLOWS: Final = ("/cloud_server/flows/", "/cloud_server/store/")

Result = TypeVar("Result")


@dataclass
class Bells:
    """Satisfies `cloud_server.ports.WakeUp`; the fibres hold the requests."""

    ring: Callable[[str], None]
    holds: Callable[[str], bool]

    def wake(self, box: str) -> None:
        self.ring(box)

    def wake_some(self, most: int) -> None: ...

    def listening(self, box: str) -> bool:
        return self.holds(box)


@dataclass
class Parts:
    """Everything of one run."""

    engine: Engine
    journal: JournalFile
    store: StoredBooks
    centre: Centre
    desk: SalesDesk
    operations: MeterOperations
    office: Office

    def close(self) -> None:
        self.journal.close()
        self.engine.close()


class SimCentre:
    """One centre and its folder. On PostgreSQL it is two processes, which are asked in turns."""

    def __init__(
        self, folder: Path, time: Timeline, chance: SeededChance, bells: Bells, database: PostgresAddress | None = None
    ) -> None:
        self.folder = folder
        self.time = time
        self.chance = chance
        self.bells = bells
        self.config = make_folder(folder, database=database)
        self.running = False
        self.run_number = 0
        self.asked = 0
        self.fuse: Fuse | None = None
        self.deaths: list[str] = []
        self.journal_broken = False
        self.died: Callable[[], None] = lambda: None
        self.once_open: list[Callable[[], None]] = []
        """What people do when it is up again."""
        self.open()

    def open(self) -> None:
        """Start, as `cloud-server run` does."""
        clock = CentreClock(self.time)
        count = 1 if isinstance(self.config.database, Path) else 2
        self.processes = [_wire(self.config, clock, self.chance, self.bells) for _ in range(count)]
        self.parts = self.processes[0]
        self.break_journal(self.journal_broken)
        self.running = True
        self.run_number += 1
        for process in self.processes:
            process.centre.journal.check_at_start()
        waiting, self.once_open = self.once_open, []
        for do in waiting:
            do()
        self._background(self.run_number)

    @property
    def state_folder(self) -> Path:
        """Where the database file is."""
        assert isinstance(self.config.database, Path)
        return self.config.database.parent

    def restore(self) -> int:
        """What `cloud-server restore` does with a database that was put back, or with none; the new term."""
        parts = _wire(self.config, CentreClock(self.time), self.chance, self.bells)
        try:
            term = raise_term(parts.centre, [newest_term(parts.journal.lines())])
            replay(replace(parts.centre, term=term), parts.journal.lines)
            with parts.store.write() as unit:
                unit.site.put_fact("journal_bytes", str(parts.journal.length() or 0))
        finally:
            parts.close()
        return term

    def noted(self) -> Counter[str]:
        """How often each thing stands in the audit, but for what was lost with a disk."""
        with self.parts.store.evidence(self.parts.centre.authority.command_keys) as evidence:
            return Counter(f"noted {entry.action}" for entry in evidence.audit_entries())

    def seen(self) -> list[tuple[str, str, list[tuple[str, int]]]]:
        """Every entry of the ledger, without what differs from run to run (keys, and what is signed with them)."""
        with self.parts.store.evidence(self.parts.centre.authority.command_keys) as evidence:
            entries = list(evidence.entries())
        return sorted(
            (entry.kind, entry.key, sorted((part.account, part.amount_micro) for part in entry.postings))
            for entry in entries
        )

    def _background(self, run_number: int) -> None:
        """What nobody asks for, again and again while this run lasts."""
        if not self.running or run_number != self.run_number:
            return
        self.burn(self._append_unmarked)
        if self.running:
            self.burn(lambda: watch_fleet(self.parts.centre))
        if self.running:
            self.burn(self._go_on)
        if self.running:
            self.time.after(EVERY_MS, lambda: self._background(run_number))

    def _append_unmarked(self) -> int:
        try:
            return self.parts.centre.journal.append_unmarked()
        except NotNow:
            return 0

    def _go_on(self) -> int:
        try:
            return self.parts.office.work()
        except NotNow:
            return 0

    def burn(self, work: Callable[[], Result]) -> Result | None:
        """Do something, with the fuse burning if one is lit; None where the centre died of it."""
        self.asked += 1
        self.parts = self.processes[self.asked % len(self.processes)]
        if self.fuse is None:
            return work()
        done: list[Result] = []
        try:
            self.fuse.burn(lambda: done.append(work()))
        except Crash as crash:
            self.die(str(crash))
            return None
        return done[0]

    def break_journal(self, broken: bool) -> None:
        """The journal's disk takes nothing, or takes lines again."""
        self.journal_broken = broken
        for process in self.processes:
            process.journal.__dict__.pop("append", None)
            if broken:
                process.journal.__dict__["append"] = _takes_nothing

    def light(self, lines: int) -> None:
        """Let it die so many lines from now."""
        self.fuse = Fuse(lines, FLOWS)

    def die(self, where: str = "at rest") -> None:
        """Everything in memory is gone."""
        self.deaths.append(where)
        self.running, self.fuse = False, None
        for process in self.processes:
            process.close()
        self.died()

    def breaches(self, *, thorough: bool) -> list[str]:
        """What an invariant of the books does not allow: the ledger's alone, or everything."""
        centre = self.parts.centre
        with self.parts.store.evidence(centre.authority.command_keys) as evidence:
            results = [check(evidence) for check in (CHECKS if thorough else QUICK_CHECKS)]
        return [f"{result.name}: {breach}" for result in results for breach in result.breaches]

    def doubts(
        self, behind: AbstractSet[str] = frozenset(), *, restored: bool = False, epochs: bool = False
    ) -> list[str]:
        """What the centre itself finds wrong with honest boxes: nothing at all.

        `behind`: boxes that may be quarantined, since a store of theirs was set back; `restored`: the centre was, too;
        `epochs`: no other box may have been given a new one.
        """
        with self.parts.store.evidence(self.parts.centre.authority.command_keys) as evidence:
            found = [f"finding {f.kind} {f.epoch}/{f.seq} {f.meter}: {f.detail}" for f in evidence.findings()]
        with self.parts.centre.store.read() as unit:
            for box in unit.fleet.boxes():
                forked = box.state is BoxState.QUARANTINED and box.box in behind
                if not (box.state is BoxState.ENROLLED or forked) or (box.recovery and not restored):
                    found.append(f"box {box.box} is {'in recovery' if box.recovery else box.state}")
                if epochs and box.box not in behind and box.epoch > 1:
                    found.append(f"box {box.box} was given epoch {box.epoch}, and had forgotten nothing")
                if unit.readings.is_parked(box.box) and not forked:
                    found.append(f"a batch of box {box.box} is parked")
        return found


def _takes_nothing(_lines: object) -> int:
    raise JournalFault("the journal's disk of this world takes nothing")


def _wire(config: Config, clock: CentreClock, chance: SeededChance, bells: Bells) -> Parts:
    engine = open_engine(config.database)
    make_schema(engine, config.site.site)
    store = StoredBooks(engine, config.site.site)
    term = set_up_centre(store, clock)
    keep_energy(store, config.site.zone)
    journal = JournalFile(config.journal)
    centre = Centre(
        site=config.site,
        term=term,
        store=store,
        authority=KeyFolder(
            config.keys_dir, config.keys_line, config.limits_line, config.root_public, config.site.site
        ),
        journal=JournalKeeper(store, journal),
        clock=clock,
        chance=chance,
        wake=bells,
        live=LiveRoom(clock, bells),
        fail_point=lambda _name: None,
    )
    desk, operations = SalesDesk(centre, ReadBooks(centre)), MeterOperations(centre)
    return Parts(engine, journal, store, centre, desk, operations, open_office(centre))
