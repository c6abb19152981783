"""From what the store remembers to a box that may work: keys believed again, state and place rebuilt, boot recorded.

No relay moves here: rows say what was wanted and seen, and the core waits for a fresh reading of each meter.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from edge_agent.core.decision import Decision
from edge_agent.core.limits import BoxLimits
from edge_agent.core.place import Place
from edge_agent.core.state import BoxState
from edge_agent.core.timekeeping import trust_at_start
from edge_agent.flows.answers import KeyRing, read_keys, read_limits
from edge_agent.flows.box import Box, Who
from edge_agent.flows.seal_batches import Sealing
from edge_agent.ports import RecordStore, Remembered, SettableClock, StoreFull
from protocol.box_config import BoxConfig
from protocol.config_text import read_config
from protocol.records import Boot
from protocol.signing import PublicKey

log = logging.getLogger(__name__)


class NotEnrolled(Exception):
    """The store holds no epoch yet: `edge-agent enrol` comes first."""


@dataclass(frozen=True, slots=True)
class LastRun:
    """How the run before ended, as well as can be told, and when it was last seen alive."""

    why: Literal["clean", "killed", "power", "watchdog", "upgrade"]
    seen_ms: int


def load_box(
    who: Who,
    root: PublicKey,
    store: RecordStore,
    clock: SettableClock,
    chance: Callable[[int], bytes],
    read_place: Callable[[str, BoxConfig], Place],
    local_limits: BoxLimits,
) -> tuple[Box, KeyRing]:
    """Rebuild the box from the store. Raises NotEnrolled; TheirFault where a kept line is not believed any more."""
    remembered = store.load()
    keys = store.newest_line("keys")
    if remembered is None or keys is None:
        raise NotEnrolled(
            "this state_dir holds no epoch: run `edge-agent enrol` first; where the box was enrolled before, its store "
            "was lost, and the running agent asks the centre for an epoch"
        )
    config = read_config(remembered.marks.config)
    state = _remembered_state(remembered, config)

    def place_of(config: BoxConfig) -> Place:
        return read_place(who.box, config)

    box = Box(
        who=who,
        state=state,
        place=place_of(config),
        store=store,
        clock=clock,
        chance=chance,
        read_place=place_of,
        limits=limits_in_force(store, root, who, local_limits),
        trust=trust_at_start(state),
    )
    return box, read_keys(keys, root, who.site)


def _remembered_state(remembered: Remembered, config: BoxConfig) -> BoxState:
    return BoxState(
        marks=remembered.marks,
        config=config,
        meters={row.meter: row for row in remembered.meters},
        wallets={row.wallet: row for row in remembered.wallets},
        lost={row.meter for row in remembered.meters if "meter_lost" in row.alarms},
    )


def limits_in_force(store: RecordStore, root: PublicKey, who: Who, local: BoxLimits) -> BoxLimits:
    """The tighter of the local limits and those that the root has signed."""
    line = store.newest_line("limits")
    if line is None:
        return local
    signed = read_limits(line, root, who.site, who.box)
    return BoxLimits(
        greatest_grant_micro=min(local.greatest_grant_micro, signed.greatest_grant_micro),
        greatest_price_micro=min(local.greatest_price_micro, signed.greatest_price_micro),
        protected_always=local.protected_always | frozenset(signed.protected_always),
        generation=signed.limits_generation,
    )


def record_boot(box: Box, last: LastRun) -> None:
    """Write down that the agent started, and how its last run ended; on a full disk once there is room."""
    at_ms = box.clock.wall_ms()
    boot = Boot(at_ms=at_ms, boot_id=box.who.boot_id, agent=box.who.agent, why=last.why, last_seen_ms=last.seen_ms)
    decision = Decision(records=(boot,), urgent=True)
    try:
        box.take(decision)
    except StoreFull:
        box.put_off(decision)
    fields = {"why": last.why, "epoch": box.state.marks.epoch, "config": box.state.marks.config_version}
    log.info("started", extra={"fields": fields})


def begin_sealing(box: Box) -> Sealing:
    """Nothing is sealed until a fresh answer has confirmed the head, or the offline time has passed."""
    after_ms = box.state.config.defaults.seal_offline_after_s * 1_000
    return Sealing(offline_at_mono_ms=box.clock.mono_ms() + after_ms)
