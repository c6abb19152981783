"""What a shopkeeper would see: readings, sales and cuts in, records and relays out. Tables an accountant can read."""

import pytest

from edge_agent.core.measured import RelayPosition
from protocol.commands import LiftLockOut, LockOutCommand, SetMode
from protocol.records import Alarm, Granted, Relay
from tests.edge_agent.core.street import (
    METERS,
    YUAN,
    Street,
    box_config,
    meter_config,
    wallet_config,
)


def supplied(yuan: int = 30, **config: object) -> Street:
    """A shop in service with credit, its meter read once at 1,000 Wh."""
    street = Street(box_config(**config))  # type: ignore[arg-type]  # keywords of box_config, checked there
    street.read(0, 1000)
    street.grant(0, yuan)
    street.in_service(0)
    street.at_s += 1
    street.read(0, 1000)
    street.records.clear()
    street.orders.clear()
    street.rereads.clear()
    return street


def test_a_shop_runs_dry_is_warned_cut_off_and_lit_again() -> None:
    street = supplied(30)
    steps = [
        # seconds, register Wh, what is told
        (60, 11_000, ["alarm1 raised"]),
        (120, 25_999, []),
        (180, 26_000, ["alarm2 raised"]),
        (240, 30_999, []),
        (300, 31_000, []),
        (303, 31_000, ["interval 30000 Wh 30000000", "arrears raised", "relay wanted open seen closed (arrears)"]),
        (306, 31_000, ["relay wanted open seen open (arrears)"]),
        (400, 31_000, []),
    ]
    for at_s, raw_wh, expected in steps:
        street.at_s = at_s
        street.read(0, raw_wh)
        assert street.told() == expected, f"at {at_s} s"
        street.records.clear()
    assert street.rereads == [METERS[0]], "the first reading at the trip level asks for a second look"
    assert [(at, order.wanted) for at, order in street.orders] == [(303, "open")]
    assert street.book(0) == 0
    street.at_s = 500
    street.grant(0, 10)
    assert street.told() == [
        "interval 0 Wh 0",
        "granted 10000000 -> 10000000",
        "alarm2 cleared",
        "arrears cleared",
        "relay wanted closed seen open (restored)",
        "command done",
    ]
    assert [(at, order.wanted) for at, order in street.orders][1:] == [(500, "closed")]


def test_one_reading_at_the_trip_level_is_never_final() -> None:
    street = supplied(30)
    street.at_s = 60
    street.read(0, 31_500)
    assert (street.orders, street.rereads) == ([], [METERS[0]])
    assert not street.of(Relay)


@pytest.mark.parametrize(
    ("raw_wh", "ordered"),
    [
        (30_900, [(60, "closed")]),
        (31_000, []),
        (31_500, []),
    ],
)
def test_a_dark_shop_is_not_lit_between_two_readings_that_darken_it(raw_wh: int, ordered: list[object]) -> None:
    """A box that begins anew from an older state of the centre does not know that its shop had been cut off since."""
    street = supplied(30)
    street.begin_anew(RelayPosition.OPEN)
    for at_s in (60, 63, 66):
        street.at_s = at_s
        street.read(0, raw_wh)
    assert [(at, order.wanted) for at, order in street.orders] == ordered
    relay = street.of(Relay)[-1]
    assert isinstance(relay, Relay)
    assert (relay.wanted, relay.seen) == (("closed", "closed") if ordered else ("open", "open"))


def test_what_is_drawn_until_the_contact_moves_is_in_the_book_at_once() -> None:
    street = supplied(30)
    for at_s, raw_wh in ((300, 31_000), (303, 31_000), (304, 31_050), (305, 31_080)):
        street.at_s = at_s
        street.read(0, raw_wh)
    assert street.book(0) == 0
    street.at_s = 306
    street.read(0, 31_080)
    assert street.book(0) == -80_000, "no boundary is waited for: the desk must name what lights the shop again"
    street.at_s = 307
    street.read(0, 31_080)
    assert [text for text in street.told() if text.startswith("interval")] == [
        "interval 30000 Wh 30000000",
        "interval 80 Wh 80000",
    ]


def test_a_stale_reading_opens_nothing() -> None:
    street = supplied(30)
    for at_s in (600, 603):
        street.at_s = at_s
        street.read(0, 30_500)
    street.at_s = 700
    street.grant(0, -29, cause="adjustment")
    assert street.told()[-2:] == ["granted -29000000 -> -28500000", "command done"]
    assert street.orders == [], "the newest reading is 97 s old"
    for at_s in (701, 702):
        street.at_s = at_s
        street.read(0, 30_501)
    assert [order.wanted for _, order in street.orders] == ["open"]


