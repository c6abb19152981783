"""The gate: what becomes a typed value, and what is refused before it can."""

import json
from typing import Annotated, Any, ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import limits
from protocol.errors import BadPayload, TheirFault, TooLarge
from protocol.payload import (
    Count,
    Day,
    HashText,
    HeadSeq,
    IdText,
    Instant,
    Int,
    KeyText,
    Name,
    Payload,
    Seq,
    Text,
    check_json,
    decode,
    read_part,
    read_payload,
    refuse_repeated_keys,
    write_payload,
)


class Inner(Payload, frozen=True, kw_only=True):
    """A small value inside."""

    count: Count
    note: Text | None = None


class Outer(Payload, frozen=True, kw_only=True):
    """A small frame."""

    name: Name
    balance: Int
    inner: Inner | None = None
    many: Annotated[tuple[Inner, ...], msgspec.Meta(max_length=3)] = ()
    by_name: dict[Name, Int] | None = None


class Frame(Payload, frozen=True, kw_only=True):
    """A frame whose body is read later."""

    seq: Seq
    body: msgspec.Raw
    READ_LATER: ClassVar[frozenset[str]] = frozenset({"body"})


def read(text: str) -> Outer:
    return read_payload(text.encode(), Outer)


def test_a_value_comes_back_as_it_went() -> None:
    value = Outer(name="101 室", balance=-(2**53) + 1, inner=Inner(count=0, note="a\nb"), by_name={"尖": 3})
    assert read_payload(write_payload(value), Outer) == value


def test_what_is_absent_is_not_written() -> None:
    assert write_payload(Outer(name="a", balance=1)) == b'{"name":"a","balance":1}'


def test_white_space_and_order_do_not_matter() -> None:
    assert read(' {\n"balance" : 1 ,\t"name":"\\u0061"}\r\n') == Outer(name="a", balance=1)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"name":"a","balance":1,"name":"b"}', "the key 'name' stands twice"),
        ('{"name":"a","balance":1,"n\\u0061me":"b"}', "the key 'name' stands twice"),
        ('{"name":"a","balance":1,"inner":{"count":1,"count":1}}', "the key 'count' stands twice"),
        ('{"name":"a","balance":1,"many":[{"count":1},{"count":1,"count":2}]}', "the key 'count' stands twice"),
        ('{"name":"a","balance":1.0}', "1.0 is not an integer"),
        ('{"name":"a","balance":1e3}', "1e3 is not an integer"),
        ('{"name":"a","balance":-0.0}', "-0.0 is not an integer"),
        ('{"name":"a","balance":1e400}', "1e400 is not an integer"),
        ('{"name":"a","balance":NaN}', "NaN is not an integer"),
        ('{"name":"a","balance":Infinity}', "Infinity is not an integer"),
        ('{"name":"a","balance":-Infinity}', "-Infinity is not an integer"),
        ('{"name":"a","balance":1,"many":[{"count":[[0.5]]}]}', "0.5 is not an integer"),
        ('{"name":"a","balance":1,"colour":"red"}', "colour"),
        ('{"name":"a","balance":1,"inner":{"count":1,"colour":"red"}}', "colour"),
        ('{"name":"a"}', "missing required field `balance`"),
        ('{"name":"a","balance":"1"}', "Expected `int`"),
        ('{"name":"a","balance":true}', "Expected `int`"),
        ('{"name":"a","balance":null}', "Expected `int`"),
        ('{"name":1,"balance":1}', "Expected `str`"),
        ('{"name":"a","balance":1,"inner":[]}', "Expected `object | null`"),
        ('{"name":"a","balance":9007199254740992}', "9007199254740991"),
        ('{"name":"a","balance":-9007199254740992}', "9007199254740991"),
        ('{"name":"a","balance":18446744073709551616}', "range|Expected"),
        ('{"name":"a","balance":01}', "not JSON"),
        ('{"name":"a","balance":1,}', "not JSON"),
        ("{'name':'a','balance':1}", "not JSON"),
        ('{"name":"a","balance":1} x', "not JSON"),
        ('{"name":"a","balance":1', "not JSON"),
        ("", "not JSON"),
        ("[]", "Expected `object`"),
        ("3", "Expected `object`"),
        ("1.5", "not an integer"),
        ('\ufeff{"name":"a","balance":1}', "not JSON"),
        ('{"name":"a\x00","balance":1}', "not JSON"),
        ('{"name":"\\ud800","balance":1}', "truncated|surrogate"),
        ('{"name":"a\\u0000","balance":1}', "regex"),
        ('{"name":"a\\nb","balance":1}', "regex"),
        ('{"name":"","balance":1}', "length >= 1"),
        ('{"name":"' + "a" * 101 + '","balance":1}', "length <= 100"),
        ('{"name":"a","balance":1,"inner":{"count":-1}}', "int` >= 0"),
        ('{"name":"a","balance":1,"inner":{"count":0,"note":"\\u0000"}}', "regex"),
        ('{"name":"a","balance":1,"inner":{"count":0,"note":"' + "x" * 501 + '"}}', "length <= 500"),
        ('{"name":"a","balance":1,"many":[{"count":1},{"count":1},{"count":1},{"count":1}]}', "length <= 3"),
    ],
)
def test_what_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadPayload, match=why):
        read(text)


def test_bytes_that_are_no_utf_8_are_refused() -> None:
    with pytest.raises(BadPayload, match="not JSON"):
        read_payload(b'{"name":"\xff","balance":1}', Outer)
    with pytest.raises(BadPayload):
        decode(b'"\xff"', str)


