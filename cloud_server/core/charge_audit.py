"""Every charge computed again: from registers, ratio and the tariffs that the box held, by the same function. Pure.

A difference is a finding for people; the interval is posted as the box says. The audit goes on from what the box says,
so that one difference is told once and not at every interval behind it.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from fractions import Fraction

import msgspec

from cloud_server.core.box_place import BoxPlace
from protocol.charging import RULES_VERSION, differences
from protocol.commands import AdoptMeter, Body, CloseWallet, ResolveRegister
from protocol.plain_interval import agreed_span
from protocol.records import CommandResult, ConfigApplied, Interval, Record, Released, Replaced
from protocol.units import NANO_PER_MICRO

CONTINUITY_EXCUSED = frozenset({"replaced"})
"""Interval flags that say why a register does not go on from the one before."""

NO_CARRY = Fraction(0)


class MeterCharge(msgspec.Struct, frozen=True):
    """Where a meter's charging stands: last register and the carries. `raw_wh` None: its next reading opens."""

    raw_wh: int | None = None
    read_at_ms: int | None = None
    energy_carry: Fraction = NO_CARRY
    money_carry_nano: int = 0
    month_wh: int = 0
    """Energy of the site's calendar month of `read_at_ms` up to it; price steps count on it."""
    rates_raw_wh: Mapping[str, int] | None = None
    """Registers by rate as the last interval told them; they count where an interval was split by them."""
    untold: bool = False
    """What lies before is on no machine any more: where the next interval begins, this meter stood."""

    def with_rates(self, rates_raw_wh: Mapping[str, int] | None) -> "MeterCharge":
        """The same with other registers by rate."""
        if rates_raw_wh == self.rates_raw_wh:
            return self
        return msgspec.structs.replace(self, rates_raw_wh=rates_raw_wh)


_UNKNOWN = MeterCharge()


@dataclass(frozen=True, slots=True)
class ChargeFinding:
    """What differs in one interval or in what the box held. `index` is the record's place in its batch, from 0."""

    kind: str
    index: int
    meter: str
    detail: str


@dataclass(slots=True)
class Audit:
    """The findings, and where each meter and the configuration stand after the batch."""

    findings: list[ChargeFinding]
    meters: dict[str, MeterCharge]
    config_version: int
    changed: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    """Wallets that were closed: what their meters use is nobody's until a configuration gives them another."""

    def stand(self, meter: str, charge: MeterCharge) -> None:
        """Go on from here with this meter."""
        self.meters[meter] = charge
        self.changed.add(meter)


def audit_batch(
    records: Iterable[Record],
    meters: Mapping[str, MeterCharge],
    config_version: int,
    place_of: Callable[[int], BoxPlace | None],
    rules: int = RULES_VERSION,
    body_of: Callable[[int], Body | None] = lambda _seq: None,
    closed: Set[str] = frozenset(),
) -> Audit:
    """Go through a batch in order. `place_of` answers with the configuration of a version, None if never sent.

    `body_of` answers with the body of a command by its number: an adopted meter goes on from where it was released, a
    base that people set is where the next interval begins. `closed` are wallets that were closed before.
    """
    audit = Audit([], dict(meters), config_version, closed=set(closed))
    place = place_of(config_version)
    if rules != RULES_VERSION:
        audit.findings.append(ChargeFinding("rules", 0, "", f"charging rules {rules}; known here: {RULES_VERSION}"))
    for index, record in enumerate(records):
        match record:
            case Interval():
                _audit_interval(audit, index, record, place)
            case ConfigApplied(config_version=version):
                audit.config_version, place = version, place_of(version)
            case Replaced():
                audit.stand(record.new, MeterCharge(record.new_raw_wh, record.at_ms))
            case Released():
                known = audit.meters.get(record.meter, _UNKNOWN)
                audit.stand(record.meter, msgspec.structs.replace(known, raw_wh=record.raw_wh, read_at_ms=record.at_ms))
            case CommandResult(command=command, outcome="done", at_ms=at_ms):
                _take_done(audit, body_of(command), at_ms)
            case _:
                pass
    return audit


def _audit_interval(audit: Audit, index: int, record: Interval, place: BoxPlace | None) -> None:
    before = audit.meters.get(record.meter, _UNKNOWN)
    if before.untold:
        before = _stood_before(record, place)
    after = _after_plain(record, before, place, audit.closed)
    if after is None:
        found = _interval_findings(record, before, place, audit.closed)
        audit.findings += [ChargeFinding(kind, index, record.meter, text) for kind, text in found]
        after = _after(record, _month_after(place, record, before.month_wh))
    audit.stand(record.meter, after)


def _stood_before(said: Interval, place: BoxPlace | None) -> MeterCharge:
    """Where a meter stood by its own next interval: its carries are what is left of energy and money behind it.

    Of the month's energy only so much is known as the step of the price tells.
    """
    ratio = place.ratio(said.meter, said.ratio_version) if place is not None else None
    energy = NO_CARRY
    if ratio is not None:
        energy = said.energy_wh + Fraction(*said.energy_carry) - (said.to.raw_wh - said.from_.raw_wh) * ratio
    priced = sum(part.energy_wh * part.price_micro for part in said.parts) if said.wallet is not None else 0
    nano = said.charge_micro * NANO_PER_MICRO + said.money_carry_nano - priced
    return MeterCharge(
        raw_wh=said.from_.raw_wh,
        read_at_ms=said.from_.at_ms,
        energy_carry=energy if 0 <= energy < 1 else NO_CARRY,
        money_carry_nano=nano if 0 <= nano < NANO_PER_MICRO else 0,
        month_wh=_step_begins(said, place),
        rates_raw_wh=_rates_before(said),
    )


