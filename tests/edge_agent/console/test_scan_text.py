"""What a scan prints: a table that fits, warnings, and a draft that the plan of a site can take in."""

import tomllib
from typing import Any

import msgspec

from edge_agent.console.scan_text import draft_text, scan_text
from protocol.box_config import BusConfig, DeviceConfig, MeterConfig


def meter(unit: int, serial: str | None, **changes: Any) -> dict[str, Any]:
    return {
        "unit": unit, "profile": "acrel_adf400l_1ph", "grade": "manual", "phases": 1, "also": [], "serial": serial,
        "energy_wh": 1_234_560, "values": {"voltage_mv": 230_100, "power_w": 2_000}, "doubled": False, "heard": "",
        **changes,
    }  # fmt: skip


FOUND: dict[str, Any] = {
    "bus": 'East "1"', "port": "/dev/ttyS1", "lent": True, "baud": 2_400, "parity": "E", "stop_bits": 1, "asked": 247,
    "complete": False, "took_s": 9.1, "warnings": ["unit 7: two meters answer on this id"],
    "meters": [
        meter(1, "760000000001"),
        meter(2, "760000000001", also=["acrel_ddsy1352"]),
        meter(5, None),
        meter(7, None, profile=None, grade=None, phases=None, energy_wh=None, values={}, doubled=True),
        meter(9, None, profile=None, grade=None, phases=None, energy_wh=None, values={}),
    ],
}  # fmt: skip


def fields(kind: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(kind)}


def test_the_draft_is_a_part_of_a_plan_and_a_cabinet_is_one_device() -> None:
    plan = tomllib.loads("[[boxes]]\nbox = 'A1'\n" + draft_text(FOUND))
    (box,) = plan["boxes"]
    assert [set(bus) - fields(BusConfig) for bus in box["buses"]] == [set()]
    assert (box["buses"][0]["baud"], box["buses"][0]["parity"]) == (2_400, "E")
    assert [device["name"] for device in box["devices"]] == ["760000000001", "unit 5"]
    assert all(set(device) <= fields(DeviceConfig) for device in box["devices"])
    assert [(each["unit"], each.get("serial")) for each in box["meters"]] == [
        (1, "760000000001"),
        (2, "760000000001"),
        (5, None),
    ]
    needed = {field.encode_name for field in msgspec.structs.fields(MeterConfig) if field.required}
    for each in box["meters"]:
        assert needed <= set(each) <= fields(MeterConfig)
        assert each["device"] in {device["device"] for device in box["devices"]}
    assert "CHECK: or acrel_ddsy1352" in draft_text(FOUND)


def test_the_table_says_what_is_odd() -> None:
    text = scan_text(FOUND | {"draft": ""})
    first = text.splitlines()[0]
    assert first.startswith("/dev/ttyS1 at 2400 8E1, lent by the running agent: 5 found, 247 unit ids asked; ")
    assert first.endswith("the time was over before the end")
    assert "two meters?" in text
    assert "none fits" in text
    assert "1234.56" in text
    assert "230.1 V, 2000 W" in text
    assert "WARNING: unit 7" in text


def test_nothing_found_makes_no_draft() -> None:
    assert draft_text(FOUND | {"meters": FOUND["meters"][3:]}) == ""
