"""Commands: each takes effect once, with its exact line beside the effect; what is not right stops the row."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from edge_agent.core.measured import RelayPosition
from edge_agent.flows.apply_commands import apply_commands
from protocol.box_config import text_hash
from protocol.commands import Configure, InService, LockOutCommand, Reclaim, SetMode, Withdraw
from protocol.config_text import write_config
from protocol.envelope import Line, read_line
from protocol.errors import NotALine
from protocol.payload import decode
from protocol.records import Alarm, CommandResult, Evidence, Granted, Record
from tests.edge_agent.core.street import METERS, WALLETS, YUAN, box_config, meter_config, wallet_config
from tests.edge_agent.rig import Rig, key, rig
from tests.edge_agent.whole_box.whole_box import grant_of


def records(a: Rig) -> list[Record]:
    return [decode(pending.raw, Record) for pending in a.store.pending(1_000)]


def book(a: Rig) -> int:
    return a.box.state.wallets[WALLETS[0]].state.book_micro


def test_a_grant_takes_effect_once_however_often_it_comes(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        line = a.command(grant_of(0, 100, 1))
        assert apply_commands(a.box, a.sync.ring, [line]) == 1
        assert apply_commands(a.box, a.sync.ring, [line, line]) == 0
        assert book(a) == 100 * YUAN
        assert sum(isinstance(r, Granted) for r in records(a)) == 1
        assert [kept.raw for kept in a.store.command_lines(1, 2**20)] == [line.raw]
        assert a.box.state.marks.commands_hash == line.hash


def test_one_money_id_under_two_numbers_is_applied_once(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        lines = [a.command(grant_of(0, 100, 1)), a.command(grant_of(0, 100, 1))]
        assert apply_commands(a.box, a.sync.ring, lines) == 2
        assert book(a) == 100 * YUAN
        assert [r.reason for r in records(a) if isinstance(r, CommandResult)] == [None, "money_id_known"]


def test_what_was_applied_is_known_after_a_new_start(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        line = a.command(grant_of(0, 100, 1))
        apply_commands(a.box, a.sync.ring, [line])
    with rig(tmp_path, fresh=False) as again:
        assert book(again) == 100 * YUAN
        assert apply_commands(again.box, again.sync.ring, [line]) == 0
        assert book(again) == 100 * YUAN


def forged(a: Rig) -> Line:
    return a.command(grant_of(0, 100, 1), by=key(9))


def flipped(a: Rig) -> Line:
    """One character of the payload's base64, so that it still is a line."""
    raw = a.command(grant_of(0, 100, 1)).raw
    at = raw.index(b'"payload":"') + 40
    return read_line(raw[:at] + (b"B" if raw[at : at + 1] == b"A" else b"A") + raw[at + 1 :])


def other_box(a: Rig) -> Line:
    return a.command(grant_of(0, 100, 1), box="f" * 32)


def other_site(a: Rig) -> Line:
    return a.command(grant_of(0, 100, 1), site="f" * 32)


def played_as_command(a: Rig) -> Line:
    """A batch's bytes under the type of a command: the type is inside the signature."""
    line = a.command(grant_of(0, 100, 1))
    return Line(line.raw, "batch", line.payload, line.signatures)


def gap(a: Rig) -> Line:
    a.command(grant_of(0, 100, 1))
    return a.command(grant_of(0, 100, 2))


@pytest.mark.parametrize("make", [forged, flipped, other_box, other_site, played_as_command, gap])
def test_a_line_that_may_not_count_changes_nothing_and_stops_the_row(
    tmp_path: Path, make: Callable[[Rig], Line]
) -> None:
    with rig(tmp_path) as a:
        step, bad = a.store.step, make(a)
        good = a.command(grant_of(0, 7, 3))
        assert apply_commands(a.box, a.sync.ring, [bad, good]) == 0
        assert book(a) == 0
        assert a.store.step == step
        assert a.store.command_lines(1, 2**20) == []


