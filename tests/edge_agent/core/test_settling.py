"""Money that goes back, meters that come and go, registers that a person judges, daily fees: tables and refusals."""

import msgspec
import pytest

from protocol.box_config import FeeConfig, text_hash
from protocol.commands import (
    AdoptMeter,
    CloseWallet,
    Configure,
    Reclaim,
    ReleaseMeter,
    ReplaceMeter,
    ResolveRegister,
    SetMode,
    TypedReading,
    Withdraw,
)
from protocol.config_text import write_config
from protocol.records import CommandResult, Fee, Interval, Reclaimed, Released, Replaced
from protocol.wallet import replay
from tests.edge_agent.core.street import METERS, WALLETS, YUAN, Street, box_config, meter_config, wallet_config

REQUEST = "9" * 32
RECLAIM = "8" * 32


def result(street: Street) -> str:
    last = street.of(CommandResult)[-1]
    assert isinstance(last, CommandResult)
    return last.reason or last.outcome


def paid(yuan: int, used_wh: int, fresh: bool = True) -> Street:
    """A shop in service that paid, used energy at 1 yuan a kWh, and was read a second ago (or long ago)."""
    street = Street()
    street.read(0, 0)
    street.grant(0, yuan)
    street.in_service(0)
    street.at_s = 600
    street.read(0, used_wh)
    street.at_s += 1 if fresh else 3_000
    street.records.clear()
    return street


def reclaim(amount_micro: int, floor_micro: int = 0, typed: TypedReading | None = None) -> Reclaim:
    return Reclaim(
        reclaim=RECLAIM, wallet=WALLETS[0], amount_micro=amount_micro, floor_micro=floor_micro, purpose="refund",
        request=REQUEST, typed=[typed] if typed is not None else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "floor", "comes", "stays"),
    [
        # paid 100, used 30.005: 69.995 left
        (50 * YUAN, 0, 50 * YUAN, 19_995_000),
        (500 * YUAN, 0, 69_990_000, 5_000),
        (500 * YUAN, 20 * YUAN, 49_990_000, 20_005_000),
        (10_000, 0, 10_000, 69_985_000),
    ],
)
def test_a_reclaim_gives_what_is_there_in_whole_fen(asked: int, floor: int, comes: int, stays: int) -> None:
    street = paid(100, 30_005)
    before = {WALLETS[0]: street.book(0)}
    street.command(reclaim(asked, floor))
    (given,) = street.of(Reclaimed)
    assert isinstance(given, Reclaimed)
    assert (given.amount_micro, given.book_micro, street.book(0)) == (comes, stays, stays)
    assert replay(before, street.records) == {WALLETS[0]: stays}


@pytest.mark.parametrize(
    ("fresh", "body", "reason"),
    [
        (False, reclaim(YUAN), "stale_reading"),
        (True, reclaim(YUAN, 70 * YUAN), "nothing_to_give"),
        (True, msgspec.structs.replace(reclaim(YUAN), wallet="f" * 32), "unknown_wallet"),
    ],
)
def test_reclaims_that_give_nothing(fresh: bool, body: Reclaim, reason: str) -> None:
    street = paid(100, 30_005, fresh)
    street.command(body)
    assert result(street) == reason
    assert not street.of(Reclaimed)


def test_a_reclaim_is_answered_once_and_then_cannot_be_withdrawn() -> None:
    street = paid(100, 0)
    street.command(reclaim(YUAN))
    street.command(reclaim(YUAN))
    assert result(street) == "money_id_known"
    street.command(Withdraw(reclaim=RECLAIM))
    assert result(street) == "money_id_known"
    assert street.book(0) == 99 * YUAN


def test_a_reclaim_takes_supply_away_when_it_takes_the_money() -> None:
    street = paid(100, 0)
    street.command(reclaim(500 * YUAN))
    for second in (1, 2):
        street.at_s += second
        street.read(0, 0)
    assert [order.wanted for _, order in street.orders] == ["open"]


