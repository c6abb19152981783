"""When a message may go, what it must say, what follows from records, and when a cut may come at the earliest."""

from datetime import datetime
from itertools import product

import pytest

from cloud_server.core.cut_time import earliest_cut_ms
from cloud_server.core.message_rules import (
    PAUSES_MS,
    Asked,
    Drop,
    Go,
    MessageState,
    PartState,
    Wait,
    is_urgent,
    may_go,
    pause_ms,
    state_of,
)
from cloud_server.core.message_settings import MessageSettings
from cloud_server.core.message_texts import (
    SAMPLE,
    TEXTS,
    VARIABLES,
    days_text,
    fill,
    money_text,
    text_mistakes,
)
from cloud_server.core.sms_text import split
from protocol.box_config import FriendlyHours
from protocol.zone import site_zone

ZONE = site_zone("Asia/Shanghai")
NIGHT = MessageSettings(quiet_from_minute=22 * 60, quiet_to_minute=7 * 60)
HOUR = 3_600_000


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()) * 1000


def asked(**how: object) -> Asked:
    given = {"urgent": False, "ends_at_ms": 2**60, "on_file": True, "customer_today": 0, "site_today": 0} | how
    return Asked(**given)  # type: ignore[arg-type]  # a table of fields


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-22 21:59", None),
        ("2026-11-22 22:00", "2026-11-23 07:00"),
        ("2026-11-23 06:59", "2026-11-23 07:00"),
        ("2026-11-23 07:00", None),
    ],
)
def test_quiet_hours_over_midnight(now: str, until: str | None) -> None:
    found = may_go(asked(), NIGHT, ZONE, at(now))
    assert found == (Go() if until is None else Wait(at(until), "quiet_hours"))
    assert may_go(asked(urgent=True), NIGHT, ZONE, at(now)) == Go()


@pytest.mark.parametrize(
    ("how", "verdict"),
    [
        ({"ends_at_ms": at("2026-11-22 12:00")}, Drop(MessageState.EXPIRED, "expired")),
        ({"on_file": False, "urgent": True}, Drop(MessageState.WITHHELD, "not_on_file")),
        ({"customer_today": 6}, Wait(at("2026-11-23 00:00"), "customer_budget")),
        ({"customer_today": 6, "urgent": True}, Go()),
        ({"site_today": 2_000}, Wait(at("2026-11-23 00:00"), "site_budget")),
        ({"customer_today": 5, "site_today": 1_999}, Go()),
    ],
)
def test_what_may_go_at_noon(how: dict[str, object], verdict: object) -> None:
    assert may_go(asked(**how), NIGHT, ZONE, at("2026-11-22 12:00")) == verdict


def test_the_switch_holds_urgent_ones_too() -> None:
    off = MessageSettings(on=False)
    assert may_go(asked(urgent=True), off, ZONE, 0) == Wait(60_000, "switched_off")


@pytest.mark.parametrize(
    ("occasion", "now", "cut", "urgent"),
    [
        ("cut_off", "2026-11-22 23:00", None, True),
        ("restored", "2026-11-22 12:00", None, True),
        ("alarm1", "2026-11-22 23:00", "2026-11-22 23:30", False),
        ("alarm2", "2026-11-22 23:00", "2026-11-23 06:00", True),
        ("alarm2", "2026-11-22 23:00", "2026-11-23 07:30", False),
        ("alarm2", "2026-11-22 23:00", None, True),
        # By day the budget ends at midnight: a cut before it cannot wait.
        ("alarm2", "2026-11-22 12:00", "2026-11-22 23:59", True),
        ("alarm2", "2026-11-22 12:00", "2026-11-23 00:01", False),
        ("forecast", "2026-11-22 12:00", "2026-11-22 12:01", False),
    ],
)
def test_what_no_rule_holds_back(occasion: str, now: str, cut: str | None, urgent: bool) -> None:
    assert is_urgent(occasion, at(cut) if cut else None, NIGHT, ZONE, at(now)) is urgent