def test_protected_is_charged_and_never_cut() -> None:
    street = supplied(5)
    street.command(SetMode(meter=METERS[0], mode="protected"))
    street.records.clear()
    for at_s in (60, 63, 66):
        street.at_s = at_s
        street.read(0, 12_000)
    assert street.orders == []
    street.at_s = 1800
    street.read(0, 12_500)
    assert street.book(0) == 5 * YUAN - 11_500_000, "charges run in every mode"


def test_back_to_prepaid_in_debt_opens_after_confirmation() -> None:
    street = supplied(5)
    street.command(SetMode(meter=METERS[0], mode="protected"))
    for at_s in (60, 63):
        street.at_s = at_s
        street.read(0, 12_000)
    street.command(SetMode(meter=METERS[0], mode="prepaid"))
    assert [order.wanted for _, order in street.orders] == ["open"], "two fresh readings stood already"


def test_forced_off_ends_by_itself_at_its_time() -> None:
    street = supplied(30)
    street.at_s = 100
    street.command(SetMode(meter=METERS[0], mode="forced_off", until_ms=street.now.wall_ms + 90_000))
    assert [order.wanted for _, order in street.orders] == ["open"]
    for at_s in (101, 150, 189, 190, 195):
        street.at_s = at_s
        street.read(0, 1000)
        street.tick()
    assert [(at, order.wanted) for at, order in street.orders] == [(100, "open"), (190, "closed")]


def test_another_cause_alone_is_told_at_once_too() -> None:
    """The relay stays closed when a protection ends; why it is closed is what the desk reads."""
    street = supplied(30)
    street.at_s = 100
    street.command(SetMode(meter=METERS[0], mode="protected", until_ms=street.now.wall_ms + 90_000))
    street.at_s = 189
    street.read(0, 1000)
    street.records.clear()
    street.at_s = 191
    decision = street.tick()
    assert [(record.wanted, record.cause) for record in decision.records if isinstance(record, Relay)] == [
        ("closed", "normal")
    ]
    assert decision.urgent
    assert decision.orders == ()


def test_lock_out_opens_whatever_the_balance_and_no_payment_closes_it() -> None:
    street = supplied(30)
    street.command(SetMode(meter=METERS[0], mode="protected"))
    street.orders.clear()
    street.command(LockOutCommand(meter=METERS[0], who="Li"))
    street.at_s = 10
    street.read(0, 1000)
    street.grant(0, 100)
    street.tick()
    assert [order.wanted for _, order in street.orders] == ["open"]
    street.at_s = 200
    street.read(0, 1000)
    street.command(LiftLockOut(meter=METERS[0], who="Li"))
    assert [order.wanted for _, order in street.orders] == ["open", "closed"]


def test_observe_records_what_it_would_do_and_writes_nothing() -> None:
    street = Street()
    for at_s, raw_wh in ((0, 1000), (5, 1001), (10, 1002)):
        street.at_s = at_s
        street.read(0, raw_wh)
    assert [text for text in street.told() if text.startswith("would")] == [
        "would closed (normal)",
        "would open (arrears)",
    ]
    assert street.orders == []
    street.command(LockOutCommand(meter=METERS[0], who="Li"))
    assert [order.wanted for _, order in street.orders] == ["open"], "safety is never only observed"
    street.at_s = 15
    street.read(0, 1002)
    street.command(LiftLockOut(meter=METERS[0], who="Li"))
    street.at_s = 80
    street.read(0, 1002)
    street.tick()
    assert [order.wanted for _, order in street.orders] == ["open", "closed"], "what the lock-out opened is closed"
    street.at_s = 90
    street.read(0, 1002)
    street.relays[METERS[0]] = RelayPosition.OPEN
    street.at_s = 200
    street.read(0, 1002)
    street.tick()
    assert len(street.orders) == 2, "then it is only observed again"


def test_after_a_start_no_relay_moves_before_a_fresh_reading() -> None:
    street = supplied(30)
    street.state.latest.clear()
    street.at_s = 1000
    street.grant(0, -30, cause="adjustment")
    street.tick()
    assert street.orders == []


