"""Lines that must be refused, and at which gate: the line, its signature, its payload, or the body of a command."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from protocol.envelope import Line, seal
from tests.vectors.cast import KEYS
from tests.vectors.lines import COMMAND_LINES, FIRST_BATCH, KEYS_LINE, ROTATED_LINE, SYNC_LINE
from tests.vectors.orders import COMMANDS, UNREADABLE

SYNC: Final[dict[str, Any]] = json.loads(SYNC_LINE.payload)


@dataclass(frozen=True)
class Refused:
    """A line, the gate that stops it (line, signature, payload, body) and why."""

    name: str
    gate: str
    why: str
    line: str


def _text(envelope: dict[str, Any]) -> str:
    return json.dumps(envelope, separators=(",", ":"))


def _envelope(name: str, why: str, change: Callable[[dict[str, Any]], None], gate: str = "line") -> Refused:
    """The sync line with its envelope changed."""
    envelope = json.loads(SYNC_LINE.raw)
    change(envelope)
    return Refused(name, gate, why, _text(envelope))


def _payload(name: str, why: str, **changed: Any) -> Refused:
    """The sync line with its payload changed, and properly signed."""
    return _signed(name, why, json.dumps(SYNC | changed, separators=(",", ":")))


def _signed(name: str, why: str, payload: str) -> Refused:
    return Refused(name, "payload", why, seal("sync", payload.encode(), KEYS["record"]).raw.decode())


def _with(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, (old, text.count(old))
    return text.replace(old, new)


def _flip(envelope: dict[str, Any]) -> None:
    payload = bytearray(base64.b64decode(envelope["payload"]))
    payload[20] ^= 1
    envelope["payload"] = base64.b64encode(payload).decode()


def _claim(envelope: dict[str, Any]) -> None:
    stranger = KEYS["stranger"].sign(SYNC_LINE.message)
    envelope["signatures"] = [{"keyid": KEYS["record"].public.keyid, "sig": base64.b64encode(stranger).decode()}]


_TEXT: Final = SYNC_LINE.payload.decode()
_SITE: Final = SYNC["site"]

REFUSED: Final = (
    Refused("empty", "line", "an empty line is no line", ""),
    Refused("no_json", "line", "not JSON", "hello"),
    Refused("no_object", "line", "not an object", "[]"),
    Refused("cut_short", "line", "the line ends in its middle", SYNC_LINE.raw.decode()[:-10]),
    _envelope("no_payload", "a field is missing", lambda e: e.pop("payload")),
    _envelope("no_signatures", "a field is missing", lambda e: e.pop("signatures")),
    _envelope("unsigned", "at least one signature", lambda e: e.update(signatures=[])),
    _envelope("five_signatures", "at most four signatures", lambda e: e.update(signatures=e["signatures"] * 5)),
    _envelope("extra_field", "unknown field", lambda e: e.update(note="x")),
    _envelope("not_base64", "a character that base64 does not have", lambda e: e.update(payload="ab*=")),
    _envelope("base64_cut", "padding is missing", lambda e: e.update(payload=e["payload"][:-1])),
    _envelope("other_type", "not of this family", lambda e: e.update(payloadType="application/json")),
    _envelope("version_2", "another version", lambda e: e.update(payloadType="application/vnd.tallybox.sync.v2+json")),
    Refused("payload_twice", "line", "two readers might read two lines", _with(
        SYNC_LINE.raw.decode(), '"signatures"', '"payload":"e30=","signatures"'
    )),
    _envelope("flipped_bit", "the payload is not what was signed", _flip, "signature"),
    _envelope("as_another_type", "signed as sync, sent as batch",
              lambda e: e.update(payloadType="application/vnd.tallybox.batch.v1+json"), "signature"),
    _envelope("claimed_key", "the record key's id, a stranger's signature", _claim, "signature"),
    _envelope("short_signature", "63 bytes", lambda e: e["signatures"][0].update(sig="A" * 84), "signature"),
    Refused("wrong_role", "signature", "a command signed by the answer key",
            seal("command", COMMAND_LINES[5].payload, KEYS["answer"]).raw.decode()),
    Refused("next_key_alone", "signature", "a key that is not in force yet",
            seal("command", ROTATED_LINE.payload, KEYS["next_command"]).raw.decode()),
    _payload("unknown_field", "unknown fields are refused", colour="red"),
    _payload("float", "integers only", wait_s=25.0),
    _payload("exponent", "integers only", wait_s=1e300),
    _payload("over_2_53", "above 2^53 - 1", epoch=2**53),
    _payload("negative", "not below 0", epoch=-1),
    _payload("after_3000", "no calendar's instant", sent_at_ms=32_503_680_000_001),
    _payload("boolean", "true is no number", epoch=True),
    _payload("text_for_number", "a text is no number", epoch="2"),
    _payload("upper_case_id", "lowercase hex only", site=_SITE.upper()),
    _payload("id_with_line_feed", "32 digits and nothing else", site=_SITE + "\n"),
    _payload("short_hash", "64 digits", batch_head={"seq": 2, "hash": "ab"}),
    _payload("control_character", "a name is one line", agent="0.1.0\n"),
    _payload("empty_name", "at least one character", agent=""),
    _payload("long_wait", "at most 25 s", wait_s=26),
    _payload("unknown_word", "not in the closed list", live=[dict(SYNC["live"][0], relay="ajar")]),
    _payload("null", "absent, not null, where a field may be absent but has no null", term_seen=None),
    _signed("missing_field", "a required field is missing", _with(_TEXT, '"wait_s":25,', "")),
    _signed("key_twice", "a key stands twice", _with(_TEXT, '"wait_s":25', '"wait_s":25,"wait_s":0')),
    _signed("inner_key_twice", "a key stands twice, deeper down", _with(_TEXT, '"current_a_ma"', '"voltage_a_mv"')),
    _signed("not_a_number", "NaN is no JSON", _with(_TEXT, '"wait_s":25', '"wait_s":NaN')),
    _signed("infinity", "1e400 is no integer", _with(_TEXT, '"wait_s":25', '"wait_s":1e400')),
    _signed("too_deep", "nested deeper than 16", _with(_TEXT, '"wait_s":25', '"wait_s":' + "[" * 17 + "]" * 17)),
    _signed("trailing_text", "one value and nothing behind it", _TEXT + "{}"),
    _signed("byte_order_mark", "UTF-8 without a mark", "\ufeff" + _TEXT),
    *(
        Refused(f"command_{kind}", "body", why, COMMAND_LINES[len(COMMANDS) + n].raw.decode())
        for n, ((kind, _), why) in enumerate(
            zip(UNREADABLE, ("not_supported: no such kind", "bad_body: a key stands twice"), strict=True), start=1
        )
    ),
)  # fmt: skip

STILL_GOOD: Final[dict[str, Line]] = {
    "rotated": ROTATED_LINE,
    "keys": KEYS_LINE,
    "batch": FIRST_BATCH,
    "spaced": seal("sync", json.dumps(SYNC, indent=1).encode(), KEYS["record"]),
    "other_order": seal("sync", json.dumps(dict(reversed(SYNC.items()))).encode(), KEYS["record"]),
}
"""Lines that look unusual and are good: a second signature, white space, another order of fields."""
