"""The configuration of a box: the JSON text inside `configure` and `epoch` (wire.md, Commands). Types and checks.

It carries no mode, no service and no money. Tariffs and meter profiles travel as their exact text, hashed over
those bytes. The serial device of each bus name stands in the box's own `box.toml`, never here.
"""

import hashlib
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from protocol import plan_reasons as reasons
from protocol.errors import BadPayload, BadTariff
from protocol.limits import PROFILE_CHARACTERS_MAX
from protocol.mistakes import type_mistakes
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
    check_json,
    decode,
    read_plain,
)
from protocol.reason import Reason
from protocol.tariff_text import read_tariff
from protocol.units import FEN_MICRO
from protocol.zone import is_zone

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


def write_config(config: BoxConfig) -> str:
    """The JSON text of a configuration."""
    return msgspec.json.encode(config).decode()


def read_config(text: str) -> BoxConfig:
    """Read and check a configuration text. Raises BadPayload that lists all mistakes that can be seen together."""
    raw = text.encode()
    config: BoxConfig | None = read_plain(raw, BoxConfig)
    mistakes: list[str] = []
    if config is None:
        check_json(raw)
        mistakes = type_mistakes(raw, BoxConfig)
    if not mistakes:
        config = config or decode(raw, BoxConfig)
        mistakes = [str(mistake) for mistake in find_mistakes(config)]
        if not mistakes:
            return config
    raise BadPayload("; ".join(mistakes))


def find_mistakes(config: BoxConfig) -> list[Reason]:
    """Every reference and rule that does not hold, each with place, value and what would be right."""
    found = [reasons.TWICE[what](name=name) for what, name in _repeated(config)]
    if not is_zone(config.site.zone):
        found.append(reasons.ZONE(zone=repr(config.site.zone)))
    buses = {bus.bus for bus in config.buses}
    found += [
        reasons.DEVICE_BUS(name=device.name, device=device.device, bus=device.bus)
        for device in config.devices
        if device.bus not in buses
    ]
    found += _meter_mistakes(config, buses)
    found += _relay_mistakes(config)
    meters = {meter.meter for meter in config.meters}
    fed: dict[str, str] = {}
    for wallet in config.wallets:
        found += _wallet_mistakes(wallet, meters, fed)
    return [*found, *_text_mistakes(config)]


def _meter_mistakes(config: BoxConfig, buses: set[str]) -> Iterable[Reason]:
    devices = {device.device: device.bus for device in config.devices}
    tariffs = {tariff.tariff for tariff in config.tariffs}
    for meter in config.meters:
        place = {"name": meter.name, "meter": meter.meter}
        if meter.bus not in buses:
            yield reasons.METER_BUS(**place, bus=meter.bus)
        if devices.get(meter.device) != meter.bus:
            yield reasons.METER_DEVICE(**place, device=meter.device, bus=meter.bus)
        if meter.tariff not in tariffs:
            yield reasons.METER_TARIFF(**place, tariff=meter.tariff)
        versions = [ratio.version for ratio in meter.ratios]
        if len(set(versions)) != len(versions):
            yield reasons.METER_RATIOS(**place, versions=versions)


def _relay_mistakes(config: BoxConfig) -> Iterable[Reason]:
    """A board is one device: its unit id is no meter's, its description one, and each channel switches one meter."""
    meter_at = {(meter.bus, meter.unit): meter.name for meter in config.meters}
    board_at: dict[tuple[str, int], str] = {}
    switched: dict[tuple[str, int, int], str] = {}
    for meter in config.meters:
        if meter.relay is None:
            continue
        relay, at = meter.relay, (meter.bus, meter.relay.unit)
        place = {"name": meter.name, "meter": meter.meter, "unit": relay.unit}
        if at in meter_at:
            yield reasons.RELAY_UNIT(**place, bus=meter.bus, other=meter_at[at])
        if board_at.setdefault(at, relay.board) != relay.board:
            yield reasons.RELAY_BOARD(**place, board=relay.board, other=board_at[at])
        first = switched.setdefault((*at, relay.channel), meter.name)
        if first != meter.name:
            yield reasons.RELAY_CHANNEL(**place, channel=relay.channel, other=first)


def _text_mistakes(config: BoxConfig) -> Iterable[Reason]:
    texts = [(reasons.TARIFF_HASH, t.tariff, t.version, t.text, t.hash) for t in config.tariffs]
    texts += [(reasons.PROFILE_HASH, p.profile, p.version, p.text, p.hash) for p in config.profiles]
    for reason, name, version, text, said in texts:
        if text_hash(text) != said:
            yield reason(name=name, version=version, said=f"{said[:12]}…", right=f"{text_hash(text)[:12]}…")
    for tariff in config.tariffs:
        try:
            read_tariff(tariff.text)
        except BadTariff as fault:
            place = {"name": tariff.tariff, "version": tariff.version}
            yield from (reasons.TARIFF_TEXT(**place, fault=mistake) for mistake in fault.reasons)


def _wallet_mistakes(wallet: WalletConfig, meters: set[str], fed: dict[str, str]) -> Iterable[Reason]:
    name, trip_micro = wallet.wallet, wallet.trip_micro
    if wallet.reconnect_micro < trip_micro + FEN_MICRO:
        yield reasons.RECONNECT(wallet=name, reconnect=wallet.reconnect_micro, fen=FEN_MICRO, trip=trip_micro)
    if not wallet.alarm1_micro > wallet.alarm2_micro >= trip_micro:
        yield reasons.ALARMS(wallet=name, alarm1=wallet.alarm1_micro, alarm2=wallet.alarm2_micro, trip=trip_micro)
    for meter in wallet.meters:
        if meter not in meters:
            yield reasons.FED_METER(wallet=name, meter=meter)
        elif meter in fed:
            yield reasons.FED_TWICE(wallet=name, meter=meter, other=fed[meter])
        fed.setdefault(meter, wallet.wallet)


def _repeated(config: BoxConfig) -> Iterable[tuple[str, str]]:
    for what, names in (
        ("bus", [bus.bus for bus in config.buses]),
        ("bus name", [bus.name for bus in config.buses]),
        ("device", [device.device for device in config.devices]),
        ("meter", [meter.meter for meter in config.meters]),
        ("address", [f"{meter.unit} on bus {meter.bus}" for meter in config.meters]),
        ("wallet", [wallet.wallet for wallet in config.wallets]),
        ("tariff version", [f"{tariff.tariff} {tariff.version}" for tariff in config.tariffs]),
    ):
        yield from ((what, name) for name in sorted({name for name in names if names.count(name) > 1}))
