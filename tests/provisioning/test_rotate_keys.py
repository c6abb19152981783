"""A new command key: generations in order, the old line kept, a cut between any two files mended by the next run."""

import json
from pathlib import Path

import pytest

from cloud_server.authority import KeyFolder
from provisioning import rotate_keys
from provisioning.cli import main
from provisioning.init_site import site_of
from provisioning.rotate_keys import RotationFault, carry_out, plan


class PowerCut(BaseException):
    """Nothing is tidied up behind it."""


URL = "https://127.0.0.1:18443"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "site"
    assert main(["init", "--dir", str(made), "--site", "A", "--url", URL, "--yes", "--json", "--no-passphrase"]) == 0
    return made


def load(folder: Path) -> KeyFolder:
    keys = folder / "keys"
    return KeyFolder(keys, keys / "keys.line", None, keys / "root.pub", site_of(folder / "centre.toml"))


def rotate(folder: Path) -> int:
    return carry_out(plan(folder, folder / "root"), None)


def test_the_next_generation_has_another_key_and_the_old_one_is_still_believed(folder: Path) -> None:
    before = load(folder)
    assert rotate(folder) == 2
    after = load(folder)
    assert after.keys.key_generation == 2
    assert after.keys.command_keys != before.keys.command_keys
    assert after.keys.answer_keys == before.keys.answer_keys
    assert set(before.command_keys) < set(after.command_keys)
    assert (folder / "keys" / "command.key").stat().st_mode & 0o777 == 0o400


def test_generations_follow_each_other(folder: Path) -> None:
    assert [rotate(folder) for _ in range(3)] == [2, 3, 4]
    assert sorted(path.name for path in (folder / "keys").glob("keys-*.line")) == [
        "keys-1.line",
        "keys-2.line",
        "keys-3.line",
    ]
    assert len(load(folder).command_keys) == 4


@pytest.mark.parametrize("cut", range(5))
def test_a_cut_between_any_two_files_is_mended_by_the_next_run(
    cut: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = 0

    def counted(name: str, real: object) -> object:
        def step(*words: object, **named: object) -> object:
            nonlocal taken
            if taken == cut:
                raise PowerCut(name)
            taken += 1
            return real(*words, **named)  # type: ignore[operator]  # whatever is wrapped

        return step

    with monkeypatch.context() as patched:
        for name in ("write_secret_key", "write_file"):
            patched.setattr(f"provisioning.rotate_keys.{name}", counted(name, getattr(rotate_keys, name)))
        patched.setattr(Path, "replace", counted("replace", Path.replace))
        with pytest.raises(PowerCut):
            rotate(folder)
    assert rotate(folder) == 2
    assert load(folder).keys.key_generation == 2
    assert not list((folder / "keys").glob("*.next"))


def test_another_sites_root_signs_nothing(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    main(["init", "--dir", str(other), "--site", "B", "--url", URL, "--yes", "--json", "--no-passphrase"])
    with pytest.raises(RotationFault, match="root of another site"):
        carry_out(plan(folder, other / "root"), None)
    assert load(folder).keys.key_generation == 1


def test_the_command_shows_what_it_does(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["rotate-command-key", "--dir", str(folder), "--no-passphrase", "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["key_generation"] == 2
    (folder / "keys" / "keys.line").unlink()
    assert main(["rotate-command-key", "--dir", str(folder), "--no-passphrase", "--yes"]) == 1
    assert "keys.line: cannot be read" in capsys.readouterr().err
