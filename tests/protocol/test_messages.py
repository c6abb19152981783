"""Every line, record and money step of version 1: it comes back as it went, and nothing else passes."""

import json
from typing import Any, get_args

import msgspec
import pytest

from protocol import limits, messages
from protocol.commands import Command
from protocol.envelope import Line
from protocol.errors import BadPayload, OurFault, TheirFault, WireError
from protocol.messages import Batch, Money, MoneyKind, read_records, write_record
from protocol.money import MONEY_BODIES, read_money_body, write_money_body
from protocol.payload import Payload, read_part, read_payload, write_payload
from protocol.records import Fraction, Record
from tests.vectors.chronicle import FIRST_RECORDS
from tests.vectors.lines import FIRST_BATCH, MONEY_LINES, ONE_OF_EACH, SECOND_RECORDS
from tests.vectors.till import STEPS

TYPES: dict[str, type[Payload]] = {
    "keys": messages.Keys,
    "limits": messages.Limits,
    "bundle": messages.Bundle,
    "enrol": messages.Enrol,
    "renew": messages.Renew,
    "epoch": messages.Epoch,
    "command": Command,
    "batch": Batch,
    "sync": messages.Sync,
    "answer": messages.Answer,
    "money": Money,
}
FREE_TEXTS = {"config", "kind"}
"""Read by a gate of their own, one step later."""
EVERY_RECORD = (*FIRST_RECORDS, *SECOND_RECORDS)


def tag(record: Record) -> str:
    kind: str = msgspec.to_builtins(record)["kind"]
    return kind


def test_no_type_and_no_record_is_left_out() -> None:
    assert set(TYPES) == set(ONE_OF_EACH) == set(messages.SIGNED_BY)
    assert {type(record) for record in EVERY_RECORD} == set(get_args(Record))
    assert {step.kind for step in STEPS} == set(MONEY_BODIES) == set(get_args(MoneyKind))


@pytest.mark.parametrize("name", TYPES)
def test_a_line_comes_back_as_it_went(name: str) -> None:
    line: Line = ONE_OF_EACH[name]
    read = read_payload(line.payload, TYPES[name])
    assert write_payload(read) == line.payload


@pytest.mark.parametrize("name", TYPES)
def test_each_required_field_is_missed_and_no_other_is_let_in(name: str) -> None:
    payload: dict[str, Any] = json.loads(ONE_OF_EACH[name].payload)
    required = {field.encode_name for field in msgspec.structs.fields(TYPES[name]) if field.required}
    for field in payload:
        rest = {key: value for key, value in payload.items() if key != field}
        if field in required:
            with pytest.raises(BadPayload, match=f"missing required field `{field}`"):
                read_payload(json.dumps(rest).encode(), TYPES[name])
        else:
            read_payload(json.dumps(rest).encode(), TYPES[name])
    with pytest.raises(BadPayload, match="unknown field `colour`"):
        read_payload(json.dumps(payload | {"colour": "red"}).encode(), TYPES[name])


@pytest.mark.parametrize("name", TYPES)
def test_no_field_takes_a_value_of_a_wrong_kind(name: str) -> None:
    payload: dict[str, Any] = json.loads(ONE_OF_EACH[name].payload)
    for field in payload.keys() - TYPES[name].READ_LATER:
        wrongs: tuple[Any, ...] = (-1, 1.5, {"a": 1}, [[]], True, *([] if field in FREE_TEXTS else ["\x00"]))
        for wrong in wrongs:
            with pytest.raises(BadPayload):
                read_payload(json.dumps(payload | {field: wrong}).encode(), TYPES[name])


@pytest.mark.parametrize("name", TYPES)
def test_a_line_is_read_as_its_own_type_only(name: str) -> None:
    for other, kind in TYPES.items():
        if other != name:
            with pytest.raises(BadPayload):
                read_payload(ONE_OF_EACH[name].payload, kind)


