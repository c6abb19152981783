"""Every family of messages of the typed reader and of the TOML reader has a sentence of ours; none falls through."""

import inspect
import re
import tomllib
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
import pytest

from protocol import toml_reasons, type_reasons
from protocol.errors import BadPayload, TooLarge
from protocol.limits import DEPTH_MAX, PAYLOAD_BYTES_MAX
from protocol.payload import Payload, check_json
from protocol.site_plan import SitePlan
from protocol.toml_reasons import toml_reason
from protocol.type_reasons import place_in, type_reason


class Colour(Enum):
    """A closed list."""

    RED = "red"


class Small(Payload, frozen=True, kw_only=True):
    """One field that must be there."""

    size: int


M = msgspec.Meta
FAMILIES: list[tuple[Any, Any, str]] = [
    (int, "x", "expected a whole number, got a text"),
    (str, 1, "expected a text, got a whole number"),
    (bool, [], "expected true or false, got a list"),
    (list[int], {}, "expected a list, got a table with names and values"),
    (Small, None, "expected a table with names and values, got nothing"),
    (int | None, "x", "expected a whole number or nothing, got a text"),
    (int, 1.5, "expected a whole number, got a number with decimals"),
    (Annotated[int, M(ge=1)], 0, "expected a whole number of at least 1"),
    (Annotated[int, M(le=1)], 2, "expected a whole number of at most 1"),
    (Annotated[int, M(gt=1)], 1, "expected a whole number of at least 2"),
    (Annotated[int, M(lt=1)], 1, "expected a whole number of at most 0"),
    (Annotated[int, M(multiple_of=5)], 3, "expected a whole number that divides by 5"),
    (Annotated[float, M(gt=1)], 1.0, "expected a number with decimals above 1.0"),
    (Annotated[float, M(lt=1)], 1.0, "expected a number with decimals below 1.0"),
    (Annotated[str, M(pattern="^a$")], "b", "expected a text of the form '^a$'"),
    (Annotated[str, M(min_length=2)], "b", "expected a text with at least 2 characters or entries"),
    (Annotated[str, M(max_length=1)], "bb", "expected a text with at most 1 characters or entries"),
    (Annotated[list[int], M(max_length=1)], [1, 2], "expected a list with at most 1 characters or entries"),
    (Annotated[list[int], M(min_length=1)], [], "expected a list with at least 1 characters or entries"),
    (Annotated[dict[str, int], M(min_length=1)], {}, "expected a table with names and values with at least 1"),
    (tuple[int, int], [1], "expected a list with exactly 2 characters or entries"),
    (Small, {}, "the field size is missing"),
    (Small, {"size": 1, "x": 2}, "the field x is not known here"),
    (Colour, "blue", "'blue' is not in the list of what may stand here"),
    (Literal["a", "b"], "c", "'c' is not in the list of what may stand here"),
    (Literal[1, 2], 3, "3 is not in the list of what may stand here"),
]


def refused(kind: Any, raw: bytes) -> str:
    with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)) as caught:
        msgspec.json.decode(raw, type=kind)
    return str(caught.value)


@pytest.mark.parametrize(("kind", "value", "right"), FAMILIES, ids=lambda each: str(each)[:40])
def test_each_family_has_its_sentence(kind: Any, value: Any, right: str) -> None:
    said = refused(dict[str, kind], msgspec.json.encode({"place": value}))
    assert str(type_reason(said)).startswith(right), said
    assert place_in(said)


@pytest.mark.parametrize("raw", [b"", b"[", b"{x", b'"\xff"', b"[1,]", b"nul", b'{"a":"\\x"}'])
def test_what_is_no_json_has_one_sentence(raw: bytes) -> None:
    assert type_reason(refused(Any, raw)).pattern == type_reasons.NOT_READABLE.pattern


@pytest.mark.parametrize(
    ("raw", "right"),
    [
        (b'{"a":1,"a":2}', "the key 'a' stands twice"),
        (b'{"a":1.5}', "the number 1.5 is not a whole number"),
        (b"[" * 100 + b"]" * 100, f"nested 100 deep; at most {DEPTH_MAX}"),
        (b" " * (PAYLOAD_BYTES_MAX + 1), f"{PAYLOAD_BYTES_MAX + 1} bytes altogether; at most {PAYLOAD_BYTES_MAX}"),
        (b"{", "the text cannot be read: it is cut short or malformed"),
    ],
    ids=lambda each: str(each)[:20],
)
def test_what_the_gate_refuses_has_its_sentence(raw: bytes, right: str) -> None:
    with pytest.raises((BadPayload, TooLarge)) as caught:
        check_json(raw)
    assert str(type_reason(str(caught.value))) == right


def kinds_within(kind: Any, seen: set[Any]) -> None:
    """Every type that a plan holds somewhere, with its bounds."""
    if kind in seen:
        return
    seen.add(kind)
    inner = kind
    while get_origin(inner) is Annotated:
        inner = get_args(inner)[0]
    if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
        for field in msgspec.structs.fields(inner):
            kinds_within(field.type, seen)
    elif get_origin(inner) in (list, tuple, dict, UnionType):
        for each in get_args(inner):
            if each not in (Ellipsis, type(None)):
                kinds_within(each, seen)


WRONG: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    10**18,
    2**70,
    1.5,
    "",
    "\x00",
    "x" * 100_000,
    "2026-99-99",
    [],
    [None] * 9,
    {},
    {"x": 1},
)


def test_no_wrong_value_anywhere_in_a_plan_falls_through() -> None:
    kinds: set[Any] = set()
    kinds_within(SitePlan, kinds)
    told = set()
    for kind in kinds:
        for value in WRONG:
            try:
                msgspec.convert(value, kind, strict=True)
            except msgspec.ValidationError as fault:
                told.add(str(fault))
    assert len(told) > 50
    assert [said for said in told if type_reason(said).pattern == type_reasons.OTHER.pattern] == []


SOURCE = inspect.getsource(tomllib._parser)  # type: ignore[attr-defined]  # what may be said stands nowhere else
MESSAGES = sorted(set(re.findall(r'suffixed_err\(\s*src, \w+, f?"((?:[^"\\]|\\.)+)"', SOURCE)))


def test_the_source_of_the_toml_reader_is_found() -> None:
    assert len(MESSAGES) > 18


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("place", ["(at line 3, column 5)", "(at end of document)"])
def test_each_message_of_the_toml_reader_has_its_sentence(message: str, place: str) -> None:
    said = re.sub(r"\{[^}]*\}", "'x'", message.replace("\\\\", "\\"))
    told = str(toml_reason(ValueError(f"{said} {place}")))
    assert toml_reasons.OTHER.pattern.partition("%")[0] not in told, told
    assert "line 3, column 5" in told or "end of the text" in told


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("a = [1", "a list is not closed (at the end of the text)"),
        ("a = 1\na = 2", "a value stands here already (at the end of the text)"),
        ("a = x", "a value that TOML does not know; texts stand in quotes (line 1, column 5)"),
        ('a = "x', "a text is not closed"),
        ("a = " + "9" * 5_000, "a number with too many digits"),
        ("a = " + "[" * 5_000, "nested deeper than can be read"),
    ],
    ids=lambda each: each[:20],
)
def test_what_is_no_toml_is_told_with_its_place(text: str, right: str) -> None:
    with pytest.raises((ValueError, RecursionError)) as caught:
        tomllib.loads(text)
    assert right in str(toml_reason(caught.value))
