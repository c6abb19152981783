"""People: they sell, order, lock out and lift, come back to what they were not answered, and click twice."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from cloud_server.core.mistakes import NotNow
from cloud_server.flows import plan_site
from cloud_server.flows.sign_lines import issue_command
from cloud_server.ports import Actor, KeyReused, Operation, OperationKind, Refused, SaleOrder
from protocol.box_config import TariffText
from protocol.commands import ResolveRegister
from tests.cloud_server.site_rig import CASHIER
from tests.simulation.centre import SimCentre
from tests.simulation.clocks import Timeline

TECHNICIAN: Final = Actor(id="1" * 32, name="li", display_name="李强", roles=frozenset({"technician"}))
METHODS: Final = ("cash", "wechat", "alipay")


@dataclass
class Sold:
    """A sale as somebody asked for it. `sale` stands once it was answered."""

    order: SaleOrder
    by: Actor
    sale: str | None = None


@dataclass
class Staff:
    """Everybody in the office."""

    centre: SimCentre
    time: Timeline
    chance: random.Random
    accounts: dict[str, tuple[str, ...]]
    """Account -> its wallets."""
    meters: tuple[str, ...]
    sales: dict[str, Sold] = field(default_factory=dict)
    wrongs: list[str] = field(default_factory=list)
    """What people saw that must not be."""
    keys: int = 0

    def _key(self) -> str:
        self.keys += 1
        return f"key-{self.keys}"

    # --- money ------------------------------------------------------------------------------------------------------

    def sell(self) -> str:
        """Somebody pays at the desk."""
        account = self.chance.choice(sorted(self.accounts))
        wallets = self.accounts[account]
        fen = self.chance.choice((100, 500, 1_000, 2_050, 5_000, 20_000))
        shares = [(wallet, fen * (n + 1)) for n, wallet in enumerate(wallets)]
        parts = None if len(wallets) == 1 else tuple((wallet, _yuan(share)) for wallet, share in shares)
        order = SaleOrder(
            key=self._key(),
            account=account,
            amount=_yuan(sum(share for _, share in shares)),
            method=self.chance.choice(METHODS),
            parts=parts,
            again=True,
        )
        self.sales[order.key] = Sold(order, CASHIER)
        self.ask_again(order.key)
        return f"{order.amount} to {account[-8:]} under {order.key}"

    def follow_accounts(self) -> None:
        """Accounts that were opened and closed meanwhile: who can be sold to, and by which wallets."""
        if not self.centre.running:
            return
        with self.centre.parts.centre.store.read() as unit:
            plan = unit.fleet.plan()
            assert plan is not None
            found = {account.account: unit.fleet.wallets_of_account(account.account) for account in plan.accounts}
        usable = {name: tuple(w.wallet for w in wallets if w.state == "in_use") for name, wallets in found.items()}
        self.accounts = {name: wallets for name, wallets in usable.items() if wallets} or self.accounts

    def ask_again(self, key: str) -> None:
        """The same form is sent once more: whatever happened before, it is one sale."""
        sold = self.sales[key]
        if not self.centre.running:
            return
        try:
            row = self.centre.burn(lambda: self.centre.parts.desk.sell(sold.order, sold.by))
        except NotNow:
            return
        except Refused as fault:  # its account is closing: nothing was taken, now or before
            if sold.sale is not None:
                self.wrongs.append(f"key {key} was answered with sale {sold.sale}, and is refused now: {fault}")
            del self.sales[key]
            return
        if row is None:
            return
        if sold.sale is not None and sold.sale != row.sale:
            self.wrongs.append(f"key {key} was answered with sale {sold.sale} first, with {row.sale} now")
        sold.sale = row.sale

    def click_twice(self) -> str:
        """An earlier form again; sometimes with another amount, which must be refused."""
        if not self.sales:
            return "nothing to click"
        key = self.chance.choice(sorted(self.sales))
        sold = self.sales[key]
        if sold.sale is None or self.chance.random() < 0.6:
            self.ask_again(key)
            return f"{key} again"
        bent = SaleOrder(key=key, account=sold.order.account, amount="777.77", method="cash", again=True)
        if self.centre.running:
            try:
                self.centre.burn(lambda: self.centre.parts.desk.sell(bent, sold.by))
            except NotNow:
                return f"{key} with another amount, not now"
            except (KeyReused, Refused):
                return f"{key} with another amount, refused"
            if self.centre.running:
                self.wrongs.append(f"key {key} was used for two different sales")
        return f"{key} with another amount"

    def ask_for_all(self) -> None:
        """Whoever was not answered asks again."""
        for key, sold in list(self.sales.items()):
            if sold.sale is None:
                self.ask_again(key)

    # --- meters -----------------------------------------------------------------------------------------------------

    def operate(self, kind: OperationKind, meters: tuple[str, ...], until_ms: int | None = None) -> str:
        """A remote operation; nobody asks again when it is not answered."""
        operation = Operation(key=self._key(), kind=kind, meters=meters, until_ms=until_ms)
        if self.centre.running:
            try:
                self.centre.burn(lambda: self.centre.parts.operations.order(operation, TECHNICIAN))
            except (Refused, NotNow):
                return f"{kind} of {meters} refused"
        return f"{kind} of {', '.join(meter[-8:] for meter in meters)}"

    def operate_somehow(self) -> str:
        """Any operation on a meter or two."""
        kinds: tuple[OperationKind, ...] = (
            "prepaid", "prepaid", "protected", "forced_off", "in_service", "in_service", "observe", "lock_out",
            "lift_lock_out", "lift_lock_out",
        )  # fmt: skip
        kind = self.chance.choice(kinds)
        meters = tuple(self.chance.sample(self.meters, self.chance.choice((1, 1, 2))))
        ends = kind in ("protected", "forced_off") and self.chance.random() < 0.5
        until_ms = self.time.now_ms + self.chance.choice((60_000, 1_800_000, 86_400_000)) if ends else None
        return self.operate(kind, meters, until_ms)

    def let_registers_stand(self, boxes: Iterable[str], held: Iterable[str]) -> None:
        """Two people have looked at registers that were held, and say that they are right."""
        by_box, centre = {meter: box for box in boxes for meter in self._meters_of(box)}, self.centre.parts.centre
        with centre.store.write() as unit:
            for meter in held:
                box = unit.fleet.box(by_box[meter])
                assert box is not None
                body = ResolveRegister(meter=meter, accept=True, who="li", second="wang")
                issue_command(centre, unit, box, body, "li")
        centre.journal.append_unmarked()

    def _meters_of(self, box: str) -> tuple[str, ...]:
        return tuple(meter for meter in self.meters if meter[-8:-4] == box[-8:-4])

    def take_tariffs(self, tariffs: list[TariffText]) -> None:
        """The plan as it stands, with these prices."""
        if self.centre.running:
            with self.centre.parts.centre.store.read() as unit:
                now = unit.fleet.plan()
            assert now is not None
            plan = msgspec.structs.replace(now, tariffs=tariffs)
            try:
                self.centre.burn(lambda: plan_site.take_plan(self.centre.parts.centre, plan, "provisioner"))
            except NotNow:
                return


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
