"""Money that goes back, with a real agent, a real centre and meters on a pty: one story on one running shaft.

Refund and reversal, a refund with the fibre cut, an adjustment by two, a closing to the last fen, a meter that was
exchanged with the fibre cut, a box that retires.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud_server.street import PRICE_MICRO, TARIFF, name, point_id
from tests.cloud_server.web.test_profile_pages import save
from tests.cloud_server.web.test_settings_pages import change
from tests.edge_agent.bus.profile_texts import ARMABLE
from tests.end_to_end.shaft import (
    ACCOUNT,
    BOX,
    METER,
    SHOP,
    STRANGER,
    STRANGER_UNIT,
    WALLET,
    Shaft,
    first_administrator,
    shaft,
    wait_for,
)

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("money_of_a_shaft")]

YUAN = 1_000_000


class Office:
    """A cashier's token and a supervisor's."""

    def __init__(self, place: Shaft) -> None:
        self.place = place
        self.maker = place.centre.named_token("maker", "read", "sell", "office")
        self.checker = place.centre.named_token("checker", "confirm")

    def post(self, path: str, key: str, body: dict[str, Any] | None = None, *, checks: bool = False) -> dict[str, Any]:
        with self.place.centre.client(self.checker if checks else self.maker) as client:
            answer = client.post(f"/api/v1{path}", json=body or {}, headers={"Idempotency-Key": key})
        assert answer.status_code in (201, 202), answer.text
        found: dict[str, Any] = answer.json()
        return found

    def get(self, path: str) -> Any:
        with self.place.centre.client(self.maker) as client:
            return client.get(f"/api/v1{path}").json()

    def until(self, path: str, *states: str) -> dict[str, Any]:
        wait_for(lambda: self.get(path)["state"] in states, f"{path} {states}", self.place.box.log)
        found: dict[str, Any] = self.get(path)
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shaft]:
    with shaft(tmp_path_factory.mktemp("money")) as made:
        yield made


@pytest.fixture(scope="module")
def office(place: Shaft) -> Office:
    return Office(place)


def test_a_refund_comes_back_from_the_box_and_is_paid(place: Shaft, office: Office) -> None:
    before = place.balance_micro()
    asked = office.post(f"/accounts/{ACCOUNT}/refunds", "r1", {"amount": "30.00", "method": "cash", "reason": "leaves"})
    ready = office.until(f"/refunds/{asked['id']}", "payable")
    assert ready["payable_micro"] == 30 * YUAN
    assert before - 31 * YUAN < place.balance_micro() <= before - 30 * YUAN
    paid = office.post(f"/refunds/{asked['id']}/payment", "p1")
    assert (paid["state"], paid["paid_micro"]) == ("paid", 30 * YUAN)


def test_a_wrong_sale_is_undone_on_the_box_too(place: Shaft, office: Office) -> None:
    before = place.balance_micro()
    sale = office.post("/sales", "s1", {"account": ACCOUNT, "amount": "40.00", "method": "cash"})["id"]
    wait_for(lambda: place.balance_micro() > before + 35 * YUAN, "the recharge", place.box.log)
    office.post(f"/sales/{sale}/reversal", "u1", {"reason": "typed wrong"})
    wait_for(lambda: place.balance_micro() <= before, "the minus grant", place.box.log)
    assert before - 2 * YUAN < place.balance_micro()


def test_asked_with_the_fibre_cut_it_is_withdrawn_or_answered_once(place: Shaft, office: Office) -> None:
    """The agent is down: the request waits in the command chain, and a withdrawal behind it wins."""
    before = place.balance_micro()
    place.box.kill()
    wish = {"amount": "10.00", "method": "cash", "reason": "x"}
    asked = office.post(f"/accounts/{ACCOUNT}/refunds", "r2", wish)
    assert asked["state"] == "asked"
    office.post(f"/refunds/{asked['id']}/withdrawal", "w2")
    place.box.start()
    office.until(f"/refunds/{asked['id']}", "withdrawn")
    assert before - 2 * YUAN < place.balance_micro() <= before


def test_the_centre_killed_behind_a_question_pays_it_once(place: Shaft, office: Office) -> None:
    asked = office.post(f"/accounts/{ACCOUNT}/refunds", "r3", {"amount": "5.00", "method": "cash", "reason": "x"})
    place.cut()
    place.mend()
    office.until(f"/refunds/{asked['id']}", "payable")
    first = office.post(f"/refunds/{asked['id']}/payment", "p3")
    place.cut()
    place.mend()
    assert office.post(f"/refunds/{asked['id']}/payment", "p3") == first
    place.verify()


def test_an_adjustment_by_two_reaches_the_meter_s_wallet(place: Shaft, office: Office) -> None:
    before = place.balance_micro()
    wish = {"amount": "-101.00", "reason": "wrong ratio for three months", "energy": "-126.25"}
    great = office.post(f"/accounts/{ACCOUNT}/adjustments", "a1", {**wish, "amount": "120.00"})
    assert great["state"] == "confirming"
    office.post(f"/requests/{great['request']}/approval", "y1", checks=True)
    wait_for(lambda: place.balance_micro() > before + 115 * YUAN, "the adjustment", place.box.log)
    debit = office.post(f"/accounts/{ACCOUNT}/adjustments", "a2", wish)
    office.post(f"/requests/{debit['request']}/approval", "y2", checks=True)
    wait_for(lambda: place.balance_micro() < before + 20 * YUAN, "the debit", place.box.log)


def test_an_account_is_closed_to_the_last_fen_and_another_follows(place: Shaft, office: Office) -> None:
    tenant = {"number": "K900", "customer_name": "next"}
    closing = office.post(f"/accounts/{ACCOUNT}/closing", "c1", {"reason": "leaves", "next_tenant": tenant})["id"]
    ready = office.until(f"/closings/{closing}", "ready")
    assert ready["wallets"] == {WALLET: "answered"}
    done = office.post(f"/closings/{closing}/settlement", "t1", {"how": "refund", "method": "cash"})
    assert done["state"] == "settled"
    assert 0 <= done["settled_micro"] < 100 * YUAN
    office.post(f"/refunds/{done['refund']}/payment", "p9")
    wait_for(lambda: office.get(f"/closings/{closing}")["next_account"] is not None, "the next tenant", place.box.log)
    account = office.get(f"/closings/{closing}")["next_account"]
    sale = office.post("/sales", "s9", {"account": account, "amount": "20.00", "method": "cash"})["id"]
    wait_for(lambda: office.get(f"/sales/{sale}")["state"] in ("delivered", "on"), "the new wallet", place.box.log)
    wait_for(lambda: 0 < place.balance_micro() <= 20 * YUAN, "its balance", place.box.log)
    place.verify()


def test_a_make_that_nobody_had_seen_is_read_and_charged_by_a_profile_from_the_console(
    place: Shaft, office: Office
) -> None:
    """Saved, planned and changed at the console alone; no file on the box was touched."""
    console = first_administrator(place)
    save(console, "/settings/profiles/new", ARMABLE, "elsewhere_arm")
    where = {"bus": name(0xB05, 1), "point": point_id(1, 1), "tariff": TARIFF}
    facts = {"name": STRANGER, "unit": str(STRANGER_UNIT), "rated_ma": "60000", "phases": "3"}
    change(console, "/settings/meters/new", profile="elsewhere_arm", **where, **facts)
    console.get("/settings/meters")
    meter = console.text.split(f">{STRANGER}</a>")[0].rsplit("/settings/meters/", 1)[1].rstrip('"')
    wait_for(lambda: is_read(place, meter), "the stranger's register", place.box.log)
    tenant = {"number": "K901", "meters": [meter], "customer_name": "stranger"}
    account = office.post("/accounts", "o1", tenant)["account"]
    sale = office.post("/sales", "s10", {"account": account, "amount": "50.00", "method": "cash"})["id"]
    place.delivered(sale)
    place.put_in_service(meter)
    wait_for(lambda: 0 < place.meter_status(meter)["balance_micro"] < 50 * YUAN, "a charge", place.box.log)
    # A later version closes the interval at the box, so that the centre books what was charged.
    save(console, "/settings/profiles/elsewhere_arm", ARMABLE.replace('"armable"', '"armable 2"'))
    wait_for(lambda: "works with it" in console.get("/settings/profiles/elsewhere_arm"), "version 2", place.box.log)
    place.box.kill()
    place.box.start()
    wait_for(lambda: place.meter_status(meter)["balance_micro"] is not None, "a reading", place.box.log)
    before = place.meter_status(meter)["balance_micro"]
    wait_for(lambda: place.meter_status(meter)["balance_micro"] < before, "a charge after a restart", place.box.log)
    place.verify()


def test_a_meter_is_exchanged_with_the_fibre_cut(place: Shaft, office: Office) -> None:
    """Noted in the shaft by terminal alone, told when the fibre is whole, carried out by a person's yes."""
    before = place.meter_status()
    place.cut()
    hanging = place.meters.meter(f"m{SHOP - 1}")
    serial = place.meters.swap(hanging)
    wait_for(lambda: place.meter_status()["held"], "a register that ran back to be held", place.box.log)
    last_wh, balance_micro = int(place.meter_status()["raw_wh"]), place.balance_micro()
    # What was used between the box's last reading and the exchange stands on the old display alone.
    closing_wh = last_wh + 7
    words = ("--new-serial", serial, "--old-kwh", f"{closing_wh / 1_000:.3f}", "--new-kwh", "0", "--who", "赵技术")
    assert "lists them by name" in place.box.command("note-replacement", "--meter", "nobody", *words).stderr
    noted = place.box.command("note-replacement", "--meter", str(before["name"]), *words)
    assert noted.returncode == 0, noted.stderr
    assert f"believed here: {last_wh / 1_000:.2f} kWh" in noted.stdout
    assert place.balance_micro() == balance_micro, "held: nothing is charged"

    place.mend()
    wait_for(lambda: "replacement_noted" in {task["kind"] for task in office.get("/tasks")["items"]}, "the note")
    body = {"old_raw_wh": closing_wh, "serial": serial, "new_raw_wh": 0, "reason": "换表"}
    done = office.post(f"/meters/{METER}/replacement", "m1", body)
    assert done["state"] == "asked"
    wait_for(lambda: new_meter(place, before) is not None, "the new meter", place.box.log)
    serves = new_meter(place, before)
    assert serves is not None
    used_wh = closing_wh - last_wh + int(serves["raw_wh"])
    assert serves["balance_micro"] == balance_micro - used_wh * PRICE_MICRO // 1_000, "to the micro: both meters"
    place.verify()
    assert "replacement_noted" not in {task["kind"] for task in office.get("/tasks")["items"]}


def is_read(place: Shaft, meter: str) -> bool:
    """Whether the box knows the meter and has its register."""
    return any(each["meter"] == meter and each["raw_wh"] is not None for each in place.box.status()["meters"])


def new_meter(place: Shaft, before: dict[str, Any]) -> dict[str, Any] | None:
    """The meter that serves the point of one that was there before, once its register counts."""
    found = [each for each in place.box.status()["meters"] if each["point"] == before["point"]]
    other = [each for each in found if each["meter"] != before["meter"]]
    return next((each for each in other if not each["held"] and each["raw_wh"] is not None), None)


def test_a_box_that_does_not_return_is_settled_by_two(place: Shaft, office: Office) -> None:
    place.box.kill()
    asked = office.post(f"/boxes/{BOX}/retirement", "x1", {"reason": "flooded"})
    done = office.post(f"/requests/{asked['request']}/approval", "y9", checks=True)
    assert done["answer"]["state"] == "retired"
    place.verify()
