"""The configuration of a box: the JSON text inside `configure` and `epoch` (wire.md, Commands). Types and checks.

It carries no mode, no service and no money. Tariffs and meter profiles travel as their exact text, hashed over
those bytes. The serial device of each bus name stands in the box's own `box.toml`, never here.
"""

import hashlib
from typing import Annotated, Literal

import msgspec

from protocol.limits import PROFILE_CHARACTERS_MAX
from protocol.payload import (
    Count,
    Day,
    HashText,
    IdText,
    Instant,
    Int,
    Name,
    Payload,
    Seq,
)

PositiveInt = Annotated[int, msgspec.Meta(ge=1, le=2**31)]


class SiteConfig(Payload, frozen=True, kw_only=True):
    """What holds for the whole site. `tzdata` is the pinned release of the zone data, for example "2026.6"."""

    zone: Name
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]
    tzdata: Name


class Defaults(Payload, frozen=True, kw_only=True):
    """Values that hold where a bus, meter or wallet does not set its own; each named with its unit."""

    interval_s: Annotated[int, msgspec.Meta(ge=60, le=86_400)] = 1_800
    poll_ms: Annotated[int, msgspec.Meta(ge=0, le=3_600_000)] = 0
    """Least time between two readings of one meter; 0: as fast as the bus goes."""
    unopened_supply: Literal["closed", "open"] = "closed"
    reconnect: Literal["auto", "arm"] = "auto"
    trip_notice_s: Annotated[int, msgspec.Meta(ge=0, le=604_800)] = 0
    reclose_spacing_ms: Annotated[int, msgspec.Meta(ge=0, le=600_000)] = 1_000
    switch_pause_s: Annotated[int, msgspec.Meta(ge=0, le=3_600)] = 60
    """Least time between two switchings of one relay."""
    decision_max_age_s: Annotated[int, msgspec.Meta(ge=1, le=3_600)] = 60
    boundary_tolerance_ms: Annotated[int, msgspec.Meta(ge=0, le=60_000)] = 10_000
    lost_after_tries: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 5
    retain_days: Annotated[int, msgspec.Meta(ge=90, le=4_000)] = 400
    seal_offline_after_s: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 600
    frozen_after_s: Annotated[int, msgspec.Meta(ge=60, le=2_592_000)] = 86_400
    alarm2_action: Literal["none", "trip_once"] = "none"
    trip_once_s: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 300
    on_store_loss: Literal["hold", "protect"] = "hold"
    guard: Literal["off", "on"] = "off"
    guard_inferred: tuple[Name, ...] = ()
    """Profiles whose top-up is only inferred, and which may be guards all the same: each by its name."""
    guard_margin_micro: Count | None = None
    """By how much a meter cuts off later than its box; None: one day's use of that meter."""
    rate_registers: Literal["sum", "check", "judge"] = "sum"
    """What a meter's own registers by rate are compared with: the total alone, or also the tariff's calendar, where
    the meters carry it; as judge they also split what straddles a change of rate, once they have proved right."""
    overload_restores_max: Annotated[int, msgspec.Meta(ge=0, le=100)] = 3


class BusConfig(Payload, frozen=True, kw_only=True):
    """One line of the box. `name` is what box.toml ties to a serial device or gateway."""

    bus: IdText
    name: Name
    baud: Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200] = 9600
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1
    silence_ms: Annotated[int, msgspec.Meta(ge=0, le=1_000)] | None = None
    echo: bool = False


class DeviceConfig(Payload, frozen=True, kw_only=True):
    """One enclosure with one clock and one serial number."""

    device: IdText
    bus: IdText
    name: Name


class Ratio(Payload, frozen=True, kw_only=True):
    """CT and PT ratio of a meter from an instant on, as exact fractions [numerator, denominator]."""

    version: Count
    from_ms: Instant
    ct: tuple[PositiveInt, PositiveInt]
    pt: tuple[PositiveInt, PositiveInt]


