"""The wiring of messages: modem, other ways, links, worker, and the watch on the machine. Part of `app`."""

import os
import shutil
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloud_server.authority import certificate_ends_ms
from cloud_server.config import Config
from cloud_server.flows.call_duty import DutyCaller
from cloud_server.flows.centre import Centre
from cloud_server.flows.customer_page import CustomerPages
from cloud_server.flows.foresee import Foresight
from cloud_server.flows.give_way import REST_FOLD
from cloud_server.flows.keep_links import LinkKeeper
from cloud_server.flows.message_desk import MessageDesk
from cloud_server.flows.note_occasions import Noter
from cloud_server.flows.read_alarms import AlarmOffice
from cloud_server.flows.send_messages import Sender
from cloud_server.flows.watch_machine import MachineWatch
from cloud_server.messages.gsm_modem import GsmModem
from cloud_server.messages.modem_port import ModemSettings
from cloud_server.messages.other_ways import AppriseWays
from cloud_server.messages.worker import MessageWorker, Steps
from cloud_server.ports.messages import ModemState
from cloud_server.web.alarm_names import alarm_name

SECRET_BYTES: Final = 32
SECRET_MODE: Final = 0o400
REFUSED_PIN: Final = "modem-pin-refused"


@dataclass(frozen=True, kw_only=True)
class MessageParts:
    """What pages are given, and the worker that is run."""

    desk: MessageDesk
    pages: CustomerPages
    worker: MessageWorker


def wire_messages(config: Config, centre: Centre, alarms: AlarmOffice, may_run: Callable[[], bool]) -> MessageParts:
    """Put the parts together. Raises BadAddress, OSError."""
    place = config.messages
    ways = AppriseWays({name: file.read_text("utf-8").strip() for name, file in place.ways.items()})
    modem = GsmModem(_modem_settings(config)) if place.modem is not None else None
    desk = MessageDesk(centre, ways.names())
    links = LinkKeeper(centre, link_secret(place.link_secret, centre.chance.draw(SECRET_BYTES)))
    noter = Noter(centre, links, to_phones=modem is not None)
    sender = Sender(centre, modem, ways)
    duty = DutyCaller(centre, alarms, alarm_name, ways.names())
    watch = MachineWatch(
        centre,
        free_bytes=lambda: min(shutil.disk_usage(path).free for path in _disks(config)),
        certificate_ends_ms=lambda: certificate_ends_ms(config.certificate),
        monotonic_ms=lambda: time.monotonic_ns() // 1_000_000,
    )

    def modem_seen(state: ModemState) -> None:
        desk.modem = state
        watch.modem_seen(state)

    if modem is not None:
        desk.modem = modem.state()
    steps = Steps(
        take_up=sender.take_up,
        take_left=sender.take_left,
        note=(noter.look, duty.look),
        turn=sender.turn,
        take_reports=sender.take_reports,
        chores=(sender.give_up, watch.look),
        pieces=(noter.foretell, Foresight(centre).piece),
        modem_seen=modem_seen,
    )
    return MessageParts(
        desk=desk, pages=CustomerPages(centre, links), worker=MessageWorker(modem, steps, REST_FOLD, may_run=may_run)
    )


def _modem_settings(config: Config) -> ModemSettings:
    place = config.messages
    assert place.modem is not None
    pin = place.pin_file.read_text("ascii").strip() if place.pin_file is not None else ""
    refused = config.state_dir / REFUSED_PIN
    return ModemSettings(port=place.modem, baud=place.baud, pin=pin, smsc=place.smsc, refused_pin=refused)


def _disks(config: Config) -> list[Path]:
    """One place on each disk that has to have room."""
    folders = [config.state_dir, config.journal, *([config.backup.folder] if config.backup is not None else [])]
    return [folder for folder in folders if folder.is_dir()]


def link_secret(path: Path, fresh: bytes) -> bytes:
    """The secret of the customers' links: read, or made from `fresh` where there is none. Whoever is second reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_MODE)
    except FileExistsError:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            path.chmod(SECRET_MODE)
        return bytes.fromhex(path.read_text("ascii").strip())
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(fresh.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return fresh
