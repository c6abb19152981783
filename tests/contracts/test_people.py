"""What `ports.People` promises, held against the fake and against the database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud_server.ports import Failures, NameTaken, People, SessionRow, StaffRow
from cloud_server.store.database import SqliteEngine
from cloud_server.store.people import StoredPeople
from cloud_server.store.schema import make_schema
from tests.fakes.centre_people import FakePeople

SITE = "5" * 32
ANNA = StaffRow(
    staff="a" * 32,
    name="Anna",
    display_name="安娜",
    roles=frozenset({"cashier", "supervisor"}),
    password_hash="hash 1",
    active=True,
)
BEN = StaffRow(
    staff="b" * 32, name="ben", display_name="Ben", roles=frozenset({"auditor"}), password_hash=None, active=True
)


@pytest.fixture(params=["fake", "sqlite"])
def people(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[People]:
    if request.param == "fake":
        yield FakePeople()
        return
    engine = SqliteEngine(tmp_path / "centre.db")
    make_schema(engine, SITE)
    yield StoredPeople(engine, SITE)
    engine.close()


def session_of(row: StaffRow, token_hash: str, opened_at_ms: int = 1_000) -> SessionRow:
    return SessionRow(token_hash=token_hash, staff=row.staff, opened_at_ms=opened_at_ms, seen_at_ms=opened_at_ms)


def test_a_person_is_found_by_name_without_case_and_by_id(people: People) -> None:
    people.add_staff(ANNA, 1, "test")
    people.add_staff(BEN, 1, "test")
    assert people.staff_named("ANNA") == ANNA
    assert people.staff_named("BEN") == BEN
    assert people.staff(ANNA.staff) == ANNA
    assert people.staff_named("nobody") is None
    assert people.staff("c" * 32) is None


def test_a_name_is_given_once(people: People) -> None:
    people.add_staff(ANNA, 1, "test")
    other = StaffRow(staff="d" * 32, name="aNNa", display_name="x", roles=frozenset(), password_hash=None, active=True)
    with pytest.raises(NameTaken):
        people.add_staff(other, 2, "test")
    assert people.staff_named("anna") == ANNA


def test_a_session_lives_until_it_is_ended(people: People) -> None:
    people.add_staff(ANNA, 1, "test")
    people.open_session(session_of(ANNA, "t1"))
    people.touch_session("t1", 5_000)
    found = people.session("t1")
    assert found == (
        SessionRow(token_hash="t1", staff=ANNA.staff, opened_at_ms=1_000, seen_at_ms=5_000),
        ANNA,
    )
    assert people.session("t2") is None
    people.end_session("t1")
    people.end_session("t1")
    assert people.session("t1") is None


@pytest.mark.parametrize("change", ["password", "roles", "switched off"])
def test_a_change_of_password_or_roles_ends_that_persons_sessions_only(people: People, change: str) -> None:
    people.add_staff(ANNA, 1, "test")
    people.add_staff(BEN, 1, "test")
    for row, token_hash in ((ANNA, "t1"), (ANNA, "t2"), (BEN, "t3")):
        people.open_session(session_of(row, token_hash))
    if change == "password":
        people.change_password(ANNA.staff, "hash 2", 2, "test")
    else:
        people.change_roles(ANNA.staff, frozenset({"auditor"}), change == "roles", 2, "test")
    assert people.session("t1") is None
    assert people.session("t2") is None
    assert people.session("t3") is not None
    now = people.staff(ANNA.staff)
    assert now is not None
    if change == "password":
        assert (now.password_hash, now.roles) == ("hash 2", ANNA.roles)
    else:
        assert (now.roles, now.active) == (frozenset({"auditor"}), change == "roles")


def test_sessions_that_are_over_are_removed(people: People) -> None:
    people.add_staff(ANNA, 1, "test")
    for token_hash, opened_at_ms in (("old", 1_000), ("young", 9_000)):
        people.open_session(session_of(ANNA, token_hash, opened_at_ms))
    assert people.end_sessions_before(500, 1_000) == 1
    assert people.session("old") is None
    assert people.session("young") is not None


def test_failures_are_counted_by_key_and_forgotten(people: People) -> None:
    people.note_failures(("a", "b"), 1_000, 0)
    people.note_failures(("a",), 2_000, 0)
    assert people.failures(("a", "b", "c")) == {
        "a": Failures(count=2, last_at_ms=2_000),
        "b": Failures(count=1, last_at_ms=1_000),
    }
    people.clear_failures(("a",))
    assert people.failures(("a",)) == {}
    people.note_failures(("b",), 9_000, 5_000)
    assert people.failures(("b",)) == {"b": Failures(count=1, last_at_ms=9_000)}


def test_a_link_makes_one_person_once_and_a_newer_link_replaces_it(people: People) -> None:
    people.add_setup_link("link 1", 5_000)
    people.add_setup_link("link 2", 6_000)
    assert people.setup_link("link 1") is None
    assert people.setup_link("link 2") == 6_000
    assert not people.use_setup_link("link 1", ANNA, 1)
    assert people.use_setup_link("link 2", ANNA, 1)
    assert not people.use_setup_link("link 2", BEN, 1)
    assert people.staff_named("anna") == ANNA
    assert people.staff_named("ben") is None


def test_a_link_outlives_a_name_that_is_taken(people: People) -> None:
    people.add_staff(ANNA, 1, "test")
    people.add_setup_link("link", 5_000)
    with pytest.raises(NameTaken):
        people.use_setup_link("link", ANNA, 1)
    assert people.setup_link("link") == 5_000
