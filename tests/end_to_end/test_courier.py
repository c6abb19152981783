"""A walk with a file: the real flows of centre and box in one process, and between them only what is carried."""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloud_server.cli import main
from cloud_server.core.mistakes import NotFound
from cloud_server.flows import courier as centre_courier
from cloud_server.flows import synchronise as centre_sync
from cloud_server.flows.courier import LineVerdict
from cloud_server.flows.sign_lines import issue_command
from edge_agent.bus.packaged import builtin_profile
from edge_agent.core.limits import BoxLimits
from edge_agent.core.measured import UNKNOWN, MeterReading, RelayOrdered, RelayPosition
from edge_agent.core.meeting import take_reading, tick
from edge_agent.core.opening import open_epoch
from edge_agent.core.place import Place, make_place
from edge_agent.core.testing import note_test
from edge_agent.flows.box import Box, Who
from edge_agent.flows.courier import next_piece, take_file
from edge_agent.flows.seal_batches import Sealing, seal_pending
from edge_agent.flows.start_up import begin_sealing, load_box
from edge_agent.flows.synchronise import Synchroniser
from edge_agent.ports import ExchangeAnswered
from edge_agent.store.opening import open_store
from protocol.box_config import BoxConfig
from protocol.commands import InService
from protocol.config_text import read_config
from protocol.courier import box_of_name, box_that_wrote, write_file
from protocol.envelope import read_line
from protocol.messages import Epoch
from protocol.payload import read_payload
from protocol.signing import public_key_from_text
from tests.cloud_server.site_rig import SiteRig, open_rig
from tests.cloud_server.street import box_id, meter_id, wallet_id
from tests.edge_agent.rig import RigBus, RigClock, RigUplink

YUAN = 1_000_000
BOX = box_id(1)


@dataclass
class Shaft:
    """A box of real flows and a real store, enrolled at the centre."""

    box: Box
    sync: Synchroniser
    sealing: Sealing
    uplink: RigUplink
    bus: RigBus
    site: SiteRig
    clock: RigClock
    raw_wh: int = 1_000_000

    def read(self, raw_wh: int, relay: RelayPosition) -> None:
        """The meter of shop 2 was read now."""
        clock = self.box.clock
        reading = MeterReading(
            meter=meter_id(1, 2),
            at_mono_ms=clock.mono_ms(),
            at_wall_ms=clock.wall_ms(),
            raw_wh=raw_wh,
            power_w=UNKNOWN,
            contact=relay,
        )
        self.box.take(take_reading(self.box.place, self.box.state, reading, self.box.now()))

    def exchange(self) -> None:
        """One exchange over a whole fibre."""
        self.sync.pulse()
        sent = self.uplink.sent[-1]
        result = centre_sync.exchange(self.site.centre, sent.lines)
        lines = centre_sync.sign_answer(self.site.centre, result)
        self.sync.answered(ExchangeAnswered(sent.number, lines, 5, self.box.clock.mono_ms()))

    def carry_in(self) -> list[str]:
        """The centre's file, walked to the box."""
        self.site.centre.journal.append_unmarked()
        (file,) = centre_courier.all_files(self.site.centre, BOX)
        assert box_of_name(file.name) == BOX
        return [line["outcome"] for line in take_file(self.sync, write_file(file.lines))]

    def carry_out(self) -> tuple[bytes, list[LineVerdict]]:
        """The box's file, walked to the centre."""
        seal_pending(self.box, self.sealing)
        piece = next_piece(self.box.store, BOX, None)
        assert piece is not None
        assert box_that_wrote(piece.name) == BOX
        body = write_file(piece.lines)
        return body, centre_courier.take_file(self.site.centre, BOX, body)

    def use(self, energy_wh: int, relay: RelayPosition) -> None:
        """Time passes and energy is used, seen by two readings."""
        self.raw_wh += energy_wh
        for _ in range(2):
            self.clock.go_on(61_000)
            self.site.clock.now_ms = self.clock.wall
            self.read(self.raw_wh, relay)
            self.box.take(tick(self.box.place, self.box.state, self.box.now()))

    def settle(self) -> None:
        """Exchange over a whole fibre until nothing waits."""
        for _ in range(10):
            seal_pending(self.box, self.sealing)
            self.clock.go_on(30_000)
            self.site.clock.now_ms = self.clock.wall
            self.exchange()
        assert self.box.store.first_unacknowledged() is None

    def book(self) -> int:
        return self.box.state.wallets[wallet_id(1, 2)].state.book_micro


def read_place(box: str, config: BoxConfig) -> Place:
    """Whatever the plan calls its meters, here they are of one make."""
    return make_place(box, config, {meter.profile: builtin_profile("acrel_dtsy1352") for meter in config.meters})


