"""A box in another language, written from docs/wire-format.md and the vectors: enrols, charges, applies a grant."""

import json
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cloud_server.cli import main
from protocol.box_config import Ratio, TariffText, text_hash
from protocol.site_plan import SitePlan
from tests.busy import busy
from tests.cloud_server.api.site_process import SiteProcess, site_process
from tests.cloud_server.street import TARIFF, account_id, box_id, meter_id, street, wallet_id
from tests.conftest import find_node

pytestmark = pytest.mark.node

FOLDER = Path(__file__).parent / "node_box"
YUAN = 1_000_000
HALF_HOURS = [
    f"{minute // 60:02d}:{minute % 60:02d} {('peak', 'valley')[minute // 30 % 2]}" for minute in range(0, 1440, 30)
]
TARIFF_TEXT = f"""
name = "every half hour another price"
starts_at = 2026-01-01T00:00:00
fallback_rate = "valley"
[rates]
peak = {{ price_micro = 1234567 }}
valley = {{ price_micro = 398765 }}
[days.all]
switches = {json.dumps(HALF_HOURS)}
[calendar]
default = "all"
[[steps]]
from_kwh = 0
add_micro = 0
[[steps]]
from_kwh = 50
add_micro = 50000
"""


class NodeBox:
    """The program, spoken to line by line."""

    def __init__(self, claim: Path, state: Path) -> None:
        self._start = [str(find_node()), str(FOLDER / "box.mjs"), str(claim), str(state)]
        self._process = self._run()

    def _run(self) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(self._start, stdin=pipe, stdout=pipe, text=True, encoding="utf-8")

    def order(self, what: str, **how: object) -> None:
        """Ask for something and do not wait."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what} | how) + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        said: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert "fault" not in said, said
        return said

    def do(self, what: str, **how: object) -> dict[str, Any]:
        self.order(what, **how)
        return self.answer()

    def read(self, raw_wh: int) -> None:
        """All three meters say this."""
        for number in (1, 2, 3):
            self.do("read", meter=meter_id(1, number), raw_wh=raw_wh)

    def killed_and_started(self) -> None:
        self.close()
        self._process = self._run()

    def close(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


def plan_of(site: str) -> SitePlan:
    """The street, with a tariff of rates and steps, and meters behind current transformers."""
    plan = street(site, boxes=1)
    tariff = TariffText(tariff=TARIFF, version=1, text=TARIFF_TEXT, hash=text_hash(TARIFF_TEXT))
    (box,) = plan.boxes
    meters = [
        msgspec.structs.replace(m, ratios=[Ratio(version=1, from_ms=0, ct=(200, 3), pt=(1, 1))]) for m in box.meters
    ]
    return msgspec.structs.replace(plan, boxes=[msgspec.structs.replace(box, meters=meters)], tariffs=[tariff])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteProcess]:
    with site_process(tmp_path_factory.mktemp("site")) as made:
        with made.provisioner() as api:
            plan = msgspec.json.encode(plan_of(made.config.site.site))
            assert api.put("/api/v1/site/plan", content=plan).status_code == 200
        yield made


@pytest.fixture(scope="module")
def box(site: SiteProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeBox]:
    folder = tmp_path_factory.mktemp("node")
    with site.provisioner() as api:
        (folder / "claim.toml").write_text(api.post(f"/api/v1/boxes/{box_id(1)}/claim").text, encoding="utf-8")
    made = NodeBox(folder / "claim.toml", folder / "state")
    yield made
    made.close()


def test_it_reads_the_golden_lines() -> None:
    script = [str(find_node()), str(FOLDER / "check_vectors.mjs"), str(FOLDER.parents[1] / "vectors")]
    ran = subprocess.run(script, capture_output=True, text=True, encoding="utf-8", check=False)
    assert ran.returncode == 0, ran.stderr
    checked = json.loads(ran.stdout)
    assert checked["charges"] >= 30
    assert checked["lines refused at the right gate"] >= 40
    assert checked["lines written again, byte for byte"] >= 10


def test_it_waits_until_a_person_has_compared_fingerprints(site: SiteProcess, box: NodeBox) -> None:
    asked = box.do("enrol")
    assert asked["fingerprint"] == asked["said"]
    assert box.do("enrol") == asked
    with site.provisioner() as api:
        other = "0000 0000 0000 0000"
        assert api.post(f"/api/v1/boxes/{box_id(1)}/confirm", json={"fingerprint": other}).status_code == 422
        said = {"fingerprint": asked["fingerprint"]}
        assert api.post(f"/api/v1/boxes/{box_id(1)}/confirm", json=said).status_code == 200
    assert box.do("enrol") == {"epoch": 1}


def test_its_charges_are_the_centre_s(site: SiteProcess, box: NodeBox) -> None:
    box.read(1_000)
    for raw_wh in (1_007, 1_500, 2_011):
        time.sleep(0.02)
        box.read(raw_wh)
        box.do("cut")
    said = box.do("sync")
    assert said["verdicts"] == ["accepted"] * 3
    assert said["acked"] == 3
    charged = -said["wallets"][wallet_id(1, 2)]
    # 67,400 Wh, the month's first 50,000 of them without the step's addition; one carry below one micro-unit is left.
    least = 67_400 * 398_765 + 17_400 * 50_000
    assert least // 1000 <= charged <= (least + 67_400 * (1_234_567 - 398_765)) // 1000
    assert balance(site, 2) == -charged


def test_a_sale_reaches_it_while_it_waits(site: SiteProcess, box: NodeBox) -> None:
    # More than all meters use at the dearer rate: whether there is credit left does not hang on the half hour.
    sale = {"account": account_id(1, 2), "amount": "500.00", "method": "wechat"}
    with site.client(site.token("read", "sell")) as api:
        box.read(2_020)
        box.order("sync", wait_s=20)
        time.sleep(0.3)
        began = time.monotonic()
        sold = api.post("/api/v1/sales", json=sale, headers={"Idempotency-Key": "one"}).json()
        said = box.answer()
        assert time.monotonic() - began < 5 * busy()
        assert said["taken"] == ["grant"]
        assert box.do("sync")["verdicts"] == ["accepted"]
        shown = api.get(f"/api/v1/sales/{sold['id']}").json()
    # The running interval ended before the money came: the box's balance is the ledger's.
    assert shown["state"] == "on"
    assert shown["balance_after_micro"] == said["wallets"][wallet_id(1, 2)]
    assert balance(site, 2) == shown["balance_after_micro"]


def test_a_power_cut_takes_nothing_from_it(site: SiteProcess, box: NodeBox) -> None:
    time.sleep(0.02)
    box.read(2_500)
    box.do("cut")
    box.killed_and_started()
    box.read(3_000)
    box.do("cut")
    assert box.do("sync")["verdicts"] == ["accepted", "accepted"]
    assert box.do("sync")["verdicts"] == []


def test_it_gives_unused_credit_back(site: SiteProcess, box: NodeBox) -> None:
    asked = {"amount": "20.00", "method": "wechat", "reason": "moved out"}
    with site.client(site.token("read", "sell")) as api:
        path = f"/api/v1/accounts/{account_id(1, 2)}/refunds"
        refund = api.post(path, json=asked, headers={"Idempotency-Key": "two"}).json()
        assert refund.get("state") == "asked", refund
        assert box.do("sync")["taken"] == ["reclaim"]
        assert box.do("sync")["verdicts"] == ["accepted"]
        shown = api.get(f"/api/v1/refunds/{refund['id']}").json()
    assert (shown["state"], shown["payable_micro"]) == ("payable", 20 * YUAN)


def test_it_refuses_what_it_does_not_know_and_goes_on(site: SiteProcess, box: NodeBox) -> None:
    with site.provisioner() as api:
        ordered = api.post(f"/api/v1/meters/{meter_id(1, 3)}/mode", json={"mode": "protected"}).json()
        assert box.do("sync")["taken"] == ["set_mode refused: not_supported"]
        box.do("sync")
        progress = api.get(f"/api/v1/boxes/{box_id(1)}/commands/{ordered['command']}").json()
    assert (progress["state"], progress["reason"]) == ("refused", "not_supported")


def test_the_books_are_whole_and_nothing_differs(
    site: SiteProcess, box: NodeBox, capsys: pytest.CaptureFixture[str]
) -> None:
    assert site.stop() == 0
    assert main(["verify", "--config", str(site.config.path), "--json"]) == 0
    assert isinstance(site.config.database, Path)
    with sqlite3.connect(site.config.database) as database:
        assert database.execute("SELECT COUNT(*) FROM finding").fetchone() == (0,)
        assert database.execute("SELECT COUNT(*) FROM batch WHERE state <> 'posted'").fetchone() == (0,)
        assert database.execute("SELECT COUNT(*) FROM evidence_line").fetchone() == (0,)


def balance(site: SiteProcess, shop: int) -> int:
    with site.client(site.token("read")) as api:
        (wallet,) = api.get(f"/api/v1/accounts/{account_id(1, shop)}").json()["wallets"]
    return int(wallet["balance_micro"])
