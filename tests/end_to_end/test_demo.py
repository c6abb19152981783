"""The whole product in its own processes: meters on ptys at line speed, a box, the centre over HTTPS, one story.

The tests of this file follow each other on one running site, in the order in which they stand.
"""

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest

from provisioning.cli import main as provision
from provisioning.demo.folder import free_port
from provisioning.demo.street import FLAT_PRICE_MICRO
from tests.busy import busy
from tests.end_to_end.running_demo import RunningDemo, wait_until

pytestmark = pytest.mark.xdist_group("demo")

SIX_STATES = {"normal", "alarm1", "alarm2", "arrears", "not_opened", "lost"}
LIT_WITHIN_S = 2.0
DRY_WATTS = 32_000
SHOPS = ("101", "107", "108", "121", "122")
CYCLE_S = 1.0
"""Six meters at 9600 baud are read in half a second; a relay order takes its turn between them."""
REGISTER_STEP_WH = 10
DRAWN_BETWEEN_MICRO = 60_000
"""Five seconds at the greatest load of these tests and the highest price."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    running = RunningDemo(tmp_path_factory.mktemp("demo") / "state")
    try:
        running.start("--port", str(free_port(0, set())))
        running.control.load("101", DRY_WATTS)
        yield running
    finally:
        if running.process is not None:
            running.end()


def balances_meet(demo: RunningDemo, number: str) -> bool:
    """Whether centre and box say the same of a shop's wallet, but for what it drew between the two questions."""
    centre_micro, box_micro = demo.points()[number]["balance_micro"], demo.box_meter(number)["balance_micro"]
    drawn_micro = 0 if demo.relay(number) == "open" else DRAWN_BETWEEN_MICRO
    return box_micro is not None and bool(abs(centre_micro - box_micro) <= drawn_micro)


def test_it_begins_within_a_minute_with_all_six_states(demo: RunningDemo) -> None:
    assert demo.up_after_s < 60, demo.log.read_text()
    points = demo.points()
    assert len(points) == 12
    assert {point["state"] for point in points.values()} - {"measured"} == SIX_STATES
    assert points["101"]["state"] in ("normal", "alarm1", "alarm2")
    assert points["111"]["state"] == "lost"
    assert points["110"]["account"] is None


def test_demo_json_says_what_another_program_needs(demo: RunningDemo) -> None:
    facts = demo.facts
    assert set(facts) == {"url", "ca_file", "api_token", "staff", "centre", "boxes", "simulator"}
    assert {person["role"] for person in facts["staff"]} >= {"cashier", "supervisor", "technician", "administrator"}
    assert all(set(person) == {"name", "password", "role"} for person in facts["staff"])
    for box in facts["boxes"]:
        assert set(box) == {"id", "pid", "config", "state_dir", "buses"}
        for bus in box["buses"]:
            assert Path(bus["tty"]).is_char_device()
            assert len(bus["meters"]) == 6
    for name, pid in demo.pids().items():
        assert psutil.pid_exists(pid), name


def test_a_sale_lights_a_dark_shop_within_two_seconds(demo: RunningDemo) -> None:
    wait_until(lambda: demo.relay("121") == "open", 30, "the shop in arrears to go dark")
    began_s = time.monotonic()
    sale = demo.sell("121", "100.00")
    wait_until(lambda: demo.relay("121") == "closed", 10, "light", every_s=0.02)
    assert time.monotonic() - began_s < LIT_WITHIN_S * busy()
    wait_until(lambda: demo.sale_state(sale["id"]) == "on", 10, "the sale to be on")
    wait_until(lambda: demo.points()["121"]["state"] == "normal", 10, "the tile to turn")


