"""Batches taken in: each with its verdict and nothing lost; posted once; what differs becomes a finding."""

import json
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from cloud_server.core import accounts
from cloud_server.core.fleet import BoxState
from cloud_server.flows import synchronise
from cloud_server.flows.who_asks import Stranger
from protocol.chain import Head
from protocol.envelope import Line, read_line, seal
from protocol.errors import BadPayload
from protocol.messages import Answer, ChainHead
from protocol.payload import read_payload
from protocol.records import (
    Alarm,
    CommandResult,
    Fee,
    Interval,
    LockOut,
    MeterTest,
    Reclaimed,
    Relay,
    Subject,
)
from tests.cloud_server.site_rig import SiteRig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import YUAN, box_id, meter_id, point_id, wallet_id


@pytest.fixture
def box(rig: SiteRig) -> SpeakingBox:
    rig.plan()
    made = rig.enrol(1)
    rig.settle(made)
    return made


def send(rig: SiteRig, box: SpeakingBox, *lines: Line) -> Answer:
    result = synchronise.exchange(rig.centre, [*lines, box.sync_line()])
    return read_payload(synchronise.sign_answer(rig.centre, result)[-1].payload, Answer)


def verdicts(answer: Answer) -> list[tuple[int, str]]:
    return [(verdict.seq, verdict.verdict) for verdict in answer.verdicts]


def flip(line: Line) -> Line:
    """One byte of the payload changed, the signature as it was."""
    envelope = json.loads(line.raw)
    text = envelope["payload"]
    envelope["payload"] = text[:40] + ("A" if text[40] != "A" else "B") + text[41:]
    return read_line(json.dumps(envelope).encode())


def findings(rig: SiteRig) -> list[tuple[str, str | None, str | None]]:
    with rig.store.evidence(rig.centre.authority.command_keys) as evidence:
        return [(found.kind, found.meter, found.wallet) for found in evidence.findings()]


def three(box: SpeakingBox) -> list[Line]:
    lines = []
    for shop in (1, 2, 3):
        box.use(meter_id(1, shop), 1_000)
        lines.append(box.seal())
    return lines


def test_in_order_repeated_skipped_and_flipped(rig: SiteRig, box: SpeakingBox) -> None:
    first, second, third = three(box)
    assert verdicts(send(rig, box, first)) == [(1, "accepted")]
    answer = send(rig, box, third)
    assert (verdicts(answer), answer.resend_from, answer.batch_ack.seq) == ([(3, "gap")], 2, 1)
    answer = send(rig, box, flip(second), third)
    assert (verdicts(answer), answer.resend_from) == ([(0, "bad_signature"), (3, "gap")], 2)
    answer = send(rig, box, first, second, third)
    assert verdicts(answer) == [(1, "known"), (2, "accepted"), (3, "accepted")]
    assert (answer.batch_ack.seq, answer.batch_ack.hash) == (3, third.hash)
    assert rig.ledger(accounts.revenue("flat")) == {"revenue/flat": 2_400_000}
    assert rig.breaches() == []


@pytest.mark.parametrize("field", ["box", "site"])
def test_a_batch_of_another_box_or_site(rig: SiteRig, box: SpeakingBox, field: str) -> None:
    (line, *_rest) = three(box)
    bent = json.loads(line.payload) | {field: box_id(2)}
    wrong = seal("batch", json.dumps(bent).encode(), box.key)
    assert verdicts(send(rig, box, wrong, line)) == [(1, "wrong_box"), (1, "accepted")]


