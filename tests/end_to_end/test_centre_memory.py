"""A centre that lost its memory, as real processes: yesterday's backup, a box that answers, one that is silent,
a journal that is there or gone; `verify` clean at each step, and a report for a manager."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cloud_server.api.site_process import exchange
from tests.cloud_server.street import account_id, box_id
from tests.end_to_end.shaft import BOX, Shaft, shaft, wait_for

pytestmark = pytest.mark.timeout(400)

SILENT = box_id(2)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shaft]:
    folder = tmp_path_factory.mktemp("centre")
    with shaft(folder) as made:
        settings = made.centre.config.path
        secret = folder / "backup.passphrase"
        secret.write_text("a passphrase of an office\n")
        secret.chmod(0o400)
        text = settings.read_text(encoding="utf-8")
        settings.write_text(f'{text}\n[backup]\nfolder = "{folder / "backups"}"\npassphrase_file = "{secret}"\n')
        made.cut()
        made.mend()
        yield made


def backup(place: Shaft) -> Path:
    made = place.cloud_server("backup", "--json")
    assert made.returncode == 0, made.stdout + made.stderr
    return Path(json.loads(made.stdout)["file"])


def restore(place: Shaft, file: Path) -> dict[str, object]:
    done = place.cloud_server("restore", str(file), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_backup_is_proved(place: Shaft) -> None:
    file = backup(place)
    proved = place.cloud_server("restore", str(file), "--check", "--json")
    assert proved.returncode == 0, proved.stdout + proved.stderr
    told = json.loads(proved.stdout)
    assert (told["boxes"], told["breaches"]) == (2, [])
    state = place.api("GET", "/centre", "sell").json()
    assert (state["backup_is_old"], state["selling_stopped"]) == (False, None)
    file.write_bytes(file.read_bytes()[:-1])
    assert place.cloud_server("restore", str(file), "--check").returncode == 1


def test_yesterdays_backup_with_a_box_that_answers_and_one_that_is_silent(place: Shaft) -> None:
    file = backup(place)
    sale = place.sell("20.00")
    place.delivered(sale)
    waits = place.api(
        "POST",
        "/sales",
        "sell",
        json={"account": account_id(2, 2), "amount": "9.00", "method": "cash"},
        headers={"Idempotency-Key": "silent-1"},
    ).json()["id"]
    before = place.balance_micro()
    assert place.cloud_server("restore", str(file)).returncode == 1, "a centre that runs is not overwritten"
    place.cut()
    told = restore(place, file)
    assert told["boxes_to_hear"] == ["A1"]
    assert place.verify()
    place.mend()
    wait_for(lambda: not place.api("GET", "/recovery", "sell").json()["under_way"], "recovery", place.box.log)
    assert {place.sale_state(sale)} <= {"delivered", "on"}
    assert place.sale_state(waits) == "waiting"
    assert before - 5_000_000 < place.balance_micro() <= before
    place.verify()
    place.delivered(place.sell("1.00"))
    report = place.cloud_server("recovery")
    assert "Recovery over." in report.stdout
    assert "2 sales were written again" in report.stdout
    place.verify()


def test_the_boxes_alone_when_journal_and_database_are_yesterdays(place: Shaft) -> None:
    file = backup(place)
    sale = place.sell("30.00")
    place.delivered(sale)
    before = place.balance_micro()
    place.cut()
    os.truncate(place.centre.config.journal / "centre.lines", 0)
    told = restore(place, file)
    assert told["taken"] == {}
    place.mend()
    wait_for(lambda: not place.api("GET", "/recovery", "sell").json()["under_way"], "recovery", place.box.log)
    assert place.sale_state(sale) in ("delivered", "on")
    assert place.balance_micro() <= before
    place.delivered(place.sell("1.00"))
    place.verify()
    rows = place.api("GET", "/recovery", "sell").json()
    assert rows["boxes"][0]["commands_back"] >= 1
    assert next(box for box in rows["boxes"] if box["box"] == BOX)["under_way"] is False
    assert SILENT not in {box["box"] for box in rows["boxes"]}, "it never served"


def test_a_journal_that_cannot_be_written_stops_selling_aloud(place: Shaft) -> None:
    journal = place.centre.config.journal
    place.cut()
    journal.rename(journal.with_name("away"))
    journal.write_text("no folder")
    place.mend()
    body = {"account": account_id(1, 2), "amount": "1.00", "method": "cash"}
    answer = place.api("POST", "/sales", "sell", json=body, headers={"Idempotency-Key": "stopped-1"})
    assert answer.status_code == 503
    assert "journal" in place.api("GET", "/centre", "sell").json()["selling_stopped"]
    place.cut()
    journal.unlink()
    journal.with_name("away").rename(journal)
    place.mend()
    place.delivered(place.sell("2.00"))
    place.verify()


@pytest.mark.parametrize("place_in_flow", ["sale_before_commit", "sale_committed", "sale_journaled"])
def test_a_centre_killed_within_a_sale_sells_once(place: Shaft, place_in_flow: str) -> None:
    body = {"account": account_id(1, 2), "amount": "4.00", "method": "cash"}
    key = {"Idempotency-Key": f"killed-{place_in_flow}"}
    sales = {row["id"] for row in place.api("GET", "/sales?limit=1000", "sell").json()["items"]}
    before = place.balance_micro()
    place.cut()
    place.mend(ends_at=place_in_flow)
    with pytest.raises(httpx.TransportError):
        place.api("POST", "/sales", "sell", json=body, headers=key)
    assert place.centre.process.wait(30) == -signal.SIGKILL
    place.mend()
    again = place.api("POST", "/sales", "sell", json=body, headers=key)
    assert again.status_code == 201, again.text
    place.delivered(again.json()["id"])
    after = {row["id"] for row in place.api("GET", "/sales?limit=1000", "sell").json()["items"]}
    assert after - sales == {again.json()["id"]}, "once"
    assert before < place.balance_micro() <= before + 4_000_000
    place.verify()


def test_yesterdays_backup_with_a_box_that_answers_and_one_that_served_and_is_silent(place: Shaft) -> None:
    two = place.centre.enrol(2)
    with place.centre.client() as wire:
        exchange(wire, two)
    file = backup(place)
    sale = place.sell("20.00")
    place.delivered(sale)
    body = {"account": account_id(2, 2), "amount": "9.00", "method": "cash"}
    lost = place.api("POST", "/sales", "sell", json=body, headers={"Idempotency-Key": "silent-2"})
    assert lost.status_code == 201, lost.text
    with place.centre.client() as wire:
        exchange(wire, two)
    place.cut()
    assert restore(place, file)["boxes_to_hear"] == ["A1", "A2"]
    assert place.verify()
    place.mend()
    wait_for(lambda: not recovery_of(place, BOX)["under_way"], "A1", place.box.log)
    assert place.sale_state(sale) in ("delivered", "on")
    silent = recovery_of(place, SILENT)
    assert (silent["under_way"], silent["selling_closed"]) == (True, True)
    refused = place.api("POST", "/sales", "sell", json=body, headers={"Idempotency-Key": "silent-3"})
    assert [error["code"] for error in refused.json()["errors"]] == ["box_not_heard"]
    report = place.cloud_server("recovery", "--sales").stdout
    assert "Recovery under way." in report
    assert "A2: TO BE HEARD" in report
    assert "A1: recovered" in report
    assert place.api("GET", f"/sales/{lost.json()['id']}", "sell").json()["receipt"] in report
    place.verify()


def recovery_of(place: Shaft, box: str) -> dict[str, Any]:
    rows = place.api("GET", "/recovery", "sell").json()["boxes"]
    found: dict[str, Any] = next(row for row in rows if row["box"] == box)
    return found
