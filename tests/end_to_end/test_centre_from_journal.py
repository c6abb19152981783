"""A centre of which nothing but keys and journal is left, as real processes: sold before, restored, boxes heard."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.store.opening import open_store
from protocol.limits import INTEGER_MAX
from tests.cloud_server.api.site_process import ROOT
from tests.cloud_server.street import account_id, box_id
from tests.end_to_end.shaft import (
    ADMINISTRATOR_PASSWORD,
    BOX,
    Hardware,
    Shaft,
    first_administrator,
    shaft,
    wait_for,
)

pytestmark = pytest.mark.timeout(300)

SILENT = box_id(2)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shaft]:
    with shaft(tmp_path_factory.mktemp("journal")) as made:
        yield made


def lose_database(place: Shaft) -> None:
    place.cut()
    database = place.centre.config.database
    assert isinstance(database, Path)
    for old in database.parent.glob(f"{database.name}*"):
        old.unlink()


def test_a_centre_without_any_backup(place: Shaft) -> None:
    sale = place.sell("20.00")
    place.delivered(sale)
    receipt = place.api("GET", f"/sales/{sale}", "sell").json()["receipt"]
    waits = sell_to_the_silent(place, "9.00", "silent-1")
    before = place.balance_micro()
    lose_database(place)
    assert place.cloud_server("verify").returncode != 0
    done = place.cloud_server("restore", "--from-journal", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["boxes_to_hear"], told["not_taken"], told["plan_taken"]) == (["A1"], 0, True)
    assert place.verify()
    place.forget_tokens()
    place.mend()
    assert place.cloud_server("setup", "--json").returncode == 0
    wait_for(lambda: not place.api("GET", "/recovery", "sell").json()["under_way"], "recovery", place.box.log)
    assert place.sale_state(sale) in ("delivered", "on")
    assert place.api("GET", f"/sales/{sale}", "sell").json()["receipt"] == receipt
    assert place.sale_state(waits) == "waiting"
    assert before - 5_000_000 < place.balance_micro() <= before
    place.verify()
    body = {"account": account_id(2, 2), "amount": "9.00", "method": "cash"}
    again = place.api("POST", "/sales", "sell", json=body, headers={"Idempotency-Key": "silent-1"})
    assert (again.status_code, again.json()["id"]) == (201, waits), "the same key gives the same answer"
    new = place.sell("1.00")
    place.delivered(new)
    assert place.api("GET", f"/sales/{new}", "sell").json()["receipt"] != receipt
    place.verify()


def test_a_manager_reads_what_is_known_box_by_box_and_sale_by_sale(place: Shaft) -> None:
    words = place.cloud_server("recovery", "--sales").stdout
    assert "Recovery over." in words
    assert "A1: recovered" in words
    assert words.count("delivered") >= 2
    assert "9.00" in words
    assert "waits at the centre for A2" in words
    rows = place.api("GET", "/recovery", "sell").json()
    assert next(box for box in rows["boxes"] if box["box"] == BOX)["under_way"] is False
    assert SILENT not in {box["box"] for box in rows["boxes"]}, "it never served"


def sell_to_the_silent(place: Shaft, amount: str, key: str) -> str:
    body = {"account": account_id(2, 2), "amount": amount, "method": "cash"}
    answer = place.api("POST", "/sales", "sell", json=body, headers={"Idempotency-Key": key})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def step(place: Shaft, path: str, key: str, body: dict[str, str], who: str, scope: str) -> dict[str, str]:
    with place.centre.client(place.centre.named_token(who, "read", scope)) as client:
        answer = client.post(f"/api/v1{path}", json=body, headers={"Idempotency-Key": key})
    assert answer.status_code == 201, answer.text
    found: dict[str, str] = answer.json()
    return found


def test_two_people_open_selling_for_a_box_that_stays_silent(place: Shaft) -> None:
    held = place.sell("3.00")
    place.delivered(held)
    before = place.balance_micro()
    place.box.kill()
    lose_database(place)
    assert place.cloud_server("restore", "--from-journal").returncode == 0
    place.forget_tokens()
    place.mend()
    body = {"account": account_id(1, 2), "amount": "6.00", "method": "cash"}
    refused = place.api("POST", "/sales", "sell", json=body, headers={"Idempotency-Key": "too-early"})
    assert refused.status_code == 422
    assert [error["code"] for error in refused.json()["errors"]] == ["box_not_heard"]
    assert "selling closed" in place.cloud_server("recovery").stdout
    asked = step(place, f"/recovery/boxes/{BOX}/selling", "open", {"reason": "called the shaft"}, "desk", "office")
    assert asked["state"] == "confirming"
    step(place, f"/requests/{asked['request']}/approval", "yes", {}, "chief", "confirm")
    sale = place.sell("6.00")
    assert place.sale_state(sale) == "waiting"
    assert "selling opened by" in place.cloud_server("recovery").stdout
    assert "in flight unproven" in place.cloud_server("recovery", "--sales").stdout
    place.verify()
    place.box.start()
    place.delivered(sale)
    place.delivered(held)
    assert before < place.balance_micro() <= before + 6_000_000
    place.verify()


def rows_of(place: Shaft) -> dict[str, object]:
    """The box in the report of the recovery."""
    rows = place.api("GET", "/recovery", "sell").json()["boxes"]
    found: dict[str, object] = next(row for row in rows if row["box"] == BOX)
    return found


def restore_from_journal(place: Shaft) -> None:
    lose_database(place)
    done = place.cloud_server("restore", "--from-journal", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    place.forget_tokens()
    place.mend()


def test_what_a_replaced_machine_had_is_passed_over_by_the_next_epochs_line(place: Shaft) -> None:
    old, spare = place.box, Hardware(place.folder / "spare", place.box.tty)
    place.enrol(spare, place.api("POST", f"/boxes/{BOX}/replacement").text)
    old.kill()
    place.box = spare
    spare.start()
    place.epoch_is(2)
    place.delivered(place.sell("5.00"))
    before = place.balance_micro()
    restore_from_journal(place)
    wait_for(lambda: rows_of(place)["under_way"] is False, "its recovery", place.box.log)
    words = place.cloud_server("recovery").stdout
    assert "of epoch 1 are on no machine any more; epoch 2 proves the balances behind them" in words
    assert before - 5_000_000 < place.balance_micro() <= before
    place.verify()


def test_two_people_take_the_word_of_a_box_for_what_it_has_let_go_of(place: Shaft) -> None:
    """As after `retain_days` in one epoch: neither its batches nor a line of the centre tell what lies before."""
    place.delivered(place.sell("4.00"))
    before = place.balance_micro()
    place.box.stop()
    with open_store(place.box.state_dir, time.time_ns() // 1_000_000) as store:
        assert store.thin_out(INTEGER_MAX) > 0
    restore_from_journal(place)
    place.box.start()
    wait_for(lambda: lost(place) != [], "what is to be accepted", place.box.log)
    assert rows_of(place)["under_way"] is True
    place.verify()
    (one,) = lost(place)
    first_administrator(place)
    asked = subprocess.run(
        [sys.executable, "-m", "cloud_server", "accept-history", "--config", str(place.centre.config.path), "--json",
         "--box", one["name"], "--person", "wang", "--reason", "centre and every backup are lost"],
        input=f"{ADMINISTRATOR_PASSWORD}\n", capture_output=True, text=True, cwd=ROOT, timeout=120, check=False,
    )  # fmt: skip
    assert asked.returncode == 0, asked.stdout + asked.stderr
    step(place, f"/requests/{json.loads(asked.stdout)['request']}/approval", "accept", {}, "chief", "confirm")
    wait_for(lambda: rows_of(place)["under_way"] is False, "its recovery", place.box.log)
    assert lost(place) == []
    assert before - 5_000_000 < place.balance_micro() <= before
    assert "two people took the word of the box" in place.cloud_server("recovery").stdout
    place.delivered(place.sell("1.00"))
    place.verify()


def lost(place: Shaft) -> list[dict[str, str]]:
    found: list[dict[str, str]] = place.api("GET", "/recovery/lost-history", "sell").json()["items"]
    return found
