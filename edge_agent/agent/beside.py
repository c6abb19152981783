"""What runs beside the owner's loop: the certificate's renewal, the watch for sticks, and `box.toml` read anew."""

import contextlib
import logging
import queue
import signal
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from edge_agent.agent.owner import Errand, Message, Owner
from edge_agent.agent.stick import StickWatch
from edge_agent.config import BadConfig, BoxFile, ClockFollows, read_box_file
from edge_agent.flows.keep_certificate import CertificateKeeper
from edge_agent.flows.start_up import limits_in_force
from edge_agent.ports import LocalRequest, RenewalReport
from edge_agent.sync.identity import Identity
from edge_agent.sync.renewal import HttpsRenewer

ANSWER_S: Final = 60.0
"""Longest wait of the stick's thread for the owner: a file of a thousand commands on slow flash."""

log = logging.getLogger(__name__)


def mind_certificate(owner: Owner, identity: Identity, changed: Callable[[], None]) -> None:
    """Let the certificate be renewed in time; `changed` is called when another one is in place."""

    def report(came: RenewalReport) -> None:
        owner.inbox.put(Errand(lambda: keeper.take(came)))

    keeper = CertificateKeeper(owner.box, HttpsRenewer(identity, report), identity.certificate_ends_ms(), changed)
    owner.minders.append(keeper.look)


@contextlib.contextmanager
def sticks_watched(box: str, box_file: BoxFile, inbox: "queue.SimpleQueue[Message]") -> Iterator[StickWatch]:
    """Sticks are read and written by themselves for as long as the block lasts."""

    def ask(op: str, arguments: Mapping[str, object]) -> Mapping[str, Any]:
        request = LocalRequest(op, arguments, queue.SimpleQueue())
        inbox.put(request)
        try:
            return request.answer.get(timeout=ANSWER_S)
        except queue.Empty:
            raise TimeoutError(f"no answer to {op} within {ANSWER_S:.0f} s") from None

    watch = StickWatch(box, box_file.stick_folders, ask)
    watch.start()
    try:
        yield watch
    finally:
        watch.stop()


def reload_on_hangup(owner: Owner, stick: StickWatch, box_file: BoxFile) -> None:
    """SIGHUP reads `box.toml` anew; with a mistake in it everything stays as it is."""
    signal.signal(signal.SIGHUP, lambda *_: owner.inbox.put(Errand(lambda: _reload(owner, stick, box_file))))


def _reload(owner: Owner, stick: StickWatch, began_with: BoxFile) -> None:
    """Take over what may change while the agent runs: ports, local limits, waiting time, clock, sticks."""
    owner.watchdog.tell(f"RELOADING=1\nMONOTONIC_USEC={owner.box.clock.mono_us()}")
    try:
        found = read_box_file(began_with.path)
        if found.state_dir != began_with.state_dir:
            right = "an agent that is started again"
            raise BadConfig([f"{found.path}: state_dir = {str(found.state_dir)!r} needs {right}"])
    except BadConfig as fault:
        for mistake in fault.mistakes:
            log.error("config_not_reloaded", extra={"fields": {"reason": mistake}})
    else:
        box = owner.box
        owner.local_limits = found.limits
        box.limits = limits_in_force(box.store, owner.sync.root, box.who, found.limits)
        owner.sync.wait_s = found.wait_s
        owner.clock_watch.follows_centre = found.clock_follows is ClockFollows.CENTRE
        stick.folders = found.stick_folders
        owner.buses.replug(dict(found.buses))
        owner.boundaries.follow_place()
        log.info("config_reloaded", extra={"fields": {"buses": len(found.buses)}})
    owner.watchdog.tell("READY=1")
