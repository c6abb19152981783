"""The contracts on who may import whom (pyproject.toml) hold, and each of them fails on a planted breach."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house_rules.source_tree import PACKAGES, ROOT

CLEAN = {
    "protocol/units.py": "",
    "edge_agent/core/supply.py": "import protocol.units",
    "edge_agent/ports.py": "import edge_agent.core.supply",
    "edge_agent/bus/line.py": "import edge_agent.ports",
    "edge_agent/store/records.py": "import edge_agent.ports",
    "edge_agent/flows/poll_meters.py": "import edge_agent.ports",
    "edge_agent/config.py": "import edge_agent.bus.line",
    "edge_agent/agent.py": "import edge_agent.config, edge_agent.flows.poll_meters, edge_agent.store.records",
    "edge_agent/cli.py": "import edge_agent.agent",
    "edge_agent/__main__.py": "import edge_agent.cli",
    "cloud_server/core/accounts.py": "import protocol.units",
    "cloud_server/store/ledger.py": "import cloud_server.core.accounts",
    "cloud_server/flows/sell_credit.py": "import cloud_server.core.accounts",
    "cloud_server/web/routes.py": "import cloud_server.flows.sell_credit",
    "cloud_server/api/staff.py": "import cloud_server.flows.sell_credit",
    "cloud_server/app.py": "import cloud_server.web.routes, cloud_server.store.ledger",
    "provisioning/commission.py": "import edge_agent.bus.line, edge_agent.config, protocol.units",
    "provisioning/simulator/meters.py": "",
}
"""A small house in which every import is allowed."""

BREACHES = {
    "protocol imports nothing of ours": ("protocol/tariff.py", "import edge_agent.core.supply"),
    "the agent never knows the centre": ("edge_agent/sync/uplink.py", "import cloud_server.core.accounts"),
    "the centre never knows the agent": ("cloud_server/flows/receive_batch.py", "import edge_agent.core.supply"),
    "nobody shipped knows provisioning": ("edge_agent/health.py", "import provisioning.commission"),
    "a core of the agent knows no shell": ("edge_agent/core/relay.py", "import edge_agent.store.records"),
    "siblings of the agent are strangers": ("edge_agent/flows/recover.py", "import edge_agent.bus.line"),
    "nobody below imports the wiring of the agent": ("edge_agent/schedule.py", "import edge_agent.agent"),
    "a core of the centre knows no port": ("cloud_server/core/roles.py", "import cloud_server.ports"),
    "siblings of the centre are strangers": ("cloud_server/flows/refund.py", "import cloud_server.store.ledger"),
    "pages and the interface for programs are strangers": ("cloud_server/web/live.py", "import cloud_server.api.staff"),
    "provisioning knows no inside of the agent": ("provisioning/demo.py", "import edge_agent.agent"),
    "provisioning does not know the centre": ("provisioning/keys.py", "import cloud_server.app"),
    "the simulator knows no profile reader": ("provisioning/simulator/street.py", "import edge_agent.bus.line"),
    "the simulator knows no agent by a detour": ("provisioning/simulator/loads.py", "import provisioning.commission"),
    "every module has its place": ("edge_agent/extra.py", ""),
}


def build(house: Path, files: dict[str, str]) -> None:
    """Write a tree of packages under our contracts."""
    shutil.copy(ROOT / "pyproject.toml", house)
    for package in PACKAGES:
        (house / package).mkdir(exist_ok=True)
        (house / package / "__init__.py").touch()
    for path, text in files.items():
        file = house / path
        file.parent.mkdir(parents=True, exist_ok=True)
        (file.parent / "__init__.py").touch()
        file.write_text(text, encoding="utf-8")


def verdict(house: Path) -> tuple[int, str]:
    """Exit code and words of import-linter run in a folder."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    run = subprocess.run([*command, "--no-cache"], cwd=house, capture_output=True, text=True, check=False)
    return run.returncode, run.stdout + run.stderr


def test_our_tree_keeps_the_contracts() -> None:
    code, words = verdict(ROOT)
    assert code == 0, words


def test_a_clean_house_passes(tmp_path: Path) -> None:
    build(tmp_path, CLEAN)
    code, words = verdict(tmp_path)
    assert code == 0, words


@pytest.fixture(scope="module")
def words_on_all_breaches(tmp_path_factory: pytest.TempPathFactory) -> str:
    house = tmp_path_factory.mktemp("house")
    targets = {"cloud_server/ports.py": ""}
    build(house, CLEAN | targets | dict(BREACHES.values()))
    code, words = verdict(house)
    assert code == 1, words
    return words


@pytest.mark.parametrize("rule", BREACHES)
def test_a_planted_breach_is_named(rule: str, words_on_all_breaches: str) -> None:
    path, _ = BREACHES[rule]
    culprit = path.removesuffix(".py").replace("/", ".")
    assert culprit in words_on_all_breaches
