"""A centre of real parts in one process: SQLite, journal file, keys and CA; time and chance as a test says."""

import re
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cloud_server.authority import KeyFolder
from cloud_server.config import Config, read_config
from cloud_server.flows import enrol_box, plan_site, synchronise
from cloud_server.flows.centre import Centre
from cloud_server.flows.enrol_box import TakenIn, Waiting
from cloud_server.flows.keep_energy import keep_energy
from cloud_server.flows.keep_journal import JournalKeeper
from cloud_server.flows.operate_meters import MeterOperations
from cloud_server.flows.read_books import ReadBooks
from cloud_server.flows.sell_credit import SalesDesk
from cloud_server.flows.set_up import set_up_centre
from cloud_server.flows.verify import verify
from cloud_server.flows.waiting import BoxBells, LiveRoom
from cloud_server.ports import Actor, SaleOrder
from cloud_server.ports.database import PostgresAddress
from cloud_server.store.database import Engine, SqliteEngine
from cloud_server.store.engines import open_engine
from cloud_server.store.journal_file import JournalFile
from cloud_server.store.schema import make_schema
from cloud_server.store.unit import StoredBooks
from protocol.messages import Answer
from provisioning.init_site import InitRequest, carry_out
from tests.cloud_server.speaking_box import SpeakingBox, make_box
from tests.cloud_server.street import account_id, box_id, street
from tests.fakes.centre_clock import FakeChance, FakeClock

CASHIER = Actor(id="0" * 32, name="wang", display_name="王芳", roles=frozenset({"cashier"}))


@dataclass
class SiteRig:
    """The parts, and the few steps that most tests begin with."""

    config: Config
    clock: FakeClock
    engine: Engine
    store: StoredBooks
    centre: Centre
    bells: BoxBells
    live: LiveRoom
    books: ReadBooks
    desk: SalesDesk
    operations: MeterOperations
    sold: int = 0

    @property
    def site(self) -> str:
        return self.centre.site.site

    def plan(self, **how: int) -> None:
        plan_site.take_plan(self.centre, street(self.site, **how), "provisioner")

    def enrol(self, box: int, seed: str = "a") -> SpeakingBox:
        """A box comes in and is confirmed."""
        made = make_box(self.site, box_id(box), self.clock.now_ms, seed)
        token = tomllib.loads(enrol_box.make_claim(self.centre, box_id(box), "provisioner"))["token"]
        line = made.enrol_line(token)
        asked = enrol_box.ask_to_enrol(self.centre, line)
        assert isinstance(asked, Waiting)
        enrol_box.confirm(self.centre, box_id(box), asked.fingerprint, "provisioner")
        came = enrol_box.ask_to_enrol(self.centre, line)
        assert isinstance(came, TakenIn)
        made.open_epoch(came.lines[-1])
        return made

    def exchange(self, box: SpeakingBox) -> Answer:
        """One request with all that the box has sealed, and its answer taken."""
        box.now_ms = self.clock.now_ms
        result = synchronise.exchange(self.centre, box.request())
        return box.take(synchronise.sign_answer(self.centre, result))

    def settle(self, box: SpeakingBox) -> Answer:
        """Exchange until neither side has anything for the other."""
        while True:
            answer = self.exchange(box)
            if box.pending:
                box.seal()
            elif box.acked_seq == len(box.sealed):
                return answer

    def sell(self, amount: str, box: int = 1, shop: int = 2, key: str | None = None, **how: object) -> str:
        """A sale at the desk; its id."""
        self.sold += 1
        order = SaleOrder(
            key=key or f"key-{self.sold}",
            account=account_id(box, shop),
            amount=amount,
            method="cash",
            again=True,
            **how,  # type: ignore[arg-type]  # a test bends any field
        )
        return self.desk.sell(order, CASHIER).sale

    def breaches(self) -> list[str]:
        """Everything that an invariant does not allow."""
        report = verify(self.store, self.centre.authority.command_keys)
        return [f"{result.name}: {breach}" for result in report for breach in result.breaches]

    def ledger(self, *accounts: str) -> dict[str, int]:
        """Sums of ledger accounts, those at 0 left out."""
        with self.centre.store.read() as unit:
            return {name: sum_ for name, sum_ in unit.ledger.sums(accounts).items() if sum_}


def make_folder(folder: Path, port: int = 18_443, database: PostgresAddress | None = None) -> Config:
    """Everything that `provision init` makes, in a folder; the books in a database that is given, or in a file."""
    request = InitRequest(
        folder=folder / "site",
        root_folder=folder / "root",
        journal=folder / "journal",
        name="测试街",
        zone="Asia/Shanghai",
        currency="CNY",
        url=f"https://127.0.0.1:{port}",
        listen=f"127.0.0.1:{port}",
        second_factor="offered",
    )
    carry_out(request, None)
    settings = folder / "site" / "centre.toml"
    if database is not None:
        text = re.sub(r"(?m)^database = .*$", f'database = "{database.text}"', settings.read_text())
        settings.write_text(text)
    return read_config(settings)


@cache
def empty_books() -> bytes:
    """A database file with all tables and no site of ours, made once a process: as the template on PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "filled.db"
        engine = SqliteEngine(path)
        make_schema(engine, "f" * 32)
        engine.close()
        return path.read_bytes()


@contextmanager
def open_rig(
    folder: Path,
    clock: FakeClock | None = None,
    fail_point: Callable[[str], None] | None = None,
    database: PostgresAddress | None = None,
) -> Iterator[SiteRig]:
    """A centre in a folder; made there if there is none yet, as it was left otherwise."""
    path = folder / "site" / "centre.toml"
    config = read_config(path) if path.exists() else make_folder(folder, database=database)
    clock = clock or FakeClock()
    if isinstance(config.database, Path) and not config.database.exists():
        config.database.write_bytes(empty_books())
    engine = open_engine(config.database)
    make_schema(engine, config.site.site)
    store = StoredBooks(engine, config.site.site)
    term = set_up_centre(store, clock)
    keep_energy(store, config.site.zone)
    bells = BoxBells()
    live = LiveRoom(clock, bells)
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
        chance=FakeChance(str(clock.now_ms)),
        wake=bells,
        live=live,
        fail_point=fail_point or (lambda _name: None),
    )
    books = ReadBooks(centre)
    try:
        yield SiteRig(
            config, clock, engine, store, centre, bells, live, books, SalesDesk(centre, books), MeterOperations(centre)
        )
    finally:
        journal.close()
        engine.close()