def test_a_second_history_is_evidence_and_quarantines_the_box(rig: SiteRig, box: SpeakingBox) -> None:
    before = box.batch_head
    (first, *_rest) = three(box)
    send(rig, box, first)
    box.batch_head = before
    other = box.seal([])
    assert verdicts(send(rig, box, other)) == [(1, "forked")]
    with rig.centre.store.read() as unit:
        row = unit.fleet.box(box.box)
        assert row is not None
        assert row.state is BoxState.QUARANTINED
        assert unit.alarms.standing_alarms("box_forked") == [(box.box, rig.clock.now_ms)]
    box.batch_head = Head(1, first.hash)
    box.use(meter_id(1, 1), 50)
    behind = box.seal()
    assert verdicts(send(rig, box, other, behind)) == [(1, "forked"), (2, "behind_parked")]
    sale = rig.books.sale(rig.sell("10.00"))
    assert sale is not None
    assert sale.state == "waiting"
    assert rig.ledger(accounts.revenue("flat")) == {"revenue/flat": 800_000}
    assert rig.breaches() == []


@pytest.mark.parametrize(
    ("bent", "remembers"),
    [
        ({"epoch": 2}, ("epoch", 2)),
        ({"commands_applied": ChainHead(seq=9, hash="9" * 64)}, ("command_head", Head(9, "9" * 64))),
    ],
)
def test_a_box_that_is_ahead_gets_no_commands(
    rig: SiteRig, box: SpeakingBox, bent: dict[str, object], remembers: tuple[str, object]
) -> None:
    line = box.seal([], **bent)
    assert verdicts(send(rig, box, line)) == [(1, "ahead")]
    setattr(box, *remembers)
    answer = send(rig, box)
    assert answer.commands_wanted_from == 1
    sale = rig.books.sale(rig.sell("10.00"))
    assert sale is not None
    assert sale.state == "waiting"


def test_what_is_not_understood_is_parked_and_waits(rig: SiteRig, box: SpeakingBox) -> None:
    (first, *_rest) = three(box)
    send(rig, box, first)
    box.batch_head = Head(1, first.hash)
    empty = box.seal([])
    strange = json.loads(empty.payload) | {"records": [{"kind": "eclipse", "at_ms": 1}]}
    parked = seal("batch", json.dumps(strange).encode(), box.key)
    box.batch_head = Head(2, parked.hash)
    behind = box.seal([])
    answer = send(rig, box, parked, behind)
    assert verdicts(answer) == [(2, "parked"), (3, "behind_parked")]
    assert answer.batch_ack.seq == 3
    assert verdicts(send(rig, box, parked, behind)) == [(2, "known"), (3, "known")]
    with rig.centre.store.read() as unit:
        row = unit.fleet.box(box.box)
        assert row is not None
        assert (row.posted_seq, row.batch_head.seq) == (1, 3)
        assert unit.alarms.standing_alarms("batch_parked") == [(box.box, rig.clock.now_ms)]
    rig.sell("10.00")
    box.sealed = []
    rig.exchange(box)
    assert [command.kind for command in box.taken] == ["grant"]
    assert rig.breaches() == []


def interval(box: SpeakingBox, **changed: object) -> Interval:
    return msgspec.structs.replace(box.use(meter_id(1, 1), 1_000), **changed)


MISFITS: dict[str, Callable[[SpeakingBox], list[object]]] = {
    "meter of another box": lambda box: [interval(box, meter=meter_id(2, 1))],
    "wallet of another box": lambda box: [interval(box, wallet=wallet_id(2, 1))],
    "charge is not the sum of its parts": lambda box: [interval(box, charge_micro=1)],
    "energy is not the sum of its parts": lambda box: [interval(box, energy_wh=1)],
    "fraction over zero": lambda box: [interval(box, energy_carry=(1, 0))],
    "charge without a wallet": lambda box: [interval(box, wallet=None)],
    "fee of a strange wallet": lambda _: [
        Fee(at_ms=1, wallet=wallet_id(2, 1), day="2026-11-22", fee="f", charge_micro=1)
    ],
    "reclaim never asked": lambda _: [
        Reclaimed(at_ms=1, command=1, reclaim="7" * 32, wallet=wallet_id(1, 1), amount_micro=1, book_micro=0)
    ],
    "command never signed": lambda _: [CommandResult(at_ms=1, command=77, outcome="done")],
}


