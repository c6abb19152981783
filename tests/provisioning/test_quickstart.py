"""The example files of `docs/quickstart.md` are good: what a reader copies, the commands take."""

import re
from pathlib import Path

import pytest

from edge_agent.config import read_box_file
from provisioning.cli import main

QUICKSTART = Path(__file__).parents[2] / "docs" / "quickstart.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with every file that the page shows, under the name in its first line."""
    for name, text in re.findall(r"```toml\n# (\S+)\n(.*?)```", QUICKSTART.read_text(), re.DOTALL):
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_plan_can_be_taken(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["site", "plan", str(folder / "street.toml")]) == 0, capsys.readouterr().err
    assert "1 boxes, 2 meters, 2 points, 2 customers, 2 wallets" in capsys.readouterr().out


def test_the_box_takes_its_settings(folder: Path) -> None:
    assert set(read_box_file(folder / "box.toml").buses) == {"A1-1", "A1-2"}


def test_every_command_of_ours_is_one() -> None:
    commands = re.findall(r"^provision ((?:site |box )?\w+)", QUICKSTART.read_text(), re.MULTILINE)
    assert set(commands) == {"init", "site plan", "site apply", "box add", "box list", "box confirm"}
    for command in commands:
        with pytest.raises(SystemExit) as ended:
            main([*command.split(), "--help"])
        assert ended.value.code == 0
