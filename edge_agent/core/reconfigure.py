"""A new configuration replaces the former as one: what it may not drop, and what begins with it."""

from collections.abc import Callable

import msgspec

from edge_agent.core.decision import Decision, Steps
from edge_agent.core.intervals import close_at_latest
from edge_agent.core.limits import BoxLimits
from edge_agent.core.opening import new_meter
from edge_agent.core.place import Place
from edge_agent.core.refusal import Refusal
from edge_agent.core.state import MeterRow, Now
from edge_agent.core.wallets import new_wallet
from protocol.box_config import BoxConfig, text_hash
from protocol.commands import Configure
from protocol.config_text import read_config
from protocol.errors import TheirFault
from protocol.records import ConfigApplied


def apply_config(
    steps: Steps,
    old: Place,
    body: Configure,
    read_place: Callable[[BoxConfig], Place],
    limits: BoxLimits,
    now: Now,
) -> Refusal | None:
    """Check a configuration whole, close all intervals at the old prices, then let it hold."""
    if text_hash(body.config) != body.hash:
        return Refusal("config_invalid", f"hash {body.hash[:12]}… is not that of the text")
    if body.config_version <= steps.state.marks.config_version:
        return Refusal("config_invalid", f"version {body.config_version} is not above the one held")
    try:
        config = read_config(body.config)
        place = read_place(config)
    except (TheirFault, KeyError, ValueError) as fault:
        return Refusal("config_invalid", str(fault)[:500])
    refused = _dropped(steps, place) or _too_dear(place, limits)
    if refused is not None:
        return refused
    for meter in old.meters:
        if meter in steps.state.meters:
            steps.take(close_at_latest(old, steps.state, meter, now.sure))
    _take_over(steps, place, body, now)
    moved = tuple((meter, False) for meter in place.meters if _address(old, meter) != _address(place, meter))
    steps.take(Decision(identified=moved))
    return None


def _address(place: Place, meter: str) -> tuple[str, int, str, str | None] | None:
    """Where and how a meter is found, and its planned number: when that changes, another one may answer."""
    config = place.meters.get(meter)
    return None if config is None else (config.bus, config.unit, config.profile, config.serial)


def _take_over(steps: Steps, place: Place, body: Configure, now: Now) -> None:
    rows = tuple(
        _kept(place, steps.state.meters[meter], now) if meter in steps.state.meters
        else MeterRow(state=new_meter(place, place.meters[meter], now.wall_ms))
        for meter in place.meters
    )  # fmt: skip
    wallets = tuple(new_wallet(wallet) for wallet in place.wallets if wallet not in steps.state.wallets)
    marks = msgspec.structs.replace(
        steps.state.marks, config_version=body.config_version, config_hash=body.hash, config=body.config
    )
    applied = ConfigApplied(at_ms=now.wall_ms, config_version=body.config_version, hash=body.hash)
    steps.take(Decision(records=(applied,), meters=rows, wallets=wallets, marks=marks))


def _kept(place: Place, row: MeterRow, now: Now) -> MeterRow:
    """A meter that stays: its next interval runs at the ratio that holds now."""
    version = place.ratio_version_at(row.meter, now.wall_ms).version
    return msgspec.structs.replace(row, state=msgspec.structs.replace(row.state, ratio_version=version))


def _dropped(steps: Steps, place: Place) -> Refusal | None:
    """A wallet that is not closed, or a meter that was not released, may not silently vanish."""
    for wallet in steps.state.wallets:
        if wallet not in place.wallets and not steps.state.wallets[wallet].closed:
            return Refusal("wallet_not_closed", f"wallet {wallet} is not in the new configuration")
    for meter in steps.state.meters:
        if meter not in place.meters and not steps.state.meters[meter].released:
            return Refusal("meter_not_released", f"meter {meter} is not in the new configuration")
    return None


def _too_dear(place: Place, limits: BoxLimits) -> Refusal | None:
    for (tariff, version), text in place.book.tariffs.items():
        for rate, price in text.price_micro.items():
            if price > limits.greatest_price_micro:
                detail = f"tariff {tariff} version {version}, rate {rate}: {price} above {limits.greatest_price_micro}"
                return Refusal("over_limit", detail)
    return None
