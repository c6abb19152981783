"""One order to many meters, and how far each has come. Values only."""

from dataclasses import dataclass

from cloud_server.core.views import CommandState
from protocol.ids import Id
from protocol.records import RefusalReason
from protocol.units import Ms


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLine:
    """One meter of the order."""

    point: Id
    number: str
    name: str
    building_name: str
    box_name: str
    meter_number: str
    in_reach: bool
    command: int
    state: CommandState
    state_at_ms: Ms | None = None
    reason: RefusalReason | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchHead:
    """What was ordered, by whom, when, for how many."""

    key: str
    kind: str
    """The operation: protected, in_service, lock_out …"""
    who: str
    issued_at_ms: Ms
    count: int
    until_ms: Ms | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """An order with its meters, in the order of the site."""

    head: BatchHead
    lines: tuple[BatchLine, ...]
