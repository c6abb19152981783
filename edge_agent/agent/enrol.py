"""Taking this hardware into service at its place: keys, proof, a person's confirmation, first epoch. Once a box.

Every step may be repeated: keys that exist are used again, and a box that has its epoch has nothing left to do.
"""

import asyncio
import logging
import zoneinfo
from collections.abc import Callable, Sequence
from pathlib import Path

from edge_agent.agent.buses import read_place
from edge_agent.agent.run import agent_name
from edge_agent.clock import SystemClock
from edge_agent.config import BadConfig, BoxFile, Claim, read_claim
from edge_agent.core.opening import open_epoch
from edge_agent.core.timekeeping import can_be_now
from edge_agent.flows.answers import KeyRing, read_keys, read_limits
from edge_agent.flows.apply_commands import read_epoch
from edge_agent.store.opening import open_store
from edge_agent.store.records import Store
from edge_agent.sync.enrolment import Refused, Waiting, ask_until_taken_in, enrol_line
from edge_agent.sync.identity import ClaimedPlace, Identity, make_identity
from protocol.config_text import read_config
from protocol.envelope import Line
from protocol.errors import TheirFault
from protocol.messages import Hardware

log = logging.getLogger(__name__)
_MODEL = Path("/sys/class/dmi/id/product_name")


def enrol(box_file: BoxFile, show: Callable[[str], None], told: Callable[[Waiting], None]) -> int:
    """Enrol, or find that it is done. `show` is given the fingerprint. Returns the epoch's number.

    Raises BadConfig, Refused, IdentityFault, StoreFault, TheirFault.
    """
    zoneinfo.reset_tzpath(to=())
    if box_file.claim is None:
        raise BadConfig([f'{box_file.path}: claim is missing; right would be the claim file, for example "claim.toml"'])
    claim = read_claim(box_file.claim)
    box_file.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    clock = SystemClock()
    with open_store(box_file.state_dir, clock.wall_ms()) as store:
        place = ClaimedPlace(claim.site, claim.box, claim.box_name, claim.centre, claim.root_key)
        identity = make_identity(box_file.state_dir, place, claim.ca_pem)
        show(identity.fingerprint)
        held = store.load()
        if held is not None and identity.has_certificate:
            return held.marks.epoch
        _ask(store, identity, claim, told, clock)
        after = store.load()
        assert after is not None, "an epoch was committed"
        return after.marks.epoch


def _ask(store: Store, identity: Identity, claim: Claim, told: Callable[[Waiting], None], clock: SystemClock) -> None:
    line = enrol_line(identity, claim.token, _hardware(), agent_name())
    # A box that comes from the shelf with a dead battery is taken in all the same: the CA of its claim counts.
    context = identity.tls_context(can_be_now(clock.wall_ms()))
    taken = asyncio.run(ask_until_taken_in(identity.place.centre, context, line, told))
    _keep(store, identity, taken.lines, clock.wall_ms())
    identity.keep_certificate(taken.certificate_pem)


def _keep(store: Store, identity: Identity, lines: Sequence[Line], now_ms: int) -> None:
    """Believe the lines (root, then command key, then our own key in the epoch) and open the epoch."""
    place = identity.place
    ring: KeyRing | None = None
    kept: list[Line] = []
    for line in lines:
        if line.type_name == "keys":
            ring = read_keys(line, identity.root, place.site)
        elif line.type_name == "limits":
            read_limits(line, identity.root, place.site, place.box)
        elif line.type_name != "epoch":
            raise Refused(f"a line of type {line.type_name} does not belong in an enrolment")
        kept.append(line)
    epochs = [line for line in kept if line.type_name == "epoch"]
    if ring is None or len(epochs) != 1:
        raise Refused("the centre's answer lacks its keys or the epoch")
    epoch = read_epoch(epochs[0], ring, place.site, place.box, identity.record_key.public.text)
    try:
        served = read_place(place.box, read_config(epoch.config))
    except (TheirFault, KeyError, ValueError) as fault:
        raise Refused(f"the first configuration cannot be used: {fault}") from None
    store.commit(open_epoch(served, epoch, epochs[0].hash, ring.generation, now_ms), kept)
    log.info("enrolled", extra={"fields": {"epoch": epoch.epoch, "config": epoch.config_version}})


def _hardware() -> Hardware:
    """What the machine says of itself, for people who compare."""
    try:
        model = _MODEL.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        model = ""
    return Hardware(model=model[:100] or "unknown", serial="unknown")
