"""Plans as people write them: labels become ids that stay, and every mistake is told at once."""

import copy
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from protocol.box_config import text_hash
from protocol.ids import is_id
from protocol.plan_labels import IdBook, give_ids, read_plan
from provisioning.cli import main
from provisioning.demo.street import Street
from provisioning.plan_file import PlanFault, PlanFile

SITE = "0" * 32
FLAT = 'name = "Flat"\nstarts_at = 2026-01-01T00:00:00\nfallback_rate = "flat"\n[rates.flat]\nprice_micro = 950000\n'
FLAT += '[days.every]\nswitches = ["00:00 flat"]\n[calendar]\ndefault = "every"\n'


def small_plan() -> dict[str, Any]:
    """One box, one bus, two meters, one shop."""
    meter = {
        "device": "D1", "bus": "A1-1", "profile": "acrel_dtsy1352", "rated_ma": 63_000, "phases": 3, "tariff": "flat",
        "ratios": [{"version": 1, "from_ms": 0, "ct": [1, 1], "pt": [1, 1]}],
    }  # fmt: skip
    return {
        "site": SITE,
        "name": "Riverside",
        "settings": {"zone": "Asia/Shanghai", "currency": "CNY", "tzdata": "2026.1"},
        "defaults": {},
        "buildings": [{"building": "East", "name": "East"}],
        "boxes": [
            {
                "box": "A1",
                "name": "A1",
                "building": "East",
                "buses": [{"bus": "A1-1", "name": "A1-1"}],
                "devices": [{"device": "D1", "bus": "A1-1", "name": "D1"}],
                "meters": [
                    {**meter, "meter": "m101", "unit": 1, "point": "101", "name": "101"},
                    {**meter, "meter": "m102", "unit": 2, "point": "102", "name": "102"},
                ],
            }
        ],
        "points": [
            {"point": "101", "building": "East", "number": "101", "name": "Noodles"},
            {"point": "102", "building": "East", "number": "102", "name": "Tea"},
        ],
        "customers": [{"customer": "Wang", "name": "Wang", "phones": ["13800000101"]}],
        "accounts": [{"account": "2026101", "number": "2026101", "customer": "Wang"}],
        "wallets": [
            {
                "wallet": "w101", "account": "2026101", "box": "A1", "meters": ["m101"],
                "alarm1_micro": 50_000_000, "alarm2_micro": 10_000_000,
            }
        ],
        "tariffs": [{"tariff": "flat", "version": 1, "text": FLAT, "hash": text_hash(FLAT)}],
    }  # fmt: skip


def with_ids(plan: dict[str, Any], book: IdBook | None = None) -> tuple[Any, IdBook]:
    count = itertools.count(1)
    return give_ids(plan, book or {}, lambda: f"{next(count):032x}")


def mistakes_of(plan: dict[str, Any]) -> list[str]:
    plan, book = with_ids(plan)
    return [str(mistake) for mistake in read_plan(plan, book)[1]]


def test_a_good_plan_is_read() -> None:
    plan, book = with_ids(small_plan())
    read, found = read_plan(plan, book)
    assert found == []
    assert read is not None
    assert read.wallets[0].meters == [read.boxes[0].meters[0].meter]
    assert read.boxes[0].meters[0].point == read.points[0].point
    assert is_id(read.boxes[0].meters[0].meter)


def test_the_same_label_of_two_kinds_is_two_things() -> None:
    plan, book = with_ids(small_plan())
    assert book["bus"]["A1-1"] != book["box"]["A1"]
    assert plan["points"][0]["number"] == "101"


def test_ids_stay_when_the_plan_grows() -> None:
    _, book = with_ids(small_plan())
    grown = small_plan()
    grown["buildings"].append({"building": "West", "name": "West"})
    _, again = give_ids(grown, book, lambda: "f" * 32)
    assert again["building"] == {"East": book["building"]["East"], "West": "f" * 32}
    assert {kind: labels for kind, labels in again.items() if kind != "building"} == {
        kind: labels for kind, labels in book.items() if kind != "building"
    }


def test_an_id_stays_itself() -> None:
    plan = small_plan()
    own = "0199aa00bb11cc22dd33ee44ff556677"
    plan["customers"][0]["customer"] = plan["accounts"][0]["customer"] = own
    given, book = with_ids(plan)
    assert given["customers"][0]["customer"] == own
    assert "customer" not in book


def test_all_mistakes_of_form_at_once() -> None:
    plan = small_plan()
    plan["boxes"][0]["meters"][1]["unit"] = 300
    plan["boxes"][0]["meters"][0]["use"] = "shop"
    plan["boxes"][0]["buses"][0]["baud"] = 9601
    del plan["points"][1]["name"]
    plan["customers"][0]["phone"] = "13800000101"
    plan["wallets"][0]["alarm1_micro"] = 50.5
    plan["settings"]["currency"] = "yuan"
    text = "\n".join(mistakes_of(plan))
    assert "boxes[1 A1].meters[2 102].unit: 300: expected a whole number of at most 247" in text
    assert "boxes[1 A1].meters[1 101].use: 'shop': right is one of tenant, main, public" in text
    assert "boxes[1 A1].buses[1 A1-1].baud: 9601: right is one of 1200, 2400" in text
    assert "points[2 102].name: missing" in text
    assert "customers[1 Wang].phone: '13800000101': not known here; known are customer, name, phones" in text
    assert "wallets[1].alarm1_micro: 50.5" in text
    assert "settings.currency: 'yuan'" in text
    assert len(mistakes_of(plan)) == 7


