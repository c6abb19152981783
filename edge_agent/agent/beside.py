"""What runs beside the owner's loop: the certificate's renewal, the watch for sticks, and `box.toml` read anew."""

import contextlib
import logging
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from edge_agent.agent.bundle_file import BadBundle
from edge_agent.agent.owner import Errand, Message, Owner, Stop
from edge_agent.agent.programs import Programs
from edge_agent.agent.stick import StickWatch
from edge_agent.agent.stick_files import StickFolder
from edge_agent.agent.upgrade import TrialKeeper, UpgradeFailed, prepare
from edge_agent.config import BadConfig, BoxFile, ClockFollows, read_box_file
from edge_agent.flows.keep_certificate import CertificateKeeper
from edge_agent.flows.start_up import limits_in_force
from edge_agent.ports import LocalRequest, RenewalReport, StoreFault
from edge_agent.sync.download import fetch_bundle
from edge_agent.sync.https import NoReply
from edge_agent.sync.identity import Identity
from edge_agent.sync.renewal import HttpsRenewer
from protocol.bundle import BUNDLE_BYTES_MAX, ENDING
from protocol.commands import Upgrade

ANSWER_S: Final = 60.0
"""Longest wait of the stick's thread for the owner: a file of a thousand commands on slow flash."""

FETCH_AGAIN_MS: Final = 900_000
"""After a bundle could not be fetched: the fibre may be busy with something better."""

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


class Upgrader:
    """Tries bundles, one at a time, on threads of their own; one that passes lets the owner end for it."""

    def __init__(self, box_file: BoxFile, identity: Identity, running: str, owner: Owner) -> None:
        self._box_file = box_file
        self._identity = identity
        self._running = running
        self._owner = owner
        self._busy = threading.Lock()
        self._fetch_at = 0
        self._tried: str | None = None
        keeper = TrialKeeper(box_file.state_dir, owner.sealing, owner.box.clock, owner.box.clock.mono_ms())
        owner.minders += [keeper.look, self.follow_order]

    def begin(self, path: str, told: Callable[[dict[str, Any]], None]) -> None:
        """Try a bundle; `told` is called with what came of it, on another thread."""
        threading.Thread(target=lambda: told(self.take(Path(path))), name="upgrade", daemon=True).start()

    def follow_order(self) -> None:
        """Once a second: where the centre has ordered another version and its time has come, fetch it and try it."""
        order, now = self._owner.box.state.marks.upgrade, self._owner.box.now()
        if order is None or order.bundle_hash == self._tried or now.mono_ms < self._fetch_at:
            return
        if order.version == self._running or not now.sure or now.wall_ms < order.not_before_ms:
            return
        self._fetch_at = now.mono_ms + FETCH_AGAIN_MS
        threading.Thread(target=lambda: self._fetch(order), name="upgrade", daemon=True).start()

    def _fetch(self, order: Upgrade) -> None:
        copy = Programs(self._box_file.state_dir).folder / f"ordered{ENDING}"
        copy.parent.mkdir(exist_ok=True)
        try:
            fetch_bundle(self._identity, order.bundle_hash, copy, trust_dates=True)
        except (NoReply, OSError) as fault:
            log.warning("bundle_not_fetched", extra={"fields": {"version": order.version, "reason": str(fault)}})
        else:
            self._tried = order.bundle_hash
            self.take(copy, order.bundle_hash)
        finally:
            copy.unlink(missing_ok=True)

    def take(self, path: Path, wanted: str | None = None) -> dict[str, Any]:
        """Try a bundle here and now. Where it passes, this agent ends and becomes it."""
        if not self._busy.acquire(blocking=False):
            return {"error": "an upgrade is under way already"}
        try:
            version = prepare(self._box_file, self._identity, path, self._running, wanted)
        except (BadBundle, UpgradeFailed, StoreFault) as fault:
            log.warning("upgrade_refused", extra={"fields": {"reason": str(fault)}})
            return {"error": str(fault)}
        finally:
            self._busy.release()

        def succeed() -> None:
            self._owner.successor = version

        self._owner.inbox.put(Errand(succeed))
        self._owner.inbox.put(Stop())
        return {"version": version, "starts": "now"}

    def take_from_stick(self, stick: StickFolder, name: str) -> str | None:
        """A file on a stick: copied off it, then tried. None where it is no bundle."""
        if not name.endswith(ENDING):
            return None
        copy = Programs(self._box_file.state_dir).folder / f"incoming{ENDING}"
        copy.parent.mkdir(exist_ok=True)
        try:
            if not stick.copy_out(name, copy, BUNDLE_BYTES_MAX):
                return f"not taken: more than {BUNDLE_BYTES_MAX} bytes"
            came = self.take(copy)
        finally:
            copy.unlink(missing_ok=True)
        if "error" in came:
            return str(came["error"]).replace(str(copy), name)
        return f"version {came['version']} has passed its self-test and is started now"


def allow_upgrades(owner: Owner, stick: StickWatch, upgrader: Upgrader) -> None:
    """By hand and by stick."""
    owner.upgrade = upgrader.begin
    stick.allow_bundles(upgrader.take_from_stick)
