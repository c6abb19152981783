"""Bundles that come by hand, by stick, or on the centre's order: tried one at a time, beside the owner's loop.

What becomes of an order is told as an alarm, since the order itself was answered when it was taken. How a bundle is
judged and started stands in `upgrade`.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from edge_agent.agent.bundle_file import BadBundle
from edge_agent.agent.owner import Errand, Owner, Stop
from edge_agent.agent.programs import Programs
from edge_agent.agent.stick import StickWatch
from edge_agent.agent.stick_files import StickFolder
from edge_agent.agent.upgrade import TrialKeeper, UpgradeFailed, prepare, undone
from edge_agent.config import BoxFile
from edge_agent.core.box_alarm import box_alarm
from edge_agent.ports import StoreFault
from edge_agent.sync.download import fetch_bundle
from edge_agent.sync.https import NoReply
from edge_agent.sync.identity import Identity
from protocol.bundle import BUNDLE_BYTES_MAX, ENDING, version_number
from protocol.commands import Upgrade

FETCH_AGAIN_MS: Final = 900_000
"""After a bundle could not be fetched: the fibre may be busy with something better."""
BUSY: Final = "an upgrade is under way already"

log = logging.getLogger(__name__)


class Upgrader:
    """Tries bundles, one at a time, on threads of their own; one that passes lets the owner end for it."""

    def __init__(self, box_file: BoxFile, identity: Identity, running: str, owner: Owner) -> None:
        self._box_file = box_file
        self._identity = identity
        self._running = running
        self._owner = owner
        self._busy = threading.Lock()
        self._fetch_at = 0
        self._tried: Upgrade | None = None
        """The very order, and not what it says: the same bundle ordered once more is tried once more."""
        keeper = TrialKeeper(box_file.state_dir, owner.sealing, owner.box.clock, owner.box.clock.mono_ms())
        owner.minders += [keeper.look, self.follow_order]

    def begin(self, path: str, told: Callable[[dict[str, Any]], None]) -> None:
        """Try a bundle; `told` is called with what came of it, on another thread."""
        threading.Thread(target=lambda: told(self.take(Path(path))), name="upgrade", daemon=True).start()

    def follow_order(self) -> None:
        """Once a second: where the centre has ordered another version and its time has come, fetch it and try it."""
        order, now = self._owner.box.state.marks.upgrade, self._owner.box.now()
        if order is None or (version_number(order.version) or ()) <= (version_number(self._running) or ()):
            self._tell(None)
            return
        if order is self._tried or now.mono_ms < self._fetch_at:
            return
        if not now.sure or now.wall_ms < order.not_before_ms:
            return
        if Programs(self._box_file.state_dir).was_undone(order.version, order.bundle_hash):
            self._tried = order
            self._tell(undone(order.version))
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
            why = f"version {order.version} could not be fetched: {fault}"
            self._owner.inbox.put(Errand(lambda: self._note(why)))
        else:
            came = self.take(copy, order.bundle_hash)
            if came.get("error") != BUSY:
                self._tried = order
            if came.get("error", BUSY) != BUSY:
                refused = str(came["error"]).replace(str(copy), "the bundle")
                self._owner.inbox.put(Errand(lambda: self._tell(refused)))
        finally:
            copy.unlink(missing_ok=True)

    def _note(self, why: str | None) -> None:
        """Keep why the order is not carried out yet, for whoever asks on the spot."""
        self._owner.upgrade_fault = why

    def _tell(self, refused: str | None) -> None:
        """Let the alarm stand while what was ordered was tried and is not what runs."""
        self._note(refused)
        box = self._owner.box
        if (refused is not None) != ("upgrade_failed" in box.state.marks.alarms):
            now = box.now()
            box.take(box_alarm(box.place, box.state.marks, "upgrade_failed", now, refused is not None, None))

    def take(self, path: Path, wanted: str | None = None) -> dict[str, Any]:
        """Try a bundle here and now. Where it passes, this agent ends and becomes it."""
        if not self._busy.acquire(blocking=False):
            return {"error": BUSY}
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