def test_all_mistakes_of_meaning_at_once_in_the_writers_words() -> None:
    plan = small_plan()
    plan["boxes"][0]["meters"][1]["unit"] = 1
    plan["boxes"][0]["meters"][1]["point"] = "103"
    plan["wallets"][0]["meters"] = ["m999"]
    plan["wallets"][0]["alarm2_micro"] = 60_000_000
    plan["tariffs"][0]["text"] = FLAT.replace("950000", "-1")
    plan["tariffs"][0]["hash"] = text_hash(plan["tariffs"][0]["text"])
    text = "\n".join(mistakes_of(plan))
    assert "meter 102: point 103 is unknown" in text
    assert "address 1 on bus A1-1 stands twice" in text
    assert "wallet w101: meter m999 is not among the meters" in text
    assert "wallet w101: alarm1_micro 50000000 must lie above alarm2_micro 60000000" in text
    assert "tariff flat version 1: rates.flat.price_micro = -1" in text


@pytest.mark.parametrize("plan", [None, [], "plan", 5])
def test_no_plan_at_all(plan: Any) -> None:
    assert mistakes_of(plan) == [f"plan: {plan!r}: a table with names and values is right here"]


@pytest.mark.parametrize("small", [True, False])
def test_the_street_of_the_demo_is_a_good_plan(small: bool) -> None:
    street = Street(small=small)
    plan = street.plan(SITE, "Street")
    for tariff in plan["tariffs"]:
        tariff["hash"] = text_hash(tariff["text"])
    assert mistakes_of(plan) == []


# --- the file -----------------------------------------------------------------------------------------------------


def write_plan(folder: Path, plan: Any) -> Path:
    path = folder / "street.json"
    path.write_text(json.dumps(plan))
    return path


def test_texts_may_lie_beside_the_plan(tmp_path: Path) -> None:
    plan = small_plan()
    (tmp_path / "flat.toml").write_text(FLAT)
    plan["tariffs"] = [{"tariff": "flat", "version": 1, "file": "flat.toml"}]
    read = PlanFile(write_plan(tmp_path, plan))
    assert read.mistakes == []
    assert read.plan is not None
    assert read.plan.tariffs[0].hash == text_hash(FLAT)


def test_a_missing_text_is_a_mistake_among_others(tmp_path: Path) -> None:
    plan = small_plan()
    plan["tariffs"] = [{"tariff": "flat", "version": 1, "file": "flat.toml"}]
    plan["name"] = ""
    found = "\n".join(map(str, PlanFile(write_plan(tmp_path, plan)).mistakes))
    assert "tariffs[1].file: 'flat.toml': cannot be read" in found
    assert "name: ''" in found


def test_kept_ids_are_used_again(tmp_path: Path) -> None:
    path = write_plan(tmp_path, small_plan())
    first = PlanFile(path)
    assert first.new_labels > 0
    first.keep_ids()
    again = PlanFile(path)
    assert again.new_labels == 0
    assert again.plan == first.plan


def test_checking_alone_keeps_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_plan(tmp_path, small_plan())
    assert main(["site", "plan", str(path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["meters"] == 2
    assert list(tmp_path.iterdir()) == [path]


def test_damaged_ids_are_not_replaced(tmp_path: Path) -> None:
    path = write_plan(tmp_path, small_plan())
    (tmp_path / "street.ids.json").write_text("{")
    with pytest.raises(PlanFault, match=r"street\.ids\.json"):
        PlanFile(path)


@pytest.mark.parametrize(("name", "text"), [("plan.toml", "a = "), ("plan.json", "{"), ("plan.txt", "{}")])
def test_what_is_no_plan_file(tmp_path: Path, name: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / name).write_text(text)
    assert main(["site", "plan", str(tmp_path / name)]) == 2
    assert name in capsys.readouterr().err


def test_mistakes_on_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = copy.deepcopy(small_plan())
    plan["boxes"][0]["meters"][0]["unit"] = 0
    plan["boxes"][0]["meters"][1]["rated_ma"] = "63 A"
    assert main(["site", "plan", str(write_plan(tmp_path, plan))]) == 2
    shown = capsys.readouterr().err
    assert "2 mistakes" in shown
    assert "boxes[1 A1].meters[1 101].unit: 0: expected a whole number of at least 1" in shown
    assert "boxes[1 A1].meters[2 102].rated_ma: '63 A': expected a whole number, got a text" in shown