@contextmanager
def shaft(folder: Path) -> Iterator[Shaft]:
    with open_rig(folder / "centre") as site:
        site.plan()
        hardware = site.enrol(1)
        clock = RigClock()
        clock.wall = site.clock.now_ms
        with site.store.read() as unit:
            raw = unit.lines.line("epoch", BOX, 1)
        assert raw is not None
        line = read_line(raw)
        epoch = read_payload(line.payload, Epoch)
        root = public_key_from_text(site.config.root_public.read_text(encoding="ascii").strip())
        (folder / "box").mkdir()
        with open_store(folder / "box", clock.wall) as store:
            place = read_place(BOX, read_config(epoch.config))
            store.commit(open_epoch(place, epoch, line.hash, 1, clock.wall), (site.centre.authority.keys_line, line))
            who = Who(site.site, BOX, hardware.key, root.keyid, "edge-agent test", "b" * 32)
            chance = itertools.count(1)
            box, ring = load_box(
                who, root, store, clock, lambda n: next(chance).to_bytes(n, "big"), read_place, BoxLimits()
            )
            bus, uplink = RigBus(), RigUplink()
            box.buses = {place.bus_of[meter_id(1, 2)]: bus}
            sealing = begin_sealing(box)
            sync = Synchroniser(box, sealing, uplink, ring, root, 25, lambda: None, clock.mono)
            yield Shaft(box, sync, sealing, uplink, bus, site, clock)


@pytest.fixture
def cut(tmp_path: Path) -> Iterator[Shaft]:
    """A shop in service whose credit is used up, dark; then the fibre is cut."""
    with shaft(tmp_path) as s:
        s.read(1_000_000, RelayPosition.CLOSED)
        s.box.take(note_test(s.box.state, meter_id(1, 2), "relay", True, "Li", "", s.box.now()))
        centre = s.site.centre
        with centre.store.write() as unit:
            row = unit.fleet.box(BOX)
            assert row is not None
            issue_command(centre, unit, row, InService(meter=meter_id(1, 2), on=True), "chen")
        s.site.sell("1")
        s.exchange()
        s.settle()
        s.use(2_000, RelayPosition.CLOSED)
        assert s.bus.orders[-1].wanted is RelayOrdered.OPEN
        s.use(0, RelayPosition.OPEN)
        s.settle()
        yield s


def test_a_paid_recharge_is_walked_to_the_box_and_everything_is_booked_once(cut: Shaft) -> None:
    before = cut.book()
    cut.site.sell("100")
    assert set(cut.carry_in()) <= {"known", "taken"}
    assert cut.book() == before + 100 * YUAN
    assert cut.bus.orders[-1].wanted is RelayOrdered.CLOSED, "the shop is lit"
    assert set(cut.carry_in()) == {"known"}
    assert cut.book() == before + 100 * YUAN

    cut.use(500, RelayPosition.CLOSED)
    body, verdicts = cut.carry_out()
    assert {said.verdict for said in verdicts} == {"accepted"}
    again = centre_courier.take_file(cut.site.centre, BOX, body)
    assert {said.verdict for said in again} == {"known"}
    assert cut.box.store.first_unacknowledged() is not None, "a file acknowledges nothing"

    cut.settle()
    assert cut.box.store.first_unacknowledged() is None
    assert cut.book() == before + 100 * YUAN
    assert cut.site.breaches() == []


def test_a_changed_byte_is_refused_at_the_centre_and_other_lines_have_no_place(cut: Shaft) -> None:
    cut.site.sell("100")
    cut.carry_in()
    seal_pending(cut.box, cut.sealing)
    piece = next_piece(cut.box.store, BOX, None)
    assert piece is not None
    body = write_file(piece.lines)
    place = body.index(b'"payload":"') + 60
    bent = body[:place] + (b"A" if body[place : place + 1] != b"A" else b"B") + body[place + 1 :]
    first = centre_courier.take_file(cut.site.centre, BOX, bent)[0]
    assert (first.verdict, first.good) == ("bad_signature", False)
    (keys,) = centre_courier.take_file(cut.site.centre, BOX, write_file([cut.site.centre.authority.keys_line]))
    assert "a line of type keys is not taken" in keys.verdict
    with pytest.raises(NotFound):
        centre_courier.take_file(cut.site.centre, "f" * 32, body)
    assert all(said.good for said in centre_courier.take_file(cut.site.centre, BOX, body))
    cut.settle()
    assert cut.site.breaches() == []


def test_the_commands_of_the_terminal(cut: Shaft, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut.site.sell("100")
    cut.site.centre.journal.append_unmarked()
    config, stick = str(tmp_path / "centre" / "site" / "centre.toml"), tmp_path / "stick" / "tallybox"
    stick.mkdir(parents=True)
    words = ["--config", config, "--json"]
    assert main(["courier", "export", "--box", BOX, "--to", str(stick.parent), *words]) == 0
    (written,) = json.loads(capsys.readouterr().out)["files"]
    assert written["commands"] == 1
    told = take_file(cut.sync, Path(written["file"]).read_bytes())
    assert [line["outcome"] for line in told] == ["known", "known", "taken"]
    seal_pending(cut.box, cut.sealing)
    piece = next_piece(cut.box.store, BOX, None)
    assert piece is not None
    out = stick / piece.name
    out.write_bytes(write_file(piece.lines))
    assert main(["courier", "import", str(out), *words]) == 0
    assert {said["verdict"] for said in json.loads(capsys.readouterr().out)} == {"accepted"}
    assert main(["courier", "import", str(out), *words]) == 0
    (stick / "notes.txt").write_bytes(b"no line\n")
    assert main(["courier", "import", str(stick / "notes.txt"), "--config", config]) == 2
    assert main(["courier", "import", str(stick / "notes.txt"), "--box", BOX, "--config", config]) == 1
    assert main(["courier", "export", "--box", "f" * 32, "--to", str(stick), "--config", config]) == 2
