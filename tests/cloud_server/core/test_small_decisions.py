"""States of points and sales, receipts, tokens, searches, the audit chain: small tables."""

import pytest

from cloud_server.core.api_token import ApiToken
from cloud_server.core.audit_chain import entry_fits, next_entry
from cloud_server.core.batch_facts import MeterFacts
from cloud_server.core.enrolment import Claim, fingerprint, same_fingerprint, token_fault, token_hash
from cloud_server.core.fleet import GrantState, WalletGrant
from cloud_server.core.fleet_health import PointFacts, point_state, relay_is_on, sale_state
from cloud_server.core.receipts import base36, receipt_number
from cloud_server.core.search import initials, rank
from protocol.chain import EMPTY_COMMANDS, Head
from protocol.records import Contact


@pytest.mark.parametrize(
    ("account", "sold", "lost", "arrears", "level", "state"),
    [
        (True, True, False, False, 0, "normal"),
        (False, True, False, False, 0, "not_opened"),
        (False, False, False, False, 0, "measured"),
        (True, True, False, False, 1, "alarm1"),
        (True, True, False, False, 2, "alarm2"),
        (True, True, False, True, 2, "arrears"),
        (True, True, True, True, 2, "lost"),
        (False, True, True, False, 0, "lost"),
        (False, False, True, False, 0, "lost"),
    ],
)
def test_the_state_of_a_point(account: bool, sold: bool, lost: bool, arrears: bool, level: int, state: str) -> None:
    assert point_state(PointFacts(account, sold, lost, arrears, level)) == state


@pytest.mark.parametrize(
    ("seen", "wanted", "on"),
    [
        ("closed", "open", True),
        ("open", "closed", False),
        ("unknown", "unknown", True),
        ("unknown", "closed", True),
        ("unknown", "open", False),
    ],
)
def test_whether_a_relay_gives_light(seen: Contact, wanted: Contact, on: bool) -> None:
    assert relay_is_on(MeterFacts(meter="m", seen=seen, wanted=wanted)) is on


def grant(state: GrantState, on_at_ms: int | None = None) -> WalletGrant:
    return WalletGrant(
        grant="g", wallet="w", box="b", account="k", amount_micro=1, cause="sale", sale="s", state=state, command=1,
        reason=None, made_at_ms=0, applied_at_ms=None, on_at_ms=on_at_ms,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "reachable", "state"),
    [
        ([grant(GrantState.SIGNED)], True, "sold"),
        ([grant(GrantState.SIGNED)], False, "waiting"),
        ([grant(GrantState.WAITING)], True, "waiting"),
        ([grant(GrantState.APPLIED)], True, "delivered"),
        ([grant(GrantState.APPLIED, 5)], True, "on"),
        ([grant(GrantState.APPLIED, 5), grant(GrantState.APPLIED)], True, "delivered"),
        ([grant(GrantState.APPLIED, 5), grant(GrantState.SIGNED)], True, "sold"),
        ([grant(GrantState.APPLIED, 5), grant(GrantState.REFUSED)], True, "refused"),
    ],
)
def test_how_far_a_sale_has_come(parts: list[WalletGrant], reachable: bool, state: str) -> None:
    assert sale_state(parts, reachable) == state


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (35, "z"), (36, "10"), (1_795_320_000, "tovxs0")])
def test_base_36(number: int, text: str) -> None:
    assert base36(number) == text
    assert int(text, 36) == number


def test_a_receipt_number() -> None:
    assert receipt_number("S1", "2026-11-22", 1_795_320_000, 42) == "S1-20261122-tovxs0-0042"
    assert receipt_number("S1", "2026-11-22", 1, 12_345).endswith("-12345")


CLAIM = Claim(box="b", token_hash=token_hash("t"), made_at_ms=0, expires_at_ms=100, made_by="p")
USED = Claim(box="b", token_hash=token_hash("t"), made_at_ms=0, expires_at_ms=100, made_by="p", keyid="key")


@pytest.mark.parametrize(
    ("claim", "token", "keyid", "now_ms", "fault"),
    [
        (CLAIM, "t", "key", 100, None),
        (CLAIM, "t", "key", 101, "expired"),
        (CLAIM, "x", "key", 0, "unknown"),
        (None, "t", "key", 0, "unknown"),
        (USED, "t", "key", 101, None),
        (USED, "t", "other", 0, "used"),
    ],
)
def test_a_token_is_for_one_key(claim: Claim | None, token: str, keyid: str, now_ms: int, fault: str | None) -> None:
    assert token_fault(claim, token, keyid, now_ms) == fault


def test_fingerprints_as_people_type_them() -> None:
    keyid = "0a46076dd16f45d5" + "0" * 48
    assert fingerprint(keyid) == "0a46 076d d16f 45d5"
    assert same_fingerprint("0A46076D D16F45D5", keyid)
    assert not same_fingerprint("0a46 076d d16f 45d6", keyid)
    assert not same_fingerprint("", keyid)


@pytest.mark.parametrize(
    ("text", "letters"),
    [("张记面馆", "zjmg"), ("老王水果", "lwsg"), ("海底捞", "hdl"), ("A区 12号", "aq12h"), ("啊", "a"), ("座", "z")],
)
def test_pinyin_initials(text: str, letters: str) -> None:
    assert initials(text) == letters


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("A01", 0), ("a0", 1), ("面馆", 2), ("zjm", 3), ("0", 2), ("", None), ("  ", None), ("x9", None), ("10", None)],
)
def test_how_well_a_search_is_answered(wanted: str, found: int | None) -> None:
    assert rank(wanted, ["A01", "张记面馆"]) == found


def test_the_audit_chain_notices_every_change() -> None:
    first = next_entry(EMPTY_COMMANDS, 1, "wang", "sale", "s", "{}")
    head = Head(first.number, first.hash)
    second = next_entry(head, 2, "li", "sale", "t", "{}")
    assert entry_fits(first, EMPTY_COMMANDS)
    assert entry_fits(second, head)
    assert not entry_fits(second, EMPTY_COMMANDS)
    for name, value in (("who", "eve"), ("at_ms", 3), ("detail", "[]"), ("action", "x"), ("subject", "u")):
        changed = {f: getattr(second, f) for f in second.__dataclass_fields__} | {name: value}
        assert not entry_fits(type(second)(**changed), head)


def test_scopes_and_ends_of_tokens() -> None:
    token = ApiToken(
        token="i", name="n", token_hash="h", scopes=frozenset({"sell"}), made_at_ms=0, made_by="a", ends_at_ms=10
    )  # fmt: skip
    assert token.holds(9)
    assert not token.holds(10)
    assert token.may("sell")
    assert not token.may("provision")
    admin = ApiToken(
        token="i", name="n", token_hash="h", scopes=frozenset({"admin"}), made_at_ms=0, made_by="a", ends_at_ms=10,
        revoked_at_ms=5,
    )  # fmt: skip
    assert admin.may("provision")
    assert not admin.holds(6)