@pytest.mark.parametrize(
    ("register", "held_at", "why"),
    [(999, 2, "ran back"), (900_000, 2, "impossible jump")],
)
def test_an_impossible_register_is_read_again_then_held(register: int, held_at: int, why: str) -> None:
    street = supplied(30)
    for look in range(1, 4):
        street.at_s = 10 + look
        street.read(0, register)
        assert street.state.meters[METERS[0]].state.held == (look >= held_at), why
    assert street.told() == ["meter held", "register_held raised"]
    assert street.rereads == [METERS[0]]
    assert street.book(0) == 30 * YUAN


def test_one_wild_register_between_good_ones_costs_nothing() -> None:
    street = supplied(30)
    for at_s, raw_wh in ((11, 1_010), (12, 4_000_000), (13, 1_020), (14, 1_030)):
        street.at_s = at_s
        street.read(0, raw_wh)
    assert street.told() == []
    assert not street.state.meters[METERS[0]].state.held


def test_two_meters_share_one_wallet_and_go_dark_together() -> None:
    config = box_config(meters=(meter_config(0), meter_config(1)), wallets=(wallet_config(0, (0, 1)),))
    street = Street(config)
    street.read(0, 0)
    street.read(1, 0)
    street.grant(0, 10)
    street.in_service(0, 1)
    for at_s, raws in ((60, (3_000, 3_000)), (120, (5_000, 5_000)), (123, (5_000, 5_000))):
        street.at_s = at_s
        street.read(0, raws[0])
        street.read(1, raws[1])
    street.tick()
    assert {order.meter for _, order in street.orders if order.wanted == "open"} == {METERS[0], METERS[1]}
    assert street.book(0) == 0


def test_closings_on_one_bus_are_spaced() -> None:
    config = box_config(
        meters=tuple(meter_config(n) for n in range(3)),
        wallets=tuple(wallet_config(n) for n in range(3)),
        reclose_spacing_ms=2_000,
    )
    street = Street(config)
    for n in range(3):
        street.relays[METERS[n]] = RelayPosition.OPEN
        street.read(n, 0)
        street.grant(n, 50)
    street.at_s = 1
    street.in_service(0, 1, 2)
    for at_s in range(2, 8):
        street.at_s = at_s
        for n in range(3):
            street.read(n, 0)
    assert [at for at, order in street.orders if order.wanted == "closed"] == [1, 3, 5]


def test_a_relay_rests_between_two_switchings_but_not_after_a_payment() -> None:
    street = supplied(30)
    for at_s in (300, 303, 306):
        street.at_s = at_s
        street.read(0, 31_000)
    street.at_s = 310
    street.grant(0, 1)
    assert [(at, o.wanted) for at, o in street.orders] == [(303, "open"), (310, "closed")]
    for at_s, raw_wh in ((313, 31_000), (330, 32_000), (333, 32_000), (362, 32_000), (374, 32_000)):
        street.at_s = at_s
        street.read(0, raw_wh)
    assert [(at, o.wanted) for at, o in street.orders][2:] == [(374, "open")], "60 s after it was seen closed at 313"


def test_a_deaf_relay_is_tried_again_and_raises_an_alarm() -> None:
    street = supplied(30)
    street.obeys = False
    for at_s in (300, 303):
        street.at_s = at_s
        street.read(0, 31_000)
    for at_s in range(304, 400):
        street.at_s = at_s
        street.report(0, ok=False)
        street.read(0, 31_000 + at_s)
        street.tick()
    assert [at for at, _ in street.orders] == [303, 306, 312, 327, 357]
    alarms = [(a.alarm, a.state) for a in street.of(Alarm) if isinstance(a, Alarm) and a.alarm == "relay_deaf"]
    assert alarms == [("relay_deaf", "raised")]
    street.relays[METERS[0]] = RelayPosition.OPEN
    street.at_s = 401
    street.read(0, 31_500)
    assert street.told()[-1] == "relay_deaf cleared"


def test_a_grant_never_waits_for_a_lost_meter() -> None:
    street = supplied(30)
    for at_s in (300, 303, 306):
        street.at_s = at_s
        street.read(0, 31_000)
    street.lose(0)
    street.at_s = 900
    street.grant(0, 20)
    (granted,) = street.of(Granted)
    assert isinstance(granted, Granted)
    assert granted.book_micro == 20 * YUAN
    assert [order.wanted for _, order in street.orders] == ["open"], "its silence decides nothing"
    street.revive(0)
    street.at_s = 903
    street.read(0, 31_000)
    assert [order.wanted for _, order in street.orders] == ["open", "closed"]
