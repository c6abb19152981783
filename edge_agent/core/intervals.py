"""Closing an interval: what a meter used between two readings becomes one record and moves its wallet.

The prices come from `protocol.charging`, the same function with which the centre checks them.
"""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import msgspec

from edge_agent.core.decision import Decision
from edge_agent.core.place import Place
from edge_agent.core.rates import judged_wh
from edge_agent.core.readings import Typed
from edge_agent.core.state import BoxState, DayUse, Latest, MeterRow, Noted, Now, WalletRow
from edge_agent.core.wallets import feeding
from protocol.charging import IntervalInput, Priced, price_interval
from protocol.records import Interval, IntervalFlag, Reading


def price_open(
    place: Place,
    state: BoxState,
    meter: str,
    raw_wh: int,
    at_ms: int,
    clock_sure: bool,
    rate_wh: Mapping[str, int] | None = None,
) -> Priced:
    """Price what a meter used since its last closed interval, without closing it. `rate_wh`: where they judge."""
    kept = state.meters[meter].state
    if kept.raw_wh is None or kept.read_at_ms is None:
        raise ValueError(f"meter {meter} has no reading to count from")
    given = IntervalInput(
        tariff=place.meters[meter].tariff,
        from_raw_wh=kept.raw_wh,
        from_ms=kept.read_at_ms,
        to_raw_wh=raw_wh,
        to_ms=at_ms,
        ratio=place.ratio(meter, kept.ratio_version),
        energy_carry=Fraction(*kept.energy_carry),
        money_carry_nano=kept.money_carry_nano,
        clock_sure=clock_sure,
        month_wh=kept.month_wh,
        charged=feeding(place, state, meter) is not None,
        rate_wh=rate_wh,
    )
    return price_interval(place.book, given)


def close_interval(
    place: Place,
    state: BoxState,
    meter: str,
    raw_wh: int,
    at_ms: int,
    clock_sure: bool,
    extra: tuple[IntervalFlag, ...] = (),
    rates: Mapping[str, int] | None = None,
) -> Decision:
    """Close a meter's interval at a register and an instant: record, meter row, wallet row, fresh memory.

    `rates`: its registers by rate that were read with this register; else those of the newest reading, if it is that.
    """
    row = state.meters[meter]
    if row.state.raw_wh is None or row.state.held or row.released:
        return Decision()
    if row.state.raw_wh == raw_wh and row.state.read_at_ms == at_ms:
        return Decision()
    latest, wallet = state.latest.get(meter), feeding(place, state, meter)
    if rates is None:
        rates = latest.rates_raw_wh if latest is not None and latest.raw_wh == raw_wh else {}
    priced = price_open(place, state, meter, raw_wh, at_ms, clock_sure, judged_wh(place, row, rates, at_ms))
    name = wallet.wallet if wallet is not None else None
    noted = state.noted.get(meter, Noted())
    record = _interval_record(name, row, priced, Reading(raw_wh=raw_wh, at_ms=at_ms), latest, noted, extra)
    if rates:
        record = msgspec.structs.replace(record, rates_raw_wh=dict(rates))
    wallets: tuple[WalletRow, ...] = ()
    if wallet is not None:
        wallets = (move(state.wallets[wallet.wallet], -priced.charge_micro),)
    kept = () if latest is None else ((meter, _after_cut(latest, raw_wh)),)
    return Decision(records=(record,), meters=(_row_after(place, row, priced, record),), wallets=wallets, latest=kept)


def close_at_latest(place: Place, state: BoxState, meter: str, clock_sure: bool) -> Decision:
    """Close a meter's interval at the newest reading held: before a grant, an opening, a change of price."""
    latest = state.latest.get(meter)
    if latest is None:
        return Decision()
    return close_interval(place, state, meter, latest.raw_wh, latest.wall_ms, clock_sure)


