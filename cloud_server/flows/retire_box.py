"""A box that will not return: fenced, its wallets settled from the last posted batch and typed registers.

Grants on their way come back, what the typed registers show is charged, what is left is the customer's credit at the
centre: to be refunded, or moved to another box. What the box may still bring one day is evidence, never posted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from cloud_server.core import accounts, posting_rules, sale_order
from cloud_server.core.batch_facts import MeterFacts
from cloud_server.core.box_place import BoxPlace
from cloud_server.core.charge_audit import MeterCharge
from cloud_server.core.contracts import RETIRED, WalletSettlement
from cloud_server.core.fleet import Box, BoxState, GrantState, Wallet
from cloud_server.core.mistakes import Conflict, FieldError, NotFound
from cloud_server.core.money_requests import ReclaimState
from cloud_server.flows.centre import Centre
from cloud_server.flows.close_account import typed_errors, typed_readings
from cloud_server.flows.money_step import Done, key_errors, money_step, reason_errors, refuse_if_wrong
from cloud_server.flows.post_entry import post_entry
from cloud_server.flows.second_person import confirmed, wait_for_second
from cloud_server.flows.sign_lines import Asker, add_money_line
from cloud_server.ports import Actor, Unit
from cloud_server.ports.hardware_orders import RetireAnswer, RetireOrder
from protocol.charging import IntervalInput, price_interval
from protocol.money import RateCharge, SettledBody
from protocol.units import Micro


@dataclass(frozen=True, slots=True)
class _Meter:
    """A meter as of the last posted batch, and as it stands after the typed register."""

    facts: MeterFacts
    charge: MeterCharge
    charges: Mapping[str, Micro]
    """By rate, for the energy between."""


class Boxes:
    """Retires boxes."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def retire(self, order: RetireOrder, by: Actor) -> RetireAnswer:
        """Retire a box; always by two people."""
        typed = [(said.meter, said.raw_wh) for said in order.typed]
        request = sale_order.order_hash("retirement", order.box, order.reason, typed, by.name)
        step = money_step(self._centre, "retirement", order.key, request, lambda unit: self.take(unit, order, by))
        return RetireAnswer(**step)

    def take(self, unit: Unit, order: RetireOrder, by: Actor) -> Done:
        """All of it inside one transaction."""
        box = unit.fleet.box(order.box)
        if box is None:
            raise NotFound("box", order.box)
        if box.state is BoxState.RETIRED or box.epoch == 0:
            raise Conflict(f"box {box.name} is {box.state}; only one that has served is retired", "box_never_served")
        errors = [*key_errors(order.key), *reason_errors(order.reason)]
        errors += typed_errors(order.typed, unit.fleet.meters_of_box(box.box))
        meters, wrong = self._meters(unit, box, order)
        refuse_if_wrong([*errors, *wrong])
        second = confirmed(by, order.second)
        if second is None:
            return wait_for_second(self._centre, unit, "retirement", order, by, box.box, None, order.reason.strip())
        asker = Asker(operator=by.name, key=order.key, second=second, reason=order.reason.strip())
        unit.readings.save_meter_states(box.box, {name: (m.facts, m.charge) for name, m in meters.items()})
        settled = {
            wallet.wallet: self._settle(unit, wallet, meters, order, asker)
            for wallet in unit.fleet.wallets_of_box(box.box)
            if wallet.state != "closed"
        }
        unit.fleet.save_box(replace(box, state=BoxState.RETIRED))
        now_ms = self._centre.clock.wall_ms()
        unit.audit.append(now_ms, by.name, "box_retired", box.box, {"wallets": settled, "second": second})
        return Done({"state": "retired", "wallets": settled})

    def _meters(self, unit: Unit, box: Box, order: RetireOrder) -> tuple[dict[str, _Meter], list[FieldError]]:
        """Each meter for which a register was typed, priced up to it; or what is wrong with a register."""
        states, place = unit.readings.meter_states(box.box), self._centre.place(unit, box.box, box.held_version)
        found, errors = {}, []
        for said in order.typed:
            facts, charge = states.get(said.meter, (MeterFacts(meter=said.meter), MeterCharge()))
            if charge.raw_wh is not None and said.raw_wh < charge.raw_wh:
                message = f"is below {charge.raw_wh}, the register of the last posted batch"
                errors.append(FieldError(field="typed", value=str(said.raw_wh), code="unknown", message=message))
            elif place is not None and said.meter in place.meters:
                found[said.meter] = _priced(place, facts, charge, said.raw_wh, self._centre.clock.wall_ms())
        return found, errors

    def _settle(self, unit: Unit, wallet: Wallet, meters: Mapping[str, _Meter], order: RetireOrder, by: Asker) -> Micro:
        """Settle one wallet; what came to the customer's credit."""
        centre, name = self._centre, wallet.wallet
        self._end_what_waits(unit, wallet)
        charges = _charges_by_rate([meters[meter] for meter in wallet.meters if meter in meters])
        sums = unit.ledger.sums([accounts.wallet(name), accounts.in_flight(name)])
        in_flight_micro = sums.get(accounts.in_flight(name), 0)
        moved_micro = sums.get(accounts.wallet(name), 0) - sum(charges.values())
        body = SettledBody(
            wallet=name,
            account=wallet.account,
            box=wallet.box,
            in_flight_micro=in_flight_micro,
            charges=[RateCharge(rate=rate, charge_micro=micro) for rate, micro in sorted(charges.items())],
            moved_micro=moved_micro,
            typed=typed_readings([said for said in order.typed if said.meter in wallet.meters], by),
        )
        add_money_line(centre, unit, "settled", body, by)
        rule = posting_rules.settled_without_box(wallet.account, name, in_flight_micro, charges, moved_micro)
        post_entry(centre, unit, "settled", f"settled/{name}", rule, by)
        unit.contracts.add_settlement(
            WalletSettlement(
                wallet=name,
                account=wallet.account,
                box=wallet.box,
                how="retired",
                charged_micro=sum(charges.values()),
                moved_micro=moved_micro,
                in_flight_micro=in_flight_micro,
                who=by.operator,
                second=by.second,
                reason=by.reason,
                key=by.key,
                at_ms=centre.clock.wall_ms(),
            )
        )
        unit.contracts.close_wallet(name)
        return moved_micro + in_flight_micro

    def _end_what_waits(self, unit: Unit, wallet: Wallet) -> None:
        """Grants that the box never answered come back, requests to it are over."""
        for grant in unit.ledger.grants_of_account(wallet.account, GrantState.SIGNED, GrantState.WAITING):
            if grant.wallet == wallet.wallet:
                never = grant.state is GrantState.WAITING
                state = GrantState.UNDONE if never else GrantState.REFUSED
                unit.ledger.save_grant(replace(grant, state=state, reason=RETIRED))
        now_ms = self._centre.clock.wall_ms()
        for request in unit.money.open_reclaims(wallet.wallet):
            ended = replace(request, state=ReclaimState.EXPIRED, reason=RETIRED, answered_at_ms=now_ms)
            unit.money.save_reclaim(ended)


