"""The section of the configuration, the secret of the links, and the worker as it is wired beside the centre."""

import time
from pathlib import Path

import pytest

from cloud_server.config import read_config
from cloud_server.config_reader import ConfigFault
from cloud_server.message_wiring import link_secret
from cloud_server.wiring import wire
from provisioning.simulator.gsm_modem import SimulatedModem
from tests.cloud_server.site_rig import make_folder, open_rig


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    make_folder(tmp_path)
    return tmp_path / "site" / "centre.toml"


def add(path: Path, text: str) -> None:
    path.write_text(f"{path.read_text()}\n{text}\n", encoding="utf-8")


def test_without_a_section_there_is_no_modem_and_no_way(settings: Path) -> None:
    place = read_config(settings).messages
    assert (place.modem, place.ways, place.pin_file) == (None, {}, None)
    assert place.link_secret == settings.parent / "state" / "customer-links.key"


def test_everything_is_read(settings: Path) -> None:
    (settings.parent / "sim.pin").write_text("1234\n")
    (settings.parent / "group.url").write_text("json://127.0.0.1/x\n")
    add(
        settings,
        '[messages]\nmodem = "/dev/modem"\nbaud = 9600\npin_file = "sim.pin"\nsmsc = "+8613800100500"\n'
        'link_secret = "links.key"\n[messages.ways]\n"值班群" = "group.url"',
    )
    place = read_config(settings).messages
    assert (place.modem, place.baud, place.smsc) == ("/dev/modem", 9_600, "+8613800100500")
    assert place.ways == {"值班群": settings.parent / "group.url"}
    assert place.link_secret == settings.parent / "links.key"


def test_every_mistake_is_named(settings: Path) -> None:
    add(
        settings,
        '[messages]\nmodem = ""\nbaud = 1\nsmsc = "none"\npin_file = "gone.pin"\nspeed = 1\n'
        '[messages.ways]\n"群" = "gone.url"',
    )
    with pytest.raises(ConfigFault) as found:
        read_config(settings)
    said = " ".join(found.value.mistakes)
    for key in (
        "messages.modem",
        "messages.baud = 1",
        "messages.smsc = 'none'",
        "gone.pin",
        "messages.speed",
        "gone.url",
    ):
        assert key in said


def test_the_secret_is_made_once_for_our_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "links.key"
    assert link_secret(path, b"a" * 32) == b"a" * 32
    assert path.stat().st_mode & 0o777 == 0o400
    assert link_secret(path, b"b" * 32) == b"a" * 32
    path.chmod(0o644)
    assert link_secret(path, b"b" * 32) == b"a" * 32
    assert path.stat().st_mode & 0o077 == 0


def test_the_wired_worker_opens_the_modem_and_lets_it_go(tmp_path: Path) -> None:
    with open_rig(tmp_path) as rig:
        rig.plan(boxes=1)
    settings = tmp_path / "site" / "centre.toml"
    with SimulatedModem(tmp_path / "modem") as simulated:
        add(settings, f'[messages]\nmodem = "{simulated.link}"')
        parts = wire(read_config(settings))
        try:
            parts.messages.worker.start()
            until = time.monotonic() + 60
            while (state := parts.messages.desk.outbox().modem) is None or not state.sends:
                assert time.monotonic() < until, state
                time.sleep(0.05)
            assert state.signal_dbm == -71
        finally:
            parts.messages.worker.stop()
            parts.close()
        assert "AT+CMGF=0" in simulated.commands
