"""Libraries at home, cores pure, terminals the only ones to print, every module opened by its laws."""

from collections.abc import Callable

import pytest

from tests.house_rules.architecture import (
    HOMES,
    PRINTING,
    empty_names,
    floats,
    homeless_imports,
    impurities,
    prints,
    without_docstring,
)
from tests.house_rules.source_tree import PACKAGES, Breach, Module, module_from_text, report, shipped_modules

RULES = [homeless_imports, impurities, prints, without_docstring, empty_names]


@pytest.mark.parametrize("rule", RULES)
def test_the_shipped_packages_keep(rule: Callable[[Module], list[Breach]]) -> None:
    breaches = [breach for module in shipped_modules() for breach in rule(module)]
    assert not breaches, report(breaches)


def test_the_rules_look_at_all_four_packages() -> None:
    assert {module.package for module in shipped_modules()} == set(PACKAGES)


def test_homes_lie_inside_our_packages() -> None:
    homes = {home for places in HOMES.values() for home in places} | set(PRINTING)
    assert {home.partition(".")[0] for home in homes} <= set(PACKAGES)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("edge_agent/core/supply.py", "import pymodbus.pdu"),
        ("edge_agent/flows/poll_meters.py", "from serial import Serial"),
        ("edge_agent/bus/line.py", "import peewee"),
        ("edge_agent/sync/uplink.py", "from cryptography import x509"),
        ("protocol/chain.py", "from cryptography.hazmat.primitives import hashes"),
        ("protocol/messages.py", "import zstandard"),
        ("protocol/units.py", "import httpx"),
        ("cloud_server/flows/sell_credit.py", "from fastapi import HTTPException"),
        ("cloud_server/app.py", "def wire():\n    import requests"),
        ("provisioning/simulator/meters.py", "from pymodbus.framer import FramerRTU"),
        ("provisioning/demo.py", "import importlib\nimportlib.import_module('peewee')"),
    ],
)
def test_a_library_outside_its_home_is_found(path: str, text: str) -> None:
    assert len(homeless_imports(module_from_text(path, text))) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("edge_agent/bus/line.py", "import serial\nfrom pymodbus.pdu import DecodePDU"),
        ("edge_agent/bus/__init__.py", "import serial"),
        ("edge_agent/schedule.py", "from apscheduler.schedulers.background import BackgroundScheduler"),
        ("protocol/signing.py", "from cryptography.exceptions import InvalidSignature"),
        ("protocol/envelope.py", "import zstandard"),
        ("edge_agent/core/supply.py", "import msgspec\nimport socket\nfrom protocol import units"),
    ],
)
def test_a_library_at_home_passes(path: str, text: str) -> None:
    assert homeless_imports(module_from_text(path, text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "from datetime import datetime, UTC\nat = datetime.now(UTC)",
        "import datetime as when\nat = when.datetime.utcnow()",
        "from datetime import datetime as moment\nat = moment.now()",
        "from datetime import date\nday = date.today()",
        "from datetime import datetime\nread = datetime.now",
        "at = clock.now()",
        "from datetime import datetime\nat = datetime.fromtimestamp(0)",
        "local = at.astimezone()",
        "import time",
        "from time import monotonic",
        "from uuid import uuid4",
        "import random",
        "import secrets",
        "import os",
        "from pathlib import Path",
        "import socket",
        "import sqlite3",
        "import logging",
        "import threading",
        "import peewee",
        "from serial import Serial",
        "rows = open('rows.json')",
        "print('charged')",
        "number = hash('wallet')",
        "from zoneinfo import ZoneInfo\nzone = ZoneInfo('Asia/Shanghai')",
        "def count():\n    global total\n    total = 1",
        "def later():\n    import time",
    ],
)
def test_an_impurity_in_a_core_is_found(text: str) -> None:
    assert len(impurities(module_from_text("edge_agent/core/supply.py", text))) == 1


@pytest.mark.parametrize(
    "path",
    [
        "protocol/tariff.py",
        "cloud_server/core/accounts.py",
        "provisioning/commission/findings.py",
        "edge_agent/core/relay.py",
    ],
)
def test_all_pure_places_are_watched(path: str) -> None:
    assert len(impurities(module_from_text(path, "import time"))) == 1


def test_pure_code_passes_and_shells_may_do_what_cores_may_not() -> None:
    pure = "from datetime import UTC, datetime\nat = datetime.fromtimestamp(0, UTC)\nday = at.date()"
    assert impurities(module_from_text("edge_agent/core/supply.py", pure)) == []
    zone = "from zoneinfo import ZoneInfo\nzone = ZoneInfo('Asia/Shanghai')"
    assert impurities(module_from_text("protocol/zone.py", zone)) == []
    shell = "import time\nfrom datetime import UTC, datetime\nat = datetime.now(UTC)"
    assert impurities(module_from_text("edge_agent/clock.py", shell)) == []
    assert impurities(module_from_text("edge_agent/core_of_it.py", shell)) == []


@pytest.mark.parametrize("text", ["share = 0.5", "price = float(text)", "micro = round(nano, -3)", "spread = 1e-3"])
def test_a_float_in_a_core_is_found(text: str) -> None:
    assert len(floats(module_from_text("cloud_server/core/posting_rules.py", text))) == 1
    assert floats(module_from_text("edge_agent/bus/decode.py", text)) == []


def test_a_print_outside_the_terminals_is_found() -> None:
    text = "def poll():\n    print('polled')"
    assert len(prints(module_from_text("edge_agent/flows/poll_meters.py", text))) == 1
    assert prints(module_from_text("edge_agent/console/watch.py", text)) == []
    assert prints(module_from_text("cloud_server/cli.py", text)) == []


def test_a_module_without_docstring_is_found() -> None:
    assert len(without_docstring(module_from_text("protocol/units.py", "x = 1"))) == 1
    assert len(without_docstring(module_from_text("protocol/__init__.py", ""))) == 1
    assert without_docstring(module_from_text("protocol/units.py", '"""Units."""')) == []


def test_an_empty_name_is_found() -> None:
    assert len(empty_names(module_from_text("edge_agent/utils.py", ""))) == 1
    assert len(empty_names(module_from_text("cloud_server/helpers/money.py", ""))) == 1
    assert empty_names(module_from_text("edge_agent/bus/line.py", "")) == []
