"""The office: refunds, reversals, adjustments, moves, closings, tills, days; each asked again until it is answered."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cloud_server.core.mistakes import Conflict, Mistaken, NotFound, NotNow
from cloud_server.core.roles import Role
from cloud_server.flows.office import Office
from cloud_server.ports import Actor, Refused
from cloud_server.ports.ledger import (
    AccountOrder,
    AdjustmentOrder,
    CheckStep,
    ClosingOrder,
    ClosingStep,
    MoveOrder,
    NextTenant,
    SettleOrder,
)
from cloud_server.ports.money import RefundOrder, RefundStep, ReversalOrder, Waits
from cloud_server.ports.tills import DayOrder, TillCount
from protocol.units import amount_to_text
from tests.cloud_server.site_rig import CASHIER
from tests.simulation.centre import SimCentre
from tests.simulation.staff import Staff

CHECKING: Final[frozenset[Role]] = frozenset({"supervisor"})
SUPERVISOR: Final = Actor(id="2" * 32, name="zhao", display_name="赵敏", roles=CHECKING)
ROWS: Final = 50


@dataclass
class OfficePeople:
    """Whoever sees to money beside the sales desk."""

    centre: SimCentre
    staff: Staff
    chance: random.Random
    waiting: dict[str, Callable[[Office], object]] = field(default_factory=dict)
    """Steps that nobody was answered."""
    answered: dict[str, object] = field(default_factory=dict)
    keys: int = 0

    # --- asking ---------------------------------------------------------------------------------------------------

    def _do(self, what: str, step: Callable[[str], Callable[[Office], object]]) -> str:
        self.keys += 1
        key = f"office-{self.keys}"
        self.waiting[key] = step(key)
        said = self.ask_again(key)
        return f"{what} under {key}: {said}"

    def ask_again(self, key: str) -> str:
        """The same step with the same key: whatever happened before, it is one step."""
        step = self.waiting[key]
        if not self.centre.running:
            return "not now"
        try:
            answer = self.centre.burn(lambda: step(self.centre.parts.office))
        except NotNow:
            return "not now"
        except (Refused, Conflict, NotFound, Mistaken, Waits) as fault:
            if key in self.answered:
                self.staff.wrongs.append(f"{key} was answered, and is refused now: {fault}")
            del self.waiting[key]
            return f"refused: {fault}"[:90]
        if answer is None:
            return "nobody knows"
        if self.answered.setdefault(key, answer) != answer:
            self.staff.wrongs.append(f"{key} was answered {self.answered[key]} first, {answer} now")
        if self.chance.random() < 0.9:
            del self.waiting[key]
        return "done"

    def ask_for_all(self) -> None:
        """Whoever was not answered asks again; so does somebody who was, now and then."""
        for key in list(self.waiting):
            self.ask_again(key)

    # --- what there is to do --------------------------------------------------------------------------------------

    def act(self) -> str:
        """One of many things; those that need something to be there look whether it is."""
        self.staff.follow_accounts()
        if not self.centre.running:
            return "the office waits for the centre"
        chosen = self.chance.choice(
            (
                self._refund, self._refund, self._end_refund, self._end_refund, self._reverse, self._adjust,
                self._adjust, self._check, self._check, self._move, self._move, self._close, self._settle,
                self._settle, self._count, self._close_day, self._open,
            )
        )  # fmt: skip
        return chosen()

    def settle_all(self) -> None:
        """What is under way is brought to its end."""
        self.ask_for_all()
        with self.centre.parts.centre.store.read() as unit:
            refused = [closing for closing in unit.contracts.open_closings() if closing.state == "refused"]
        for closing in refused:
            self._close_again(closing.fact.closing)

    def _close_again(self, name: str) -> str:
        return self._do(
            f"closing {name[-6:]} again",
            lambda key: lambda o: o.closings.again(ClosingStep(key=key, closing=name), CASHIER),
        )

    def _account(self) -> str:
        return self.chance.choice(sorted(self.staff.accounts))

    def _fen(self, most: int) -> str:
        fen = self.chance.randrange(1, most)
        return f"{fen // 100}.{fen % 100:02d}"

    def _refund(self) -> str:
        account = self._account()
        wallet = self.chance.choice(self.staff.accounts[account])
        amount = self._fen(6_000)
        return self._do(
            f"refund of {amount} to {account[-8:]}",
            lambda key: (
                lambda o: o.refunds.ask(
                    RefundOrder(key=key, account=account, amount=amount, method="cash", reason="sim", wallet=wallet),
                    CASHIER,
                )
            ),
        )

    def _end_refund(self) -> str:
        with self.centre.parts.centre.store.read() as unit:
            refunds = sorted(refund.fact.refund for refund in unit.money.refunds(ROWS, unsettled_only=True))
        if not refunds:
            return "no refund to end"
        name, way = self.chance.choice(refunds), self.chance.choice(("pay", "pay", "give_back", "withdraw"))
        return self._do(
            f"{way} of refund {name[-6:]}",
            lambda key: lambda o: getattr(o.refunds, way)(RefundStep(key=key, refund=name), CASHIER),
        )

    def _reverse(self) -> str:
        sold = sorted(sale.sale for sale in self.staff.sales.values() if sale.sale is not None)
        if not sold:
            return "no sale to reverse"
        sale = self.chance.choice(sold[-5:])
        return self._do(
            f"reversal of {sale[-6:]}",
            lambda key: (
                lambda o: o.reversals.reverse(
                    ReversalOrder(key=key, sale=sale, reason="sim", second=SUPERVISOR), CASHIER
                )
            ),
        )

    def _adjust(self) -> str:
        account = self._account()
        wallet = self.chance.choice(self.staff.accounts[account])
        amount = self.chance.choice(("", "-")) + self._fen(self.chance.choice((3_000, 3_000, 20_000)))
        return self._do(
            f"adjustment of {amount} at {account[-8:]}",
            lambda key: (
                lambda o: o.adjustments.adjust(
                    AdjustmentOrder(key=key, account=account, wallet=wallet, amount=amount, reason="sim"), CASHIER
                )
            ),
        )

    def _check(self) -> str:
        with self.centre.parts.centre.store.read() as unit:
            requests = sorted(row.request for row in unit.contracts.requests(ROWS, waiting_only=True))
        if not requests:
            return "nothing to confirm"
        name, way = self.chance.choice(requests), self.chance.choice(("approve", "approve", "reject"))
        return self._do(
            f"{way} of {name[-6:]}",
            lambda key: lambda o: getattr(o.second, way)(CheckStep(key=key, request=name), SUPERVISOR),
        )

    def _move(self) -> str:
        several = sorted(account for account, wallets in self.staff.accounts.items() if len(wallets) > 1)
        if not several:
            return "no account has two wallets"
        account = self.chance.choice(several)
        source, goal = self.chance.sample(self.staff.accounts[account], 2)
        amount = self._fen(3_000)
        return self._do(
            f"move of {amount} from {source[-8:]} to {goal[-8:]}",
            lambda key: (
                lambda o: o.moves.move(
                    MoveOrder(
                        key=key, account=account, from_wallet=source, to_wallet=goal, amount=amount, reason="sim"
                    ),
                    CASHIER,
                )
            ),
        )

    def _close(self) -> str:
        if self.chance.random() < 0.5:
            return "nobody leaves"
        account = self._account()
        self.keys += 1
        tenant = NextTenant(number=f"N{self.keys}", customer_name="新商户") if self.chance.random() < 0.5 else None
        return self._do(
            f"closing of {account[-8:]}",
            lambda key: (
                lambda o: o.closings.close(
                    ClosingOrder(key=key, account=account, reason="sim", next_tenant=tenant, second=SUPERVISOR), CASHIER
                )
            ),
        )

    def _settle(self) -> str:
        with self.centre.parts.centre.store.read() as unit:
            ready = sorted(c.fact.closing for c in unit.contracts.open_closings() if c.state == "ready")
        if not ready:
            return "nothing to settle"
        name = self.chance.choice(ready)
        how = self.chance.choice(("refund", "refund", "paid", "write_off", "even"))
        return self._do(
            f"settling of {name[-6:]}: {how}",
            lambda key: lambda o: o.settlements.settle(
                SettleOrder(key=key, closing=name, how=how, reason="sim", second=SUPERVISOR), CASHIER  # type: ignore[arg-type]  # one of them
            ),
        )  # fmt: skip

    def _open(self) -> str:
        """Somebody moves in where nobody pays."""
        with self.centre.parts.centre.store.read() as unit:
            plan = unit.fleet.plan()
            site = self.centre.parts.centre.site
            closed = unit.fleet.known_site(site.zone, site.currency).closed_wallets
        assert plan is not None
        fed = {meter for wallet in plan.wallets if wallet.wallet not in closed for meter in wallet.meters}
        free = sorted(meter.meter for box in plan.boxes for meter in box.meters if meter.meter not in fed)
        if not free:
            return "no meter is free"
        meter, number = self.chance.choice(free), f"O{self.keys}"
        return self._do(
            f"account on {meter[-8:]}",
            lambda key: (
                lambda o: o.accounts.open_account(
                    AccountOrder(key=key, number=number, customer_name="新商户", meters=(meter,)), CASHIER
                )
            ),
        )

    def _count(self) -> str:
        expected = self.centre.parts.office.tills.till_now(CASHIER.name).expected.get("cash", 0)
        differs = self.chance.choice((0, 0, 0, 10_000, -50_000))
        counted = amount_to_text(max(expected + differs, 0))
        return self._do(
            f"till counted at {counted}",
            lambda key: (
                lambda o: o.tills.close_till(TillCount(key=key, counted={"cash": counted}, second=SUPERVISOR), CASHIER)
            ),
        )

    def _close_day(self) -> str:
        if self.chance.random() < 0.6:
            return "the day goes on"
        return self._do("close of the day", lambda key: lambda o: o.days.close_day(DayOrder(key=key), CASHIER))
