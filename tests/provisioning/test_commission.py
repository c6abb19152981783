"""Commissioning a box on whose bus everything is wrong that an electrician gets wrong, with the agent running."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge_agent.agent.commissioning import REPORT_TYPE
from edge_agent.bus.packaged import builtin_text
from protocol.box_config import BoxConfig, MeterConfig, ProfileText, text_hash
from protocol.envelope import check_signature, read_line
from protocol.signing import public_key_from_text
from provisioning.commission.findings import Heard, Planned, compare, standing_alarms
from provisioning.simulator.faults import Fault, FaultKind
from tests.edge_agent.whole_box.whole_box import WholeBox, config_of, whole_box
from tests.fakes.fake_centre import make_authority

OWN_PROFILE = "site_dtsy1352"
GOOD, MISSING, OTHER_MODEL, SWAPPED_A, SWAPPED_B, DOUBLED, DEAF, RATIO = range(8)
STRAY_UNIT = 40
UNITS = "1-12,40"


def serial(index: int) -> str:
    """As the simulator numbers them."""
    return f"{760_000_000_000 + index}"


def own_profile() -> str:
    """A profile of the site's own, which also knows where these meters keep their power and their ratio."""
    more = (
        'power = { address = 0x016A, type = "i32", scale = "0.001", unit = "kW", ratio = "ct_pt" }\n'
        'ct = { address = 0x0038, type = "u16", scale = "1", unit = "1" }\n'
    )
    areas = "[[areas]]\nfirst = 0x0038\nlast = 0x0038\n[[areas]]\nfirst = 0x0164\nlast = 0x016B\n\n"
    text = builtin_text("acrel_dtsy1352").replace("[quantities]\n", f"{areas}[quantities]\n{more}")
    assert more in text
    return text


def planned() -> BoxConfig:
    """Eight shops with the numbers of their meters."""
    config = config_of(1)
    first = config.meters[0]
    more = [
        msgspec.structs.replace(
            first,
            meter=f"{0x500 + index:032x}",
            point=f"{0x600 + index:032x}",
            name=str(101 + index),
            unit=index + 1,
            serial=serial(index),
        )
        for index in range(1, 8)
    ]
    for index in (GOOD, DEAF, RATIO):
        at = index - 1
        changed = msgspec.structs.replace(([first, *more])[index], profile=OWN_PROFILE, serial=serial(index))
        if index == GOOD:
            first = changed
        else:
            more[at] = changed
    text = own_profile()
    own = ProfileText(profile=OWN_PROFILE, version=1, text=text, hash=text_hash(text))
    return msgspec.structs.replace(config, meters=[first, *more], profiles=(own,))


def hung(plan: BoxConfig) -> BoxConfig:
    """What the electrician made of it."""
    meters: list[MeterConfig] = list(plan.meters)
    replace = msgspec.structs.replace
    meters[MISSING] = replace(meters[MISSING], unit=STRAY_UNIT)
    meters[OTHER_MODEL] = replace(meters[OTHER_MODEL], profile="acrel_adf400l_1ph")
    a, b = meters[SWAPPED_A], meters[SWAPPED_B]
    meters[SWAPPED_A], meters[SWAPPED_B] = replace(a, unit=b.unit), replace(b, unit=a.unit)
    ratio = replace(meters[RATIO].ratios[0], ct=(40, 1))
    meters[RATIO] = replace(meters[RATIO], ratios=[ratio])
    return replace(plan, meters=meters)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeBox]:
    plan = planned()
    authority = make_authority(tmp_path_factory.mktemp("keys"))
    with whole_box(tmp_path_factory.mktemp("box"), authority, plan, 800, hung(plan)) as made:
        made.site.add_fault(made.site.meter(f"m{DOUBLED}"), Fault(FaultKind.DUPLICATE))
        made.site.add_fault(made.site.meter(f"m{DEAF}"), Fault(FaultKind.DEAF_RELAY))
        made.enrol()
        made.start()
        yield made


