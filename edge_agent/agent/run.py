"""The whole life of the agent: open, verify, wire, run, end."""

import logging
import os
import queue
import secrets
import signal
import sys
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge_agent.agent.beside import mind_certificate, reload_on_hangup, sticks_watched
from edge_agent.agent.buses import Buses, read_place
from edge_agent.agent.owner import FromBus, Message, Owner, Stop
from edge_agent.agent.programs import Programs, become
from edge_agent.agent.store_loss import StoreLoss, kept_closed
from edge_agent.agent.upgrade import switch
from edge_agent.agent.upgrader import Upgrader, allow_upgrades
from edge_agent.clock import SystemClock
from edge_agent.config import BoxFile, ClockFollows
from edge_agent.console.local_socket import LocalServer
from edge_agent.core.limits import BoxLimits
from edge_agent.flows.box import DEFER_MS, Who
from edge_agent.flows.poll_meters import LinkTally, Polling
from edge_agent.flows.recover import Recovery
from edge_agent.flows.start_up import LastRun, NotEnrolled, begin_sealing, limits_in_force, load_box, record_boot
from edge_agent.flows.synchronise import Synchroniser
from edge_agent.health import RunMarks, Watchdog, read_boot_id
from edge_agent.memory import keep_heap_small, set_apart_what_stays
from edge_agent.ports import Disk, RecordStore, SettableClock, Uplink
from edge_agent.schedule import Schedule
from edge_agent.store.ballast import StateDisk
from edge_agent.store.opening import open_store
from edge_agent.store.protect_file import read_protected, write_protected
from edge_agent.store.salvage import salvage
from edge_agent.sync.identity import Identity, is_enrolled, read_identity
from edge_agent.sync.uplink import HttpsUplink
from protocol.signing import PublicKey

CLOCK: Final = "clock.json"
"""In the state directory: how far the machine's clock is wrong, where it could not be set; good for one boot."""

log = logging.getLogger(__name__)


class AgentFailed(Exception):
    """Our own fault: the agent ended because it could not go on, and is to be started again."""


def own_version() -> str:
    """The version of this program; 0 where it is not installed but run from its sources."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - costs memory; needed once

    try:
        return version("tallybox")
    except PackageNotFoundError:
        return "0"


def agent_name() -> str:
    """Name and version of this program, as it stands in lines."""
    return f"edge-agent {own_version()}"


def who_is(identity: Identity, boot_id: str) -> Who:
    """This box and this run of the agent."""
    return Who(
        site=identity.place.site,
        box=identity.place.box,
        record_key=identity.record_key,
        root_keyid=identity.root.keyid,
        agent=agent_name(),
        boot_id=boot_id,
    )


def run(box_file: BoxFile) -> None:
    """Run until SIGTERM or SIGINT. Raises StoreFault, IdentityFault, NotEnrolled, AgentFailed, each with words."""
    keep_heap_small()
    # The zone rules are those of the pinned tzdata package, the same on box and centre.
    zoneinfo.reset_tzpath(to=())
    identity = read_identity(box_file.state_dir)
    clock = SystemClock(box_file.state_dir / CLOCK, read_boot_id())
    if not is_enrolled(box_file.state_dir):
        raise NotEnrolled("this state_dir holds no certificate: run `edge-agent enrol` first")
    with open_store(box_file.state_dir, clock.wall_ms(), begin_anew=True) as store:
        around, who = _around(box_file, identity, clock), who_is(identity, read_boot_id())
        server = LocalServer(box_file.state_dir, around.inbox.put)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: around.inbox.put(Stop()))
        around.uplink.start()
        server.start()
        try:
            with sticks_watched(who.box, box_file, around.inbox) as stick:
                if store.load() is None and not _store_loss(who, identity, store, around, box_file).run():
                    return
                owner = make_owner(who, identity.root, store, around, box_file.limits, box_file.wait_s)
                owner.note_protected = lambda meters: write_protected(box_file.state_dir, meters)
                owner.clock_watch.follows_centre = box_file.clock_follows is ClockFollows.CENTRE
                mind_certificate(owner, identity, around.uplink.certificate_changed)
                reload_on_hangup(owner, stick, box_file)
                allow_upgrades(owner, stick, Upgrader(box_file, identity, own_version(), owner))
                owner.schedule.start()
                set_apart_what_stays()
                owner.run()
        finally:
            server.stop()
        owner.end()
    if owner.failed is not None:
        raise AgentFailed(owner.failed)
    if owner.successor is not None:
        switch(box_file, owner.successor)
        become(Programs(box_file.state_dir), owner.successor, sys.argv[1:])


def _store_loss(who: Who, identity: Identity, store: RecordStore, around: "Around", box_file: BoxFile) -> StoreLoss:
    """What runs until the centre has opened an epoch for the empty store."""
    remains = salvage(box_file.state_dir)
    place, protected = kept_closed(remains, who.box, read_protected(box_file.state_dir))
    recovery = Recovery(
        who=who,
        root=identity.root,
        store=store,
        uplink=around.uplink,
        clock=around.clock,
        chance=around.chance,
        read_place=lambda config: read_place(who.box, config),
        remains=remains,
    )
    return StoreLoss(recovery, around, place, protected)


def _around(box_file: BoxFile, identity: Identity, clock: SystemClock) -> "Around":
    inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
    return Around(
        clock=clock,
        chance=secrets.token_bytes,
        buses=Buses(dict(box_file.buses), clock, lambda bus_id, report: inbox.put(FromBus(bus_id, report))),
        uplink=HttpsUplink(identity.place.centre, identity.tls_context, inbox.put, clock),
        schedule=lambda zone: Schedule(inbox.put, zone),
        inbox=inbox,
        marks=RunMarks(box_file.state_dir),
        watchdog=Watchdog(os.environ.get("NOTIFY_SOCKET")),
        disk=StateDisk(box_file.state_dir),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """Everything around the owner's loop that touches the world, but the store. A simulation brings its own."""

    clock: SettableClock
    chance: Callable[[int], bytes]
    buses: Buses
    uplink: Uplink
    schedule: Callable[[str], Schedule]
    """Given the site's zone."""
    inbox: "queue.SimpleQueue[Message]"
    marks: RunMarks
    watchdog: Watchdog
    disk: Disk | None = None


def make_owner(who: Who, root: PublicKey, store: RecordStore, around: Around, limits: BoxLimits, wait_s: int) -> Owner:
    """The owner's loop over an open store: the box rebuilt from it, its start recorded, nothing running yet."""
    clock, marks = around.clock, around.marks
    box, ring = load_box(who, root, store, clock, around.chance, read_place, limits)
    last = marks.end_of_last(who.boot_id, who.agent, clock.wall_ms())
    marks.begin(who.boot_id, who.agent)
    box.defer_ms = DEFER_MS
    record_boot(box, LastRun(last.why, last.seen_ms))
    sealing = begin_sealing(box)

    def limits_changed() -> None:
        box.limits = limits_in_force(store, root, who, owner.local_limits)

    owner = Owner(
        box=box,
        buses=around.buses,
        polling=Polling(box, LinkTally(clock.wall_ms())),
        sealing=sealing,
        sync=Synchroniser(box, sealing, around.uplink, ring, root, wait_s, limits_changed, clock.mono_ms()),
        schedule=around.schedule(box.state.config.site.zone),
        inbox=around.inbox,
        marks=marks,
        watchdog=around.watchdog,
        disk=around.disk,
        local_limits=limits,
    )
    box.place_changed = owner.boundaries.follow_place
    return owner