@pytest.mark.parametrize("record", EVERY_RECORD, ids=tag)
def test_a_record_comes_back_as_it_went(record: Record) -> None:
    raw = write_record(record)
    assert read_part(raw, Record) == record
    assert bytes(raw).startswith(b'{"kind":"' + tag(record).encode() + b'","at_ms":')


@pytest.mark.parametrize("record", EVERY_RECORD, ids=tag)
def test_a_record_is_strict(record: Record) -> None:
    fields: dict[str, Any] = msgspec.to_builtins(record)
    for wrong in (
        fields | {"colour": "red"},
        fields | {"at_ms": 1.5},
        fields | {"at_ms": -1},
        fields | {"kind": "eclipse"},
        fields | {"kind": None},
        {name: value for name, value in fields.items() if name != "at_ms"},
        {name: value for name, value in fields.items() if name != "kind"},
    ):
        with pytest.raises(BadPayload):
            read_part(msgspec.Raw(msgspec.json.encode(wrong)), Record)


def with_records(*records: Any) -> Batch:
    payload = json.loads(FIRST_BATCH.payload) | {"records": list(records)}
    return read_payload(json.dumps(payload).encode(), Batch)


@pytest.mark.parametrize(
    "bad",
    [
        {"kind": "eclipse", "at_ms": 1},
        {"kind": "boot", "at_ms": 1.5},
        {"kind": "boot"},
        "boot",
        None,
        7,
        [],
    ],
)
def test_the_header_of_a_batch_reads_even_when_a_record_does_not(bad: Any) -> None:
    good = msgspec.to_builtins(EVERY_RECORD[0])
    batch = with_records(good, bad, good)
    assert (batch.epoch, batch.seq) == (2, 1)
    with pytest.raises(BadPayload, match=r"records\[1\]"):
        read_records(batch)


def test_all_records_of_a_batch_come_back() -> None:
    assert tuple(read_records(read_payload(FIRST_BATCH.payload, Batch))) == FIRST_RECORDS


def test_a_batch_holds_no_more_than_so_many_records() -> None:
    assert len(with_records(*[{}] * limits.RECORDS_MAX).records) == limits.RECORDS_MAX
    with pytest.raises(BadPayload, match="length <= 2000"):
        with_records(*[{}] * (limits.RECORDS_MAX + 1))


@pytest.mark.parametrize("carry", [[0, 1], [2, 3], [2**53 - 1, 2**53 - 1]])
def test_a_carry_is_an_exact_fraction(carry: list[int]) -> None:
    assert read_part(msgspec.Raw(json.dumps(carry).encode()), Fraction) == tuple(carry)


@pytest.mark.parametrize("carry", [[1, 0], [1, -3], [-1, 3], [1], [1, 2, 3], [1.5, 2], {"a": 1}, "1/3", [1, 2**53]])
def test_what_is_no_carry(carry: Any) -> None:
    with pytest.raises(BadPayload):
        read_part(msgspec.Raw(json.dumps(carry).encode()), Fraction)


@pytest.mark.parametrize("number", MONEY_LINES)
def test_a_money_step_comes_back_as_it_went(number: int) -> None:
    line = read_payload(MONEY_LINES[number].payload, Money)
    step = STEPS[number - 1]
    assert read_money_body(line) == step.body
    assert bytes(line.body) == bytes(write_money_body(step.body))


def test_a_money_step_of_no_known_kind_or_with_a_bad_body_is_refused() -> None:
    line = read_payload(MONEY_LINES[4].payload, Money)
    strange = msgspec.structs.replace(line, kind="lottery")
    with pytest.raises(BadPayload, match="'lottery' is not known"):
        read_money_body(strange)
    for body in (b"{}", b'{"sale":1.5}', b"null"):
        with pytest.raises(BadPayload):
            read_money_body(msgspec.structs.replace(line, body=msgspec.Raw(body)))


def test_errors_are_sorted_by_blame() -> None:
    assert issubclass(BadPayload, TheirFault)
    assert not issubclass(OurFault, TheirFault)
    assert issubclass(OurFault, WireError)
    assert issubclass(TheirFault, WireError)