def _rates_before(said: Interval) -> dict[str, int] | None:
    """Registers by rate from which an interval that was split by them gives the same split."""
    if said.source == "total" or said.rates_raw_wh is None:
        return None
    used = dict.fromkeys(said.rates_raw_wh, 0)
    for part in said.parts:
        used[part.rate] = used.get(part.rate, 0) + part.energy_wh
    return {rate: raw_wh - used[rate] for rate, raw_wh in said.rates_raw_wh.items()}


def _step_begins(said: Interval, place: BoxPlace | None) -> int:
    """Where in the month's energy the step begins at which an interval was priced first."""
    first = said.parts[0] if said.parts else None
    tariff = place.book.tariffs.get((first.tariff, first.tariff_version)) if place is not None and first else None
    steps = tariff.steps if tariff is not None else ()
    return steps[first.step].from_wh if first is not None and first.step < len(steps) else 0


def _take_done(audit: Audit, body: Body | None, at_ms: int) -> None:
    match body:
        case AdoptMeter(meter=meter, state=state):
            carry, month_wh = Fraction(*state.energy_carry), state.month_wh
            audit.stand(meter, MeterCharge(state.raw_wh, state.read_at_ms, carry, state.money_carry_nano, month_wh))
        case CloseWallet(wallet=wallet):
            audit.closed.add(wallet)
        case ResolveRegister(meter=meter, base_raw_wh=int(base_raw_wh)):
            known = audit.meters.get(meter, _UNKNOWN)
            audit.stand(meter, msgspec.structs.replace(known, raw_wh=base_raw_wh, read_at_ms=at_ms))
        case _:
            pass


def _after_plain(said: Interval, before: MeterCharge, place: BoxPlace | None, closed: Set[str]) -> MeterCharge | None:
    """Where the meter stands after an interval in which nothing differs, as most are; None where that is not plain."""
    known = place.plain.get((said.meter, said.ratio_version)) if place is not None else None
    if place is None or known is None or said.wallet != known.wallet or said.wallet in closed:
        return None
    if before.raw_wh is not None and said.from_.raw_wh != before.raw_wh:
        return None
    if before.energy_carry is not NO_CARRY and before.energy_carry:
        return None
    span = agreed_span(place.book, known.tariff, said, known.ratio, before.money_carry_nano)
    if span is None:
        return None
    return _after(said, before.month_wh + said.energy_wh if span.within_month else 0)


def _after(said: Interval, month_wh: int) -> MeterCharge:
    carry = Fraction(*said.energy_carry) if said.energy_carry[0] else NO_CARRY
    return MeterCharge(said.to.raw_wh, said.to.at_ms, carry, said.money_carry_nano, month_wh, said.rates_raw_wh)


def _interval_findings(
    said: Interval, before: MeterCharge, place: BoxPlace | None, closed: Set[str]
) -> list[tuple[str, str]]:
    if place is None:
        return [("config", "the configuration that the box names was never sent to it")]
    found = []
    if before.raw_wh is not None and said.from_.raw_wh != before.raw_wh and not CONTINUITY_EXCUSED & set(said.flags):
        text = f"begins at {said.from_.raw_wh} Wh; the interval before ended at {before.raw_wh} Wh"
        found.append(("continuity", text))
    placed = place.meters.get(said.meter)
    ratio = place.ratio(said.meter, said.ratio_version)
    if placed is None or ratio is None:
        return [*found, ("ratio", f"ratio version {said.ratio_version} of this meter was never configured")]
    wallet = place.wallet_of.get(said.meter)
    feeding = wallet.wallet if wallet is not None and wallet.wallet not in closed else None
    if feeding != said.wallet:
        found.append(("wallet", f"charged to wallet {said.wallet}; configured is {feeding}"))
    if any(part.tariff != placed.tariff for part in said.parts):
        found.append(("tariff", f"priced by tariff {said.parts[0].tariff}; configured is {placed.tariff}"))
    carries = (before.energy_carry, before.money_carry_nano, before.month_wh, before.rates_raw_wh)
    compared = differences(place.book, said, ratio, *carries)
    return found + [("charge", text) for text in compared]


def _month_after(place: BoxPlace | None, said: Interval, month_wh: int) -> int:
    """The month's energy after an interval, by the box's own parts; it starts anew at the site's first of the month.

    On a date that cannot be believed no month begins, as where the price is made (`protocol.charging`).
    """
    if place is None or "fallback_rate" in said.flags:
        return month_wh + said.energy_wh
    month = place.book.local_month(said.from_.at_ms)
    for part in said.parts:
        now = place.book.local_month(part.from_ms)
        month_wh = (month_wh if now == month else 0) + part.energy_wh
        month = now
    return month_wh if place.book.local_month(said.to.at_ms) == month else 0


def tariff_findings(said: Mapping[str, Mapping[str, str]], place: BoxPlace | None) -> list[ChargeFinding]:
    """Tariff texts that the box used and that are not byte for byte those that it was sent."""
    held = place.tariff_hashes() if place is not None else {}
    return [
        ChargeFinding("tariff_text", 0, "", f"tariff {tariff} version {version} on the box has another text")
        for tariff, versions in said.items()
        for version, text_hash in versions.items()
        if held.get((tariff, int(version))) != text_hash
    ]
