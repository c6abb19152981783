"""The text of a box's configuration: written, read, and judged whole. What it consists of is in `box_config`."""

from collections.abc import Iterable

import msgspec

from protocol import plan_reasons as reasons
from protocol.box_config import BoxConfig, WalletConfig, text_hash
from protocol.errors import BadPayload, BadTariff
from protocol.mistakes import type_mistakes
from protocol.payload import check_json, decode, read_plain
from protocol.reason import Reason
from protocol.tariff_text import read_tariff
from protocol.units import FEN_MICRO
from protocol.zone import is_zone


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