@pytest.mark.parametrize("name", MISFITS)
def test_what_does_not_fit_is_parked(rig: SiteRig, box: SpeakingBox, name: str) -> None:
    line = box.seal(MISFITS[name](box), wallets={})  # type: ignore[arg-type]  # records of every kind
    assert verdicts(send(rig, box, line)) == [(1, "parked")]
    assert rig.ledger(accounts.revenue("flat"), accounts.REVENUE_FIXED) == {}
    assert rig.breaches() == []


@pytest.mark.parametrize(
    "change",
    [{"amount_micro": 11 * YUAN}, {"wallet": wallet_id(1, 3)}, {"command": 9}, {"grant": "8" * 32}],
)
def test_a_grant_that_was_not_signed_so_is_parked(rig: SiteRig, box: SpeakingBox, change: dict[str, object]) -> None:
    rig.sell("10.00")
    rig.exchange(box)
    granted, result = box.pending
    line = box.seal([msgspec.structs.replace(granted, **change), result], wallets={})
    assert verdicts(send(rig, box, line)) == [(1, "parked")]
    assert rig.ledger(accounts.in_flight(wallet_id(1, 2))) == {accounts.in_flight(wallet_id(1, 2)): 10 * YUAN}


def test_a_grant_is_never_posted_twice(rig: SiteRig, box: SpeakingBox) -> None:
    rig.sell("10.00")
    rig.exchange(box)
    granted, result = box.pending
    send(rig, box, box.seal([granted, result]))
    again = box.seal([granted], wallets={})
    assert verdicts(send(rig, box, again)) == [(2, "parked")]
    assert rig.ledger(accounts.wallet(wallet_id(1, 2))) == {accounts.wallet(wallet_id(1, 2)): 10 * YUAN}


def test_a_wrong_charge_is_posted_as_the_box_says_with_a_finding(rig: SiteRig, box: SpeakingBox) -> None:
    right = box.use(meter_id(1, 1), 1_000)
    parts = [msgspec.structs.replace(right.parts[0], charge_micro=900_000)]
    wrong = msgspec.structs.replace(right, parts=parts, charge_micro=900_000)
    box.pending = [wrong]
    box.seal()
    rig.settle(box)
    assert rig.ledger(accounts.revenue("flat")) == {"revenue/flat": 900_000}
    assert findings(rig) == [("charge", meter_id(1, 1), None), ("charge", meter_id(1, 1), None)]
    assert rig.breaches() == []


def test_a_wallet_that_differs_is_a_finding_told_once(rig: SiteRig, box: SpeakingBox) -> None:
    wallet = wallet_id(1, 1)
    for _ in range(3):
        box.use(meter_id(1, 1), 1_000)
        box.seal()
        line = box.sealed.pop()
        bent = json.loads(line.payload)
        bent["wallets"][wallet] += 5
        lying = seal("batch", json.dumps(bent).encode(), box.key)
        box.batch_head = Head(box.batch_head.seq, lying.hash)
        box.sealed.append(lying)
        rig.settle(box)
    assert findings(rig) == [("wallet", None, wallet)]
    assert rig.ledger(accounts.wallet(wallet)) == {accounts.wallet(wallet): -2_400_000}
    assert rig.breaches() == []


