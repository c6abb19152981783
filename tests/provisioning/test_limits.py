"""Limits signed by the root: numbers that rise, one file for site and boxes, taken by the centre and by a box."""

import json
from pathlib import Path

import pytest

from cloud_server.authority import KeyFolder
from cloud_server.config import read_config
from edge_agent.flows.answers import read_limits
from protocol.signing import public_key_from_text
from provisioning.cli import main

URL = "https://127.0.0.1:18443"
BOX, OTHER, METER = "a" * 32, "b" * 32, "d" * 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "site"
    assert main(["init", "--dir", str(made), "--site", "A", "--url", URL, "--yes", "--json", "--no-passphrase"]) == 0
    return made


def limits(folder: Path, *words: str) -> int:
    bounds = ["--greatest-grant", "5000.00", "--greatest-price", "2.5"]
    return main(["limits", "--dir", str(folder), "--no-passphrase", "--yes", "--json", *bounds, *words])


def load(folder: Path) -> KeyFolder:
    config = read_config(folder / "centre.toml")
    return KeyFolder(config.keys_dir, config.keys_line, config.limits_line, config.root_public, config.site.site)


def test_a_line_is_signed_named_in_the_settings_and_believed_by_a_box(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert limits(folder, "--protected", METER) == 0
    assert json.loads(capsys.readouterr().out)["limits_generation"] == 1
    config = read_config(folder / "centre.toml")
    assert config.limits_line == folder / "keys" / "limits.line"
    line = load(folder).limits_for(BOX, 0)
    assert line is not None
    root = public_key_from_text((folder / "keys" / "root.pub").read_text().strip())
    read = read_limits(line, root, config.site.site, BOX)
    assert (read.greatest_grant_micro, read.greatest_price_micro) == (5_000_000_000, 2_500_000)
    assert read.protected_always == [METER]
    assert load(folder).limits_for(BOX, 1) is None, "the box keeps them already"


def test_numbers_rise_and_a_box_may_have_its_own(folder: Path) -> None:
    assert [limits(folder), limits(folder, "--box", BOX), limits(folder, "--box", OTHER)] == [0, 0, 0]
    keys = load(folder)
    assert [generation(keys, box) for box in (BOX, OTHER, "c" * 32)] == [2, 3, 1]
    assert limits(folder, "--box", BOX) == 0
    assert [generation(load(folder), box) for box in (BOX, OTHER, "c" * 32)] == [4, 3, 1]
    assert limits(folder) == 0, "for all: nobody has limits of his own any more"
    assert [generation(load(folder), box) for box in (BOX, OTHER, "c" * 32)] == [5, 5, 5]
    assert (folder / "centre.toml").read_text().count("limits_line") == 1


def generation(keys: KeyFolder, box: str) -> int:
    """The number of the limits that a box gets that has none."""
    line = keys.limits_for(box, 0)
    assert line is not None
    return int(json.loads(line.payload)["limits_generation"])


def test_every_mistake_is_named_and_nothing_is_signed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    words = ["--greatest-grant", "lots", "--greatest-price", "-1", "--box", "A1", "--protected", "m"]
    assert main(["limits", "--dir", str(folder), "--no-passphrase", "--yes", *words]) == 2
    said = capsys.readouterr().err
    assert [word for word in ("--box", "--greatest-grant", "--greatest-price", "--protected") if word not in said] == []
    assert not (folder / "keys" / "limits.line").exists()


def test_a_file_that_another_root_signed_is_refused(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    main(["init", "--dir", str(other), "--site", "B", "--url", URL, "--yes", "--json", "--no-passphrase"])
    assert limits(other) == 0
    (folder / "keys" / "limits.line").write_bytes((other / "keys" / "limits.line").read_bytes())
    assert limits(folder) == 2
    assert limits(folder, "--root", str(other / "root")) == 2
