"""Orders and answers of tills and days. How steps are called and what they raise stands in `ledger`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cloud_server.ports.console import Actor
from protocol.ids import Id
from protocol.units import Micro


@dataclass(frozen=True, slots=True, kw_only=True)
class TillOpening:
    """Open one's own till with a float of cash, as typed; "0" for none."""

    key: str
    float_amount: str = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class TillCount:
    """Count and close a till: by method what was counted, as typed. Cash must be counted where the books expect any.

    `operator` is another's till, which a supervisor may close. A difference above the site's limit wants `second`.
    """

    key: str
    counted: Mapping[str, str]
    operator: str | None = None
    note: str = ""
    second: Actor | None = None


@dataclass(frozen=True, slots=True)
class TillAnswer:
    """A till as it was opened, or counted and closed. Amounts are by method."""

    shift: Id
    operator: str
    state: Literal["opened", "closed"]
    expected: Mapping[str, Micro]
    counted: Mapping[str, Micro]
    difference_micro: Micro


@dataclass(frozen=True, slots=True)
class TillNow:
    """A till as the books expect it now."""

    operator: str
    shift: Id | None
    opened_at_ms: int | None
    expected: Mapping[str, Micro]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOrder:
    """Close a posting day, and all before it that are open. With `anyway` although tills are open."""

    key: str
    day: str | None = None
    anyway: bool = False


@dataclass(frozen=True, slots=True)
class DayAnswer:
    """A day that was closed."""

    day: str
    receipts: int
    open_tills: tuple[str, ...]
