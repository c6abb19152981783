"""Who asks too often: one bucket for each token and for each address, in this process's memory.

A restart forgets them, and several processes count apart: this keeps one program's mistake from starving the others,
and is no lock on a door.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Literal

from cloud_server.api.problems import ApiProblem
from cloud_server.core.rate_limit import Bucket, Rate, take
from protocol.units import Ms

SECOND_MS: Final = 1_000
BUCKETS_MAX: Final = 10_000
"""Some megabytes; whoever has not asked for longest is forgotten, and with a full bucket loses nothing."""
TOKEN_RATE: Final = Rate(per_second=50, burst=200)
"""A gateway at the busiest desk sells once a second and polls each sale; an analysis reads a hundred pages at once."""
ADDRESS_RATE: Final = Rate(per_second=100, burst=400)
"""Several programs of one house share an address behind its router."""
STRANGER_RATE: Final = Rate(per_second=1, burst=20)
"""Requests without a token that holds: a program with an old token tries again; a guess would take 2^255 tries."""


@dataclass(frozen=True, slots=True)
class Rates:
    """The bounds of one centre. They stand in docs/api.md."""

    token: Rate = TOKEN_RATE
    address: Rate = ADDRESS_RATE
    stranger: Rate = STRANGER_RATE


class Throttle:
    """Counts requests. All calls are quick and may come from any thread."""

    def __init__(self, rates: Rates | None = None) -> None:
        self.rates = rates or Rates()
        self._buckets: OrderedDict[tuple[str, str], Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def let_in(self, kind: Literal["token", "address", "stranger"], name: str, now_ms: Ms) -> None:
        """Count a request. Raises ApiProblem 429 with Retry-After where it is one too many."""
        rate: Rate = getattr(self.rates, kind)
        with self._lock:
            bucket, wait_ms = take(rate, self._buckets.pop((kind, name), None), now_ms)
            self._buckets[kind, name] = bucket
            if len(self._buckets) > BUCKETS_MAX:
                self._buckets.popitem(last=False)
        if wait_ms:
            wait_s = -(-wait_ms // SECOND_MS)
            detail = f"at most {rate.per_second} requests a second, {rate.burst} at once after a pause"
            raise ApiProblem(429, "Too many requests", detail, headers={"Retry-After": str(wait_s)})
