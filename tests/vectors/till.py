"""One money step of every kind, as the centre's journal holds them. Values only."""

from dataclasses import dataclass
from typing import Final

from protocol.commands import SalePart, TypedReading
from protocol.messages import MoneyKind
from protocol.money import (
    AccountBody,
    AdjustmentBody,
    ClosingBody,
    CustomerBody,
    DayBody,
    HistoryBody,
    MoneyBody,
    MoveBody,
    OpeningBody,
    PlanBody,
    RateCharge,
    RefundBody,
    ReversalBody,
    SaleBody,
    SettledBody,
    TillAmount,
    TillBody,
    WalletBody,
    WriteOffBody,
)
from protocol.site_plan import CustomerPlan, WalletPlan
from tests.vectors.cast import ACCOUNT, BOX, CUSTOMER, METER, OTHER_BOX, WALLET, an_id
from tests.vectors.chronicle import GRANT_MICRO, RECLAIM_MICRO
from tests.vectors.orders import OTHER_WALLET, SALE


@dataclass(frozen=True)
class Step:
    """One money step; a second person and a reason where the site asks for them."""

    kind: MoneyKind
    body: MoneyBody
    second: str | None = None
    reason: str | None = None


STEPS: Final = (
    Step("customer", CustomerBody(customer=CUSTOMER, name="李记面馆", phones=["13800000000"])),
    Step("account", AccountBody(account=ACCOUNT, customer=CUSTOMER, state="in_use")),
    Step("wallet", WalletBody(wallet=WALLET, account=ACCOUNT, box=BOX, meters=[METER], state="in_use")),
    Step(
        "sale",
        SaleBody(
            sale=SALE,
            receipt="S1-20261122-TNBGG0-000017",
            account=ACCOUNT,
            amount_micro=150_000_000,
            method="wechat",
            till_day="2026-11-22",
            parts=[
                SalePart(wallet=WALLET, box=BOX, amount_micro=GRANT_MICRO),
                SalePart(wallet=OTHER_WALLET, box=OTHER_BOX, amount_micro=50_000_000),
            ],
        ),
    ),
    Step(
        "opening",
        OpeningBody(account=ACCOUNT, wallet=WALLET, amount_micro=-1_250_000, source="旧系统 2026-11-21"),
        second="zhao",
    ),
    Step(
        "refund",
        RefundBody(
            refund=an_id("refund 1"),
            account=ACCOUNT,
            amount_micro=RECLAIM_MICRO,
            method="cash",
            purpose="refund",
            reclaim=an_id("reclaim 1"),
            paid=False,
        ),
        second="zhao",
        reason="退租",
    ),
    Step(
        "reversal",
        ReversalBody(
            reversal=an_id("reversal 1"), sale=SALE, receipt="S1-20261122-TNBGG0-000018", amount_micro=150_000_000
        ),
        second="zhao",
        reason="错收",
    ),
    Step(
        "adjustment",
        AdjustmentBody(
            adjustment=an_id("adjustment 1"),
            account=ACCOUNT,
            wallet=WALLET,
            amount_micro=-12_340_000,
            energy_wh=-15_000,
            from_day="2026-08-01",
            to_day="2026-10-31",
        ),
        second="zhao",
        reason="互感器变比错误",
    ),
    Step(
        "move",
        MoveBody(
            move=an_id("move 1"),
            account=ACCOUNT,
            from_wallet=WALLET,
            to_wallet=OTHER_WALLET,
            amount_micro=1_000_000,
        ),
    ),
    Step("closing", ClosingBody(account=ACCOUNT, settled_micro=-30_000), second="zhao"),
    Step("write_off", WriteOffBody(account=ACCOUNT, amount_micro=30_000), second="zhao", reason="欠费无法收回"),
    Step(
        "settled",
        SettledBody(
            wallet=OTHER_WALLET,
            account=ACCOUNT,
            box=OTHER_BOX,
            in_flight_micro=0,
            charges=[RateCharge(rate="flat", charge_micro=800_000)],
            moved_micro=-30_000,
            typed=[TypedReading(meter=METER, raw_wh=1_241_000, who="li", second="zhao", reason="照片")],
        ),
        second="zhao",
        reason="采集箱报废",
    ),
    Step(
        "till",
        TillBody(
            shift=an_id("shift 1"),
            operator="chen",
            step="closed",
            amounts=[TillAmount(method="cash", expected_micro=150_000_000, counted_micro=149_500_000)],
        ),
    ),
    Step("day", DayBody(day="2026-11-22", receipts=18)),
    Step(
        "plan",
        PlanBody(
            customers=(CustomerPlan(customer=CUSTOMER, name="王记面馆", phones=("13800000000",)),),
            wallets=(
                WalletPlan(wallet=WALLET, account=ACCOUNT, box=BOX, meters=[METER], alarm1_micro=20, alarm2_micro=5),
            ),
            gone=(f"point/{an_id('point gone')}",),
        ),
    ),
    Step(
        "history",
        HistoryBody(
            box=BOX,
            epoch=2,
            first=1,
            last=38_400,
            prev="5a" * 32,
            rest="c3" * 32,
            differences_micro={WALLET: -96_120_000},
        ),
        second="zhao",
        reason="中心与备份均已丢失",
    ),
)
"""In the order of the journal."""
