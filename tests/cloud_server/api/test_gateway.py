"""What a payment gateway needs beside a sale: a quote, money that was taken already, and a day's file matched."""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cloud_server.core.settlement import Payment, match
from cloud_server.flows.gateway import masked
from cloud_server.flows.settlement_file import read_file
from tests.cloud_server.api.programs_rig import Programs, open_programs
from tests.cloud_server.site_rig import SiteRig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import YUAN, account_id, wallet_id

API = "/api/v1"
ACCOUNT = account_id(1, 2)


@pytest.fixture
def box(rig: SiteRig) -> SpeakingBox:
    rig.plan()
    return rig.enrol(1)


@pytest.fixture
def programs(rig: SiteRig, box: SpeakingBox) -> Iterator[Programs]:
    with open_programs(rig) as made:
        yield made


def sell(programs: Programs, key: str, amount: str, **more: object) -> Any:
    body = {"account": ACCOUNT, "amount": amount, "method": "wechat"} | more
    return programs("sell").post(f"{API}/sales", json=body, headers={"Idempotency-Key": key})


def test_a_quote_says_what_a_sale_may_be(programs: Programs, rig: SiteRig, box: SpeakingBox) -> None:
    gateway = programs("sell")
    first = gateway.get(f"{API}/accounts/{ACCOUNT}/quote").json()
    assert (first["payable"], first["why"], first["wallets"]) == (True, "", [wallet_id(1, 2)])
    assert (first["name"], first["shops"]) == ("张**2", ["A02"])
    assert sell(programs, "a", "100.00").status_code == 201
    rig.settle(box)
    greatest = first["greatest_micro"]
    most = f"{greatest // YUAN}.{greatest % YUAN // 10_000:02d}"
    assert sell(programs, "b", most).status_code in (201, 422)
    after = gateway.get(f"{API}/accounts/{ACCOUNT}/quote").json()
    assert after["greatest_micro"] <= greatest
    assert gateway.get(f"{API}/accounts/{'9' * 32}/quote").status_code == 404


def test_what_is_quoted_is_taken_and_a_fen_more_is_not(programs: Programs) -> None:
    micro = programs("sell").get(f"{API}/accounts/{ACCOUNT}/quote").json()["greatest_micro"]
    more = micro + 10_000
    assert sell(programs, "more", f"{more // YUAN}.{more % YUAN // 10_000:02d}").status_code == 422
    assert sell(programs, "most", f"{micro // YUAN}.{micro % YUAN // 10_000:02d}").status_code == 201


@pytest.mark.parametrize(
    ("name", "shown"), [("", "*"), ("张", "*"), ("张三", "张*"), ("王小明", "王*明"), ("Wang's Tea", "W********a")]
)
def test_a_name_is_masked(name: str, shown: str) -> None:
    assert masked(name) == shown


def test_money_that_was_taken_is_never_refused(programs: Programs, rig: SiteRig, box: SpeakingBox) -> None:
    assert sell(programs, "far", "900000.00").status_code == 422
    taken = sell(programs, "far-2", "900000.00", taken=True)
    assert (taken.status_code, taken.json()["state"]) == (201, "credit")
    assert sell(programs, "far-2", "900000.00", taken=True).json() == taken.json()
    assert sell(programs, "far-2", "900000.00").status_code == 422
    rig.settle(box)
    account = programs("read").get(f"{API}/accounts/{ACCOUNT}").json()
    assert (account["credit_micro"], account["wallets"][0]["in_flight_micro"]) == (900_000 * YUAN, 0)
    # A person has a task: it stands among the alarms until somebody has seen to it.
    assert [one["kind"] for one in programs.items(f"{API}/alarms")] == ["finding"]
    shown = programs("sell").get(f"{API}/sales/{taken.json()['id']}").json()
    assert (shown["state"], shown["parts"], shown["on_at"]) == ("credit", [], None)
    assert rig.breaches() == []
    undone = programs("sell").post(
        f"{API}/sales/{taken.json()['id']}/reversal", json={"reason": "typed wrong"}, headers={"Idempotency-Key": "u"}
    )
    assert undone.status_code == 201, undone.text
    assert programs("read").get(f"{API}/accounts/{ACCOUNT}").json()["credit_micro"] == 0
    assert rig.breaches() == []


def test_money_that_cannot_be_booked_at_all_is_refused(programs: Programs) -> None:
    assert sell(programs, "k1", "1.00", taken=True, account="9" * 32).status_code == 422
    assert sell(programs, "k2", "abc", taken=True).status_code == 422
    assert sell(programs, "k3", "1.00", taken=True, method="shells").status_code == 422


def test_money_within_the_bounds_goes_its_way_taken_or_not(programs: Programs, rig: SiteRig, box: SpeakingBox) -> None:
    assert sell(programs, "near", "30.00", taken=True).json()["state"] in ("sold", "waiting")
    rig.settle(box)
    assert programs("read").get(f"{API}/accounts/{ACCOUNT}").json()["wallets"][0]["balance_micro"] == 30 * YUAN


# --- settlement ---------------------------------------------------------------------------------------------------