def test_a_shop_that_runs_dry_is_warned_twice_and_goes_dark(demo: RunningDemo) -> None:
    seen: list[str] = []

    def is_dark() -> bool:
        state = str(demo.points()["101"]["state"])
        if state not in seen:
            seen.append(state)
        return state == "arrears" and demo.relay("101") == "open"

    wait_until(is_dark, 100, "the shop to run dry")
    assert [state for state in seen if state != "normal"] == ["alarm1", "alarm2", "arrears"]
    # Two cycles of the bus at this load, two readings that confirm each other, and the step of the register. Other
    # work on this machine stretches a cycle, not what is charged in it.
    most_wh = DRY_WATTS / 3_600 * 2 * CYCLE_S * busy() + 2 * REGISTER_STEP_WH
    owed_micro = -demo.box_meter("101")["balance_micro"]
    assert 0 <= owed_micro <= most_wh * FLAT_PRICE_MICRO / 1_000


def test_a_sale_is_made_once_however_often_it_is_sent(demo: RunningDemo) -> None:
    first = demo.try_to_sell("108", "12.34", "the-same-key")
    again = demo.try_to_sell("108", "12.34", "the-same-key")
    other = demo.try_to_sell("108", "12.35", "the-same-key")
    assert (first.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert other.status_code in (409, 422)


@pytest.mark.parametrize("amount", ["0", "-1", "0.005", "1000000000000", "abc"])
def test_wrong_amounts_are_refused_with_their_field(demo: RunningDemo, amount: str) -> None:
    answer = demo.try_to_sell("108", amount, f"wrong-{amount}")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["amount"]


def test_with_the_fibre_cut_the_box_charges_and_cuts_and_the_sale_waits(demo: RunningDemo) -> None:
    demo.sell("101", "0.12")
    wait_until(lambda: demo.relay("101") == "closed", 10, "light for some seconds")
    wait_until(lambda: demo.relay("107") == "open", 30, "the other shop to be dark")
    demo.control.cut_fibre("A1", silent=False)
    sale = demo.sell("107", "50.00")
    assert sale["state"] in ("sold", "waiting")
    wait_until(lambda: demo.sale_state(sale["id"]) == "waiting", 20, "the sale to say that it waits")
    wait_until(lambda: demo.relay("101") == "open", 60, "the box to cut off by itself")
    assert demo.relay("107") == "open"
    assert demo.box_meter("101")["balance_micro"] <= 0
    demo.control.restore_fibre("A1")
    wait_until(lambda: demo.relay("107") == "closed", 30, "the sale to take effect")
    wait_until(lambda: demo.sale_state(sale["id"]) == "on", 10, "the sale to be on")
    for number in ("101", "107"):
        wait_until(partial(balances_meet, demo, number), 30, f"the wallets of {number} to be equal")
    demo.verify()


def test_a_killed_box_comes_back_where_it_was(demo: RunningDemo) -> None:
    relays = {
        number: demo.relay(number)
        for number in ("101", "102", "107", "108", "121", "123")
        if number in demo.ids("meter")
    }
    sale = demo.sell("101", "30.00")
    demo.control.kill("A1")
    demo.control.start("A1")
    wait_until(lambda: demo.relay("101") == "closed", 20, "light after the box is back")
    wait_until(lambda: demo.sale_state(sale["id"]) == "on", 20, "the sale to be on")
    wait_until(lambda: balances_meet(demo, "101"), 20, "equal wallets")
    assert demo.box_meter("101")["balance_micro"] > 29_000_000
    for number, relay in relays.items():
        assert number == "101" or demo.relay(number) == relay, number


def test_a_centre_killed_in_the_middle_of_a_sale_sells_once(demo: RunningDemo) -> None:
    before_micro = demo.points()["108"]["balance_micro"]
    outcomes: list[int] = []

    def sell() -> None:
        try:
            outcomes.append(demo.try_to_sell("108", "7.77", "killed-in-the-middle").status_code)
        except httpx.TransportError:
            outcomes.append(0)

    seller = threading.Thread(target=sell)
    seller.start()
    time.sleep(0.05)
    demo.control.kill("centre")
    seller.join()
    demo.control.start("centre")
    wait_until(lambda: demo.api("GET", "/healthz").is_success, 30, "the centre to be back")
    answer = demo.try_to_sell("108", "7.77", "killed-in-the-middle")
    assert answer.status_code == 201, answer.text
    wait_until(lambda: demo.sale_state(answer.json()["id"]) == "on", 60, "the sale to be on")
    wait_until(lambda: balances_meet(demo, "108"), 30, "equal wallets")
    gained_micro = demo.points()["108"]["balance_micro"] - before_micro
    assert 7_700_000 < gained_micro <= 7_770_000


def test_a_simulator_that_dies_is_a_street_that_answers_again(demo: RunningDemo) -> None:
    relays = {number: demo.relay(number) for number in ("101", "107", "108", "121", "122", "123")}
    demo.control.kill("simulator")
    time.sleep(1)
    demo.control.start("simulator")
    wait_until(lambda: demo.box_meter("122")["age_s"] <= 2, 60, "meters that answer again")
    wait_until(lambda: demo.points()["122"]["state"] != "lost", 60, "points that are not lost")
    assert {number: demo.relay(number) for number in relays} == relays


def test_a_box_whose_clock_leaps_charges_on_and_is_believed(demo: RunningDemo) -> None:
    before_micro = demo.box_meter("108")["balance_micro"]
    demo.control.clock("A1", "+2h")
    log = demo.state / "logs" / "A1.log"
    wait_until(lambda: "clock_step" in log.read_text(), 10, "the box to notice")
    sale = demo.sell("108", "3.00")
    wait_until(lambda: demo.sale_state(sale["id"]) == "on", 20, "a sale to a box in another time")
    demo.control.clock("A1", "0")
    wait_until(lambda: log.read_text().count("clock_step") >= 2, 10, "the box to notice again")
    gained_micro = demo.box_meter("108")["balance_micro"] - before_micro
    assert 2_900_000 < gained_micro <= 3_000_000
    assert demo.points()["108"]["state"] == "normal"


def test_after_a_power_cut_everything_starts_again_on_the_kept_state(demo: RunningDemo) -> None:
    before = {number: (demo.box_meter(number)["balance_micro"], demo.relay(number)) for number in SHOPS}
    demo.kill_everything()
    demo.start()
    for number, (balance_micro, relay) in before.items():
        wait_until(partial(balances_meet, demo, number), 30, f"the wallets of {number} to be equal")
        assert 0 <= balance_micro - demo.box_meter(number)["balance_micro"] < 2_000_000, number
        assert demo.relay(number) == relay, number
    sale = demo.sell("122", "5.00")
    wait_until(lambda: demo.sale_state(sale["id"]) == "on", 30, "a sale after the power cut")


def test_demo_control_by_its_command_line(demo: RunningDemo) -> None:
    words = [sys.executable, "-m", "provisioning", "demo-control", "--state", str(demo.state)]
    done = subprocess.run([*words, "status"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r'"A1": "whole"', done.stdout)


def test_provision_by_its_command_line(
    demo: RunningDemo, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLYBOX_TOKEN", demo.facts["api_token"])
    centre = ["--dir", str(demo.state / "centre"), "--json"]
    assert provision(["box", "list", *centre]) == 0
    (box,) = json.loads(capsys.readouterr().out)["boxes"]
    assert (box["name"], box["state"]) == ("A1", "enrolled")
    assert provision(["site", "apply", str(demo.state / "plan.json"), "--yes", *centre]) == 0
    assert json.loads(capsys.readouterr().out)["answer"]["changed"] is False
    assert provision(["box", "confirm", "A1", "0000 0000 0000 0000", *centre]) == 1
    assert "A1 is enrolled" in json.loads(capsys.readouterr().out)["error"]


def test_every_invariant_holds_at_the_end(demo: RunningDemo) -> None:
    for number in SHOPS:
        wait_until(partial(balances_meet, demo, number), 30, f"the wallets of {number} to be equal")
    assert demo.verify().strip()


def test_ctrl_c_ends_all_of_it(demo: RunningDemo) -> None:
    pids = demo.pids()
    assert demo.end(signal.SIGINT) == 0
    assert not [name for name, pid in pids.items() if psutil.pid_exists(pid)]
    assert not (demo.state / "demo.json").exists()
