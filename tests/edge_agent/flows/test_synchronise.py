"""The exchange: what is asked, and what is believed of the answer. Its pace is in `test_pace`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.core.decision import Decision
from edge_agent.core.limits import BoxLimits
from edge_agent.flows import lacking
from edge_agent.flows.seal_batches import seal_pending
from edge_agent.flows.start_up import limits_in_force
from edge_agent.ports import Blame, ExchangeAnswered, ExchangeFailed
from protocol.envelope import Line, seal
from protocol.messages import BatchHead, Limits, Verdict, VerdictOn
from protocol.records import MeterEvent
from protocol.state import EpochState, WalletState
from tests.edge_agent.core.street import METERS, SITE, WALLETS, YUAN, box_config
from tests.edge_agent.rig import ANSWER_KEY, COMMAND_KEY, ROOT, TERM, Rig, epoch_line, key, keys_line, rig, sealed
from tests.edge_agent.whole_box.whole_box import grant_of


def note(a: Rig, count: int = 1) -> None:
    """So many commits with one record each."""
    for _ in range(count):
        a.box.take(Decision(records=(MeterEvent(at_ms=a.clock.wall, meter=METERS[0], event="back"),)))


def book(a: Rig) -> int:
    return a.box.state.wallets[WALLETS[0]].state.book_micro


def batch_lines(a: Rig) -> list[Line]:
    """The batches of the newest request."""
    return [line for line in a.uplink.sent[-1].lines if line.type_name == "batch"]


# --- the way of a fresh answer --------------------------------------------------------------------------------------


def test_the_first_exchange_confirms_the_head_and_what_waited_is_sealed_and_sent(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        sync = a.ask()
        assert (sync.batch_head.seq, sync.wait_s) == (0, 0)
        a.deliver(a.answer_line())
        assert a.sealing.head_confirmed
        a.ask()
        assert len(batch_lines(a)) == 1
        a.deliver(a.answer_line())
        assert a.store.first_unacknowledged() is None
        assert a.ask().wait_s == 25


def test_a_grant_in_an_answer_takes_effect_and_its_record_goes_up_at_once(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.exchange()
        a.exchange()
        a.exchange(a.command(grant_of(0, 100, 1)))
        assert book(a) == 100 * YUAN
        sync = a.ask()
        assert len(batch_lines(a)) == 1
        assert sync.command_head.seq == 1


def test_what_is_long_goes_in_pieces_oldest_first_and_only_the_last_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lacking, "PIECE_BYTES", 4_000)
    with rig(tmp_path) as a:
        a.exchange()
        for _ in range(12):
            note(a)
            seal_pending(a.box, a.sealing)
        sent: list[str] = []
        while a.store.first_unacknowledged() is not None:
            sync = a.ask()
            assert sync.wait_s == 0
            piece = batch_lines(a)
            assert sum(len(line.raw) for line in piece) <= 4_000
            sent += [line.hash for line in piece]
            head = BatchHead(epoch=1, seq=len(sent), hash=sent[-1])
            a.deliver(a.answer_line(batch_ack=head))
        assert sent == [a.store.batch_hash(1, seq) for seq in range(1, len(sent) + 1)]
        assert len(sent) > 12


def test_what_is_not_acknowledged_is_sent_again_and_a_lost_answer_costs_nothing(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.exchange()
        a.ask()
        first = [line.hash for line in batch_lines(a)]
        a.sync.failed(ExchangeFailed(a.uplink.sent[-1].number, Blame.WORLD, "cut", None, a.clock.mono))
        a.clock.go_on(2_000)
        a.ask()
        assert [line.hash for line in batch_lines(a)] == first


def test_resend_from_goes_back_over_what_was_acknowledged(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.exchange()
        for _ in range(4):
            note(a)
            seal_pending(a.box, a.sealing)
        a.exchange()
        assert a.store.first_unacknowledged() is None
        a.ask()
        a.deliver(a.answer_line(resend_from=2))
        a.clock.go_on(1_000)
        a.ask()
        assert [line.hash for line in batch_lines(a)] == [a.store.batch_hash(1, seq) for seq in (2, 3, 4, 5)]


def test_where_what_is_asked_for_is_gone_the_box_says_where_it_goes_on(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.exchange()
        for _ in range(4):
            note(a)
            seal_pending(a.box, a.sealing)
        a.exchange()
        a.ask()
        a.deliver(a.answer_line(resend_from=2))
        a.clock.go_on(1_000)
        assert a.ask().goes_on_from is None, "it has what was asked for"
        a.deliver(a.answer_line(resend_from=2))
        before_it, head = a.store.batch_hash(1, 4), a.store.batch_head(1)
        assert a.store.thin_out(a.clock.wall + 1) == 4, "all that was acknowledged, but for the newest"
        a.clock.go_on(1_000)
        assert a.ask().goes_on_from == BatchHead(epoch=1, seq=4, hash=before_it or "")
        assert [line.hash for line in batch_lines(a)] == [a.store.batch_hash(1, 5)]
        a.deliver(a.answer_line(resend_from=9))
        a.clock.go_on(1_000)
        assert head is not None
        assert a.ask().goes_on_from == BatchHead(epoch=1, seq=head.seq, hash=head.hash), "nothing is left behind that"


def test_a_centre_that_forgot_commands_gets_epoch_and_commands_first(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.exchange()
        a.exchange(a.command(grant_of(0, 1, 1)), a.command(grant_of(0, 2, 2)))
        a.ask()
        a.deliver(a.answer_line(commands_wanted_from=1))
        a.ask()
        kinds = [line.type_name for line in a.uplink.sent[-1].lines]
        assert kinds == ["epoch", "command", "command", "sync"]
        assert [line.hash for line in a.uplink.sent[-1].lines[1:3]] == [line.hash for line in a.commands]


# --- what is not believed -------------------------------------------------------------------------------------------


def replayed(a: Rig) -> list[Line]:
    return [a.answer_line(nonce="a" * 32)]


def by_another_key(a: Rig) -> list[Line]:
    return [a.answer_line(key(9))]


def by_the_command_key(a: Rig) -> list[Line]:
    return [a.answer_line(COMMAND_KEY)]


def for_another_box(a: Rig) -> list[Line]:
    return [a.answer_line(box="f" * 32)]


def of_another_site(a: Rig) -> list[Line]:
    return [a.answer_line(site="f" * 32)]


def of_a_lower_term(a: Rig) -> list[Line]:
    return [a.answer_line(term=TERM - 1)]


def flipped(a: Rig) -> list[Line]:
    line = a.answer_line()
    return [Line(line.raw, line.type_name, line.payload.replace(b'"verdicts":[]', b'"verdicts":{}'), line.signatures)]


def without_answer(a: Rig) -> list[Line]:
    return [keys_line()]


def nothing(a: Rig) -> list[Line]:
    return []


def with_a_line_that_does_not_belong(a: Rig) -> list[Line]:
    return [a.uplink.sent[-1].lines[-1], a.answer_line()]


def with_keys_that_the_root_did_not_sign(a: Rig) -> list[Line]:
    line = keys_line(2, answer=key(8))
    return [seal(line.type_name, line.payload, key(9)), a.answer_line(key(8))]


DOUBTFUL: list[Callable[[Rig], list[Line]]] = [
    replayed, by_another_key, by_the_command_key, for_another_box, of_another_site, of_a_lower_term, flipped,
    without_answer, nothing, with_a_line_that_does_not_belong, with_keys_that_the_root_did_not_sign,
]  # fmt: skip


@pytest.mark.parametrize("make", DOUBTFUL)
def test_nothing_of_a_doubtful_answer_is_taken_not_even_a_good_command_in_it(
    tmp_path: Path, make: Callable[[Rig], list[Line]]
) -> None:
    with rig(tmp_path) as a:
        a.ask()
        step = a.store.step
        a.deliver(a.command(grant_of(0, 100, 1)), *make(a))
        assert book(a) == 0
        assert a.store.step == step
        assert not a.sealing.head_confirmed
        assert a.sync.last_failure is not None
        a.sync.pulse()
        assert len(a.uplink.sent) == 1, "a doubtful answer is followed by a pause"


def test_an_answer_played_again_to_its_own_request_changes_nothing(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.ask()
        exchange, line, grant = a.uplink.sent[-1], a.answer_line(), a.command(grant_of(0, 100, 1))
        a.sync.answered(ExchangeAnswered(exchange.number, (grant, line), 5, a.clock.mono))
        step = a.store.step
        a.sync.answered(ExchangeAnswered(exchange.number, (grant, line), 5, a.clock.mono))
        assert a.store.step == step
        assert book(a) == 100 * YUAN


# --- keys, terms, limits, epochs ------------------------------------------------------------------------------------


def test_a_higher_key_generation_counts_at_once_for_the_answer_it_came_with(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.ask()
        old = a.command(grant_of(0, 1, 1))
        a.deliver(keys_line(2, command=key(7), answer=key(8)), old, a.answer_line(key(8)))
        assert a.box.state.marks.key_generation == 2
        assert book(a) == 0, "signed by the former command key"
        a.commands.clear()
        a.clock.go_on(1_000)
        a.ask()
        a.deliver(a.command(grant_of(0, 1, 1), by=key(7)), a.answer_line(key(8)))
        assert book(a) == 1 * YUAN
    with rig(tmp_path, fresh=False) as again:
        assert again.sync.ring.generation == 2


def test_an_older_key_generation_is_not_taken_back(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.exchange()
        a.ask()
        a.deliver(keys_line(2, answer=key(8)), a.answer_line(key(8)))
        a.clock.go_on(1_000)
        a.ask()
        step = a.store.step
        a.deliver(keys_line(1), a.answer_line(ANSWER_KEY))
        assert a.box.state.marks.key_generation == 2
        assert a.store.step == step


def test_a_higher_term_is_taken_and_a_lower_one_refused_from_then_on(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.exchange(term=TERM + 5)
        assert a.box.state.marks.term == TERM + 5
        a.ask()
        a.deliver(a.answer_line(term=TERM + 4))
        assert a.sync.last_failure is not None
    with rig(tmp_path, fresh=False) as again:
        assert again.box.state.marks.term == TERM + 5


def limits_of(generation: int, greatest_grant_micro: int) -> Limits:
    return Limits(
        site=SITE,
        limits_generation=generation,
        greatest_grant_micro=greatest_grant_micro,
        greatest_price_micro=6,
        protected_always=[METERS[0]],
    )


def test_older_limits_played_again_change_nothing(tmp_path: Path) -> None:
    with rig(tmp_path) as a:

        def changed() -> None:
            a.box.limits = limits_in_force(a.store, ROOT.public, a.box.who, BoxLimits())

        a.sync.limits_changed = changed
        first, second = (sealed("limits", limits_of(n, n * 10), ROOT) for n in (1, 2))
        assert a.ask().limits_generation is None
        a.deliver(second, a.answer_line())
        a.clock.go_on(1_000)
        assert a.ask().limits_generation == 2
        a.deliver(first, sealed("limits", limits_of(2, 99), ROOT), a.answer_line())
        assert a.box.limits.greatest_grant_micro == 20
    with rig(tmp_path, fresh=False) as again:
        assert again.box.limits.greatest_grant_micro == 20
        assert again.box.limits.generation == 2


def test_limits_that_the_root_signed_are_kept(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        changed: list[bool] = []
        a.sync.limits_changed = lambda: changed.append(True)
        limits = limits_of(2, 5)
        a.exchange(sealed("limits", limits, COMMAND_KEY))
        assert changed == []
        a.exchange(sealed("limits", limits, ROOT))
        assert changed == [True]
    with rig(tmp_path, fresh=False) as again:
        assert again.box.limits.greatest_grant_micro == 5
        assert again.box.limits.protected_always == {METERS[0]}


@pytest.mark.parametrize("said", ["superseded_epoch", "known"])
def test_a_new_epoch_replaces_the_rows_and_the_old_one_keeps_what_it_had(tmp_path: Path, said: Verdict) -> None:
    with rig(tmp_path) as a:
        a.exchange()
        a.exchange(a.command(grant_of(0, 100, 1)))
        a.exchange()
        note(a, 3)
        wallet = WalletState(wallet=WALLETS[0], book_micro=42, arrears_open=False, alarm_level=0, alarm2_used=False)
        state = EpochState(wallets=[wallet], meters=[], open_reclaims=[])
        line = epoch_line(box_config(), 2, state=state, term=TERM)
        a.ask()
        a.deliver(line, a.answer_line(batch_ack=BatchHead(epoch=2, seq=0, hash=line.hash)))
        assert a.box.state.marks.epoch == 2
        assert book(a) == 42
        assert a.store.newest_line("epoch") is not None
        kept = a.store.batches(1, 1, 2**30)
        assert not kept[-1].acknowledged
        first = a.store.batches(2, 1, 2**30)
        assert first == [] or first[0].seq == 1
        a.clock.go_on(1_000)
        a.ask()
        assert a.uplink.sent[-1].lines[0].type_name == "batch"
        verdict = VerdictOn(epoch=1, seq=kept[-1].seq, verdict=said)
        a.deliver(a.answer_line(verdicts=[verdict], batch_ack=BatchHead(epoch=2, seq=0, hash=line.hash)))
        assert a.store.first_unacknowledged() in (None, (2, 1))


@pytest.mark.parametrize(
    "changes", [{"record_key": key(9).public.text}, {"box": "f" * 32}, {"term": TERM - 1}, {"epoch": 1}]
)
def test_an_epoch_that_is_not_ours_or_not_newer_is_not_taken(tmp_path: Path, changes: dict[str, object]) -> None:
    with rig(tmp_path) as a:
        a.exchange(epoch_line(box_config(), 2, **changes))
        assert a.box.state.marks.epoch == 1


@pytest.mark.parametrize(
    "ack",
    [
        BatchHead(epoch=1, seq=9, hash="9" * 64),
        BatchHead(epoch=1, seq=0, hash="9" * 64),
        BatchHead(epoch=2, seq=0, hash="9" * 64),
    ],
)
def test_a_store_that_the_centre_knows_more_of_seals_no_second_history(tmp_path: Path, ack: BatchHead) -> None:
    with rig(tmp_path) as a:
        a.exchange(a.command(grant_of(0, 3, 1)), batch_ack=ack)
        assert a.sealing.set_back is not None
        a.clock.go_on(10_000_000)
        assert seal_pending(a.box, a.sealing) == 0
        assert book(a) == 3 * YUAN, "commands still count"
