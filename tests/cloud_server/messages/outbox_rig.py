"""A centre of real parts with a modem on a pty: shops whose boxes tell of alarms and cuts, and the worker's turns."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cloud_server.core.message_settings import MessageSettings
from cloud_server.flows.foresee import Foresight
from cloud_server.flows.keep_links import LinkKeeper
from cloud_server.flows.message_desk import MessageDesk
from cloud_server.flows.note_occasions import Noter
from cloud_server.flows.send_messages import Sender
from cloud_server.messages.gsm_modem import GsmModem
from cloud_server.messages.modem_port import ModemSettings, Patience
from cloud_server.ports.database import PostgresAddress
from cloud_server.ports.messages import NotSent
from cloud_server.ports.outbox import MessageRow, PartRow
from protocol.records import Alarm, AlarmKind, Cause, Contact, Relay, Subject
from provisioning.simulator.gsm_modem import SimulatedModem
from tests.cloud_server.site_rig import CASHIER, SiteRig, open_rig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import box_id, meter_id, wallet_id
from tests.fakes.centre_clock import FakeClock

QUICK = Patience(command_s=0.5, pin_s=0.5, prompt_s=0.5, sending_s=1.0, probe_s=0.1, tries=2)
SECRET = b"s" * 32


class NoWays:
    """No other way is configured; what a test hands over is kept."""

    def __init__(self, *names: str) -> None:
        self._names = names
        self.sent: list[tuple[str, str, str]] = []
        self.fault: Exception | None = None

    def names(self) -> tuple[str, ...]:
        return self._names

    def send(self, name: str, title: str, text: str) -> None:
        if self.fault is not None:
            raise self.fault
        self.sent.append((name, title, text))


@dataclass
class OutboxRig:
    """The parts of messages around a site."""

    site: SiteRig
    simulated: SimulatedModem
    modem: GsmModem
    links: LinkKeeper
    noter: Noter
    sender: Sender
    desk: MessageDesk
    foresight: Foresight
    ways: NoWays = field(default_factory=NoWays)
    boxes: dict[int, SpeakingBox] = field(default_factory=dict)

    def settings(self, **changes: object) -> None:
        made = MessageSettings(**({"quiet_from_minute": 0, "quiet_to_minute": 0} | changes))  # type: ignore[arg-type]  # fields by name
        self.desk.save_settings(made, CASHIER)

    def enrol(self, *numbers: int) -> None:
        for number in numbers:
            self.boxes[number] = self.site.enrol(number)
            self.site.settle(self.boxes[number])

    def alarm(self, kind: AlarmKind, *, raised: bool = True, box: int = 1, shop: int = 2, value: int = 0) -> None:
        subject = Subject(box=box_id(box), wallet=wallet_id(box, shop))
        state = "raised" if raised else "cleared"
        now_ms = self.site.clock.now_ms
        self.boxes[box].pending.append(
            Alarm(at_ms=now_ms, alarm=kind, subject=subject, state=state, value=value)  # type: ignore[arg-type]  # of the two states
        )

    def relay(self, seen: Contact, cause: Cause, *, box: int = 1, shop: int = 2) -> None:
        record = Relay(at_ms=self.site.clock.now_ms, meter=meter_id(box, shop), wanted=seen, seen=seen, cause=cause)
        self.boxes[box].pending.append(record)

    def heard(self, box: int = 1) -> None:
        """The box seals what it has and the centre posts it."""
        self.boxes[box].seal()
        self.site.settle(self.boxes[box])

    def turn(self) -> int:
        """Note, send, listen."""
        self.noter.look()
        while self.noter.foretell():
            pass
        if not self.modem.is_open():
            try:
                self.sender.take_left(self.modem.open())
            except NotSent:
                return 0
        sent = self.sender.turn()
        self.listen(0.05)
        return sent

    def foresee(self) -> int:
        """Make every forecast anew that is due; how many were made."""
        while self.foresight.piece():
            pass
        with self.site.store.read() as unit:
            found = unit.messages.forecasts().values()
        return sum(row.made_at_ms == self.site.clock.now_ms for row in found)

    def listen(self, wait_s: float = 0.2) -> None:
        until = time.monotonic() + wait_s
        while time.monotonic() < until:
            self.sender.take_reports(self.modem.reports(0.02))

    def rows(self) -> list[MessageRow]:
        with self.site.store.read() as unit:
            return sorted(unit.messages.newest((), 1_000), key=lambda row: (row.made_at_ms, row.message))

    def parts(self, message: str) -> list[PartRow]:
        with self.site.store.read() as unit:
            return unit.messages.parts(message)

    def texts(self) -> list[tuple[str, str]]:
        """What arrived, at which number."""
        return self.simulated.messages()


@contextmanager
def open_outbox(
    folder: Path, simulated: SimulatedModem, *, clock: FakeClock | None = None,
    fail_point: Callable[[str], None] | None = None, ways: tuple[str, ...] = (), patience: Patience = QUICK,
    database: PostgresAddress | None = None,
) -> Iterator[OutboxRig]:  # fmt: skip
    """The rig on a folder, with a site as it was left there."""
    with open_rig(folder, clock, fail_point, database) as site:
        modem = GsmModem(ModemSettings(port=str(simulated.link), patience=patience))
        links = LinkKeeper(site.centre, SECRET)
        other = NoWays(*ways)
        yield OutboxRig(
            site=site,
            simulated=simulated,
            modem=modem,
            links=links,
            noter=Noter(site.centre, links, to_phones=True),
            sender=Sender(site.centre, modem, other),
            desk=MessageDesk(site.centre, ways),
            foresight=Foresight(site.centre),
            ways=other,
        )
        modem.close()


@contextmanager
def served_street(folder: Path, boxes: int = 1, **how: object) -> Iterator[OutboxRig]:
    """A street with enrolled boxes, its first look behind it, messages at any hour."""
    with SimulatedModem(folder / "modem") as simulated, open_outbox(folder, simulated, **how) as rig:  # type: ignore[arg-type]  # passed on by name
        simulated._clock = lambda: rig.site.clock.now_ms / 1000
        rig.site.plan(boxes=boxes)
        rig.enrol(*range(1, boxes + 1))
        rig.settings()
        rig.noter.look()
        yield rig
