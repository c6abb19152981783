"""The golden files: fresh, and true for an implementation that shares no code with ours (`independent.py`)."""

import base64
import hashlib
import json
from typing import Any

import pytest

from protocol.chain import Head, Link, link
from protocol.commands import Command, UnknownKind, read_body
from protocol.envelope import check_signature, read_line
from protocol.errors import BadPayload, BadSignature, NotALine
from protocol.messages import SIGNED_BY, Batch, Sync
from protocol.payload import read_payload
from protocol.signing import public_key
from tests.vectors import independent, make

Vector = dict[str, Any]


def load(name: str) -> Any:
    """A golden file as another program would read it."""
    return json.loads((make.FOLDER / name).read_text(encoding="utf-8"))


KEYS: dict[str, Vector] = {key["name"]: key for key in load("keys.json")["keys"]}
PUBLIC = {name: base64.b64decode(key["public"]) for name, key in KEYS.items()}
LINES: list[Vector] = [
    *load("lines.json"),
    *load("good.json"),
    *load("commands.json"),
    *load("money.json"),
    *load("batches.json")["batches"],
]
CHARGING = load("charging.json")
REFUSED: list[Vector] = load("refused.json")
VERDICTS = load("verdicts.json")


def test_the_files_are_what_the_code_writes_now() -> None:
    assert make.stale() == [], "python -m tests.vectors.make"


def test_a_changed_file_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name, text in make.files().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "keys.json").write_text("{}", encoding="utf-8")
    (tmp_path / "left_over.json").write_text("{}", encoding="utf-8")
    (tmp_path / "money.json").unlink()
    monkeypatch.setattr(make, "FOLDER", tmp_path)
    assert make.stale() == ["keys.json", "left_over.json", "money.json"]


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_keys_come_from_their_seeds(key: Vector) -> None:
    public = independent.public_of(bytes.fromhex(key["seed"]))
    assert base64.b64encode(public).decode() == key["public"]
    assert hashlib.sha256(public).hexdigest() == key["keyid"]


def test_there_is_a_line_of_every_type() -> None:
    assert {line["type"] for line in load("lines.json")} == set(SIGNED_BY)


@pytest.mark.parametrize("line", LINES, ids=[line["name"] for line in LINES])
def test_each_line_can_be_made_from_key_type_and_payload(line: Vector) -> None:
    payload = line["payload"].encode()
    message = independent.pae(line["payload_type"], payload)
    assert message == line["pae"].encode()
    assert hashlib.sha256(message).hexdigest() == line["hash"]
    signatures = [independent.sign(bytes.fromhex(KEYS[name]["seed"]), message) for name in line["signed_by"]]
    assert [signature.hex() for signature in signatures] == line["signatures"]
    envelope = {
        "payloadType": line["payload_type"],
        "payload": base64.b64encode(payload).decode(),
        "signatures": [
            {"keyid": KEYS[name]["keyid"], "sig": base64.b64encode(signature).decode()}
            for name, signature in zip(line["signed_by"], signatures, strict=True)
        ],
    }
    assert json.dumps(envelope, separators=(",", ":")) == line["line"]


@pytest.mark.parametrize("line", LINES, ids=[line["name"] for line in LINES])
def test_each_line_opens_to_its_parts(line: Vector) -> None:
    found = independent.open_line(line["line"], list(PUBLIC.values()))
    assert found.kind == line["type"]
    assert found.payload.decode() == line["payload"]
    assert found.hash == line["hash"]
    assert found.signed_by == tuple(PUBLIC[name] for name in line["signed_by"])
    assert line["signed_by"][0] == SIGNED_BY[line["type"]]


@pytest.mark.parametrize(("name", "number"), [("commands.json", "seq"), ("money.json", "number")])
def test_the_chains_of_the_centre_are_whole(name: str, number: str) -> None:
    lines = [line for line in load(name) if len(line["signed_by"]) == 1]
    head = "0" * 64
    for count, line in enumerate(lines, start=1):
        payload = json.loads(line["payload"])
        assert (payload[number], payload["prev"]) == (count, head)
        head = line["hash"]