def test_a_flipped_byte_outside_the_signature_is_no_line(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        raw = a.command(grant_of(0, 100, 1)).raw
        with pytest.raises(NotALine):
            read_line(raw.replace(b"payloadType", b"payloadTypf"))


def test_two_contents_of_one_number_the_first_counts_and_both_are_named_once(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        first = a.command(grant_of(0, 100, 1))
        apply_commands(a.box, a.sync.ring, [first])
        a.commands.clear()
        second = a.command(grant_of(0, 999, 2))
        assert apply_commands(a.box, a.sync.ring, [second]) == 0
        assert apply_commands(a.box, a.sync.ring, [second]) == 0
        assert book(a) == 100 * YUAN
        evidence = [r for r in records(a) if isinstance(r, Evidence)]
        assert [e.lines for e in evidence] == [[first.hash, second.hash]]
        assert [r.alarm for r in records(a) if isinstance(r, Alarm) and r.alarm == "equivocation"] == ["equivocation"]
        assert a.box.urgent


def test_a_command_that_cannot_be_carried_out_uses_up_its_number_and_blocks_nothing(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        lines = [
            a.command(InService(meter=METERS[0], on=True)),
            a.command(grant_of(0, 5, 1), kind="dance"),
            a.command(grant_of(0, 5, 2), body=msgspec.Raw(b'{"grant":1}')),
            a.command(SetMode(meter=METERS[0], mode="forced_off"), expires_at_ms=a.clock.wall - 1),
            a.command(grant_of(0, 5, 3)),
        ]
        assert apply_commands(a.box, a.sync.ring, lines) == 5
        reasons = [r.reason for r in records(a) if isinstance(r, CommandResult)]
        assert reasons == ["not_tested", "not_supported", "bad_body", "expired", None]
        assert book(a) == 5 * YUAN


def test_a_withdrawal_that_lies_behind_wins_over_its_reclaim(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.read(0, 1_000)
        reclaim = Reclaim(
            reclaim="c" * 32, wallet=WALLETS[0], amount_micro=YUAN, floor_micro=0, purpose="refund", request="d" * 32
        )
        lines = [a.command(grant_of(0, 5, 1)), a.command(reclaim), a.command(Withdraw(reclaim="c" * 32))]
        apply_commands(a.box, a.sync.ring, lines)
        assert book(a) == 5 * YUAN
        assert [r.reason for r in records(a) if isinstance(r, CommandResult)][1] == "withdrawn"


def test_a_configuration_takes_hold_at_once_and_after_a_start(tmp_path: Path) -> None:
    changed: list[int] = []
    with rig(tmp_path) as a:
        a.box.place_changed = lambda: changed.append(len(a.box.place.meters))
        config = box_config((meter_config(0), meter_config(1)), (wallet_config(0), wallet_config(1)))
        text = write_config(config)
        line = a.command(Configure(config_version=2, config=text, hash=text_hash(text)))
        apply_commands(a.box, a.sync.ring, [line, a.command(grant_of(1, 9, 1))])
        assert changed == [2]
        assert a.box.state.wallets[WALLETS[1]].state.book_micro == 9 * YUAN
    with rig(tmp_path, fresh=False) as again:
        assert set(again.box.place.meters) == {METERS[0], METERS[1]}
        assert again.box.state.marks.config_version == 2


def test_no_order_reaches_a_bus_before_its_commit(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.read(0, 1_000, RelayPosition.CLOSED)
        seen_at_order: list[int] = []
        at_commit = a.store.step
        a.bus.on_order = lambda: seen_at_order.append(a.store.step)
        apply_commands(a.box, a.sync.ring, [a.command(LockOutCommand(meter=METERS[0], who="Li"))])
        assert [order.wanted for order in a.bus.orders] == ["open"]
        assert seen_at_order == [at_commit + 1]