def test_a_day_is_matched(programs: Programs, rig: SiteRig) -> None:
    day = rig.centre.day_of(rig.clock.now_ms)
    ids = {key: sell(programs, key, amount).json()["id"] for key, amount in (("a", "1"), ("b", "2"), ("c", "3"))}
    programs("sell").post(
        f"{API}/sales/{ids['c']}/reversal", json={"reason": "twice"}, headers={"Idempotency-Key": "undo"}
    )
    file = "transaction,amount,payer\r\na,1.00,x\r\nb,2.50,x\r\nc,3.00,x\r\nz,9.00,x\r\n"
    answer = programs("sell").post(
        f"{API}/settlements",
        params={"day": day, "method": "wechat"},
        content=file,
        headers={"Content-Type": "text/csv"},
    )
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["agrees"], told["matched"], told["till"]) == (False, 2, "till/api:gateway/wechat")
    assert [(one["transaction"], one["ours_micro"]) for one in told["differing"]] == [("b", 2 * YUAN)]
    assert [(one["transaction"], one["amount_micro"]) for one in told["ours_only"]] == [("c", -3 * YUAN)]
    assert [(one["transaction"], one["amount_micro"]) for one in told["theirs_only"]] == [("z", 9 * YUAN)]
    assert (told["ours_micro"], told["theirs_micro"]) == (3 * YUAN, 15_500_000)
    right = file.replace("2.50", "2.00").replace("z,9.00", "c,-3.00")
    query = {"day": day, "method": "wechat"}
    rig.clock.now_ms += 1_000
    assert programs("sell").post(f"{API}/settlements", params=query, content=right).json()["agrees"]
    check_kept(programs, told["id"], file)
    assert rig.breaches() == []
    other = programs("sell", name="other").post(f"{API}/settlements", params=query, content=right).json()
    assert (other["matched"], other["ours_micro"]) == (0, 0)


def check_kept(programs: Programs, settlement: str, file: str) -> None:
    """What came of the file is kept: who, when, which file, each payment."""
    heads = programs.items(f"{API}/settlements")
    assert [head["agrees"] for head in heads] == [True, False], "the newest first"
    assert (heads[1]["id"], heads[1]["till"]) == (settlement, "till/api:gateway/wechat")
    head = programs("sell").get(f"{API}/settlements/{settlement}").json()
    assert head["file_sha256"] == hashlib.sha256(file.encode()).hexdigest()
    assert (head["matched"], head["differing"], head["ours_only"], head["theirs_only"]) == (2, 1, 1, 1)
    address = f"{API}/settlements/{settlement}/payments"
    rows = programs("sell").get(address, params={"limit": 3}).json()
    assert [(one["found"], one["transaction"]) for one in rows["items"]] == [
        ("differing", "b"),
        ("ours_only", "c"),
        ("theirs_only", "z"),
    ]
    rest = programs("sell").get(address, params={"after": rows["next"]}).json()["items"]
    assert [(one["found"], one["transaction"], one["ours_micro"]) for one in rest] == [
        ("matched", "a", YUAN),
        ("matched", "c", 3 * YUAN),
    ]
    differing = programs("sell").get(address, params={"differing_only": True}).json()["items"]
    assert len(differing) == 3
    stranger = programs("sell", name="other")
    assert stranger.get(f"{API}/settlements/{settlement}").status_code == 404
    assert stranger.get(f"{API}/settlements").json()["items"] == []


def test_a_settlement_that_was_changed_is_found(programs: Programs, rig: SiteRig) -> None:
    sell(programs, "a", "1")
    query = {"day": rig.centre.day_of(rig.clock.now_ms), "method": "wechat"}
    programs("sell").post(f"{API}/settlements", params=query, content="transaction,amount\r\na,1.00\r\n")
    assert rig.breaches() == []
    if not isinstance(rig.config.database, Path):
        pytest.skip("somebody with the file of the database; a server's guards are taken off by its own tests")
    with closing(sqlite3.connect(rig.config.database)) as file:
        file.execute('DROP TRIGGER "provider_payment_never_changes"')
        file.execute("UPDATE provider_payment SET theirs_micro = 5")
        file.commit()
    assert [breach for breach in rig.breaches() if "is not what the audit says of it" in breach]


def test_a_file_with_mistakes_names_them(programs: Programs) -> None:
    query = {"day": "2026-11-22", "method": "wechat"}
    file = "transaction,amount\r\na,ten\r\n,1.00\r\nb,1.005\r\n"
    answer = programs("sell").post(f"{API}/settlements", params=query, content=file)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["row 2, amount", "row 3", "row 4, amount"]
    for content, params in ((b"\xff", query), (b"", query), (b"transaction,amount\n", query | {"day": "2026-02-30"})):
        assert programs("sell").post(f"{API}/settlements", params=params, content=content).status_code == 422


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ([], [], (0, 0, 0, 0)),
        ([("a", 5)], [("a", 5)], (1, 0, 0, 0)),
        ([("a", 5)], [("a", 6)], (0, 1, 0, 0)),
        ([("a", 5)], [], (0, 0, 1, 0)),
        ([], [("a", 5)], (0, 0, 0, 1)),
        ([("a", 5), ("a", -5)], [("a", 5), ("a", -5)], (2, 0, 0, 0)),
        ([("a", 5), ("a", -5)], [("a", 5)], (1, 0, 1, 0)),
        ([("a", 5)], [("a", 2), ("a", 3)], (1, 0, 0, 0)),
    ],
)
def test_matching(ours: list[tuple[str, int]], theirs: list[tuple[str, int]], expected: tuple[int, ...]) -> None:
    found = match((Payment(*one) for one in ours), (Payment(*one) for one in theirs))
    lists = (found.matched, found.differing, found.ours_only, found.theirs_only)
    assert tuple(map(len, lists)) == expected
    assert found.agrees is (expected[1:] == (0, 0, 0))


def test_a_file_with_a_mark_and_blank_rows_is_read() -> None:
    payments, wrong = read_file("\ufefftransaction,amount\r\n\r\n a , 1.50 \r\nb,-2\r\n")
    assert wrong == []
    assert payments == [Payment("a", 1_500_000), Payment("b", -2 * YUAN)]
