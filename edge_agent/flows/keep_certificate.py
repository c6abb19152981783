"""The box's certificate is renewed long before it ends, and an alarm says when that does not come about."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge_agent.core.box_alarm import box_alarm
from edge_agent.flows.box import Box
from edge_agent.ports import CertificateRenewed, RenewalFailed, RenewalReport, Renewer
from protocol.units import DAY_MS

RENEW_BEFORE_MS: Final = 90 * DAY_MS
"""A fibre that is cut for a season leaves time to renew after it."""
ALARM_BEFORE_MS: Final = 30 * DAY_MS
"""By then two months of asking came to nothing: a person has to look."""
LOOK_EVERY_MS: Final = 60_000
ASK_AGAIN_MS: Final = 3_600_000

log = logging.getLogger(__name__)


@dataclass(slots=True)
class CertificateKeeper:
    """Minds one certificate. `ends_ms`: its end, UTC; `renewed`: called when another one is in place."""

    box: Box
    renewer: Renewer
    ends_ms: int
    renewed: Callable[[], None] = lambda: None
    _asking: bool = False
    _look_at: int = 0
    _ask_at: int = 0

    def look(self) -> None:
        """Once a minute: ask where it is time, and let the alarm stand as it should. With the clock unsure nothing."""
        now = self.box.now()
        if now.mono_ms < self._look_at or not now.sure:
            return
        self._look_at = now.mono_ms + LOOK_EVERY_MS
        left_ms = self.ends_ms - now.wall_ms
        if left_ms < RENEW_BEFORE_MS and not self._asking and now.mono_ms >= self._ask_at:
            self._asking, self._ask_at = True, now.mono_ms + ASK_AGAIN_MS
            self.renewer.ask(trust_dates=now.sure)
        ending = left_ms < ALARM_BEFORE_MS
        marks = self.box.state.marks
        if not (ending and self._asking):
            # What is being asked for may be here within a second: no alarm for that long.
            self.box.take(box_alarm(self.box.place, marks, "certificate_ending", now, ending, left_ms // DAY_MS))

    def take(self, report: RenewalReport) -> None:
        """What came of asking."""
        self._asking, self._look_at = False, 0
        match report:
            case CertificateRenewed(ends_ms=ends_ms):
                log.info("certificate_renewed", extra={"fields": {"ends_ms": ends_ms}})
                self.ends_ms = ends_ms
                self.renewed()
            case RenewalFailed(detail=detail):
                log.warning("certificate_not_renewed", extra={"fields": {"reason": detail}})
