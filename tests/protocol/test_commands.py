"""Commands in two steps: a frame that always reads, a body that may be refused and blocks nothing."""

from typing import Any

import msgspec
import pytest

from protocol.commands import BODIES, KIND_OF, MONEY_KINDS, Command, Grant, UnknownKind, read_body, write_command_body
from protocol.errors import BadPayload
from protocol.payload import read_payload, write_payload
from tests.vectors.cast import METER
from tests.vectors.lines import COMMAND_LINES
from tests.vectors.orders import COMMANDS

FRAME = read_payload(COMMAND_LINES[2].payload, Command)
BODY_OF = {kind: body for kind, body, _ in COMMANDS}


def framed(kind: str, body: bytes) -> Command:
    """A frame as it comes over the wire."""
    frame = msgspec.structs.replace(FRAME, kind=kind, body=msgspec.Raw(body))
    return read_payload(write_payload(frame), Command)


def changed(kind: str, **fields: Any) -> bytes:
    """The vectors' body of a kind with some fields changed; None leaves one out."""
    body = msgspec.to_builtins(BODY_OF[kind]) | fields
    return msgspec.json.encode({name: value for name, value in body.items() if value is not None})


def test_every_kind_has_its_body_and_the_vectors_hold_one_of_each() -> None:
    assert set(BODY_OF) == set(BODIES)
    assert {KIND_OF[body]: body for body in BODIES.values()} == BODIES
    assert set(BODIES) >= MONEY_KINDS


@pytest.mark.parametrize(("kind", "body"), [(kind, body) for kind, body, _ in COMMANDS])
def test_a_body_comes_back(kind: str, body: Any) -> None:
    assert read_body(framed(kind, bytes(write_command_body(body)))) == body


@pytest.mark.parametrize("kind", ["dance", "Grant", "grant ", "g", "x" * 40])
def test_an_unknown_kind_is_told_apart(kind: str) -> None:
    with pytest.raises(UnknownKind, match="not known in version 1"):
        read_body(framed(kind, b'{"meter":1.5,"meter":2}'))


@pytest.mark.parametrize(
    ("kind", "body", "why"),
    [
        ("set_mode", b"{}", "missing required field"),
        ("set_mode", b"null", "Expected `object`"),
        ("set_mode", changed("set_mode", mode="off"), "Invalid enum value 'off'"),
        ("set_mode", changed("set_mode", until_ms=1.5), "1.5 is not an integer"),
        ("set_mode", changed("set_mode", colour="red"), "unknown field `colour`"),
        ("set_mode", changed("set_mode")[:-1] + b',"mode":"prepaid"}', "'mode' stands twice"),
        ("in_service", changed("in_service", on=1), "Expected `bool`"),
        ("in_service", changed("in_service", meter="m"), "regex"),
        ("reclaim", changed("reclaim", amount_micro=-1), ">= 0"),
        ("grant", changed("grant", amount_micro=2**53), "9007199254740991"),
        ("grant", changed("grant", parts=[]), "length >= 1"),
        ("grant", changed("grant", cause="gift"), "Invalid enum value 'gift'"),
        ("grant", changed("grant", idempotency_key=""), "length >= 1"),
        ("grant", changed("grant", undoes=None), "undoes must name the grant"),
        ("grant", changed("grant", amount_micro=5), "must be below 0"),
        ("grant", changed("grant", amount_micro=0), "must be below 0"),
        ("grant", changed("grant", cause="sale"), "only undo and adjustment take money away"),
        ("grant", changed("grant", cause="move"), "only undo and adjustment take money away"),
        ("resolve_register", changed("resolve_register", base_raw_wh=None), "exactly one of"),
        ("resolve_register", changed("resolve_register", accept=True), "exactly one of"),
        ("resolve_register", changed("resolve_register", accept=False), "exactly one of"),
        ("resolve_register", changed("resolve_register", base_raw_wh=None, accept=False), "exactly one of"),
        ("upgrade", changed("upgrade", bundle_hash="x"), "regex"),
        ("adopt_meter", changed("adopt_meter", state={}), "missing required field"),
    ],
)  # fmt: skip
def test_a_bad_body_is_named_and_its_frame_still_reads(kind: str, body: bytes, why: str) -> None:
    command = framed(kind, body)
    assert command.seq == FRAME.seq
    with pytest.raises(BadPayload, match=why) as caught:
        read_body(command)
    assert not isinstance(caught.value, UnknownKind)


@pytest.mark.parametrize(
    "body",
    [
        changed("resolve_register", base_raw_wh=None, accept=True),
        changed("resolve_register", base_raw_wh=0),
        changed("resolve_register", base_raw_wh=-5),
    ],
)
def test_a_register_is_accepted_or_set(body: bytes) -> None:
    read_body(framed("resolve_register", body))


def test_an_adjustment_may_take_money_away_and_an_undo_must() -> None:
    for fields in ({"cause": "adjustment", "undoes": None}, {"amount_micro": -1}):
        body = read_body(framed("grant", changed("grant", **fields)))
        assert isinstance(body, Grant)
        assert body.amount_micro < 0


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"seq": 0}, ">= 1"),
        ({"prev": "x"}, "regex"),
        ({"term": 0}, ">= 1"),
        ({"kind": ""}, "length >= 1"),
        ({"kind": "x" * 41}, "length <= 40"),
        ({"note": "x"}, "unknown field `note`"),
        ({"expires_at_ms": "soon"}, "Expected `int | null`"),
    ],
)
def test_a_frame_is_strict(fields: dict[str, Any], why: str) -> None:
    frame = msgspec.json.decode(COMMAND_LINES[2].payload) | fields
    with pytest.raises(BadPayload, match=why):
        read_payload(msgspec.json.encode(frame), Command)


def test_a_recharge_stands_behind_two_unreadable_commands() -> None:
    """The chain of the vectors, one step after the other: nothing that cannot be read stops what follows."""
    refused = []
    for seq in sorted(COMMAND_LINES):
        command = read_payload(COMMAND_LINES[seq].payload, Command)
        assert command.seq == seq
        try:
            read_body(command)
        except BadPayload:
            refused.append(command.kind)
    assert refused == ["dance", "set_mode"]
    assert METER in COMMAND_LINES[len(COMMAND_LINES)].payload.decode()
