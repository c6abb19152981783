"""Sign-in: throttle by name and address, sessions with two ends, passwords that may be."""

import threading
import time

import pytest
from argon2 import PasswordHasher

from cloud_server.core.password_rules import password_fault
from cloud_server.flows.sign_in import (
    ABSOLUTE_MS,
    FREE_TRIES,
    IDLE_MS,
    QUIET_MS,
    SignIn,
    StaffMistakes,
    hash_token,
)
from cloud_server.web.passwords import HASHES_AT_ONCE, WAITING_MOST, ArgonPasswords
from tests.fakes.centre_clock import FakeChance, FakeClock
from tests.fakes.centre_people import FakePeople, PlainPasswords

GOOD = "a short sentence"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def people() -> FakePeople:
    return FakePeople()


@pytest.fixture
def sign_in(people: FakePeople, clock: FakeClock) -> SignIn:
    flow = SignIn(people, PlainPasswords(), clock, FakeChance())
    flow.add_staff("anna", "Anna", GOOD, frozenset({"cashier"}), "test")
    return flow


def fail(sign_in: SignIn, times: int, name: str = "anna", address: str = "10.0.0.1") -> None:
    for _ in range(times):
        assert sign_in.enter(name, "wrong", address) is None


def test_a_session_is_stored_as_a_hash_and_known_by_its_token(sign_in: SignIn, people: FakePeople) -> None:
    token = sign_in.enter(" Anna ", GOOD, "10.0.0.1")
    assert token is not None
    assert set(people.sessions) == {hash_token(token)}
    who = sign_in.who(token)
    assert who is not None
    assert who.actor.display_name == "Anna"
    assert sign_in.who(token + "x") is None
    sign_in.leave(token)
    assert sign_in.who(token) is None


def test_the_throttle_waits_longer_each_time_and_forgets(sign_in: SignIn, clock: FakeClock) -> None:
    fail(sign_in, FREE_TRIES["both"])
    assert sign_in.enter("anna", GOOD, "10.0.0.1") is None
    clock.advance(15_000)
    assert sign_in.enter("anna", GOOD, "10.0.0.1") is not None
    fail(sign_in, FREE_TRIES["both"])
    clock.advance(15_000)
    fail(sign_in, 1)
    clock.advance(15_000)
    assert sign_in.enter("anna", GOOD, "10.0.0.1") is None, "the second wait is twice the first"
    clock.advance(15_000)
    assert sign_in.enter("anna", GOOD, "10.0.0.1") is not None


def test_no_wait_is_longer_than_the_quiet_time(sign_in: SignIn, clock: FakeClock) -> None:
    for _ in range(40):
        fail(sign_in, 1)
        clock.advance(QUIET_MS)
    assert sign_in.enter("anna", GOOD, "10.0.0.1") is not None


def test_a_stranger_cannot_easily_keep_somebody_out(sign_in: SignIn) -> None:
    fail(sign_in, FREE_TRIES["both"], address="10.0.0.66")
    assert sign_in.enter("anna", GOOD, "10.0.0.66") is None
    assert sign_in.enter("anna", GOOD, "10.0.0.1") is not None


def test_one_address_cannot_try_many_names(sign_in: SignIn) -> None:
    for index in range(FREE_TRIES["address"]):
        fail(sign_in, 1, name=f"name{index}")
    assert sign_in.enter("anna", GOOD, "10.0.0.1") is None
    assert sign_in.enter("anna", GOOD, "10.0.0.2") is not None


def test_many_addresses_cannot_try_one_name(sign_in: SignIn) -> None:
    for index in range(FREE_TRIES["name"]):
        fail(sign_in, 1, address=f"10.0.1.{index}")
    assert sign_in.enter("anna", GOOD, "10.0.0.1") is None


def test_a_session_ends_idle_or_at_last_and_a_live_page_does_not_keep_it(sign_in: SignIn, clock: FakeClock) -> None:
    token = sign_in.enter("anna", GOOD, "10.0.0.1")
    assert token is not None
    clock.advance(IDLE_MS // 2)
    assert sign_in.who(token, uses=False) is not None
    clock.advance(IDLE_MS // 2)
    assert sign_in.who(token) is None
    token = sign_in.enter("anna", GOOD, "10.0.0.1")
    assert token is not None
    steps = ABSOLUTE_MS // (IDLE_MS // 2)
    seen = []
    for _ in range(steps):
        clock.advance(IDLE_MS // 2)
        seen.append(sign_in.who(token) is not None)
    assert seen == [True] * (steps - 1) + [False]


def test_sessions_that_are_over_are_tidied_away(sign_in: SignIn, clock: FakeClock, people: FakePeople) -> None:
    sign_in.enter("anna", GOOD, "10.0.0.1")
    clock.advance(IDLE_MS)
    sign_in.enter("anna", GOOD, "10.0.0.1")
    assert sign_in.tidy() == 1
    assert len(people.sessions) == 1


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("123456789", "too_short"),
        ("x" * 129, "too_long"),
        ("administrator1", "too_common"),
        ("wanglimin1", "like_name"),
        ("WangLiMin-1990!!", "like_name"),
        ("1234567890", "too_common"),
        ("aaaaaaaaaaaa", "too_common"),
        ("abababababab", "too_common"),
        ("correct horse", None),
        ("一句很长的中文密码也可以", None),
    ],
)
def test_passwords_that_may_be(password: str, fault: str | None) -> None:
    assert password_fault(password, "wanglimin") == fault


def test_mistakes_of_a_new_person_are_named_all_at_once(sign_in: SignIn, people: FakePeople) -> None:
    with pytest.raises(StaffMistakes) as caught:
        sign_in.add_staff("two words", " ", "short", frozenset(), "test")
    assert (caught.value.name, caught.value.display_name, caught.value.password) == (
        "bad_characters",
        "required",
        "too_short",
    )
    assert len(people.rows) == 1


def test_argon2_takes_as_long_for_nobody_and_no_more_than_two_at_a_time() -> None:
    passwords = ArgonPasswords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    real = passwords.make(GOOD)
    assert real.startswith("$argon2id$")
    assert passwords.fits(real, GOOD)
    assert not passwords.fits(real, "wrong")
    assert not passwords.fits(None, "nobody has this password")
    assert not passwords.fits("not a hash", GOOD)

    class Slow:
        now = most = 0
        lock = threading.Lock()

        def hash(self, _password: str) -> str:
            return ""

        def verify(self, _hash: str, _password: str) -> bool:
            with self.lock:
                Slow.now += 1
                Slow.most = max(Slow.most, Slow.now)
            time.sleep(0.005)
            with self.lock:
                Slow.now -= 1
            return True

    slow = ArgonPasswords(Slow())  # type: ignore[arg-type]  # only these two are called
    answers: list[bool] = []
    threads = [threading.Thread(target=lambda: answers.append(slow.fits("x", "y"))) for _ in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Slow.most == HASHES_AT_ONCE
    assert HASHES_AT_ONCE + WAITING_MOST <= answers.count(True) <= 60
    assert len(answers) == 60
