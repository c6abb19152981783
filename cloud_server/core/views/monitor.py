"""What the monitor shows: the whole site at one moment. Values only."""

from dataclasses import dataclass

from cloud_server.core.views.states import Badge, BoxStanding, LostWith, PointState, PointUse
from protocol.ids import Id
from protocol.records import Contact
from protocol.units import Micro, Ms


@dataclass(frozen=True, slots=True, kw_only=True)
class PointRow:
    """One supply point as a tile or a row shows it.

    `state` is what the newest facts say of the point itself: `lost` only where its own meter does not answer.
    Where something larger is lost, `lost_with` names it: it is shown once, and the point's last state fades.
    """

    point: Id
    number: str
    name: str
    building: Id
    box: Id
    bus: Id
    meter: Id | None
    meter_number: str | None
    account: Id | None
    account_number: str | None
    customer: str | None
    phones: tuple[str, ...] = ()
    use: PointUse = "tenant"
    state: PointState
    lost_with: LostWith | None = None
    badges: tuple[Badge, ...] = ()
    balance_micro: Micro | None = None
    balance_at_ms: Ms | None = None
    relay: Contact = "unknown"
    power_w: int | None = None
    power_estimated: bool = False
    seen_at_ms: Ms | None = None
    """When the meter was last read, as far as the centre has heard."""
    since_ms: Ms | None = None
    """Since when the state has been what it is."""
    zero_at_ms: Ms | None = None
    """When the wallet will have reached its trip level by its use, where that is foreseen within two months."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusRow:
    """One line of a box; lost when none of its meters answers."""

    bus: Id
    name: str
    lost_since_ms: Ms | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxRow:
    """One box with its buses. `waiting` counts signed commands that it has not fetched."""

    box: Id
    name: str
    building: Id
    standing: BoxStanding
    buses: tuple[BusRow, ...]
    seen_at_ms: Ms | None = None
    lost_since_ms: Ms | None = None
    waiting: int = 0
    recovering: bool = False
    """The centre was set back and has not got back all that this box knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildingRow:
    """Part of a site, with its boxes in the order of their names."""

    building: Id
    name: str
    boxes: tuple[BoxRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """The whole site at one moment. Points come in the order of building, box, bus, unit address."""

    as_of_ms: Ms
    buildings: tuple[BuildingRow, ...]
    points: tuple[PointRow, ...]