class Overload(Payload, frozen=True, kw_only=True):
    """Active power above `threshold_w` for longer than `delay_s` opens; closed again after `open_s`."""

    threshold_w: PositiveInt
    delay_s: Count
    open_s: PositiveInt


class ExternalRelay(Payload, frozen=True, kw_only=True):
    """A channel of a contactor board on the meter's own bus, which switches in the meter's stead.

    `board` names the board's description, as `profile` names the meter's; channels count from 0.
    """

    board: Name
    unit: Annotated[int, msgspec.Meta(ge=1, le=247)]
    channel: Annotated[int, msgspec.Meta(ge=0, le=63)]


class MeterConfig(Payload, frozen=True, kw_only=True):
    """One metered and switched circuit."""

    meter: IdText
    device: IdText
    bus: IdText
    unit: Annotated[int, msgspec.Meta(ge=1, le=247)]
    profile: Name
    serial: Name | None = None
    point: IdText
    name: Name
    use: Literal["tenant", "main", "public"] = "tenant"
    rated_ma: PositiveInt
    phases: Literal[1, 3] = 1
    ratios: Annotated[list[Ratio], msgspec.Meta(min_length=1)]
    tariff: IdText
    overload: Overload | None = None
    interval_s: Annotated[int, msgspec.Meta(ge=60, le=86_400)] | None = None
    poll_ms: Count | None = None
    relay: ExternalRelay | None = None
    """Absent: the meter's own."""


class FeeConfig(Payload, frozen=True, kw_only=True):
    """A fixed charge for each day of the site's calendar."""

    fee: Name
    charge_micro: Count


class WalletConfig(Payload, frozen=True, kw_only=True):
    """One wallet and the meters it feeds."""

    wallet: IdText
    account: IdText
    account_state: Literal["in_use", "closing", "closed"]
    alarm1_micro: Int
    alarm2_micro: Int
    credit_limit_micro: Count
    reconnect_micro: Int
    fees: tuple[FeeConfig, ...] = ()
    meters: Annotated[list[IdText], msgspec.Meta(min_length=1)]

    @property
    def trip_micro(self) -> int:
        """Balance at or below which the wallet is in arrears."""
        return -self.credit_limit_micro


class TariffText(Payload, frozen=True, kw_only=True):
    """One version of a tariff as its exact text; `hash` is SHA-256 over the text's UTF-8 bytes."""

    tariff: IdText
    version: Seq
    text: str
    hash: HashText


class ProfileText(Payload, frozen=True, kw_only=True):
    """A site's own meter profile or relay board as its exact text."""

    profile: Name
    version: Seq
    text: Annotated[str, msgspec.Meta(max_length=PROFILE_CHARACTERS_MAX)]
    hash: HashText


class FriendlyHours(Payload, frozen=True, kw_only=True):
    """A daily window, in minutes of the site's day, in which arrears open nothing; to may lie after midnight."""

    from_minute: Annotated[int, msgspec.Meta(ge=0, le=1_439)]
    to_minute: Annotated[int, msgspec.Meta(ge=0, le=1_439)]
    weekdays: list[Annotated[int, msgspec.Meta(ge=1, le=7)]]


class BoxConfig(Payload, frozen=True, kw_only=True):
    """Everything that a box is told about its place."""

    site: SiteConfig
    defaults: Defaults
    buses: list[BusConfig]
    devices: list[DeviceConfig]
    meters: list[MeterConfig]
    wallets: list[WalletConfig]
    tariffs: list[TariffText]
    profiles: tuple[ProfileText, ...] = ()
    holidays: tuple[Day, ...] = ()
    friendly_hours: tuple[FriendlyHours, ...] = ()


def text_hash(text: str) -> str:
    """SHA-256 over the UTF-8 bytes of a configuration, tariff or profile text."""
    return hashlib.sha256(text.encode()).hexdigest()
