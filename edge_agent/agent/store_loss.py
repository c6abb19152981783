"""The agent while its store is gone: relays as the site chose, the centre asked for an epoch, people told what is up.

Ends with an epoch in the store, or when somebody stops the agent.
"""

import logging
import queue
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from edge_agent.agent.buses import read_place
from edge_agent.agent.owner import FromBus, Stop
from edge_agent.core.measured import RelayOrdered
from edge_agent.core.place import Place
from edge_agent.flows.recover import Recovery
from edge_agent.ports import ExchangeAnswered, ExchangeFailed, LocalRequest, RelayOrder, RelayReport, Remains
from protocol.config_text import read_config
from protocol.courier import read_file
from protocol.errors import TheirFault, TooLarge
from protocol.ids import make_id

if TYPE_CHECKING:
    from edge_agent.agent.run import Around

TURN_S: Final = 0.5
CLOSE_EVERY_MS: Final = 1_000
"""One relay a second: a street does not start up in one blow."""
CLOSE_AGAIN_MS: Final = 60_000
ORDER_GOOD_FOR_MS: Final = 15_000

log = logging.getLogger(__name__)


@dataclass(slots=True)
class StoreLoss:
    """The loop that runs instead of the owner's until there is an epoch."""

    recovery: Recovery
    around: "Around"
    place: Place | None
    protected: tuple[str, ...]
    """Meters that are kept closed, where the site chose so."""
    _close_at: int = 0
    _next: int = 0
    _orders: int = field(default=0)

    def run(self) -> bool:
        """True with an epoch in the store; False when the agent is to end."""
        around = self.around
        fields = {"why": self.recovery.remains.why, "kept_closed": len(self.protected)}
        log.warning("store_gone", extra={"fields": fields})
        if self.protected and self.place is not None:
            around.buses.follow(self.place)
        around.watchdog.tell("READY=1")
        try:
            while not self.recovery.done:
                self.recovery.pulse()
                self._protect()
                around.watchdog.tell("WATCHDOG=1")
                try:
                    message = around.inbox.get(timeout=TURN_S)
                except queue.Empty:
                    continue
                if isinstance(message, Stop):
                    return False
                self._take(message)
        finally:
            around.buses.stop()
        return True

    def _take(self, message: object) -> None:
        match message:
            case ExchangeAnswered():
                self.recovery.answered(message)
            case ExchangeFailed():
                self.recovery.failed(message)
            case LocalRequest():
                message.answer.put(self._answer(message))
            case FromBus(report=RelayReport() as report):
                fields = {"meter": report.meter, "outcome": report.outcome.value, "detail": str(report)}
                log.info("relay_kept_closed", extra={"fields": fields})
            case _:
                pass

    def _protect(self) -> None:
        """Keep closing, one after the other."""
        now = self.around.clock.mono_ms()
        if not self.protected or self.place is None or now < self._close_at:
            return
        meter = self.protected[self._next]
        bus = self.around.buses.workers.get(self.place.bus_of[meter])
        if bus is not None:
            order_id = make_id(self.around.clock.wall_ms(), self.around.chance(10))
            bus.order_relay(RelayOrder(order_id, meter, RelayOrdered.CLOSED, now + ORDER_GOOD_FOR_MS))
            self._orders += 1
        self._next = (self._next + 1) % len(self.protected)
        self._close_at = now + (CLOSE_EVERY_MS if self._next else CLOSE_AGAIN_MS)

    def _answer(self, request: LocalRequest) -> dict[str, object]:
        remains, recovery = self.recovery.remains, self.recovery
        if request.op == "status":
            return {
                "box": recovery.who.box,
                "site": recovery.who.site,
                "agent": recovery.who.agent,
                "running": True,
                "store_lost": remains.why or "the store is empty",
                "waits_for_epoch": True,
                "kept_closed": len(self.protected),
                "centre": {"fresh_s": None, "failure": recovery.last_failure},
            }
        if request.op == "courier_import":
            return self._carried(request)
        return {"error": "the store is gone; this box waits for an epoch of the centre (status says more)"}

    def _carried(self, request: LocalRequest) -> dict[str, object]:
        text = request.arguments.get("text")
        if not isinstance(text, str):
            return {"error": "text: the file's lines are needed"}
        try:
            entries = read_file(text.encode())
        except TooLarge as fault:
            return {"error": str(fault)}
        came = self.recovery.carried([entry.line for entry in entries if entry.line is not None])
        taken = came == "taken"
        told: dict[str, object] = {"line": 1, "type": "epoch", "outcome": "taken" if taken else "refused"}
        return {"lines": [told if taken else {**told, "reason": came}]}


def kept_closed(remains: Remains, box: str, noted: Collection[str]) -> tuple[Place | None, tuple[str, ...]]:
    """The place as the lost store knew it, and the meters that the site wants closed without it.

    Only those that were noted beside the store while it was whole: in service, not cut off, and without a lock-out.
    What a damaged store still says of lock-outs may be older than the last one.
    """
    if remains.config is None:
        return None, ()
    try:
        config = read_config(remains.config)
        place = read_place(box, config)
    except (TheirFault, KeyError, ValueError) as fault:
        log.warning("lost_config_unusable", extra={"fields": {"reason": str(fault)}})
        return None, ()
    return place, tuple(sorted(meter for meter in noted if meter in place.meters))