def test_the_chain_of_batches_is_whole_and_its_wallets_can_be_computed_again() -> None:
    batches = load("batches.json")
    epoch_line = independent.open_line(batches["epoch_line"], list(PUBLIC.values()))
    epoch = json.loads(epoch_line.payload)
    books = {wallet["wallet"]: wallet["book_micro"] for wallet in epoch["state"]["wallets"]}
    signs = {"granted": ("amount_micro", 1), "reclaimed": ("amount_micro", -1), "fee": ("charge_micro", -1)}
    head, kinds = epoch_line.hash, set()
    for count, line in enumerate(batches["batches"], start=1):
        batch = json.loads(line["payload"])
        assert (batch["epoch"], batch["seq"], batch["prev"]) == (epoch["epoch"], count, head)
        head = line["hash"]
        for record in batch["records"]:
            kinds.add(record["kind"])
            if record["kind"] == "interval":
                assert record["charge_micro"] == sum(part["charge_micro"] for part in record["parts"])
                assert record["energy_wh"] == sum(part["energy_wh"] for part in record["parts"])
                if record["wallet"] is not None:
                    books[record["wallet"]] -= record["charge_micro"]
            elif record["kind"] in signs:
                field, sign = signs[record["kind"]]
                books[record["wallet"]] += sign * record[field]
                assert record.get("book_micro", books[record["wallet"]]) == books[record["wallet"]]
        assert batch["wallets"] == books
    assert len(kinds) == 19, "a record of every kind"


@pytest.mark.parametrize("case", CHARGING["cases"], ids=[case["name"] for case in CHARGING["cases"]])
def test_each_charge_can_be_computed_by_fractions(case: Vector) -> None:
    book = CHARGING["books"][case["book"]]
    found = independent.price_case(independent.book(book["zone"], book["versions"]), case)
    said = dict(case["result"])
    kept = found["parts"][0].keys()
    said["parts"] = [{name: part[name] for name in kept} for part in said["parts"]]
    assert found == said


@pytest.mark.parametrize("name", VERDICTS["scenarios"])
def test_each_verdict_follows_from_the_order_of_the_checks(name: str) -> None:
    record_key = base64.b64decode(VERDICTS["record_key"])
    epoch_line = independent.open_line(VERDICTS["epoch_line"], list(PUBLIC.values()))
    before = independent.open_line(VERDICTS["posted_before"], [record_key])
    centre = independent.Centre(
        site=VERDICTS["site"],
        box=VERDICTS["box"],
        record_key=record_key,
        epoch=json.loads(epoch_line.payload)["epoch"],
        commands_seq=VERDICTS["commands_head"]["seq"],
        head=(0, epoch_line.hash),
        hashes={(json.loads(before.payload)["epoch"], json.loads(before.payload)["seq"]): before.hash},
    )
    for step in VERDICTS["scenarios"][name]:
        assert centre.verdict(step["line"], step["row"]) == (step["verdict"], step.get("resend_from"))


@pytest.mark.parametrize("name", VERDICTS["scenarios"])
def test_our_chain_agrees_with_the_verdicts(name: str) -> None:
    expected = {
        "accepted": Link.NEXT,
        "parked": Link.NEXT,
        "behind_parked": Link.NEXT,
        "gap": Link.GAP,
        "known": Link.KNOWN,
    }
    epoch_line = read_line(VERDICTS["epoch_line"].encode())
    head = Head(0, epoch_line.hash)
    for step in VERDICTS["scenarios"][name]:
        line = read_line(step["line"].encode())
        batch = read_payload(line.payload, Batch)
        if step["verdict"] == "forked":
            assert link(head, batch.seq, batch.prev) in (Link.FORK, Link.KNOWN)
        elif step["verdict"] in expected and batch.epoch == 2:
            assert link(head, batch.seq, batch.prev) is expected[step["verdict"]]
        if step["verdict"] in ("accepted", "parked", "behind_parked"):
            head = Head(batch.seq, line.hash)


def test_the_scenarios_show_every_verdict_but_the_one_of_size() -> None:
    seen = {step["verdict"] for steps in VERDICTS["scenarios"].values() for step in steps}
    assert len(seen) == 12
    assert "too_large" not in seen


@pytest.mark.parametrize("refused", REFUSED, ids=[refused["name"] for refused in REFUSED])
def test_each_refused_line_is_stopped_at_its_gate(refused: Vector) -> None:
    raw = refused["line"].encode()
    if refused["gate"] == "line":
        with pytest.raises(NotALine):
            read_line(raw)
        return
    line = read_line(raw)
    keys = {key.keyid: key for key in [public_key(PUBLIC[SIGNED_BY[line.type_name]])]}
    if refused["gate"] == "signature":
        with pytest.raises(BadSignature):
            check_signature(line, keys)
        assert independent.open_line(refused["line"], [key.raw for key in keys.values()]).signed_by == ()
        return
    check_signature(line, keys)
    if refused["gate"] == "payload":
        with pytest.raises(BadPayload):
            read_payload(line.payload, Sync)
        return
    assert refused["gate"] == "body"
    command = read_payload(line.payload, Command)
    with pytest.raises(UnknownKind if refused["why"].startswith("not_supported") else BadPayload):
        read_body(command)
