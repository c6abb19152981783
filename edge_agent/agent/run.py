"""The whole life of the agent: open, verify, wire, run, end."""

import logging
import os
import queue
import secrets
import signal
import zoneinfo

from edge_agent.agent.buses import Buses, read_place
from edge_agent.agent.owner import FromBus, Message, Owner, Stop
from edge_agent.clock import SystemClock
from edge_agent.config import BoxFile
from edge_agent.console.local_socket import LocalServer
from edge_agent.flows.box import DEFER_MS, Who
from edge_agent.flows.poll_meters import LinkTally, Polling
from edge_agent.flows.start_up import LastRun, begin_sealing, limits_in_force, load_box, record_boot
from edge_agent.flows.synchronise import Synchroniser
from edge_agent.health import RunMarks, Watchdog, read_boot_id
from edge_agent.ports import RecordStore
from edge_agent.schedule import Schedule
from edge_agent.store.opening import open_store
from edge_agent.sync.identity import Identity, read_identity
from edge_agent.sync.uplink import HttpsUplink

log = logging.getLogger(__name__)


def agent_name() -> str:
    """Name and version of this program, as it stands in lines."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - costs memory; needed once

    try:
        return f"edge-agent {version('tallybox')}"
    except PackageNotFoundError:
        return "edge-agent 0"


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
    """Run until SIGTERM or SIGINT. Raises StoreFault, IdentityFault, NotEnrolled, each with words for a technician."""
    # The zone rules are those of the pinned tzdata package, the same on box and centre.
    zoneinfo.reset_tzpath(to=())
    identity = read_identity(box_file.state_dir)
    clock = SystemClock()
    with open_store(box_file.state_dir, clock.wall_ms()) as store:
        owner = _wire(box_file, identity, store, clock)
        server = LocalServer(box_file.state_dir, owner.inbox.put)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: owner.inbox.put(Stop()))
        owner.schedule.start()
        owner.sync.uplink.start()
        server.start()
        try:
            owner.run()
        finally:
            server.stop()
        owner.end()


def _wire(box_file: BoxFile, identity: Identity, store: RecordStore, clock: SystemClock) -> Owner:
    inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
    who = who_is(identity, read_boot_id())
    box, ring = load_box(who, identity.root, store, clock, secrets.token_bytes, read_place, box_file.limits)
    marks = RunMarks(box_file.state_dir)
    last = marks.end_of_last(who.boot_id, who.agent, clock.wall_ms())
    marks.begin(who.boot_id, who.agent)
    box.defer_ms = DEFER_MS
    record_boot(box, LastRun(last.why, last.seen_ms))
    sealing = begin_sealing(box)

    def limits_changed() -> None:
        box.limits = limits_in_force(store, identity.root, who, box_file.limits)

    uplink = HttpsUplink(identity.place.centre, identity.tls_context, inbox.put, clock)
    owner = Owner(
        box=box,
        buses=Buses(dict(box_file.buses), clock, lambda bus_id, report: inbox.put(FromBus(bus_id, report))),
        polling=Polling(box, LinkTally(clock.wall_ms())),
        sealing=sealing,
        sync=Synchroniser(box, sealing, uplink, ring, identity.root, box_file.wait_s, limits_changed, clock.mono_ms()),
        schedule=Schedule(inbox.put, box.state.config.site.zone),
        inbox=inbox,
        marks=marks,
        watchdog=Watchdog(os.environ.get("NOTIFY_SOCKET")),
    )
    box.place_changed = owner.follow_place
    return owner