@pytest.fixture(scope="module")
def told(box: WholeBox) -> dict[str, Any]:
    """The report of the whole walk, relays and all."""
    words = ("commission", "--config", str(box.box_toml), "--who", "Liu Qiang", "--units", UNITS, "--relays", "--yes")
    line = [sys.executable, "-m", "provisioning", *words, "--out", str(box.folder), "--json"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def found(told: dict[str, Any], kind: str) -> list[str]:
    return [finding["text"] for finding in told["findings"] if finding["kind"] == kind]


def test_a_meter_that_is_missing_is_found_where_it_answers(told: dict[str, Any], box: WholeBox) -> None:
    name = planned().meters[MISSING].name
    assert found(told, "missing") == [f"{name} does not answer here; its serial number answers at A1 unit {STRAY_UNIT}"]
    assert len(found(told, "unknown")) == 1


def test_another_model_than_planned_is_found(told: dict[str, Any]) -> None:
    (text,) = found(told, "wrong_model")
    assert text.startswith(planned().meters[OTHER_MODEL].name)
    assert "seems acrel_adf400l_1ph" in text


def test_two_meters_on_one_address_are_found(told: dict[str, Any]) -> None:
    assert found(told, "two_on_one_address") == [f"two meters answer where {planned().meters[DOUBLED].name} should"]


def test_swapped_shops_are_found_on_both_sides(told: dict[str, Any]) -> None:
    a, b = planned().meters[SWAPPED_A].name, planned().meters[SWAPPED_B].name
    assert found(told, "swapped") == [
        f"{a} and {b} are swapped: here answers {serial(SWAPPED_B)}, which is planned for {b}",
        f"{b} and {a} are swapped: here answers {serial(SWAPPED_A)}, which is planned for {a}",
    ]


def test_a_relay_that_does_not_obey_is_found_and_a_good_one_passes(told: dict[str, Any]) -> None:
    results = {one["name"]: one["passed"] for one in told["relays"]}
    assert results[planned().meters[GOOD].name] is True
    assert results[planned().meters[DEAF].name] is False
    assert len(found(told, "relay_fails")) == 1


def test_a_ratio_that_differs_is_found(told: dict[str, Any]) -> None:
    (text,) = found(told, "ratio_differs")
    assert text == f"{planned().meters[RATIO].name}: the meter holds CT 40, planned 1"


def test_what_is_as_planned_is_not_complained_of(told: dict[str, Any]) -> None:
    name = planned().meters[GOOD].name
    assert not [finding for finding in told["findings"] if finding["text"].startswith(f"{name}:")]


def test_the_report_is_signed_by_the_box_and_shows_each_finding(told: dict[str, Any], box: WholeBox) -> None:
    line = read_line(Path(told["line"]).read_bytes())
    assert box.centre.record_key is not None
    key = public_key_from_text(box.centre.record_key)
    check_signature(line, {key.keyid: key})
    assert line.type_name == REPORT_TYPE
    signed = json.loads(line.payload)
    assert signed["findings"] == told["findings"]
    page = Path(told["report"]).read_text()
    for finding in told["findings"]:
        assert finding["place"] in page
    assert "Liu Qiang" in page


def test_nothing_moves_without_a_person_s_yes(box: WholeBox, told: dict[str, Any]) -> None:
    before = {m["meter"]: m["relay_test"] for m in box.status()["meters"]}
    words = ("commission", "--config", str(box.box_toml), "--who", "Liu", "--units", "1", "--relays", "--json")
    line = [sys.executable, "-m", "provisioning", *words, "--out", str(box.folder)]
    done = subprocess.run(line, input="n\n" * 8, capture_output=True, text=True, timeout=60, check=False)
    report = json.loads(done.stdout[done.stdout.index("{") :])
    assert [one["detail"] for one in report["relays"]] == ["left alone: nobody said yes"]
    assert {m["meter"]: m["relay_test"] for m in box.status()["meters"]} == before


MODELS = frozenset({"acrel_dtsy1352"})


def plan_of(name: str, unit: int, number: str | None = None) -> Planned:
    return Planned(name, name, "A1", unit, "acrel_dtsy1352", number, (1, 1), (1, 1))


def heard_at(unit: int, number: str | None = None) -> Heard:
    return Heard("A1", unit, ("acrel_dtsy1352",), number, 1_000, doubled=False)


@pytest.mark.parametrize(
    ("planned_ones", "heard", "whole", "kinds"),
    [
        ([plan_of("101", 1, "1")], [heard_at(1, "1")], True, []),
        ([plan_of("101", 1)], [heard_at(1, "9")], True, []),
        ([plan_of("101", 1, "1")], [heard_at(1)], True, []),
        ([plan_of("101", 1, "1")], [heard_at(1, "9")], True, ["serial_differs"]),
        ([plan_of("101", 1, "1")], [], True, ["missing"]),
        ([plan_of("101", 1, "1")], [], False, ["not_looked_at"]),
        ([], [heard_at(7, "7")], True, ["unknown"]),
        ([plan_of("101", 1, "1"), plan_of("102", 2, "2")], [heard_at(1, "2"), heard_at(2, "1")], True, ["swapped"] * 2),
    ],
)
def test_findings_are_told_apart(
    planned_ones: list[Planned], heard: list[Heard], whole: bool, kinds: list[str]
) -> None:
    assert [finding.kind for finding in compare(planned_ones, heard, {"A1": whole}, MODELS)] == kinds


def test_alarms_that_the_walk_has_found_itself_are_not_told_twice() -> None:
    told = list(standing_alarms("101", "A1 unit 1", ["serial_differs", "ratio_differs", "unbalance"]))
    assert [finding.text for finding in told] == ["101: unbalance"]
