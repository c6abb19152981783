"""The unit files: systemd takes them, they are hardened, and what they promise is what the programs do."""

import configparser
import contextlib
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from cloud_server.background import FEED_EVERY_S
from edge_agent.health import STALLED_AFTER_MS
from tests.busy import busy
from tests.cloud_server.api.site_process import site_process
from tests.edge_agent.whole_box.whole_box import whole_box
from tests.fakes.fake_centre import make_authority

UNITS = ("tallybox-box.service", "tallybox-centre.service")
EXPOSURE_MAX = {"tallybox-box.service": 2.0, "tallybox-centre.service": 2.0}
"""What `systemd-analyze security` may find open, of 10: network, and for a box its serial ports."""
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed: unit files NOT checked")


def text_of(unit: str) -> str:
    return files("provisioning").joinpath("units", unit).read_text(encoding="utf-8")


def service_of(unit: str) -> configparser.SectionProxy:
    """The [Service] section; of a key given more than once the last."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign,assignment]  # systemd's keys tell cases apart
    parser.read_string(text_of(unit))
    return parser["Service"]


def analyze(folder: Path, unit: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """Ask systemd about a unit whose program stands in for the one that is not installed here."""
    path = folder / unit
    path.write_text(re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", text_of(unit)), encoding="utf-8")
    assert ANALYZE is not None
    line = [ANALYZE, *words, str(path)]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)


@needs_systemd
@pytest.mark.parametrize("unit", UNITS)
def test_systemd_takes_the_unit(tmp_path: Path, unit: str) -> None:
    done = analyze(tmp_path, unit, "verify")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("unit", UNITS)
def test_the_unit_is_hardened(tmp_path: Path, unit: str) -> None:
    done = analyze(tmp_path, unit, "security", "--offline=yes", "--no-pager")
    found = re.search(r"Overall exposure level for \S+: (\d+\.\d)", done.stdout)
    assert found is not None, done.stderr
    assert float(found[1]) <= EXPOSURE_MAX[unit], done.stdout


@pytest.mark.parametrize("unit", UNITS)
def test_what_the_service_manager_is_promised(unit: str) -> None:
    service = service_of(unit)
    wanted = {"Type": "notify", "Restart": "always", "NoNewPrivileges": "yes", "ProtectSystem": "strict"}
    assert {key: service[key] for key in wanted} == wanted
    assert service["User"] != "root"
    assert service["StateDirectory"] == service["User"]
    assert service["StateDirectoryMode"] == "0700"


def test_a_box_has_no_capability_and_its_drop_in_only_the_clock() -> None:
    service, drop_in = service_of(UNITS[0]), service_of("tallybox-box-clock.conf")
    assert service["CapabilityBoundingSet"] == service["AmbientCapabilities"] == ""
    assert drop_in["CapabilityBoundingSet"] == drop_in["AmbientCapabilities"] == "CAP_SYS_TIME"
    assert drop_in["ProtectClock"] == "no", "it would take the capability away"
    assert drop_in["SystemCallFilter"] == "clock_settime", "allowed again behind what forbids the group"
    assert drop_in["DeviceAllow"] == "char-rtc rw", "the battery's clock is set too"
    assert 'GROUP="tallybox"' in text_of("91-tallybox-clock.rules")
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"


@needs_systemd
def test_systemd_takes_the_mount_of_a_stick(tmp_path: Path) -> None:
    """An instance of it; nothing on a stick can run, be a device, or be seen by others."""
    path = tmp_path / "tallybox-stick@sda1.service"
    path.write_text(text_of("tallybox-stick@.service"), encoding="utf-8")
    assert ANALYZE is not None
    done = subprocess.run([ANALYZE, "verify", str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    options = set(re.findall(r"-o (\S+) ", path.read_text(encoding="utf-8"))[0].split(","))
    assert {"nosuid", "nodev", "noexec", "uid=tallybox", "umask=0077"} <= options
    assert "tallybox-stick@%k.service" in text_of("90-tallybox-stick.rules")


def test_a_box_may_use_its_serial_ports() -> None:
    assert service_of(UNITS[0])["SupplementaryGroups"] == "dialout"
    assert "DeviceAllow=char-ttyUSB rw" in text_of(UNITS[0])


def test_a_watchdog_is_fed_twice_before_it_bites() -> None:
    assert int(service_of(UNITS[0])["WatchdogSec"]) * 1_000 >= 2 * STALLED_AFTER_MS
    assert int(service_of(UNITS[1])["WatchdogSec"]) >= 2 * FEED_EVERY_S


@contextlib.contextmanager
def listening(folder: Path) -> Iterator[socket.socket]:
    """The service manager's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(folder / "notify"))
        heard.settimeout(20)
        yield heard


def hear(heard: socket.socket, word: str) -> None:
    """Wait until a word is said."""
    until = time.monotonic() + 60
    while heard.recv(100).decode() != word:
        assert time.monotonic() < until, f"{word} was not said"


def test_the_agent_says_when_it_is_ready_feeds_and_stops(tmp_path: Path) -> None:
    (tmp_path / "ca").mkdir()
    with listening(tmp_path) as heard, whole_box(tmp_path, make_authority(tmp_path / "ca")) as box:
        box.environment = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
        box.enrol()
        box.start()
        for word in ("READY=1", "WATCHDOG=1"):
            hear(heard, word)
        began = time.monotonic()
        assert box.end() == 0
        assert time.monotonic() - began < 5 * busy()
        hear(heard, "STOPPING=1")


def test_the_centre_says_when_it_is_ready_feeds_and_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(tmp_path) as heard:
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with site_process(tmp_path) as site:
            hear(heard, "READY=1")
            hear(heard, "WATCHDOG=1")
            assert site.stop() == 0
            hear(heard, "STOPPING=1")