def test_states_of_messages_by_parts() -> None:
    p, m = PartState, MessageState
    table = {
        (p.DELIVERED, p.DELIVERED): m.DELIVERED,
        (p.DELIVERED, p.SENT): m.SENT,
        (p.SENT, p.WAITING): m.SENDING,
        (p.DELIVERED, p.HANDED): m.SENDING,
        (p.DELIVERED, p.UNSURE): m.UNSURE,
        (p.DELIVERED, p.FAILED): m.FAILED,
        (p.FAILED, p.WAITING): m.FAILED,
    }
    for parts, state in table.items():
        assert state_of(parts) is state
    # Whatever the order.
    for one, other in product(p, p):
        assert state_of((one, other)) is state_of((other, one))


def test_pauses_grow() -> None:
    assert [pause_ms(tries) for tries in (0, 1, 2, 7, 50)] == [
        PAUSES_MS[0], PAUSES_MS[0], PAUSES_MS[1], PAUSES_MS[6], PAUSES_MS[6],
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_text_that_comes_with_the_program_is_whole(language: str) -> None:
    texts = TEXTS[language]  # type: ignore[index]  # both are there
    assert set(texts) == set(VARIABLES)
    for occasion, text in texts.items():
        assert text_mistakes(occasion, text) == []
        assert len(split(fill(text, SAMPLE)).texts) <= 4


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("{what} {where} {since} {since}", []),
        ("{what} {where}", ["missing_variable"]),
        ("{what} {where} {since} {balance}", ["unknown_variable"]),
        ("{what} {where} {since} {", ["brace"]),
        ("{what} {where} {since} {x.__class__}", ["brace"]),
        ("{what} {where} {since}\x07", ["control_character"]),
        ("{what} {where} {since}" + "x" * 500, ["length"]),
        ("", ["missing_variable", "missing_variable", "missing_variable", "length"]),
    ],
)
def test_what_is_wrong_with_a_text(text: str, codes: list[str]) -> None:
    assert [mistake.code for mistake in text_mistakes("duty", text)] == codes


def test_a_value_is_never_read_as_a_variable() -> None:
    assert fill("{shop}: {balance}", {"shop": "{balance}", "balance": "1.00"}) == "{balance}: 1.00"


@pytest.mark.parametrize(
    ("micro", "text"), [(0, "0.00"), (1, "0.00"), (-1, "-0.01"), (4_960_000, "4.96"), (-12_345_678, "-12.35")]
)
def test_money_is_rounded_down(micro: int, text: str) -> None:
    assert money_text(micro) == text


@pytest.mark.parametrize(
    ("days", "known", "text"),
    [
        (None, False, "可用天数未知"),
        (None, True, "照近来用电可用两个月以上"),
        (0, True, "照近来用电不足一天"),
        (2, True, "照近来用电约可用2天"),
    ],
)
def test_days_in_words(days: int | None, known: bool, text: str) -> None:
    zero = None if days is None else days * 24 * HOUR + HOUR
    assert days_text("zh-CN", zero, 0, known=known) == text


NIGHTS = FriendlyHours(from_minute=20 * 60, to_minute=8 * 60, weekdays=[1, 2, 3, 4, 5, 6, 7])
LUNCH = FriendlyHours(from_minute=11 * 60, to_minute=13 * 60, weekdays=[1, 2, 3, 4, 5])


@pytest.mark.parametrize(
    ("zero", "alarm2", "notice_s", "cut"),
    [
        ("2026-11-23 09:00", None, 0, "2026-11-23 09:00"),
        ("2026-11-22 21:00", None, 0, "2026-11-23 08:00"),
        ("2026-11-23 03:00", None, 0, "2026-11-23 08:00"),
        ("2026-11-23 11:30", None, 0, "2026-11-23 13:00"),
        ("2026-11-22 11:30", None, 0, "2026-11-22 11:30"),
        # A day's notice since alarm 2, then the night.
        ("2026-11-22 12:00", "2026-11-22 02:00", 86_400, "2026-11-23 08:00"),
        # A holiday, and the night behind it.
        ("2026-12-31 19:00", None, 7_200, "2027-01-02 08:00"),
    ],
)
def test_the_earliest_cut(zero: str, alarm2: str | None, notice_s: int, cut: str) -> None:
    found = earliest_cut_ms(
        at(zero),
        alarm2_at_ms=at(alarm2) if alarm2 else None,
        notice_s=notice_s,
        zone=ZONE,
        windows=(NIGHTS, LUNCH),
        holidays=("2027-01-01",),
    )
    assert found == at(cut)