def close_at_typed(place: Place, state: BoxState, meter: str, typed: Typed, now: Now, flag: IntervalFlag) -> Decision:
    """Close a meter's interval now, at a register that people read on its display."""
    flags: tuple[IntervalFlag, ...] = (flag, "wrap") if typed.wrapped else (flag,)
    closed = close_interval(place, state, meter, typed.raw_wh, now.wall_ms, now.sure, flags)
    if typed.display is None:
        return closed
    told = (msgspec.structs.replace(one, display=typed.display) for one in closed.records if isinstance(one, Interval))
    return replace(closed, records=tuple(told))


def move(row: WalletRow, amount_micro: int) -> WalletRow:
    """A wallet row with its book balance moved."""
    book_micro = row.state.book_micro + amount_micro
    return msgspec.structs.replace(row, state=msgspec.structs.replace(row.state, book_micro=book_micro))


def _interval_record(
    wallet: str | None,
    row: MeterRow,
    priced: Priced,
    to: Reading,
    latest: Latest | None,
    noted: Noted,
    extra: tuple[IntervalFlag, ...],
) -> Interval:
    assert row.state.raw_wh is not None
    assert row.state.read_at_ms is not None
    return Interval(
        at_ms=to.at_ms,
        meter=row.meter,
        wallet=wallet,
        from_=Reading(raw_wh=row.state.raw_wh, at_ms=row.state.read_at_ms),
        to=to,
        source=priced.source,
        ratio_version=row.state.ratio_version,
        energy_wh=priced.energy_wh,
        energy_carry=(priced.energy_carry.numerator, priced.energy_carry.denominator),
        parts=list(priced.parts),
        charge_micro=priced.charge_micro,
        money_carry_nano=priced.money_carry_nano,
        rates_raw_wh=_within(noted.rates, row.state.read_at_ms, to.at_ms),
        other_raw=_within(noted.other, row.state.read_at_ms, to.at_ms),
        max_power_w=latest.max_power_w if latest is not None else None,
        flags=[*priced.flags, *(flag for flag in extra if flag not in priced.flags)],
    )


def _within(noted: Mapping[str, tuple[int, int]], from_ms: int, to_ms: int) -> dict[str, int] | None:
    """Registers that were read within the interval; None where none were."""
    return {name: raw for name, (raw, at_ms) in noted.items() if from_ms < at_ms <= to_ms} or None


def _row_after(place: Place, row: MeterRow, priced: Priced, record: Interval) -> MeterRow:
    raw_wh, at_ms = record.to.raw_wh, record.to.at_ms
    judges = place.config.defaults.rate_registers == "judge"
    state = msgspec.structs.replace(
        row.state,
        raw_wh=raw_wh,
        rates_raw_wh=record.rates_raw_wh if judges else row.state.rates_raw_wh,
        read_at_ms=at_ms,
        energy_carry=(priced.energy_carry.numerator, priced.energy_carry.denominator),
        money_carry_nano=priced.money_carry_nano,
        month_wh=priced.month_wh,
        ratio_version=place.ratio_version_at(row.meter, at_ms).version,
        tariff=place.meters[row.meter].tariff,
        tariff_version=priced.parts[-1].tariff_version,
    )
    day_use = _day_use(row.day_use, place.book.local_day(at_ms).isoformat(), priced.charge_micro)
    return msgspec.structs.replace(row, state=state, counted=True, day_use=day_use)


def _day_use(before: DayUse | None, day: str, charge_micro: int) -> DayUse:
    """What the day has cost with one more interval; the interval that ends at midnight opens the next."""
    if before is None:
        return DayUse(day=day, today_micro=charge_micro, before_micro=0)
    if before.day == day:
        return msgspec.structs.replace(before, today_micro=before.today_micro + charge_micro)
    return DayUse(day=day, today_micro=charge_micro, before_micro=before.today_micro)


def _after_cut(latest: Latest, raw_wh: int) -> Latest:
    """Memory after a cut: nothing is open where the newest register is the one that was cut at."""
    open_charge = 0 if latest.raw_wh == raw_wh else latest.open_charge_micro
    return replace(latest, max_power_w=None, open_charge_micro=open_charge)