def test_the_largest_integers_pass() -> None:
    for balance in (2**53 - 1, -(2**53) + 1, 0):
        assert read(f'{{"name":"a","balance":{balance}}}').balance == balance


def test_an_integer_of_ten_thousand_digits_is_refused() -> None:
    with pytest.raises(BadPayload):
        read('{"name":"a","balance":' + "9" * 10_000 + "}")


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def test_nesting_ends_at_its_limit() -> None:
    check_json(nested(limits.DEPTH_MAX))
    check_json(b'["' + b"[" * 100 + b'\\"' + b"{" * 100 + b'"]')
    for levels in (limits.DEPTH_MAX + 1, 5_000, 500_000):
        with pytest.raises(BadPayload, match="nested"):
            check_json(nested(levels))
    with pytest.raises(BadPayload):
        check_json(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)


def test_size_ends_at_its_limit() -> None:
    quotes = limits.PAYLOAD_BYTES_MAX - 2
    check_json(b'"' + b"x" * quotes + b'"')
    with pytest.raises(TooLarge, match="at most 4194304"):
        check_json(b'"' + b"x" * (quotes + 1) + b'"')


def test_a_text_full_of_escapes_is_read_at_once() -> None:
    check_json(json.dumps('{"a":"\\"[[[["}' * 100_000).encode())


def test_a_frame_can_be_read_whatever_its_body_holds() -> None:
    for body in (b'{"a":1,"a":2}', b"1.5", b"[-1e400,[]]", b'[[{"a":0.5}]]', b"null", b'"x"'):
        frame = read_payload(b'{"seq":7,"body":' + body + b"}", Frame)
        assert frame.seq == 7
        assert bytes(frame.body) == body


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b'{"seq":7,"body":1,"body":2}', "'body' stands twice"),
        (b'{"seq":7,"seq":7,"body":1.5}', "'seq' stands twice"),
        (b'{"seq":7.0,"body":1.5}', "7.0 is not an integer"),
        (b'{"seq":0,"body":1.5}', ">= 1"),
        (b'{"seq":7,"body":1.5,"x":1}', "unknown field"),
        (b'{"seq":7,"body":' + b"[" * 17 + b"]" * 17 + b"}", "nested"),
        (b'{"seq":7,"body":}', "not JSON"),
        (b'{"seq":7}', "missing required field `body`"),
    ],
)
def test_a_frame_itself_is_as_strict_as_any_payload(text: bytes, why: str) -> None:
    with pytest.raises(BadPayload, match=why):
        read_payload(text, Frame)


def test_a_body_passes_the_same_gate() -> None:
    assert read_part(msgspec.Raw(b'{"count":3}'), Inner) == Inner(count=3)
    for body in (b'{"count":3,"count":3}', b'{"count":3.0}', b'{"count":3,"x":1}', b'{"count":-1}'):
        with pytest.raises(BadPayload):
            read_part(msgspec.Raw(body), Inner)


def test_floats_are_no_concern_of_repeated_keys() -> None:
    refuse_repeated_keys(b'{"a":1.5,"b":[{"a":1},{"a":1}]}')
    for text in (b'{"a":1,"a":1}', b'[{"a":{"b":1,"b":1}}]', b"[NaN]", b"nothing"):
        with pytest.raises(BadPayload):
            refuse_repeated_keys(text)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (IdText, ["0123456789abcdef" * 2], ["", "0" * 31, "0" * 33, "A" * 32, "0" * 32 + "\n", "\n" + "0" * 32]),
        (HashText, ["0" * 64], ["0" * 63, "0" * 65, "F" * 64, "0" * 64 + "\n"]),
        (KeyText, ["A" * 43 + "=", "A" * 42 + "8="], ["A" * 42 + "B=", "A" * 43, "A" * 44, "A" * 42 + "==", "-" * 44]),
        (Day, ["2026-11-22", "2028-02-29"], ["2026-13-01", "2026-00-01", "2026-01-32", "2026-1-1", "0001-01-01"]),
        (Seq, [1, 2**53 - 1], [0, -1, 2**53]),
        (HeadSeq, [0, 2**53 - 1], [-1, 2**53]),
        (Instant, [0, 32_503_680_000_000], [-1, 32_503_680_000_001]),
        (Count, [0, 2**53 - 1], [-1, 2**53]),
        (Int, [-(2**53) + 1, 2**53 - 1], [-(2**53), 2**53]),
        (Text, ["", "a\nb", "x" * 500], ["a\x00b", "x" * 501]),
        (Name, ["a", "é" * 100], ["", "a\tb", "a\x7f", "x" * 101]),
    ],
)  # fmt: skip
def test_the_words_of_the_wire(kind: Any, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert decode(json.dumps(value).encode(), kind) == value
    for value in bad:
        with pytest.raises(BadPayload):
            decode(json.dumps(value).encode(), kind)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


def holds_float(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(holds_float, value.values()))
    if isinstance(value, list):
        return any(map(holds_float, value))
    return isinstance(value, float)


@given(_JSON)
def test_json_passes_exactly_when_it_holds_no_float(value: Any) -> None:
    raw = json.dumps(value).encode()
    if holds_float(value):
        with pytest.raises(BadPayload):
            check_json(raw)
    else:
        check_json(raw)


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\01.eEn ul', max_size=40).map(str.encode))
def test_any_bytes_give_a_value_or_their_fault(raw: bytes) -> None:
    try:
        check_json(raw)
        read_payload(raw, Outer)
    except TheirFault:
        return
    json.loads(raw)
