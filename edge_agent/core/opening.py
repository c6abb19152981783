"""From an epoch line to rows and marks: how hardware takes a place over, the first time or later."""

from collections.abc import Iterable
from dataclasses import replace

import msgspec

from edge_agent.core.decision import Decision
from edge_agent.core.place import Place
from edge_agent.core.state import Marks, MeterRow, WalletRow
from edge_agent.core.wallets import new_wallet
from protocol.box_config import MeterConfig, text_hash
from protocol.messages import Epoch
from protocol.records import Alarm, AlarmKind, ConfigApplied, LockOut, Subject
from protocol.state import MeterState, WalletState


def open_epoch(place: Place, epoch: Epoch, epoch_hash: str, key_generation: int, now_ms: int) -> Decision:
    """Rows and marks with which the box goes on from an epoch line; `place` is that of the epoch's configuration."""
    states = {state.meter: state for state in epoch.state.meters}
    wallets = {state.wallet: WalletRow(state=state, funded=_was_funded(state)) for state in epoch.state.wallets}
    meters = tuple(
        MeterRow(state=states.get(meter) or new_meter(place, place.meters[meter], now_ms)) for meter in place.meters
    )
    marks = Marks(
        site=epoch.site,
        box=epoch.box,
        epoch=epoch.epoch,
        epoch_hash=epoch_hash,
        term=epoch.term,
        key_generation=key_generation,
        config_version=epoch.config_version,
        config_hash=text_hash(epoch.config),
        config=epoch.config,
        commands_seq=epoch.commands_base.seq,
        commands_hash=epoch.commands_base.hash,
        open_reclaims=tuple(epoch.state.open_reclaims),
    )
    applied = ConfigApplied(at_ms=now_ms, config_version=epoch.config_version, hash=marks.config_hash)
    rows = tuple(wallets.get(wallet) or new_wallet(wallet) for wallet in place.wallets)
    return Decision(records=(applied,), meters=meters, wallets=rows, marks=marks, urgent=True)


def hold_lock_outs(decision: Decision, before: Iterable[MeterRow], now_ms: int) -> Decision:
    """Let every lock-out that hangs here go on hanging, whether the epoch's state knows of it or not.

    It may have been hung on the spot and lost before it was told. Whoever works on that line trusts it.
    """
    hung = {row.meter: row.state.locked_out for row in before if row.state.locked_out is not None}
    rows, records = [], []
    for row in decision.meters:
        lock = hung.get(row.meter)
        if lock is None or row.state.locked_out is not None:
            rows.append(row)
            continue
        state = msgspec.structs.replace(row.state, locked_out=lock)
        rows.append(msgspec.structs.replace(row, state=state))
        records.append(LockOut(at_ms=now_ms, meter=row.meter, on=True, who=lock.who, where="spot"))
    return replace(decision, meters=tuple(rows), records=(*decision.records, *records))


def tell_loss(decision: Decision, box: str, alarm: AlarmKind, now_ms: int) -> Decision:
    """Say in the new epoch what had happened to the store: raised, and over with the epoch."""
    subject = Subject(box=box)
    told = tuple(Alarm(at_ms=now_ms, alarm=alarm, subject=subject, state=state) for state in ("raised", "cleared"))
    return replace(decision, records=(*decision.records, *told))


def _was_funded(state: WalletState) -> bool:
    """Whether credit ever came to the wallet, as far as its state tells."""
    return state.book_micro != 0 or state.arrears_open or state.alarm_level > 0


def new_meter(place: Place, meter: MeterConfig, now_ms: int) -> MeterState:
    """A meter new in the configuration: in observe, its first reading opens its history."""
    return MeterState(
        meter=meter.meter,
        serial=meter.serial,
        energy_carry=(0, 1),
        money_carry_nano=0,
        month_wh=0,
        ratio_version=place.ratio_version_at(meter.meter, now_ms).version,
        tariff=meter.tariff,
        tariff_version=place.book.version_at(meter.tariff, now_ms),
        mode="prepaid",
        service="observe",
        overload_latched=False,
        overload_restores=0,
        tests=[],
        held=False,
    )