def typed(raw_wh: int, who: str = "Li", second: str = "Wang") -> TypedReading:
    return TypedReading(meter=METERS[0], raw_wh=raw_wh, who=who, second=second, reason="display photo")


@pytest.mark.parametrize(
    ("register", "outcome", "book"),
    [
        (typed(40_000), "done", 60 * YUAN - YUAN),
        (typed(29_000, "Li", "Li"), "bad_body", 100 * YUAN),
        (typed(-1), "register_impossible", 100 * YUAN),
    ],
)
def test_for_a_dead_meter_two_people_type_the_register(register: TypedReading, outcome: str, book: int) -> None:
    street = paid(100, 30_000, fresh=False)
    street.command(reclaim(YUAN, typed=register))
    assert (result(street), street.book(0)) == (outcome, book)
    if outcome == "done":
        (record,) = street.of(Interval)
        assert isinstance(record, Interval)
        assert "typed" in record.flags


def test_closing_gives_everything_back_and_parts_the_meter() -> None:
    street = paid(100, 30_005)
    street.command(CloseWallet(wallet=WALLETS[0], request=REQUEST))
    (given,) = street.of(Reclaimed)
    assert isinstance(given, Reclaimed)
    assert (given.amount_micro, given.book_micro) == (69_995_000, 0)
    street.records.clear()
    street.at_s += 3_600
    street.read(0, 31_000)
    (vacant,) = street.of(Interval)
    assert isinstance(vacant, Interval)
    assert (vacant.wallet, vacant.charge_micro) == (None, 0)
    street.grant(0, 5)
    assert result(street) == "wallet_closed"


def test_closing_in_debt_leaves_the_debt_to_be_settled() -> None:
    street = paid(10, 30_000)
    street.command(CloseWallet(wallet=WALLETS[0], request=REQUEST))
    assert (result(street), street.book(0)) == ("done", -20 * YUAN)
    assert not street.of(Reclaimed)


NEW = "7" * 32


def test_a_replaced_meter_is_charged_to_its_last_register_and_the_wallet_goes_on() -> None:
    street = paid(100, 30_000)
    street.command(SetMode(meter=METERS[0], mode="protected"))
    street.records.clear()
    street.command(
        ReplaceMeter(
            point=meter_config(0).point, old=METERS[0], old_raw_wh=31_000, new=NEW, serial="42", new_raw_wh=500_000
        )
    )
    assert [type(record) for record in street.records] == [Interval, Replaced, CommandResult]
    assert street.book(0) == 69 * YUAN
    street.at_s += 60
    street.read(0, 500_010)
    assert street.book(0) == 69 * YUAN, "what answers at the old address is charged to nobody until configured"
    config = box_config(
        meters=(msgspec.structs.replace(meter_config(0), meter=NEW, serial="42"),),
        wallets=(msgspec.structs.replace(wallet_config(0), meters=[NEW]),),
    )
    text = write_config(config)
    street.command(Configure(config_version=2, config=text, hash=text_hash(text)))
    assert result(street) == "done"
    assert street.state.meters[NEW].state.mode == "protected"
    assert street.state.meters[NEW].state.raw_wh == 500_000


@pytest.mark.parametrize(("rose_wh", "is_held"), [(400_000, False), (40_000_000, True)])
def test_a_meter_that_ran_for_an_hour_before_its_replacement_was_told_is_believed(rose_wh: int, is_held: bool) -> None:
    """Hung with the fibre cut: its first step is judged from when the old one was charged last, and no further."""
    street = paid(100, 30_000)
    street.at_s += 3_600
    street.command(
        ReplaceMeter(
            point=meter_config(0).point, old=METERS[0], old_raw_wh=30_000, new=METERS[1], serial="42", new_raw_wh=0
        )
    )
    meters = (msgspec.structs.replace(meter_config(0), meter=METERS[1], serial="42"),)
    wallets = (msgspec.structs.replace(wallet_config(0), meters=[METERS[1]]),)
    text = write_config(box_config(meters=meters, wallets=wallets))
    street.command(Configure(config_version=2, config=text, hash=text_hash(text)))
    street.at_s += 5
    street.tell_serial(1, "42")
    for _ in range(2):
        street.read(1, rose_wh)
    assert street.state.meters[METERS[1]].state.held is is_held
    assert (METERS[1] in street.state.latest) is not is_held


