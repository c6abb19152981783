"""Verdicts on batches: the golden scenarios, and what must hold for any arrival, whatever it claims."""

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_server.core.batch_verifier import KEPT, Arrival, KnownBox, claim_of, judge
from cloud_server.core.fleet import BoxState
from protocol.chain import Head
from protocol.envelope import Line, check_signature, read_line
from protocol.errors import BadPayload, BadSignature
from protocol.messages import Batch, Epoch, Verdict, read_records
from protocol.payload import read_payload
from protocol.signing import public_key_from_text

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "verdicts.json").read_text())


def strictly_readable(line: Line) -> str | None:
    """The content's fault, as far as the wire alone can tell."""
    try:
        read_records(read_payload(line.payload, Batch))
    except BadPayload as fault:
        return str(fault)
    return None


@dataclass
class SmallCentre:
    """What a centre knows of one box, moved on by each verdict."""

    state: BoxState
    head: Head
    hashes: dict[tuple[int, int], str]
    parked: bool = False
    keyids: dict[int, str] = field(default_factory=dict)

    def known(self, epoch: int, command_hash: Callable[[int], str | None]) -> KnownBox:
        return KnownBox(
            site=VECTORS["site"],
            box=VECTORS["box"],
            state=self.state,
            epoch=epoch,
            keyids=self.keyids,
            head=self.head,
            parked=self.parked,
            command_head=Head(VECTORS["commands_head"]["seq"], VECTORS["commands_head"]["hash"]),
            batch_hash=lambda of, seq: self.hashes.get((of, seq)),
            command_hash=command_hash,
        )


def command_hashes() -> dict[int, str]:
    """Hashes of signed commands as the good batches name them."""
    found = {VECTORS["commands_head"]["seq"]: VECTORS["commands_head"]["hash"]}
    for step in VECTORS["scenarios"]["in_order_and_again"]:
        applied = read_payload(read_line(step["line"].encode()).payload, Batch).commands_applied
        found[applied.seq] = applied.hash
    return found


@pytest.mark.parametrize("name", VECTORS["scenarios"])
def test_the_golden_scenarios(name: str) -> None:
    key = public_key_from_text(VECTORS["record_key"])
    epoch_line = read_line(VECTORS["epoch_line"].encode())
    epoch = read_payload(epoch_line.payload, Epoch)
    before = read_line(VECTORS["posted_before"].encode())
    told_before = read_payload(before.payload, Batch)
    commands = command_hashes()
    keyids = {epoch.epoch: key.keyid, told_before.epoch: key.keyid}
    centre = SmallCentre(
        BoxState.ENROLLED,
        Head(0, epoch_line.hash),
        {(told_before.epoch, told_before.seq): before.hash},
        keyids=keyids,
    )
    for step in VECTORS["scenarios"][name]:
        line = read_line(step["line"].encode())
        try:
            signer: str | None = check_signature(line, {key.keyid: key}).keyid
        except BadSignature:
            signer = None
        arrival = Arrival(line.hash, signer, claim_of(line.payload) if signer else None)
        centre.state = BoxState.REVOKED if step["row"] == "revoked" else BoxState.ENROLLED
        known = None if step["row"] == "unknown" else centre.known(epoch.epoch, commands.get)
        verdict = judge(known, arrival, functools.partial(strictly_readable, line))
        assert verdict == step["verdict"]
        if verdict in KEPT:
            assert arrival.claim is not None
            centre.head = Head(arrival.claim.seq, line.hash)
            centre.hashes[arrival.claim.epoch, arrival.claim.seq] = line.hash
            centre.parked = centre.parked or verdict == "parked"


HASHES = st.sampled_from(["a" * 64, "b" * 64, "c" * 64])


@st.composite
def arrivals(draw: st.DrawFn) -> Arrival:
    payload = {
        "site": draw(st.sampled_from(["1" * 32, "2" * 32])),
        "box": draw(st.sampled_from(["3" * 32, "4" * 32])),
        "epoch": draw(st.integers(1, 3)),
        "seq": draw(st.integers(1, 4)),
        "prev": draw(HASHES),
        "sealed_at_ms": 0,
        "commands_applied": {"seq": draw(st.integers(0, 3)), "hash": draw(HASHES)},
        "records": [],
    }
    signer = draw(st.sampled_from([None, "old", "new"]))
    return Arrival(draw(HASHES), signer, claim_of(json.dumps(payload).encode()) if signer else None)


@st.composite
def known_boxes(draw: st.DrawFn) -> KnownBox:
    head = Head(draw(st.integers(0, 3)), draw(HASHES))
    kept = {(2, seq): draw(HASHES) for seq in range(1, head.seq)} | {(2, head.seq): head.hash}
    commands = {seq: draw(HASHES) for seq in range(1, 3)}
    return KnownBox(
        site="1" * 32,
        box="3" * 32,
        state=draw(st.sampled_from(list(BoxState))),
        epoch=2,
        keyids={1: "old", 2: "new"},
        head=head,
        parked=draw(st.booleans()),
        command_head=Head(2, commands[2]),
        batch_hash=lambda epoch, seq: kept.get((epoch, seq)),
        command_hash=commands.get,
    )


@given(known_boxes(), arrivals(), st.booleans())
def test_what_is_kept_extends_the_chain_of_its_own_epoch_and_key(known: KnownBox, arrival: Arrival, fits: bool) -> None:
    verdict = judge(known, arrival, lambda: None if fits else "told so")
    assert verdict in get_args(Verdict)
    claim = arrival.claim
    if verdict in KEPT:
        assert claim is not None
        assert (claim.site, claim.box, claim.epoch) == (known.site, known.box, known.epoch)
        assert arrival.signer == "new"
        assert (claim.seq, claim.prev) == (known.head.seq + 1, known.head.hash)
        assert claim.commands_applied.seq <= known.command_head.seq
        assert known.state is not BoxState.REVOKED
    if verdict == "accepted":
        assert fits
        assert not known.parked
        assert known.state is not BoxState.QUARANTINED
    if verdict == "known":
        assert claim is not None
        assert known.batch_hash(claim.epoch, claim.seq) == arrival.hash


@given(known_boxes(), arrivals())
def test_the_same_line_again_changes_nothing(known: KnownBox, arrival: Arrival) -> None:
    assert judge(known, arrival, lambda: None) == judge(known, arrival, lambda: None)


def test_a_claim_is_read_where_a_record_has_a_float() -> None:
    steps = VECTORS["scenarios"]["a_float_in_a_record"]
    assert claim_of(read_line(steps[-1]["line"].encode()).payload) is not None


@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b"[" * 100_000, b"\xff", b'{"epoch": 1.5}'])
def test_what_cannot_be_placed_has_no_claim(payload: bytes) -> None:
    assert claim_of(payload) is None
