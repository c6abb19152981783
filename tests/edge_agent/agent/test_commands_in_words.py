"""What a command says where something stands in its way: one line of words, what would be right, an exit code."""

import errno
import os
import socket
from pathlib import Path

import pytest

from edge_agent.agent import offline
from edge_agent.agent.terminal import FAILED, WRONG
from edge_agent.cli import main
from edge_agent.console.local_socket import NAME, AgentUnreachable, ask
from edge_agent.ports import StoreFault
from edge_agent.store.database import FolderLock
from edge_agent.sync.identity import IdentityFault, read_identity

FROM_STORE = [("batches", "show"), ("batches", "show", "--json"), ("courier", "export", "--to", "out.jsonl")]


@pytest.fixture
def box_toml(tmp_path: Path) -> Path:
    """A box that was never enrolled, with a port that is none."""
    (tmp_path / "state").mkdir()
    file = tmp_path / "box.toml"
    file.write_text(f'state_dir = "state"\nclaim = "claim.toml"\n[bus.A1]\nserial = "{tmp_path}/tty"\n', "utf-8")
    return file


def said(capsys: pytest.CaptureFixture[str], box_toml: Path, *words: str) -> tuple[int, str]:
    """Exit code and what stands on stderr."""
    code = main([*words, "--config", str(box_toml)])
    return code, capsys.readouterr().err


@pytest.mark.parametrize("words", FROM_STORE, ids=" ".join)
def test_a_box_that_is_not_enrolled_says_so_and_gets_no_store(
    words: tuple[str, ...], box_toml: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = box_toml.parent / "state"
    told = f"{state}: this box is not enrolled; run `edge-agent enrol`\n"
    assert said(capsys, box_toml, *words) == (FAILED, told)
    assert list(state.iterdir()) == [], "whoever looks leaves nothing behind that the agent's user could not write"


def test_a_bus_is_looked_at_before_the_box_is_enrolled(box_toml: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("scan", "--bus", "A1", "--units", "1"), ("profile", "try", "acrel_dtsy1352", "--bus", "A1")):
        code, told = said(capsys, box_toml, *words)
        assert (code, "there is no such port; is the adapter plugged in?" in told) == (FAILED, True), told


@pytest.mark.parametrize("words", FROM_STORE, ids=" ".join)
def test_what_the_machine_does_not_allow_is_told_with_what_would_be_right(
    words: tuple[str, ...], box_toml: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> object:
        raise PermissionError(errno.EACCES, "Permission denied", str(box_toml.parent / "state" / "box.db"))

    (box_toml.parent / "state" / "box.db").touch()
    monkeypatch.setattr(offline, "open_store", refuse)
    code, told = said(capsys, box_toml, *words)
    assert code == FAILED
    assert told.endswith("box.db: Permission denied; right would be root or the agent's user, for example by sudo\n")


@pytest.mark.parametrize(
    "words",
    [
        ("watch",),
        ("relay-test", "--meter", "M0", "--who", "Li", "--yes"),
        ("lock-out", "--meter", "M0", "--who", "Li"),
        ("note-replacement", "--meter", "M0", "--new-serial", "X", "--who", "Li"),
    ],
    ids=lambda words: str(words[0]),
)
def test_where_no_agent_runs_it_is_said_how_to_start_it(
    words: tuple[str, ...], box_toml: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = said(capsys, box_toml, *words)
    assert code == FAILED
    assert told.endswith(f"{NAME}: it does not run; right would be `systemctl start tallybox-box`\n")


def test_what_belongs_to_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left_behind:
        left_behind.bind(str(tmp_path / NAME))
    with pytest.raises(AgentUnreachable, match="it does not run"):
        ask(tmp_path, "status")

    def refuse(path: object, *_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    with monkeypatch.context() as denied:
        denied.setattr(os, "open", refuse)
        with pytest.raises(AgentUnreachable, match="Permission denied; right would be root or the agent's user"):
            ask(tmp_path, "status")
        with pytest.raises(StoreFault, match="Permission denied; right would be root or the agent's user"):
            FolderLock(tmp_path)
    with pytest.raises(IdentityFault, match="No such file or directory; run `edge-agent enrol`"):
        read_identity(tmp_path)
    with monkeypatch.context() as denied:
        denied.setattr(Path, "stat", refuse)
        with pytest.raises(IdentityFault, match="Permission denied; right would be root or the agent's user"):
            read_identity(tmp_path)


def test_a_state_dir_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    with pytest.raises(StoreFault, match="Not a directory; right would be a folder of the agent's user"):
        FolderLock(tmp_path / "state")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("scan", "--port", "10.0.0.1:99999"), WRONG, "--port 10.0.0.1:99999: right would be HOST:PORT"),
        (("scan", "--port", "10.0.0.1:"), WRONG, "--port 10.0.0.1:: right would be HOST:PORT"),
        (("scan", "--port", "/etc/hosts", "--units", "1"), FAILED, "/etc/hosts: it is no serial port"),
        (("scan", "--port", "/tmp", "--units", "1"), FAILED, "/tmp: it is no serial port"),
        (("profile", "try", "waveshare_modbus_rtu_relay", "--port", "/dev/none"), WRONG, "this is a relay board"),
    ],
    ids=lambda value: value[2] if isinstance(value, tuple) else None,
)
def test_ports_and_profiles_that_are_none(
    words: tuple[str, ...], code: int, told: str, box_toml: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, err = said(capsys, box_toml.with_name("none.toml"), *words)
    assert (found, told in err) == (code, True), err


def test_batches_count_from_one(box_toml: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=str(WRONG)):
        main(["batches", "show", "--from", "-1", "--config", str(box_toml)])
    assert "'-1': right would be a whole number from 1" in capsys.readouterr().err
