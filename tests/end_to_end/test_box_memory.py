"""Hardware that lost its memory, as real processes: old image, damaged store, two with one key, a spare."""

import time
from collections.abc import Iterator

import pytest

from tests.end_to_end.shaft import BOX, METER, Hardware, Shaft, shaft, wait_for

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shaft]:
    with shaft(tmp_path_factory.mktemp("shaft"), on_store_loss="protect") as made:
        yield made


def test_an_old_image_with_the_fibre_whole(place: Shaft) -> None:
    place.box.kill()
    image = place.box.image()
    place.box.start()
    place.delivered(place.sell("10.00"))
    before = place.balance_micro()
    place.box.kill()
    place.box.put_back(image)
    place.box.start()
    place.epoch_is(2)
    after = place.balance_micro()
    assert before - 5_000_000 < after <= before, "the recharge counts once, and what was used since is charged"
    place.delivered(place.sell("5.00"))
    assert "holds" in place.verify()


def test_an_old_image_with_the_fibre_cut(place: Shaft) -> None:
    place.box.kill()
    image = place.box.image()
    place.box.start()
    place.delivered(place.sell("10.00"))
    place.box.kill()
    place.box.put_back(image)
    place.cut()
    place.box.start()
    first = place.balance_micro()
    wait_for(lambda: place.balance_micro() < first, "charging goes on")
    status = place.box.status()["batches"]
    assert (status["head_confirmed"], status["records_not_sealed"] > 0) == (False, True), "nothing is sealed"
    place.mend()
    place.epoch_is(3)
    place.delivered(place.sell("5.00"))
    place.verify()


def test_a_damaged_store_is_set_aside_and_relays_are_kept_closed_meanwhile(place: Shaft) -> None:
    place.delivered(place.sell("10.00"))
    before = place.balance_micro()
    place.box.kill()
    place.cut()
    for name in ("box.db", "box.db-wal"):
        store = place.box.state_dir / name
        store.write_bytes(store.read_bytes().replace(b'"book_micro":', b'"book_micrp":'))
    place.meters.meter("m1").memory.settings |= {"force_enable": 1, "force_state": 1}
    place.meters.meter("m1").memory.contact_closed = False
    place.box.start()
    wait_for(lambda: place.contact_closed, "protect closes", place.box.log)
    status = place.box.status()
    assert status["waits_for_epoch"] is True
    assert status["store_lost"].startswith("store_")
    place.mend()
    place.epoch_is(4)
    assert list((place.box.state_dir / "set-aside").glob("*/box.db")), "never deleted"
    assert place.balance_micro() <= before
    place.delivered(place.sell("5.00"))
    place.verify()


def test_a_lock_out_on_the_spot_outlives_an_epoch_that_does_not_know_it(place: Shaft) -> None:
    place.box.kill()
    image = place.box.image()
    place.box.start()
    place.delivered(place.sell("1.00"))
    place.box.kill()
    place.box.put_back(image)
    place.cut()
    place.box.start()
    wait_for(lambda: place.meter_status()["age_s"] is not None, "a reading")
    assert place.box.command("lock-out", "--meter", METER, "--who", "Li").returncode == 0
    wait_for(lambda: not place.contact_closed, "open")
    place.mend()
    place.epoch_is(5)
    assert place.meter_status()["locked_out"] == "Li"
    time.sleep(1.5)
    assert not place.contact_closed
    wait_for(lambda: place.api("DELETE", f"/meters/{METER}/lock-out").status_code == 202, "lifted")
    wait_for(lambda: place.contact_closed, "closed again", place.box.log)
    place.verify()


def test_two_with_one_key_are_found_and_a_person_decides(place: Shaft) -> None:
    place.box.kill()
    clone = Hardware(place.folder / "clone", place.folder / "nothing-plugged-in")
    clone.write_config()
    place.box.image().rename(clone.state_dir)
    place.box.start()
    clone.start()
    wait_for(lambda: place.box_row()["state"] == "quarantined", "the fork", clone.log, within_s=200)
    sale = place.sell("7.00")
    assert place.sale_state(sale) == "waiting", "its credit stays at the centre"
    clone.kill()
    assert {line["verdict"] for line in place.api("GET", f"/boxes/{BOX}/evidence").json()["items"]} >= {"forked"}
    said = {"goes_on": "present", "reason": "the copy was switched off"}
    answer = place.api("POST", f"/boxes/{BOX}/hardware", json=said)
    assert answer.status_code == 200, answer.text
    place.epoch_is(answer.json()["epoch"])
    place.delivered(sale)
    place.verify()


def test_a_spare_box_takes_the_place(place: Shaft) -> None:
    place.delivered(place.sell("3.00"))
    before = place.balance_micro()
    epoch = place.box_row()["epoch"]
    old, spare = place.box, Hardware(place.folder / "spare", place.box.tty)
    place.enrol(spare, place.api("POST", f"/boxes/{BOX}/replacement").text)
    old.kill()
    place.box = spare
    spare.start()
    place.epoch_is(epoch + 1)
    assert before - 5_000_000 < place.balance_micro() <= before
    place.delivered(place.sell("5.00"))
    place.verify()


def test_a_revoked_box_is_refused_at_every_request(place: Shaft) -> None:
    answer = place.api("POST", f"/boxes/{BOX}/revocation", json={"reason": "stolen"})
    assert answer.json()["state"] == "revoked"
    wait_for(lambda: "401" in str(place.box.status()["centre"]["failure"]), "refused", place.box.log)
    assert place.sale_state(place.sell("2.00")) == "waiting"
    place.verify()
