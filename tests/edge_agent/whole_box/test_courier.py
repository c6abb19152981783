"""A cut fibre and a stick, as processes: a paid recharge is carried in, the box's batches are carried out."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.commands import InService
from protocol.courier import name_to_box, write_file
from protocol.envelope import read_body
from protocol.messages import Batch, read_records
from protocol.payload import read_payload
from protocol.records import Granted
from tests.edge_agent.core.street import BOX, METERS, YUAN
from tests.edge_agent.whole_box.whole_box import WholeBox, config_of, grant_of, whole_box
from tests.fakes.fake_centre import Authority, make_authority

CUT = 1_000_000
"""So many answers are lost: the fibre is cut."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def box(tmp_path: Path, authority: Authority) -> Iterator[WholeBox]:
    with whole_box(tmp_path, authority, config_of(switch_pause_s=0)) as found:
        yield found


def granted(box: WholeBox) -> list[int]:
    return [record.amount_micro for record in box.centre.records() if isinstance(record, Granted)]


def darken(box: WholeBox) -> None:
    """A shop in service without credit."""
    box.enrol()
    box.start()
    assert box.command("relay-test", "--meter", "M0", "--who", "Li", "--yes").returncode == 0
    box.centre.command(InService(meter=METERS[0], on=True))
    box.centre.wait_for(lambda: not box.site.meter("m0").contact_closed, 10)


def test_a_stick_brings_light_and_takes_the_news_away(box: WholeBox, tmp_path: Path) -> None:
    darken(box)
    stick = tmp_path / "stick"
    folder = stick / "tallybox"
    folder.mkdir(parents=True)
    box.centre.swallow = CUT
    paid = box.centre.command(grant_of(0, 100, 1))
    file = folder / name_to_box(BOX, 2, 2)
    file.write_bytes(write_file([box.centre.keys_line(), paid]))
    (folder / name_to_box("f" * 32, 1, 1)).write_bytes(b"for another box\n")

    done = box.command("courier", "import", str(stick), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    (told,) = json.loads(done.stdout)["files"]
    assert [(line["type"], line["outcome"]) for line in told["lines"]] == [("keys", "known"), ("command", "taken")]
    box.centre.wait_for(lambda: box.site.meter("m0").contact_closed, 10)
    assert "command 2 grant: taken done" in file.with_name(f"{file.name}.result.txt").read_text(encoding="utf-8")
    again = box.command("courier", "import", str(file))
    assert again.returncode == 0
    assert "line 2: command 2 grant: known" in again.stdout

    out = box.command("courier", "export", "--to", str(stick), "--json")
    assert out.returncode == 0, out.stderr
    (written,) = json.loads(out.stdout)["files"]
    carried = read_body(Path(written["file"]).read_bytes())
    batches = [read_payload(line.payload, Batch) for line in carried]
    amounts = [r.amount_micro for batch in batches for r in read_records(batch) if isinstance(r, Granted)]
    assert amounts == [100 * YUAN]

    box.centre.swallow = 0
    box.centre.wait_for(lambda: granted(box) == [100 * YUAN], 20)
    assert {"forked", "gap"}.isdisjoint(box.centre.verdicts)
    box.centre.wait_for(lambda: box.status()["batches"]["waiting_from"] is None)
    assert box.end() == 0
    nothing = box.command("courier", "export", "--to", str(stick))
    assert nothing.returncode == 0, nothing.stderr
    assert "nothing to carry" in nothing.stdout


def test_a_changed_byte_a_missing_file_and_a_stopped_agent_are_refused_in_words(box: WholeBox, tmp_path: Path) -> None:
    darken(box)
    box.centre.swallow = CUT
    body = write_file([box.centre.command(grant_of(0, 100, 1))])
    place = body.index(b'"sig":"') + 20
    bent = tmp_path / "bent.lines"
    bent.write_bytes(body[:place] + (b"A" if body[place : place + 1] != b"A" else b"B") + body[place + 1 :])
    done = box.command("courier", "import", str(bent))
    assert done.returncode == 1
    assert "refused" in done.stdout
    assert not box.site.meter("m0").contact_closed
    assert box.command("courier", "import", str(tmp_path / "none.lines")).returncode == 2
    assert box.command("courier", "import", str(tmp_path)).returncode == 2, "no file for this box in the folder"
    box.kill()
    stopped = box.command("courier", "import", str(bent))
    assert stopped.returncode == 1
    assert "no agent answers" in stopped.stderr
    out = box.command("courier", "export", "--to", str(tmp_path / "all.lines"))
    assert out.returncode == 0, out.stderr
