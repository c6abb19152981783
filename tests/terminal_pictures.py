"""`python -m tests.terminal_pictures`: the box's commands as they really look, one SVG each, into docs/images/terminal.

A box of two simulated meters, its centre played, in a folder of its own; what the commands print is drawn as it is.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from protocol.commands import InService
from protocol.courier import name_to_box, write_file
from provisioning.bundle import make_bundle
from tests.edge_agent.core.street import BOX, METERS, SITE
from tests.edge_agent.whole_box.test_upgrade import make_wheel
from tests.edge_agent.whole_box.whole_box import WholeBox, config_of, grant_of, whole_box
from tests.fakes.fake_centre import key, make_authority

TO: Final = Path(__file__).parents[1] / "docs" / "images" / "terminal"
COLUMNS_MAX: Final = 110
LINE_PX: Final = 18
CHARACTER_PX: Final = 8.4
EDGE_PX: Final = 14
LINES_SHOWN: Final = 24
"""Enough to know a long output again."""
WATCHED_S: Final = 4.0


def picture(command: str, output: str) -> str:
    """A terminal as SVG: the command behind a prompt, and what came."""
    lines = [f"$ {command}"]
    for line in output.rstrip("\n").split("\n"):
        lines += [line[at : at + COLUMNS_MAX] for at in range(0, max(len(line), 1), COLUMNS_MAX)]
    width = round(max(len(line) for line in lines) * CHARACTER_PX) + 2 * EDGE_PX
    height = len(lines) * LINE_PX + 2 * EDGE_PX
    texts = [
        f'<text x="{EDGE_PX}" y="{EDGE_PX + (row + 1) * LINE_PX - 5}" fill="{"#8bd5a0" if row == 0 else "#e6e6e6"}"'
        f' xml:space="preserve">{escape(line)}</text>'
        for row, line in enumerate(lines)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-size="14"'
        ' font-family="DejaVu Sans Mono, Menlo, Consolas, monospace">\n'
        f'<rect width="100%" height="100%" rx="6" fill="#1e2227"/>\n{chr(10).join(texts)}\n</svg>\n'
    )


class Camera:
    """Runs commands of a box and draws them; paths of this machine are shown as a box's."""

    def __init__(self, box: WholeBox) -> None:
        self.box = box

    def take(self, name: str, *words: str, shown: str | None = None) -> None:
        done = self.box.command(*words, timeout_s=180)
        output = "".join(line for line in (done.stdout + done.stderr).splitlines(True) if "sqlite_version" not in line)
        if name.endswith("-json"):
            output = "\n".join(output.splitlines()[:20])
        told = f"{output.rstrip()}\n(exit code {done.returncode})" if done.returncode else output
        self.draw(name, shown or f"edge-agent {' '.join(words)}", told)

    def draw(self, name: str, command: str, output: str) -> None:
        for real, seen in ((str(self.box.state_dir), "/var/lib/tallybox"), (str(self.box.folder), "/etc/tallybox")):
            command, output = command.replace(real, seen), output.replace(real, seen)
        (TO / f"{name}.svg").write_text(picture(command, output), encoding="utf-8")
        sys.stdout.write(f"{name}\n")


def main() -> int:
    """Draw everything anew."""
    shutil.rmtree(TO, ignore_errors=True)
    TO.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="tbpic") as name:
        folder = Path(name)
        with whole_box(folder, make_authority(folder), config_of(switch_pause_s=0)) as box:
            _draw(Camera(box), box, folder)
    return 0


def _draw(camera: Camera, box: WholeBox, folder: Path) -> None:
    _help(camera)
    camera.take("check", "check")
    camera.take("enrol", "enrol")
    box.start()
    box.centre.command(grant_of(0, 100, 1))
    box.centre.wait_for(lambda: box.status()["commands"]["seq"] == 1, 60)
    camera.take("relay-test", "relay-test", "--meter", "M0", "--who", "Li", "--yes")
    camera.take("guard-test", "guard-test", "--meter", "M0", "--who", "Li", "--yes")
    box.centre.command(InService(meter=METERS[0], on=True))
    time.sleep(3)
    camera.take("status", "status")
    camera.take("status-json", "status", "--json", shown="edge-agent status --json | head -20")
    camera.take("lock-out", "lock-out", "--meter", "M1", "--who", "Li")
    words = ("--meter", "M1", "--new-serial", "760000000042", "--old-kwh", "1000.12", "--new-kwh", "0", "--who", "Li")
    camera.take("note-replacement", "note-replacement", *words)
    stick = folder / "stick" / "tallybox"
    stick.mkdir(parents=True)
    box.centre.swallow = 1_000
    (stick / name_to_box(BOX, 3, 3)).write_bytes(write_file([box.centre.command(grant_of(0, 50, 2))]))
    camera.take("courier-import", "courier", "import", str(folder / "stick"))
    camera.take("courier-export", "courier", "export", "--to", str(folder / "stick"))
    _upgrade(camera, folder)
    _meters(camera, box)
    _log(camera, box)
    box.end()
    camera.take("batches-show", "batches", "show")


def _help(camera: Camera) -> None:
    done = subprocess.run([sys.executable, "-m", "edge_agent", "--help"], capture_output=True, text=True, check=True)
    camera.draw("help", "edge-agent --help", done.stdout.replace("python -m edge_agent", "edge-agent"))


def _meters(camera: Camera, box: WholeBox) -> None:
    """What an electrician asks the bus, lent by the running agent."""
    camera.take("scan", "scan", "--bus", "A1", "--units", "1-4")
    camera.take("profile-try", "profile", "try", "acrel_dtsy1352", "--bus", "A1", "--unit", "1")
    words = ("profile", "check", "acrel_dtsy1352")
    done = subprocess.run([sys.executable, "-m", "edge_agent", *words], capture_output=True, text=True, check=True)
    camera.draw("profile-check", f"edge-agent {' '.join(words)}", "\n".join(done.stdout.splitlines()[:LINES_SHOWN]))
    watch = [sys.executable, "-m", "edge_agent", "watch", "--config", str(box.box_toml)]
    with subprocess.Popen(watch, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as watching:
        time.sleep(WATCHED_S)
        watching.terminate()
        shown = watching.communicate()[0]
    camera.draw("watch", "edge-agent watch", shown.split("\x1b[H\x1b[2J")[-1])


def _log(camera: Camera, box: WholeBox) -> None:
    """What `run` writes for the journal of the service manager."""
    camera.draw("run", "edge-agent run", "\n".join(box.log.read_text(encoding="utf-8").splitlines()[:LINES_SHOWN]))


def _upgrade(camera: Camera, folder: Path) -> None:
    make_wheel(folder / "wheels", "0.0.1")
    make_bundle(SITE, "0.0.1", folder / "wheels", key(1), folder / "tallybox-box-0.0.1.bundle")
    camera.take("upgrade-refused", "upgrade", str(folder / "tallybox-box-0.0.1.bundle"))


if __name__ == "__main__":
    sys.exit(main())
