"""The site file: what is right comes through, and all mistakes are told at once by place, value and what is right."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from provisioning.simulator import SiteMistakes, load_site, parse_site
from provisioning.simulator.loads import ConstantLoad, ShopLoad

GOOD: dict[str, Any] = {
    "buses": [
        {
            "name": "A1",
            "tty": "/run/site/A1",
            "baud": 9600,
            "meters": [
                {
                    "id": "表 1",
                    "model": "adf400l_3ph",
                    "unit": 1,
                    "serial": "202401020304",
                    "energy_wh": 12_340,
                    "load": {"kind": "shop", "peak_w": 8000, "profile": "restaurant", "seed": 4},
                    "point": "面馆",
                },
                {
                    "id": "m2",
                    "model": "dtsy1352",
                    "unit": 4,
                    "serial": "202401020305",
                    "energy_wh": 0,
                    "ct": 40,
                    "load": {"kind": "constant", "watts": 100},
                    "turnaround_ms": 2.5,
                    "point": "lobby",
                },
            ],
        }
    ]
}


def mistakes_of(value: object) -> list[str]:
    with pytest.raises(SiteMistakes) as raised:
        parse_site(value)
    return list(raised.value.mistakes)


def test_a_good_description() -> None:
    (bus,) = parse_site(GOOD).buses
    assert (bus.name, bus.tty, bus.baud, bus.latency_ms, bus.echo) == ("A1", Path("/run/site/A1"), 9600, 0, False)
    first, second = bus.meters
    assert first.load == ShopLoad(8000, "restaurant", 4)
    assert (first.id, first.point, first.turnaround_ms, first.ct, first.pt) == ("表 1", "面馆", 5, 1, 1)
    assert second.load == ConstantLoad(100)
    assert (second.ct, second.turnaround_ms) == (40, 2.5)


def test_all_mistakes_are_told_at_once() -> None:
    bad = copy.deepcopy(GOOD)
    bus = bad["buses"][0]
    bus["baud"] = 9601
    bus["tty"] = "tty0"
    bus["parity"] = "even"
    bus["echo"] = 1
    first, second = bus["meters"]
    first["model"] = "adf300"
    first["unit"] = 0
    first["serial"] = "12345"
    first["load"]["profile"] = "bank"
    second["energy_wh"] = -1
    second["turnaround_ms"] = True
    second["load"] = 100
    del second["point"]
    bad["buses"].append("A2")
    bad["extra"] = None
    assert mistakes_of(bad) == [
        "site.buses[0].baud: 9601: must be one of 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200",
        'site.buses[0].tty: "tty0": must be an absolute path',
        "site.buses[0].echo: 1: must be true or false",
        'site.buses[0].meters[0].serial: "12345": must be 12 digits',
        'site.buses[0].meters[0].model: "adf300": must be one of adf400l_1ph, adf400l_3ph, dtsy1352, armable',
        "site.buses[0].meters[0].unit: 0: must be a whole number 1..247",
        'site.buses[0].meters[0].load.profile: "bank": must be one of restaurant, boutique, grocery, office, night',
        "site.buses[0].meters[1].energy_wh: -1: must be a whole number 0..42949672950",
        "site.buses[0].meters[1].load: 100: must be an object",
        "site.buses[0].meters[1].turnaround_ms: true: must be a number 0..5000",
        "site.buses[0].meters[1].point: missing: must be a text that is not empty",
        "site.buses[0].parity: unknown: the keys here are baud, echo, latency_ms, meters, name, tty",
        'site.buses[1]: "A2": must be an object',
        "site.extra: unknown: the keys here are buses, utc_offset_minutes",
    ]


def test_what_contradicts_itself() -> None:
    bad = copy.deepcopy(GOOD)
    second = copy.deepcopy(bad["buses"][0])
    second["meters"][1]["unit"] = 3
    bad["buses"].append(second)
    told = mistakes_of(bad)
    assert "site.buses[1].name: 'A1' is at site.buses[0] already: must be unique on the site" in told
    first = "is at site.buses[0].meters[0] already: must be unique on the site"
    assert f"site.buses[1].meters[0].point: '面馆' {first}" in told
    assert "site.buses[1].meters[1].unit: 3 belongs to '表 1' (adf400l_3ph at 1) on this bus already" in told
    assert len(told) == 9


def test_a_user_without_transformers_and_one_beyond_the_last_unit() -> None:
    bad = copy.deepcopy(GOOD)
    first, second = bad["buses"][0]["meters"]
    first["unit"] = 246
    assert mistakes_of(bad) == ["site.buses[0].meters[0].unit: 248, the last unit that the meter takes, is above 247"]
    second["model"] = "adf400l_1ph"
    assert mistakes_of(bad) == ["site.buses[0].meters[1].ct: 40: must be 1: adf400l_1ph has no transformers"]


@pytest.mark.parametrize("value", [None, [], "x", 3, {}, {"buses": []}, {"buses": {}}])
def test_what_is_no_site_at_all(value: object) -> None:
    assert len(mistakes_of(value)) == 1


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "site.json"
    path.write_text(json.dumps(GOOD), encoding="utf-8")
    assert load_site(path) == parse_site(GOOD)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(SiteMistakes, match="not JSON"):
        load_site(path)