def test_a_released_meter_tells_its_registers_and_is_adopted_at_exactly_them() -> None:
    street = paid(100, 30_005)
    street.command(ReleaseMeter(meter=METERS[0]))
    (released,) = street.of(Released)
    assert isinstance(released, Released)
    assert (released.raw_wh, street.book(0)) == (30_005, 69_995_000)
    state = msgspec.structs.replace(street.state.meters[METERS[0]].state, raw_wh=released.raw_wh, service="observe")
    other = Street()
    other.grant(0, 10)
    other.command(AdoptMeter(meter=METERS[0], state=state))
    other.at_s = 1_801
    other.read(0, 31_005)
    assert other.book(0) == 9 * YUAN, "energy between release and adoption is charged once, by the new box"
    other.command(AdoptMeter(meter=METERS[0], state=state))
    assert result(other) == "meter_in_use"


def held() -> Street:
    street = paid(100, 30_000)
    for second in (1, 2):
        street.at_s += second
        street.read(0, 29_000)
    assert street.state.meters[METERS[0]].state.held
    street.records.clear()
    return street


def test_a_held_register_gets_a_new_base_and_nothing_is_charged_for_the_gap() -> None:
    street = held()
    street.command(ResolveRegister(meter=METERS[0], base_raw_wh=29_000, who="Li", second="Wang"))
    assert "register_held cleared" in street.told()
    assert street.book(0) == 70 * YUAN, "what was believed before the hold is charged"
    street.at_s += 1_800
    street.read(0, 30_000)
    assert street.book(0) == 69 * YUAN


def test_a_person_may_accept_a_jump() -> None:
    street = paid(100, 30_000)
    for second in (1, 2):
        street.at_s += second
        street.read(0, 30_000_000 // 400 + 10_000_000)
    street.command(ResolveRegister(meter=METERS[0], accept=True, who="Li", second="Wang"))
    street.at_s += 1
    street.read(0, 10_075_000)
    assert not street.state.meters[METERS[0]].state.held
    assert street.state.latest[METERS[0]].raw_wh == 10_075_000


def test_one_person_alone_resolves_nothing() -> None:
    street = held()
    street.command(ResolveRegister(meter=METERS[0], base_raw_wh=29_000, who="Li", second="Li"))
    assert result(street) == "bad_body"
    assert street.state.meters[METERS[0]].state.held


DAY_S = 86_400


def test_daily_fees_run_by_the_calendar_and_catch_up() -> None:
    fees = (FeeConfig(fee="line", charge_micro=500_000), FeeConfig(fee="lamp", charge_micro=100_000))
    street = Street(box_config(wallets=(wallet_config(0, fees=fees),)))
    for at_s in (0, 60, DAY_S // 2, DAY_S, 4 * DAY_S):
        street.at_s = at_s
        street.tick()
    days = [(fee.day, fee.fee) for fee in street.of(Fee) if isinstance(fee, Fee)]
    assert [day for day, name in days if name == "line"] == [f"2025-11-{day}" for day in (22, 23, 24, 25, 26)]
    assert street.book(0) == -5 * 600_000


def test_fees_wait_for_a_sure_clock() -> None:
    street = Street(box_config(wallets=(wallet_config(0, fees=(FeeConfig(fee="line", charge_micro=500_000),)),)))
    street.sure = False
    street.tick()
    assert street.book(0) == 0
    street.sure = True
    street.tick()
    assert street.book(0) == -500_000
