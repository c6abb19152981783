"""A new meter gets the unit id of the plan: alone on its bus, with a person's yes, read back, in the signed report."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge_agent.agent.unit_setting import _Move
from edge_agent.bus.packaged import builtin_names, builtin_profile
from edge_agent.bus.unit_id import unit_writes
from edge_agent.core.measured import FaultKind
from edge_agent.ports import LentAnswer, LentQuestion
from protocol.box_config import BoxConfig
from protocol.envelope import check_signature, read_line
from protocol.meter_profile.values import RegisterWrite
from protocol.signing import public_key_from_text
from provisioning.commission.findings import Finding, Heard, NoSuchMeter, Planned, alone_on_bus, named_meter
from tests.busy import busy
from tests.edge_agent.whole_box.whole_box import WholeBox, config_of, whole_box
from tests.fakes.fake_centre import make_authority

MODEL = "acrel_adf400l_1ph"
FACTORY, WANTED = 1, 7
SERIAL = "760000000000"
BUSY = 1.5


def planned() -> BoxConfig:
    """One meter, which belongs at unit 7."""
    config = config_of(1)
    meter = msgspec.structs.replace(config.meters[0], profile=MODEL, unit=WANTED, serial=None)
    return msgspec.structs.replace(config, meters=[meter])


def hung(plan: BoxConfig) -> BoxConfig:
    """It came from the factory with unit 1."""
    return msgspec.structs.replace(plan, meters=[msgspec.structs.replace(plan.meters[0], unit=FACTORY)])


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeBox]:
    authority = make_authority(tmp_path_factory.mktemp("keys"))
    with whole_box(tmp_path_factory.mktemp("box"), authority, planned(), 800, hung(planned())) as made:
        made.enrol()
        made.start()
        yield made


def commission(box: WholeBox, said: str, *words: str) -> "subprocess.CompletedProcess[str]":
    who = ("commission", "--config", str(box.box_toml), "--who", "Liu Qiang", "--units", "1-8")
    line = [sys.executable, "-m", "provisioning", *who, "--out", str(box.folder), *words]
    return subprocess.run(line, input=said, capture_output=True, text=True, timeout=100, check=False)


def unit_of(box: WholeBox) -> int:
    return box.site.meter("m0").unit


def test_nothing_is_written_without_a_person_s_yes(box: WholeBox) -> None:
    name = planned().meters[0].name
    done = commission(box, "n\n", "--set-unit", name)
    assert (done.returncode, "nobody said yes" in done.stdout) == (1, True), done.stdout + done.stderr
    assert f"one meter answers, unit {FACTORY}, {MODEL}" in done.stdout
    assert unit_of(box) == FACTORY


def test_the_meter_answers_where_the_plan_has_it_and_the_report_says_so(box: WholeBox) -> None:
    name = planned().meters[0].name
    done = commission(box, "y\n", "--set-unit", name, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert unit_of(box) == WANTED
    told: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])
    (set_one,) = told["units_set"]
    assert (set_one["was"], set_one["planned"], set_one["moved"]) == (FACTORY, WANTED, True)
    line = read_line(Path(told["line"]).read_bytes())
    assert box.centre.record_key is not None
    key = public_key_from_text(box.centre.record_key)
    check_signature(line, {key.keyid: key})
    assert json.loads(line.payload)["units_set"] == told["units_set"]
    assert "Unit ids that were set" in Path(told["report"]).read_text(encoding="utf-8")
    box.centre.wait_for(lambda: box.status()["meters"][0]["raw_wh"] is not None, 60)
    again = commission(box, "", "--set-unit", name)
    if again.returncode != 0 and busy() > BUSY:  # a scan of a bus at line speed lost an answer to others at work here
        again = commission(box, "", "--set-unit", name)
    assert (again.returncode, unit_of(box)) == (0, WANTED), again.stdout + again.stderr


def test_a_name_that_nobody_has_is_refused(box: WholeBox) -> None:
    done = commission(box, "", "--set-unit", "999")
    assert (done.returncode, "'999' is no meter of the plan" in done.stdout) == (2, True)


# --- the agent's part, question by question ---------------------------------------------------------------------------


class Bus:
    """Answers what a lent bus is asked."""

    def __init__(self, *answers: LentAnswer) -> None:
        self.left = list(answers)
        self.asked: list[LentQuestion] = []

    def lend(self, question: LentQuestion) -> None:
        self.asked.append(question)
        question.answer(self.left.pop(0))


SILENT = LentAnswer(fault=FaultKind.TIMEOUT, detail="nobody")
TAKEN = LentAnswer(words=())
REFUSED = LentAnswer(fault=FaultKind.EXCEPTION, detail="illegal address")
GONE = LentAnswer(down="the bus went down")


def move(profile_name: str, *answers: LentAnswer) -> tuple[Bus, bool, str]:
    profile, bus, ended = builtin_profile(profile_name), Bus(*answers), list[tuple[bool, str]]()
    assert profile.unit_id is not None
    _Move(profile, profile.unit_id, FACTORY, WANTED, bus.lend, lambda moved, why: ended.append((moved, why))).begin()
    ((moved, why),) = ended
    return bus, moved, why


@pytest.mark.parametrize(
    ("answers", "moved", "words", "asked"),
    [
        ((SILENT, TAKEN, LentAnswer(words=(WANTED,))), True, "answers at unit 7", 3),
        ((SILENT, SILENT, LentAnswer(words=(WANTED,))), True, "answers at unit 7", 3),
        ((LentAnswer(words=(WANTED,)),), False, "something answers at unit 7 already", 1),
        ((LentAnswer(fault=FaultKind.CRC, detail="two at once"),), False, "something answers at unit 7 already", 1),
        ((SILENT, REFUSED), False, "unit 1 stays", 2),
        ((SILENT, TAKEN, SILENT), False, "not confirmed at unit 7", 3),
        ((SILENT, TAKEN, LentAnswer(words=(FACTORY,))), False, "holds [1]", 3),
        ((GONE,), False, "the bus went down", 1),
    ],
)
def test_a_move_is_believed_when_it_reads_back(
    answers: tuple[LentAnswer, ...], moved: bool, words: str, asked: int
) -> None:
    bus, did, why = move(MODEL, *answers)
    assert (did, words in why, len(bus.asked)) == (moved, True, asked), why


def test_a_meter_that_wants_its_password_gets_it_first() -> None:
    bus, moved, _ = move("eastron_sdm230", SILENT, TAKEN, TAKEN, LentAnswer(words=(0x40E0, 0x0000)))
    assert moved
    written = [(one.unit, one.function, one.address, one.values) for one in bus.asked if one.values]
    assert written == [(1, 16, 0x000E, (0x447A, 0)), (1, 16, 0x0014, (0x40E0, 0))]
    assert [one.unit for one in bus.asked] == [WANTED, FACTORY, FACTORY, WANTED]
    bus, moved, why = move("eastron_sdm230", SILENT, SILENT)
    assert (moved, "write to 000E" in why, len(bus.asked)) == (False, True, 2), "without the password nothing follows"


def test_which_makers_maps_name_the_register() -> None:
    settable = {name for name in builtin_names() if builtin_profile(name).unit_id is not None}
    assert settable == {
        *("acrel_adf400l_1ph", "acrel_adf400l_3ph"),
        *("eastron_sdm120", "eastron_sdm230", "eastron_sdm630", "eastron_sdm320y", "eastron_sdm530y"),
    }
    adf400l = builtin_profile(MODEL).unit_id
    assert adf400l is not None
    assert unit_writes(adf400l, 36) == (RegisterWrite(16, 0x0900, (36,)),)


# --- who may be moved -------------------------------------------------------------------------------------------------


def plan_of(name: str = "101", number: str | None = "1") -> Planned:
    return Planned(name, name, "A1", WANTED, MODEL, number, (1, 1), (1, 1), settable=True)


def heard_at(unit: int, number: str | None = None, profile: str = MODEL, *, doubled: bool = False) -> Heard:
    return Heard("A1", unit, (profile,), number, 1_000, doubled)


@pytest.mark.parametrize(
    ("heard", "whole", "kind"),
    [
        ([heard_at(1, "1")], True, None),
        ([heard_at(1)], True, None),
        ([heard_at(WANTED, "1")], True, None),
        ([], True, "missing"),
        ([heard_at(1, "1")], False, "not_looked_at"),
        ([heard_at(1, "1"), heard_at(2, "2")], True, "unit_not_set"),
        ([heard_at(1, doubled=True)], True, "unit_not_set"),
        ([heard_at(1, "9")], True, "serial_differs"),
        ([heard_at(1, "1", "acrel_dtsy1352")], True, "wrong_model"),
    ],
)
def test_one_meter_has_to_be_alone_and_the_right_one(heard: list[Heard], whole: bool, kind: str | None) -> None:
    found = alone_on_bus(plan_of(), heard, whole=whole)
    assert (found.kind if isinstance(found, Finding) else None) == kind


def test_a_meter_is_meant_by_a_name_that_one_has() -> None:
    plans = [plan_of("101"), plan_of("102"), plan_of("102")]
    assert named_meter(plans, "101") is plans[0]
    for name in ("102", "103"):
        with pytest.raises(NoSuchMeter):
            named_meter(plans, name)
