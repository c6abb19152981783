"""The state with which an epoch begins: what the next hardware must know to go on. Pure."""

from collections.abc import Mapping, Sequence

from cloud_server.core import accounts
from cloud_server.core.batch_facts import MeterFacts, WalletFacts
from cloud_server.core.box_place import BoxPlace
from cloud_server.core.charge_audit import MeterCharge
from protocol.box_config import Ratio
from protocol.state import EpochState, LockOutState, MeterState, WalletState
from protocol.units import Micro, Ms


def epoch_state(
    place: BoxPlace,
    meters: Mapping[str, tuple[MeterFacts, MeterCharge]],
    wallets: Mapping[str, WalletFacts],
    sums: Mapping[str, Micro],
    now_ms: Ms,
) -> EpochState:
    """Put the state together from the configuration and from what the posted batches said; `sums` are the ledger's."""
    return EpochState(
        wallets=[
            _wallet_state(wallet, wallets.get(wallet, WalletFacts(wallet=wallet)), sums) for wallet in place.wallets
        ],
        meters=[
            meter_state(place, meter, *meters.get(meter, (MeterFacts(meter=meter), MeterCharge())), now_ms)
            for meter in place.meters
        ],
        open_reclaims=[],
    )


def _wallet_state(wallet: str, facts: WalletFacts, sums: Mapping[str, Micro]) -> WalletState:
    return WalletState(
        wallet=wallet,
        book_micro=sums.get(accounts.wallet(wallet), 0),
        arrears_open=facts.arrears,
        alarm_level=facts.alarm_level,
        alarm2_at_ms=facts.alarm2_at_ms,
        alarm2_used=False,
        last_fee_day=facts.last_fee_day,
    )


def meter_state(place: BoxPlace, meter: str, facts: MeterFacts, charge: MeterCharge, now_ms: Ms) -> MeterState:
    """All that the next hardware, or the next box, must know of a meter."""
    placed = place.meters[meter]
    locked_out = None
    if facts.locked_out_by is not None and facts.locked_out_at_ms is not None:
        locked_out = LockOutState(who=facts.locked_out_by, at_ms=facts.locked_out_at_ms)
    version = facts.ratio_version if facts.ratio_version is not None else _ratio_in_force(placed.ratios, now_ms)
    at_ms = charge.read_at_ms if charge.read_at_ms is not None else now_ms
    return MeterState(
        meter=meter,
        serial=placed.serial,
        raw_wh=charge.raw_wh,
        rates_raw_wh=facts.rates_raw_wh,
        other_raw=facts.other_raw,
        read_at_ms=charge.read_at_ms,
        energy_carry=(charge.energy_carry.numerator, charge.energy_carry.denominator),
        money_carry_nano=charge.money_carry_nano,
        month_wh=charge.month_wh,
        ratio_version=version,
        tariff=placed.tariff,
        tariff_version=place.book.version_at(placed.tariff, at_ms),
        mode=facts.mode,
        mode_until_ms=facts.mode_until_ms,
        no_trip_before_ms=facts.no_trip_before_ms,
        service=facts.service,
        locked_out=locked_out,
        overload_latched=facts.overload,
        overload_restores=0,
        tests=list(facts.tests),
        held=facts.held,
    )


def _ratio_in_force(ratios: Sequence[Ratio], now_ms: Ms) -> int:
    """The newest version that has begun; before the first, the first."""
    begun = [ratio for ratio in ratios if ratio.from_ms <= now_ms]
    chosen = max(begun, key=lambda r: r.from_ms) if begun else min(ratios, key=lambda r: r.from_ms)
    return chosen.version
