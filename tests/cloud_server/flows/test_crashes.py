"""A centre killed between any two steps of a money step: before or after, never between; nothing lost, nothing twice.

The child runs the real parts on a folder and is ended by SIGKILL at a named place; a second centre then opens the
folder as it was left, as after a power cut of the machine's process (the disk's own losses are another test).
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cloud_server.core import accounts
from cloud_server.flows import synchronise
from cloud_server.store.journal_file import FILE_NAME
from protocol.envelope import read_body, write_body
from tests.cloud_server.flows.test_sell_credit import order
from tests.cloud_server.site_rig import CASHIER, SiteRig, open_rig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import YUAN, meter_id, wallet_id

CHILD = """
import sys, os, signal
from pathlib import Path
from tests.cloud_server.site_rig import CASHIER, open_rig
from tests.cloud_server.flows.test_sell_credit import order
from cloud_server.flows import synchronise
from protocol.envelope import read_body

folder, point, step = Path(sys.argv[1]), sys.argv[2], sys.argv[3]

def end_here(name):
    if name == point:
        os.kill(os.getpid(), signal.SIGKILL)

with open_rig(folder, fail_point=end_here) as rig:
    if step == "sale":
        rig.desk.sell(order("k"), CASHIER)
    else:
        synchronise.exchange(rig.centre, read_body((folder / "request").read_bytes()))
print("went through")
"""


def killed(folder: Path, point: str, step: str) -> None:
    """Run one step in a child that dies at a point."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder), point, step],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def prepare(folder: Path) -> SpeakingBox:
    with open_rig(folder) as rig:
        rig.plan()
        box = rig.enrol(1)
        rig.settle(box)
        return box


def in_flight(rig: SiteRig) -> int:
    return rig.ledger(accounts.in_flight(wallet_id(1, 2))).get(accounts.in_flight(wallet_id(1, 2)), 0)


@pytest.mark.parametrize(
    ("point", "was_committed"), [("sale_before_commit", False), ("sale_committed", True), ("sale_journaled", True)]
)
def test_a_sale_cut_short_is_one_sale_after_all(tmp_path: Path, point: str, was_committed: bool) -> None:
    box = prepare(tmp_path)
    killed(tmp_path, point, "sale")
    with open_rig(tmp_path) as rig:
        assert (in_flight(rig) == 100 * YUAN) is was_committed
        rig.centre.journal.check_at_start()
        appended = rig.centre.journal.append_unmarked()
        assert (appended > 0) is (point == "sale_committed")
        with rig.centre.store.read() as unit:
            assert unit.lines.unjournaled(10) == []
        row = rig.desk.sell(order("k"), CASHIER)
        assert row.receipt.endswith("-0001")
        assert in_flight(rig) == 100 * YUAN
        rig.settle(box)
        assert box.book[wallet_id(1, 2)] == 100 * YUAN
        assert rig.breaches() == []
        with rig.centre.store.read() as unit:
            raw = unit.lines.line("command", box.box, 1)
        assert raw in (rig.config.journal / FILE_NAME).read_bytes().splitlines()


def test_a_command_is_not_sent_before_the_journal_holds_it(tmp_path: Path) -> None:
    box = prepare(tmp_path)
    killed(tmp_path, "sale_committed", "sale")
    with open_rig(tmp_path) as rig:
        result = synchronise.exchange(rig.centre, box.request())
        assert (result.lines, result.command_head.seq) == ((), 0)
        rig.centre.journal.append_unmarked()
        result = synchronise.exchange(rig.centre, box.request())
        assert ([line.type_name for line in result.lines], result.command_head.seq) == (["command"], 1)


@pytest.mark.parametrize(
    ("point", "was_committed"),
    [("batch_posted", False), ("exchange_before_commit", False), ("exchange_committed", True)],
)
def test_a_batch_whose_answer_was_lost_counts_once(tmp_path: Path, point: str, was_committed: bool) -> None:
    box = prepare(tmp_path)
    box.use(meter_id(1, 2), 1_000)
    box.seal()
    lines = box.request()
    (tmp_path / "request").write_bytes(write_body(lines, "identity"))
    killed(tmp_path, point, "exchange")
    with open_rig(tmp_path) as rig:
        assert rig.ledger(accounts.revenue("flat")) == ({"revenue/flat": 800_000} if was_committed else {})
        answer = rig.exchange(box)
        assert [verdict.verdict for verdict in answer.verdicts] == ["known" if was_committed else "accepted"]
        assert rig.ledger(accounts.revenue("flat")) == {"revenue/flat": 800_000}
        assert rig.breaches() == []
        assert len(read_body((tmp_path / "request").read_bytes())) == 2


def test_a_torn_line_in_the_journal_is_written_again(tmp_path: Path) -> None:
    prepare(tmp_path)
    path = tmp_path / "journal" / FILE_NAME
    killed(tmp_path, "sale_committed", "sale")
    with path.open("ab") as file:
        file.write(b'{"payloadType":"torn')
    with open_rig(tmp_path) as rig:
        rig.centre.journal.check_at_start()
        rig.centre.journal.append_unmarked()
        lines = path.read_bytes().splitlines()
        with rig.centre.store.read() as unit:
            raw = unit.lines.line("command", meter_id(0, 0), 1) or unit.lines.line("money", "", 1)
            grants = unit.lines.lines_after("money", "", 0, 1_000, journaled_only=True)
        assert raw in lines
        assert {line for _, _, line in grants} <= set(lines)
        assert b'{"payloadType":"torn' in lines