def test_facts_of_relays_alarms_and_tests_reach_the_monitor(rig: SiteRig, box: SpeakingBox) -> None:
    at = rig.clock.now_ms
    meter, subject = meter_id(1, 1), Subject(box=box.box, wallet=wallet_id(1, 1))
    box.pending = [
        Alarm(at_ms=at, alarm="alarm2", subject=subject, state="raised", value=0),
        Alarm(at_ms=at + 1, alarm="arrears", subject=subject, state="raised"),
        Relay(at_ms=at + 2, meter=meter, wanted="open", seen="open", cause="arrears", running_micro=-5),
        MeterTest(at_ms=at, meter=meter, test="relay", passed=True, who="li"),
        LockOut(at_ms=at, meter=meter, on=True, who="li", where="spot"),
        Alarm(at_ms=at, alarm="bus_lost", subject=Subject(box=box.box, bus="b" * 32), state="raised"),
    ]
    box.seal()
    rig.settle(box)
    row = next(row for row in rig.books.monitor().points if row.meter == meter)
    assert (row.state, row.relay, row.since_ms) == ("arrears", "open", at + 1)
    assert row.badges == ("locked_out", "observe")
    page = rig.books.point(point_id(1, 1))
    assert page is not None
    assert page.meter is not None
    assert (page.meter.relay_tested, page.meter.relay_cause, page.meter.locked_out_by) == (True, "arrears", "li")
    assert [(s.seen, s.cause, s.running_micro) for s in page.switchings] == [("open", "arrears", -5)]
    assert [(a.alarm, a.state) for a in page.alarms] == [("arrears", "raised"), ("alarm2", "raised")]
    assert page.account is not None
    assert page.account.wallets[0].needs_micro == 10_000
    box.pending = [Alarm(at_ms=at + 9, alarm=kind, subject=subject, state="cleared") for kind in ("arrears", "alarm2")]
    box.seal()
    rig.settle(box)
    row = next(row for row in rig.books.monitor().points if row.meter == meter)
    assert row.state == "normal"


def test_a_sale_is_on_when_the_relay_is_seen_closed(rig: SiteRig, box: SpeakingBox) -> None:
    at, meter = rig.clock.now_ms, meter_id(1, 2)
    box.pending = [Relay(at_ms=at, meter=meter, wanted="open", seen="open", cause="arrears")]
    box.seal()
    rig.settle(box)
    sale = rig.sell("10.00")
    rig.settle(box)
    delivered = rig.books.sale(sale)
    assert delivered is not None
    assert delivered.state == "delivered"
    rig.clock.advance(700)
    box.pending = [Relay(at_ms=at + 5, meter=meter, wanted="closed", seen="closed", cause="restored")]
    box.seal()
    rig.settle(box)
    row = rig.books.sale(sale)
    assert row is not None
    assert (row.state, row.on_at_ms) == ("on", rig.clock.now_ms)
    box.pending = [Relay(at_ms=at + 9, meter=meter, wanted="open", seen="open", cause="forced_off")]
    box.seal()
    rig.settle(box)
    row = rig.books.sale(sale)
    assert row is not None
    assert row.state == "on"


def test_strangers_are_not_believed(rig: SiteRig, box: SpeakingBox) -> None:
    with pytest.raises(Stranger):
        synchronise.exchange(rig.centre, [flip(box.sync_line())])
    with rig.centre.store.write() as unit:
        row = unit.fleet.box(box.box)
        assert row is not None
        unit.fleet.save_box(replace(row, state=BoxState.REVOKED))
    with pytest.raises(Stranger):
        synchronise.exchange(rig.centre, [box.sync_line()])


@pytest.mark.parametrize("how", ["nothing", "sync first", "two syncs", "an enrol line among them"])
def test_a_request_has_batches_and_then_one_sync(rig: SiteRig, box: SpeakingBox, how: str) -> None:
    sync, batch = box.sync_line(), box.seal([])
    lines = {
        "nothing": [],
        "sync first": [sync, batch],
        "two syncs": [sync, sync],
        "an enrol line among them": [box.enrol_line("0" * 32), sync],
    }[how]
    with pytest.raises(BadPayload):
        synchronise.exchange(rig.centre, lines)


def test_every_batch_again_by_any_path_changes_nothing(rig: SiteRig, box: SpeakingBox) -> None:
    three(box)
    rig.sell("10.00")
    rig.settle(box)
    before = rig.ledger(*(accounts.wallet(wallet_id(1, n)) for n in (1, 2, 3)), accounts.revenue("flat"))
    for _ in range(2):
        answer = send(rig, box, *box.sealed)
        assert {verdict for _, verdict in verdicts(answer)} == {"known"}
    assert rig.ledger(*(accounts.wallet(wallet_id(1, n)) for n in (1, 2, 3)), accounts.revenue("flat")) == before
    assert rig.breaches() == []
