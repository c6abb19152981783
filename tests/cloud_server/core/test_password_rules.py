"""Passwords that nobody may choose, and that honest ones pass: OWASP ASVS 5.0, 6.2.4 and 6.2.11."""

import pytest

from cloud_server.core.common_passwords import WORDS
from cloud_server.core.password_rules import CONTEXT_WORDS, password_fault

SITE = ("滨江商业街", "BJ01")


@pytest.mark.parametrize(
    "password",
    [
        "password12", "Password123!", "P@ssw0rd2024", "passw0rd!!!!", "qwertyuiop", "1qaz2wsx3edc", "!@#$%^&*()",
        "zxcvbnm,./", "1q2w3e4r5t", "0987654321", "abcdefghij", "iloveyou1314", "woaini5201314", "woaini1314520",
        "zhangwei888", "wangwei1990", "5201314woaini", "admin123456", "adminadmin", "administrator", "root@123456",
        "letmein2024", "qwe123asd456", "asdf1234qwer", "199001011234",
        "13800138000", "+8613800138000", "aaaaaaaaaaaa", "abababababab", "123123123123", "guanliyuan1", "Welcome@2025",
        "huanghuang88", "caonima123456", "147258369147", "monkeydragon1",
    ],
)  # fmt: skip
def test_what_anybody_tries_first_is_refused(password: str) -> None:
    assert password_fault(password.ljust(10, "1"), "somebody") == "too_common"


def test_each_common_word_is_refused_with_anything_around_it() -> None:
    """More than the three thousand that the standard asks for: each word with each of these ends."""
    ends = ("1234567890", "2024!!!!!!!!", "@@@888888888", "............", "123456!@#456")
    refused = [f"{word}{end}"[:128] for word in WORDS for end in ends if password_fault(f"{word}{end}", "somebody")]
    missed = {f"{word}{end}" for word in WORDS for end in ends if len(word) > 2} - set(refused)
    assert not missed
    assert len(refused) * 2 > 3_000


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("滨江商业街2024!!", "like_site"),
        ("bjsyj20242024", "like_site"),
        ("BJ01-BJ01-BJ01", "like_site"),
        ("tallybox2026", "like_site"),
        ("wuye12345678", "like_site"),
        ("物业物业物业物业物业", "like_site"),
        ("limei1990limei", "like_name"),
    ],
)
def test_words_of_the_site_and_of_the_person_are_refused(password: str, fault: str) -> None:
    assert password_fault(password, "limei", SITE) == fault


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery", "three green lamps", "一句很长的中文密码也可以", "7391-8264-5520", "tally my lamps",
        "wo jia you san zhi mao", "meter on the wall", "x9$kQ2!vb7Lw", "passing clouds at noon", "839201746510",
    ],
)  # fmt: skip
def test_honest_ones_pass_whatever_they_are_made_of(password: str) -> None:
    assert password_fault(password, "limei", SITE) is None


def test_the_words_of_the_trade_are_folded_and_long_enough() -> None:
    assert all(word == word.casefold() and len(word) > 1 for word in CONTEXT_WORDS | WORDS)