def _priced(place: BoxPlace, facts: MeterFacts, charge: MeterCharge, raw_wh: int, now_ms: int) -> _Meter:
    """Energy between the last posted register and the typed one, at the prices of the time between."""
    if charge.raw_wh is None or charge.read_at_ms is None:
        return _Meter(facts, MeterCharge(raw_wh, now_ms), {})
    placed = place.meters[facts.meter]
    version = facts.ratio_version if facts.ratio_version is not None else placed.ratios[0].version
    priced = price_interval(
        place.book,
        IntervalInput(
            tariff=placed.tariff,
            from_raw_wh=charge.raw_wh,
            from_ms=charge.read_at_ms,
            to_raw_wh=raw_wh,
            to_ms=max(now_ms, charge.read_at_ms),
            ratio=place.ratio(facts.meter, version) or Fraction(1),
            energy_carry=charge.energy_carry,
            money_carry_nano=charge.money_carry_nano,
            charged=facts.meter in place.wallet_of,
            month_wh=charge.month_wh,
        ),
    )
    charges: dict[str, Micro] = {}
    for part in priced.parts:
        charges[part.rate] = charges.get(part.rate, 0) + part.charge_micro
    after = MeterCharge(raw_wh, now_ms, priced.energy_carry, priced.money_carry_nano, priced.month_wh)
    return _Meter(facts, after, {rate: micro for rate, micro in charges.items() if micro})


def _charges_by_rate(meters: Iterable[_Meter]) -> dict[str, Micro]:
    charges: dict[str, Micro] = {}
    for meter in meters:
        for rate, micro in meter.charges.items():
            charges[rate] = charges.get(rate, 0) + micro
    return charges
